/* SPDX-License-Identifier: MIT */
/*
 * The table of commands as data, and what is looked up in it: a method, the
 * nearest name to a misspelt one, and the description for rpc.describe.
 *
 * Daemon, whctl and the document generator read it, on any thread. It never
 * decides anything: access is checked in dispatch, values by the handlers.
 */
#include "proto/command.h"

#define NEED_REQ true
#define NEED_OPT false

/* One array of parameters per command; the last row only ends it, because an
 * array may not be empty. */
#define WH_CMD(id, method, verb, role, flags, result, help)                                    \
	static const struct wh_arg_info args_##id[] = {
#define WH_ARG(id, name, type, need, help)                                                     \
	{#name, WH_ARG_##type, NEED_##need, offsetof(struct wh_args_##id, name), help},
#define WH_END(id)                                                                             \
	{                                                                                      \
		NULL, WH_ARG_STR, NEED_OPT, 0, NULL                                            \
	}                                                                                      \
	}                                                                                      \
	;
#include "proto/commands.def"
#undef WH_CMD
#undef WH_ARG
#undef WH_END

/* `seen` has one bit per parameter. */
#define WH_CMD(id, method, verb, role, flags, result, help)                                    \
	_Static_assert(WH_ARGNO_##id##__COUNT <= 32, "too many parameters");
#define WH_ARG(id, name, type, need, help)
#define WH_END(id)
#include "proto/commands.def"
#undef WH_CMD
#undef WH_ARG
#undef WH_END

const struct wh_cmd_info wh_commands[WH_CMD_COUNT] = {
#define WH_CMD(id, method, verb, role, flags, result, help)                                    \
	{WH_CMD_##id,        method, verb,      WH_ROLE_##role,        (flags),                \
	 WH_RESULT_##result, help,   args_##id, WH_ARGNO_##id##__COUNT},
#define WH_ARG(id, name, type, need, help)
#define WH_END(id)
#include "proto/commands.def"
#undef WH_CMD
#undef WH_ARG
#undef WH_END
};

static const char *const role_names[] = {
	[WH_ROLE_READ] = "read",
	[WH_ROLE_WRITE] = "write",
	[WH_ROLE_ADMIN] = "admin",
};

static const char *const arg_type_names[] = {
	[WH_ARG_STR] = "string", [WH_ARG_INT] = "integer", [WH_ARG_BOOL] = "boolean",
	[WH_ARG_MAP] = "map",    [WH_ARG_LIST] = "list",   [WH_ARG_MS] = "duration",
};

static const char *const result_names[] = {
	[WH_RESULT_HELLO] = "hello",
	[WH_RESULT_DESCRIBE] = "describe",
	[WH_RESULT_WEBHOOK] = "webhook",
	[WH_RESULT_WEBHOOKS] = "webhooks",
	[WH_RESULT_OP] = "op",
	[WH_RESULT_OPS] = "ops",
	[WH_RESULT_FLUSHED] = "flushed",
	[WH_RESULT_SYNC] = "sync",
	[WH_RESULT_EVENTS] = "events",
	[WH_RESULT_SUBSCRIBED] = "subscribed",
	[WH_RESULT_STATUS] = "status",
	[WH_RESULT_TEXT] = "text",
	[WH_RESULT_DUMP] = "dump",
	[WH_RESULT_BACKUP] = "backup",
	[WH_RESULT_CHECK] = "check",
	[WH_RESULT_CONFIG] = "config",
	[WH_RESULT_CONFIG_RELOADED] = "config_reloaded",
	[WH_RESULT_PROBE] = "probe",
};

static const char *
name_of(const char *const *names, size_t n, size_t i)
{
	return i < n && names[i] ? names[i] : "unknown";
}

const char *
wh_role_str(enum wh_role role)
{
	return name_of(role_names, wh_array_len(role_names), role);
}

const char *
wh_arg_type_str(enum wh_arg_type type)
{
	return name_of(arg_type_names, wh_array_len(arg_type_names), type);
}

const char *
wh_result_str(enum wh_result_shape shape)
{
	return name_of(result_names, wh_array_len(result_names), shape);
}

const struct wh_cmd_info *
wh_command_by_method(struct wh_str method)
{
	for (size_t i = 0; i < WH_CMD_COUNT; i++)
		if (wh_str_is(method, wh_commands[i].method))
			return &wh_commands[i];
	return NULL;
}

const char *
wh_command_nearest(struct wh_str method)
{
	struct wh_nearest nearest = wh_nearest_begin(method);

	for (size_t i = 0; i < WH_CMD_COUNT; i++)
		wh_nearest_offer(&nearest, wh_commands[i].method);
	return nearest.name;
}

static void
pack_param(struct wh_buf *b, const struct wh_arg_info *arg)
{
	wh_pack_map(b, 4);
	wh_pack_kv_c(b, "name", arg->name);
	wh_pack_kv_c(b, "type", wh_arg_type_str(arg->type));
	wh_pack_kv_bool(b, "required", arg->required);
	wh_pack_kv_c(b, "help", arg->help);
}

static void
pack_command(struct wh_buf *b, const struct wh_cmd_info *cmd)
{
	bool has_verb = cmd->verb[0] != '\0';

	wh_pack_map(b, has_verb ? 10 : 9);
	wh_pack_kv_c(b, "name", cmd->method);
	wh_pack_kv_c(b, "role", wh_role_str(cmd->role));
	if (has_verb)
		wh_pack_kv_c(b, "verb", cmd->verb);
	wh_pack_kv_c(b, "help", cmd->help);
	wh_pack_kv_bool(b, "durable", cmd->flags & WH_CMD_DURABLE);
	wh_pack_kv_bool(b, "paged", cmd->flags & WH_CMD_PAGED);
	wh_pack_kv_bool(b, "waits", cmd->flags & WH_CMD_WAITS);
	wh_pack_kv_bool(b, "streams", cmd->flags & WH_CMD_STREAMS);
	wh_pack_c(b, "params");
	wh_pack_array(b, cmd->n_args);
	for (size_t i = 0; i < cmd->n_args; i++)
		pack_param(b, &cmd->args[i]);
	wh_pack_kv_c(b, "result", wh_result_str(cmd->result));
}

static void
pack_error(struct wh_buf *b, const struct wh_error_info *e)
{
	wh_pack_map(b, 4);
	wh_pack_kv_c(b, "code", e->name);
	wh_pack_kv_int(b, "type", e->type);
	wh_pack_kv_int(b, "exit", e->exit);
	wh_pack_kv_c(b, "text", e->text);
}

void
wh_command_describe(struct wh_buf *b)
{
	wh_pack_map(b, 2);
	wh_pack_c(b, "methods");
	wh_pack_array(b, WH_CMD_COUNT);
	for (size_t i = 0; i < WH_CMD_COUNT; i++)
		pack_command(b, &wh_commands[i]);
	wh_pack_c(b, "errors");
	wh_pack_array(b, WH_ERR_COUNT - 1);
	for (size_t i = WH_ERR_NONE + 1; i < WH_ERR_COUNT; i++)
		pack_error(b, &wh_errors[i]);
}
