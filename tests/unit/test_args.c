/* SPDX-License-Identifier: MIT */
/*
 * proto/args.c: each type of parameter as given, absent, nil and wrong, and
 * sentences that name the parameter and say what to do.
 */
#include "tests/unit/rows.h"

#include "proto/command.h"

struct refuse_row {
	enum wh_cmd_id cmd;
	const char *json;
	const char *why;
};

static const struct refuse_row refuse_rows[] = {
	{WH_CMD_webhook_get, "{}", "needs the parameter \"whid\""},
	{WH_CMD_webhook_get, "null", "needs the parameter \"whid\""},
	{WH_CMD_webhook_get, "{'whid': null}", "needs the parameter \"whid\""},
	{WH_CMD_webhook_get, "{'view': 'confirmed'}", "needs the parameter \"whid\""},
	{WH_CMD_webhook_get, "{'whid': 42}",
	 "parameter \"whid\" is the integer 42 but must be a string"},
	{WH_CMD_webhook_get, "{'whid': ['a']}", "parameter \"whid\" is a list but must be"},
	{WH_CMD_webhook_get, "{'whid': true}", "parameter \"whid\" is a boolean"},
	{WH_CMD_webhook_get, "{'whid': 'a', 'viwe': 'x'}", "did you mean \"view\"?"},
	{WH_CMD_webhook_get, "{'whid': 'a', 'colour': null}", "it takes whid, view, max_age"},
	{WH_CMD_webhook_get, "{'WHID': 'a'}", "has no parameter \"WHID\""},
	{WH_CMD_webhook_get, "{'whid': 'a', '\\u001b[2J': 1}", "\"\xef\xbf\xbd[2J\""},
	{WH_CMD_webhook_get, "{'whid': 'a', 'max_age': -5}",
	 "parameter \"max_age\" is the integer -5 but must be a whole number of milliseconds"},
	{WH_CMD_webhook_get, "{'whid': 'a', 'max_age': 1.5}", "\"max_age\" is a float"},
	{WH_CMD_webhook_get, "{'whid': 'a', 'max_age': '5s'}", "\"max_age\" is a string"},
	{WH_CMD_webhook_list, "{'limit': 1.0}", "\"limit\" is a float but must be an integer"},
	{WH_CMD_webhook_list, "{'limit': '5'}", "\"limit\" is a string but must be an integer"},
	{WH_CMD_webhook_list, "{'pending': 1}", "must be true or false"},
	{WH_CMD_webhook_list, "{'pending': 'true'}", "must be true or false"},
	{WH_CMD_webhook_update, "{'whid': 'a', 'set': []}",
	 "\"set\" is a list but must be a map"},
	{WH_CMD_webhook_update, "{'whid': 'a', 'add_processes': 'p'}",
	 "\"add_processes\" is a string but must be a list of strings"},
	{WH_CMD_webhook_update, "{'whid': 'a', 'add_processes': ['p', 5]}",
	 "item 2 of parameter \"add_processes\" is an integer"},
	{WH_CMD_webhook_update, "{'whid': 'a', 'add_processes': [null]}",
	 "item 1 of parameter \"add_processes\" is nil"},
	{WH_CMD_status, "{'verbose': true}",
	 "status has no parameter \"verbose\": it takes none"},
	{WH_CMD_status, "[]", "the parameters are a list but must be one map"},
	{WH_CMD_status, "'x'", "the parameters are a string but must be one map"},
};

static void
test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(refuse_rows); i++) {
		const struct refuse_row *row = &refuse_rows[i];
		struct row_tree t = row_tree(row->json);
		struct wh_buf why = WH_BUF_NULL;
		union wh_args args;
		int r = wh_args_decode(&wh_commands[row->cmd], &t.tree.root, &args, &why);

		check(row->json, r == WH_EINVAL);
		check(row->json, says(&why, row->why));
		check(row->json, says(&why, ": "));
		wh_buf_fini(&why);
		row_tree_fini(&t);
	}
}

struct raw_row {
	const char *what;
	struct wh_str in; /* msgpack, for webhook.get */
	const char *why;  /* NULL: accepted */
};

#define S(literal)                                                                             \
	{                                                                                      \
		literal, sizeof(literal) - 1                                                   \
	}

static const struct raw_row raw_rows[] = {
	{"bin as str", S("\x81\xa4whid\xc4\2ab"), NULL},
	{"bin as name",
	 S("\x81\xc4\4whid\xa2"
	   "ab"),
	 NULL},
	{"not UTF-8", S("\x81\xa4whid\xa1\xff"), "\"whid\" is not valid UTF-8"},
	{"surrogate in bin", S("\x81\xa4whid\xc4\3\xed\xa0\x80"),
	 "\"whid\" is not valid UTF-8"},
	{"2^63 - 1", S("\x82\xa4whid\xa1x\xa7max_age\xcf\x7f\xff\xff\xff\xff\xff\xff\xff"),
	 NULL},
	{"2^63", S("\x82\xa4whid\xa1x\xa7max_age\xcf\x80\0\0\0\0\0\0\0"),
	 "\"max_age\" is an integer but must be"},
	{"NaN", S("\x82\xa4whid\xa1x\xa7max_age\xcb\x7f\xf8\0\0\0\0\0\0"), "is a float"},
};

static void
test_raw(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(raw_rows); i++) {
		const struct raw_row *row = &raw_rows[i];
		struct wh_buf why = WH_BUF_NULL;
		struct wh_tree tree;
		union wh_args args;

		check(row->what, wh_unpack(&tree, row->in, NULL) == 0);
		int r = wh_args_decode(&wh_commands[WH_CMD_webhook_get], &tree.root, &args,
				       &why);

		check(row->what, r == (row->why ? WH_EINVAL : 0));
		check(row->what, row->why ? says(&why, row->why) : why.n == 0);
		wh_tree_fini(&tree);
		wh_buf_fini(&why);
	}
}

/* wh_unpack() refuses these already; the decoder does not rely on it. */
static void
test_tree_not_checked(void **state)
{
	msgpack_object name = {.type = MSGPACK_OBJECT_STR, .via.str = {4, "view"}};
	msgpack_object one = {.type = MSGPACK_OBJECT_POSITIVE_INTEGER, .via.u64 = 1};
	msgpack_object nil = {.type = MSGPACK_OBJECT_NIL};
	msgpack_object_kv twice[] = {{name, name}, {name, nil}};
	msgpack_object_kv odd[] = {{one, name}};
	msgpack_object map = {.type = MSGPACK_OBJECT_MAP, .via.map = {2, twice}};
	const struct wh_cmd_info *cmd = &wh_commands[WH_CMD_webhook_list];
	struct wh_buf why = WH_BUF_NULL;
	union wh_args args;

	(void)state;
	assert_int_equal(wh_args_decode(cmd, &map, &args, &why), WH_EINVAL);
	assert_true(says(&why, "parameter \"view\" is given twice"));
	wh_buf_reset(&why);
	map.via.map.size = 1;
	map.via.map.ptr = odd;
	assert_int_equal(wh_args_decode(cmd, &map, &args, &why), WH_EINVAL);
	assert_true(says(&why, "a parameter's name is an integer"));
	wh_buf_fini(&why);
}

static void
test_values(void **state)
{
	struct row_tree t = row_tree("{'limit': 9223372036854775807, 'whname': 'n', 'pending': "
				     "false, 'max_age': 0, 'cursor': null}");
	struct wh_buf why = WH_BUF_NULL;
	union wh_args args;
	const struct wh_args_webhook_list *a = &args.webhook_list;

	(void)state;
	memset(&args, 0xff, sizeof(args));
	assert_int_equal(
		wh_args_decode(&wh_commands[WH_CMD_webhook_list], &t.tree.root, &args, &why),
		0);
	assert_true(wh_str_is(a->whname, "n"));
	assert_int_equal(a->limit, INT64_MAX);
	assert_true(wh_has(a, webhook_list, pending) && !a->pending);
	assert_true(wh_has(a, webhook_list, max_age) && a->max_age == 0);
	assert_false(wh_has(a, webhook_list, cursor));
	assert_false(wh_has(a, webhook_list, view));
	assert_true(a->cursor.p == NULL && a->view.p == NULL);
	assert_int_equal(why.n, 0);
	row_tree_fini(&t);
}

static void
test_map_and_list(void **state)
{
	struct row_tree t =
		row_tree("{'whid': 'w', 'set': {'whname': 'n'}, 'add_processes': [], "
			 "'remove_processes': ['p', 'p'], 'if_revision': -3}");
	struct wh_buf why = WH_BUF_NULL;
	union wh_args args;
	const struct wh_args_webhook_update *a = &args.webhook_update;

	(void)state;
	assert_int_equal(
		wh_args_decode(&wh_commands[WH_CMD_webhook_update], &t.tree.root, &args, &why),
		0);
	assert_true(wh_str_is(wh_obj_str_at(a->set, "whname"), "n"));
	assert_int_equal(a->add_processes->via.array.size, 0);
	assert_int_equal(a->remove_processes->via.array.size, 2);
	assert_int_equal(a->if_revision, -3);
	row_tree_fini(&t);
}

static void
test_none(void **state)
{
	struct wh_buf why = WH_BUF_NULL;
	union wh_args args;

	(void)state;
	for (size_t i = 0; i < WH_CMD_COUNT; i++) {
		const struct wh_cmd_info *cmd = &wh_commands[i];
		bool required = false;

		for (size_t j = 0; j < cmd->n_args; j++)
			required |= cmd->args[j].required;
		wh_buf_reset(&why);
		int r = wh_args_decode(cmd, NULL, &args, &why);

		check(cmd->method, r == (required ? WH_EINVAL : 0));
		check(cmd->method, args.seen == 0);
	}
	wh_buf_fini(&why);
}

/* A name of any length is cut in the sentence. */
static void
test_long_name(void **state)
{
	struct wh_buf b = WH_BUF_NULL, why = WH_BUF_NULL;
	char name[5000];
	struct wh_tree tree;
	union wh_args args;

	(void)state;
	memset(name, 'w', sizeof(name));
	wh_pack_map(&b, 1);
	wh_pack_str(&b, wh_str(name, sizeof(name)));
	wh_pack_nil(&b);
	assert_int_equal(wh_unpack(&tree, wh_buf_view(&b), NULL), 0);
	assert_int_equal(
		wh_args_decode(&wh_commands[WH_CMD_webhook_get], &tree.root, &args, &why),
		WH_EINVAL);
	assert_true(why.n < 300 && says(&why, "www...\""));
	wh_tree_fini(&tree);
	wh_buf_fini(&b);
	wh_buf_fini(&why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),          cmocka_unit_test(test_raw),
		cmocka_unit_test(test_tree_not_checked), cmocka_unit_test(test_values),
		cmocka_unit_test(test_map_and_list),     cmocka_unit_test(test_none),
		cmocka_unit_test(test_long_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
