/* SPDX-License-Identifier: MIT */
/*
 * proto/command.c: the table is sound, names are found, rpc.describe says what
 * the table says.
 */
#include "tests/unit/rows.h"

#include "proto/command.h"

static bool
is_sentence(const char *text)
{
	return text && strlen(text) > 1 && wh_utf8_valid(wh_str_c(text)) &&
	       !wh_str_has_control(wh_str_c(text));
}

static void
check_args(const struct wh_cmd_info *cmd)
{
	for (size_t i = 0; i < cmd->n_args; i++) {
		const struct wh_arg_info *arg = &cmd->args[i];

		check(cmd->method, is_sentence(arg->help));
		check(cmd->method, arg->offset >= sizeof(uint32_t));
		check(cmd->method, arg->offset < sizeof(union wh_args));
		for (size_t j = 0; j < i; j++) {
			check(cmd->method, strcmp(arg->name, cmd->args[j].name) != 0);
			check(cmd->method, arg->offset != cmd->args[j].offset);
		}
	}
	check(cmd->method, cmd->args[cmd->n_args].name == NULL);
}

static void
test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < WH_CMD_COUNT; i++) {
		const struct wh_cmd_info *cmd = &wh_commands[i];

		check(cmd->method, cmd->id == i);
		check(cmd->method, wh_command_by_method(wh_str_c(cmd->method)) == cmd);
		check(cmd->method, is_sentence(cmd->help));
		check(cmd->method, !(cmd->flags & WH_CMD_DURABLE) || cmd->role != WH_ROLE_READ);
		check_args(cmd);
		for (size_t j = 0; j < i; j++)
			check(cmd->method,
			      !cmd->verb[0] || strcmp(cmd->verb, wh_commands[j].verb) != 0);
	}
}

static bool
has_arg(const struct wh_cmd_info *cmd, const char *name)
{
	for (size_t i = 0; i < cmd->n_args; i++)
		if (!strcmp(cmd->args[i].name, name))
			return true;
	return false;
}

static void
test_flags_match_parameters(void **state)
{
	(void)state;
	for (size_t i = 0; i < WH_CMD_COUNT; i++) {
		const struct wh_cmd_info *cmd = &wh_commands[i];
		bool paged = cmd->flags & WH_CMD_PAGED, waits = cmd->flags & WH_CMD_WAITS;

		check(cmd->method, paged == has_arg(cmd, "cursor"));
		check(cmd->method, waits == has_arg(cmd, "timeout_ms"));
	}
}

static void
test_names(void **state)
{
	(void)state;
	assert_string_equal(wh_role_str(WH_ROLE_ADMIN), "admin");
	assert_string_equal(wh_arg_type_str(WH_ARG_MS), "duration");
	assert_string_equal(wh_result_str(WH_RESULT_PROBE), "probe");
	for (unsigned i = WH_RESULT_HELLO; i <= WH_RESULT_PROBE; i++)
		assert_string_not_equal(wh_result_str((enum wh_result_shape)i), "unknown");
	for (unsigned i = WH_ARG_STR; i <= WH_ARG_MS; i++)
		assert_string_not_equal(wh_arg_type_str((enum wh_arg_type)i), "unknown");
	assert_null(wh_command_by_method(WH_STR("webhook.gett")));
	assert_null(wh_command_by_method(WH_STR_NULL));
	assert_null(wh_command_by_method(WH_STR("status\0")));
}

struct nearest_row {
	const char *method;
	const char *nearest;
};

static const struct nearest_row nearest_rows[] = {
	{"webhook.gett", "webhook.get"},  {"webhooks.list", "webhook.list"},
	{"webhook_list", "webhook.list"}, {"stauts", "status"},
	{"nvim_get_api_info", NULL},      {"", NULL},
};

static void
test_nearest(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(nearest_rows); i++) {
		const struct nearest_row *row = &nearest_rows[i];
		const char *name = wh_command_nearest(wh_str_c(row->method));

		check(row->method, row->nearest ? name && !strcmp(name, row->nearest) : !name);
	}
}

static void
check_described(const struct wh_cmd_info *cmd, const msgpack_object *m)
{
	const msgpack_object *params = wh_obj_get(m, "params");
	struct wh_str verb = wh_obj_str_at(m, "verb");

	check(cmd->method, wh_str_is(wh_obj_str_at(m, "name"), cmd->method));
	check(cmd->method, wh_str_is(wh_obj_str_at(m, "role"), wh_role_str(cmd->role)));
	check(cmd->method, wh_str_is(verb, cmd->verb) && (verb.p != NULL) == (verb.n > 0));
	check(cmd->method, wh_str_is(wh_obj_str_at(m, "help"), cmd->help));
	check(cmd->method, wh_str_is(wh_obj_str_at(m, "result"), wh_result_str(cmd->result)));
	check(cmd->method,
	      wh_obj_bool_at(m, "durable", false) == !!(cmd->flags & WH_CMD_DURABLE));
	check(cmd->method, params && params->via.array.size == cmd->n_args);
	for (size_t i = 0; i < cmd->n_args; i++) {
		const msgpack_object *p = &params->via.array.ptr[i];
		const char *type = wh_arg_type_str(cmd->args[i].type);

		check(cmd->method, wh_str_is(wh_obj_str_at(p, "name"), cmd->args[i].name));
		check(cmd->method, wh_str_is(wh_obj_str_at(p, "type"), type));
		check(cmd->method,
		      wh_obj_bool_at(p, "required", false) == cmd->args[i].required);
	}
}

static void
test_describe(void **state)
{
	const struct wh_frame_limits reply = {1024 * 1024, 8, 10000};
	struct wh_buf b = WH_BUF_NULL;
	struct wh_tree tree;

	(void)state;
	wh_command_describe(&b);
	assert_int_equal(wh_unpack(&tree, wh_buf_view(&b), &reply), 0);
	const msgpack_object *methods = wh_obj_get(&tree.root, "methods");
	const msgpack_object *errors = wh_obj_get(&tree.root, "errors");

	assert_int_equal(methods->via.array.size, WH_CMD_COUNT);
	for (size_t i = 0; i < WH_CMD_COUNT; i++)
		check_described(&wh_commands[i], &methods->via.array.ptr[i]);
	assert_int_equal(errors->via.array.size, WH_ERR_COUNT - 1);
	for (size_t i = 1; i < WH_ERR_COUNT; i++) {
		const msgpack_object *e = &errors->via.array.ptr[i - 1];

		check("code", wh_str_is(wh_obj_str_at(e, "code"), wh_errors[i].name));
		check("exit", wh_obj_i64_at(e, "exit", -1) == wh_errors[i].exit);
		check("type", wh_obj_i64_at(e, "type", -1) == wh_errors[i].type);
		check("text", wh_str_is(wh_obj_str_at(e, "text"), wh_errors[i].text));
	}
	wh_tree_fini(&tree);
	wh_buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),    cmocka_unit_test(test_flags_match_parameters),
		cmocka_unit_test(test_names),    cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_describe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
