/* SPDX-License-Identifier: MIT */
/*
 * What follows from commands.def: ids, typed argument structures, the table
 * that daemon and whctl share, and the decoder from a parameter map to a typed
 * structure. Pure; any thread. Decoded values borrow from the request's tree.
 */
#pragma once

#include "proto/nearest.h"
#include "proto/rpc.h"

enum wh_cmd_id {
#define WH_CMD(id, method, verb, role, flags, result, help) WH_CMD_##id,
#define WH_ARG(id, name, type, need, help)
#define WH_END(id)
#include "proto/commands.def"
#undef WH_CMD
#undef WH_ARG
#undef WH_END
	WH_CMD_COUNT
};

enum wh_role { WH_ROLE_READ, WH_ROLE_WRITE, WH_ROLE_ADMIN };

enum wh_cmd_flags {
	WH_CMD_DURABLE = 1, /* the reply leaves only after the change is flushed */
	WH_CMD_PAGED = 2,   /* limit/cursor in, items/cursor out */
	WH_CMD_WAITS = 4,   /* may be parked; counts against [limits] waits */
	WH_CMD_STREAMS = 8, /* pushes notifications after the reply */
	WH_CMD_LONG = 16,   /* reads the whole store: may take minutes */
};

enum wh_result_shape {
	WH_RESULT_HELLO,
	WH_RESULT_DESCRIBE,
	WH_RESULT_WEBHOOK,
	WH_RESULT_WEBHOOKS,
	WH_RESULT_OP,
	WH_RESULT_OPS,
	WH_RESULT_FLUSHED,
	WH_RESULT_SYNC,
	WH_RESULT_EVENTS,
	WH_RESULT_SUBSCRIBED,
	WH_RESULT_STATUS,
	WH_RESULT_TEXT,
	WH_RESULT_DUMP,
	WH_RESULT_BACKUP,
	WH_RESULT_CHECK,
	WH_RESULT_CONFIG,
	WH_RESULT_CONFIG_RELOADED,
	WH_RESULT_PROBE,
};

enum wh_arg_type { WH_ARG_STR, WH_ARG_INT, WH_ARG_BOOL, WH_ARG_MAP, WH_ARG_LIST, WH_ARG_MS };

typedef struct wh_str wh_arg_STR;
typedef int64_t wh_arg_INT;
typedef bool wh_arg_BOOL;
typedef const msgpack_object *wh_arg_MAP;
typedef const msgpack_object *wh_arg_LIST;
typedef int64_t wh_arg_MS;

/* struct wh_args_<id>: one typed member per argument and a mask of those seen */
#define WH_CMD(id, method, verb, role, flags, result, help)                                    \
	struct wh_args_##id {                                                                  \
		uint32_t seen;
#define WH_ARG(id, name, type, need, help) wh_arg_##type name;
#define WH_END(id)                                                                             \
	}                                                                                      \
	;
#include "proto/commands.def"
#undef WH_CMD
#undef WH_ARG
#undef WH_END

#define WH_CMD(id, method, verb, role, flags, result, help)                                    \
	enum wh_argno_##id                                                                     \
	{
#define WH_ARG(id, name, type, need, help) WH_ARGNO_##id##_##name,
#define WH_END(id)                                                                             \
	WH_ARGNO_##id##__COUNT                                                                 \
	}                                                                                      \
	;
#include "proto/commands.def"
#undef WH_CMD
#undef WH_ARG
#undef WH_END

/* True if the caller gave argument `name` of command `id` (nil = not given). */
#define wh_has(args, id, name) (((args)->seen >> WH_ARGNO_##id##_##name) & 1u)

/* The largest argument structure. */
union wh_args {
	uint32_t seen;
#define WH_CMD(id, method, verb, role, flags, result, help) struct wh_args_##id id;
#define WH_ARG(id, name, type, need, help)
#define WH_END(id)
#include "proto/commands.def"
#undef WH_CMD
#undef WH_ARG
#undef WH_END
};

struct wh_arg_info {
	const char *name;
	enum wh_arg_type type;
	bool required;
	size_t offset; /* into struct wh_args_<id> */
	const char *help;
};

struct wh_cmd_info {
	enum wh_cmd_id id;
	const char *method;
	const char *verb; /* "" if whctl has no verb for it */
	enum wh_role role;
	unsigned flags;
	enum wh_result_shape result;
	const char *help;
	const struct wh_arg_info *args;
	size_t n_args;
};

extern const struct wh_cmd_info wh_commands[WH_CMD_COUNT];

const char *wh_role_str(enum wh_role role);
const char *wh_arg_type_str(enum wh_arg_type type);
const char *wh_result_str(enum wh_result_shape shape);
/* The command with this method name, or NULL. */
const struct wh_cmd_info *wh_command_by_method(struct wh_str method);
/* The method name nearest to a misspelt one, or NULL if none is near. */
const char *wh_command_nearest(struct wh_str method);

/*
 * Decodes params (a map or NULL) into *ret, which is zeroed first. 0, or
 * WH_EINVAL with a sentence naming the parameter in why: unknown (with the
 * nearest name), missing, duplicate, wrong type, negative duration.
 */
WH_MUST_USE int wh_args_decode(const struct wh_cmd_info *cmd, const msgpack_object *params,
			       union wh_args *ret, struct wh_buf *why);
/* Appends the result of rpc.describe: methods, parameters, error codes. */
void wh_command_describe(struct wh_buf *b);
