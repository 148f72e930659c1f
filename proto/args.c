/* SPDX-License-Identifier: MIT */
/*
 * From a parameter map to the typed structure of a command, by its table.
 *
 * Dispatch calls it once per request, on the loop thread. It checks names and
 * types only; what a value means is the handler's matter. It never copies
 * text: what it fills in borrows from the request.
 */
#include <inttypes.h>

#include "proto/command.h"

#define SHOWN_MAX 64 /* bytes of a foreign name repeated in a sentence */

static const char *const needs[] = {
	[WH_ARG_STR] = "a string",
	[WH_ARG_INT] = "an integer (64 bits, signed)",
	[WH_ARG_BOOL] = "true or false",
	[WH_ARG_MAP] = "a map",
	[WH_ARG_LIST] = "a list of strings",
	[WH_ARG_MS] = "a whole number of milliseconds, 0 or more",
};

static const char *
type_found(const msgpack_object *o)
{
	switch (o->type) {
	case MSGPACK_OBJECT_NIL:
		return "nil";
	case MSGPACK_OBJECT_BOOLEAN:
		return "a boolean";
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
	case MSGPACK_OBJECT_NEGATIVE_INTEGER:
		return "an integer";
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64:
		return "a float";
	case MSGPACK_OBJECT_STR:
		return "a string";
	case MSGPACK_OBJECT_BIN:
		return "binary";
	case MSGPACK_OBJECT_ARRAY:
		return "a list";
	case MSGPACK_OBJECT_MAP:
		return "a map";
	case MSGPACK_OBJECT_EXT:
		break;
	}
	return "an unknown type";
}

static int
say_type(const struct wh_arg_info *arg, const msgpack_object *o, struct wh_buf *why)
{
	int64_t n;

	wh_buf_printf(why, "parameter \"%s\" is ", arg->name);
	if (wh_obj_i64(o, &n))
		wh_buf_printf(why, "the integer %" PRId64, n);
	else
		wh_buf_c(why, type_found(o));
	wh_buf_printf(why, " but must be %s: send it so", needs[arg->type]);
	return WH_EINVAL;
}

static int
read_text(const struct wh_arg_info *arg, const msgpack_object *o, struct wh_str *ret,
	  struct wh_buf *why)
{
	if (!wh_obj_str(o, ret))
		return say_type(arg, o, why);
	if (wh_utf8_valid(*ret))
		return 0;
	wh_buf_printf(why,
		      "parameter \"%s\" is not valid UTF-8: send its text encoded as UTF-8",
		      arg->name);
	return WH_EINVAL;
}

static int
read_list(const struct wh_arg_info *arg, const msgpack_object *o, struct wh_buf *why)
{
	if (o->type != MSGPACK_OBJECT_ARRAY)
		return say_type(arg, o, why);
	for (uint32_t i = 0; i < o->via.array.size; i++) {
		struct wh_str item;
		const msgpack_object *at = &o->via.array.ptr[i];

		if (wh_obj_str(at, &item) && wh_utf8_valid(item))
			continue;
		wh_buf_printf(why,
			      "item %" PRIu32
			      " of parameter \"%s\" is %s: send a list of strings "
			      "in UTF-8",
			      i + 1, arg->name,
			      wh_obj_str(at, &item) ? "not valid UTF-8" : type_found(at));
		return WH_EINVAL;
	}
	return 0;
}

/* Stores the value at the parameter's place in the structure. */
static int
read_value(const struct wh_arg_info *arg, const msgpack_object *o, void *at, struct wh_buf *why)
{
	switch (arg->type) {
	case WH_ARG_STR:
		return read_text(arg, o, at, why);
	case WH_ARG_INT:
		return wh_obj_i64(o, at) ? 0 : say_type(arg, o, why);
	case WH_ARG_MS: {
		int64_t ms;

		if (!wh_obj_i64(o, &ms) || ms < 0)
			return say_type(arg, o, why);
		memcpy(at, &ms, sizeof(ms));
		return 0;
	}
	case WH_ARG_BOOL:
		return wh_obj_bool(o, at) ? 0 : say_type(arg, o, why);
	case WH_ARG_MAP:
		if (o->type != MSGPACK_OBJECT_MAP)
			return say_type(arg, o, why);
		memcpy(at, &o, sizeof(o));
		return 0;
	case WH_ARG_LIST: {
		int r = read_list(arg, o, why);

		if (!r)
			memcpy(at, &o, sizeof(o));
		return r;
	}
	}
	return WH_EBUG;
}

static void
list_names(const struct wh_cmd_info *cmd, struct wh_buf *why)
{
	for (size_t i = 0; i < cmd->n_args; i++)
		wh_buf_printf(why, "%s%s", i ? ", " : "", cmd->args[i].name);
}

static int
say_unknown(const struct wh_cmd_info *cmd, struct wh_str key, struct wh_buf *why)
{
	struct wh_nearest nearest = wh_nearest_begin(key);

	for (size_t i = 0; i < cmd->n_args; i++)
		wh_nearest_offer(&nearest, cmd->args[i].name);
	wh_buf_printf(why, "%s has no parameter \"", cmd->method);
	wh_buf_printable(why, key, SHOWN_MAX);
	wh_buf_c(why, "\": ");
	if (nearest.name) {
		wh_buf_printf(why, "did you mean \"%s\"?", nearest.name);
	} else if (cmd->n_args) {
		wh_buf_c(why, "it takes ");
		list_names(cmd, why);
	} else {
		wh_buf_c(why, "it takes none, send []");
	}
	return WH_EINVAL;
}

/* Index of the parameter named key; n_args if there is none. */
static size_t
find_arg(const struct wh_cmd_info *cmd, struct wh_str key)
{
	size_t i = 0;

	while (i < cmd->n_args && !wh_str_is(key, cmd->args[i].name))
		i++;
	return i;
}

/* nil counts as not given, but its name must still be right, once. */
static int
read_pair(const struct wh_cmd_info *cmd, const msgpack_object_kv *pair, uint32_t *met,
	  union wh_args *args, struct wh_buf *why)
{
	struct wh_str key = WH_STR_NULL;

	if (!wh_obj_str(&pair->key, &key)) {
		wh_buf_printf(why, "a parameter's name is %s: name parameters by strings",
			      type_found(&pair->key));
		return WH_EINVAL;
	}
	size_t i = find_arg(cmd, key);

	if (i == cmd->n_args)
		return say_unknown(cmd, key, why);
	if (*met >> i & 1u) {
		wh_buf_printf(why, "parameter \"%s\" is given twice: send it once",
			      cmd->args[i].name);
		return WH_EINVAL;
	}
	*met |= 1u << i;
	if (wh_obj_is_nil(&pair->val))
		return 0;
	int r = read_value(&cmd->args[i], &pair->val, (char *)args + cmd->args[i].offset, why);

	if (!r)
		args->seen |= 1u << i;
	return r;
}

static int
check_required(const struct wh_cmd_info *cmd, uint32_t seen, struct wh_buf *why)
{
	for (size_t i = 0; i < cmd->n_args; i++) {
		const struct wh_arg_info *arg = &cmd->args[i];

		if (!arg->required || seen >> i & 1u)
			continue;
		wh_buf_printf(why, "%s needs the parameter \"%s\" (%s): add it as %s",
			      cmd->method, arg->name, arg->help, needs[arg->type]);
		return WH_EINVAL;
	}
	return 0;
}

int
wh_args_decode(const struct wh_cmd_info *cmd, const msgpack_object *params, union wh_args *ret,
	       struct wh_buf *why)
{
	uint32_t met = 0;

	memset(ret, 0, sizeof(*ret));
	if (!wh_obj_is_nil(params) && params->type != MSGPACK_OBJECT_MAP) {
		wh_buf_printf(why,
			      "the parameters are %s but must be one map: send [] or [map]",
			      type_found(params));
		return WH_EINVAL;
	}
	if (!wh_obj_is_nil(params)) {
		for (uint32_t i = 0; i < params->via.map.size; i++) {
			int r = read_pair(cmd, &params->via.map.ptr[i], &met, ret, why);

			if (r)
				return r;
		}
	}
	return check_required(cmd, ret->seen, why);
}
