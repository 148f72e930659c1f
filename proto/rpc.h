/* SPDX-License-Identifier: MIT */
/*
 * MessagePack-RPC envelopes, as the MessagePack-RPC specification and Neovim
 * speak them: request [0, id, method, params], response [1, id, error,
 * result], notification [2, method, params]. Params are [] , [nil] or [map].
 * An error is exactly [type, "CODE: sentence"].
 * Pure; any thread.
 */
#pragma once

#include "proto/pack.h"

enum wh_error {
	WH_ERR_NONE,
#define WH_ERROR(name, type, exit, text) WH_ERR_##name,
#include "proto/errors.def"
#undef WH_ERROR
	WH_ERR_COUNT
};

struct wh_error_info {
	const char *name;
	int type; /* 1 caller's fault, 0 otherwise */
	int exit; /* exit status of whctl */
	const char *text;
};

extern const struct wh_error_info wh_errors[WH_ERR_COUNT];

enum wh_error wh_error_by_name(struct wh_str name); /* WH_ERR_NONE if unknown */

enum wh_rpc_kind { WH_RPC_REQUEST = 0, WH_RPC_RESPONSE = 1, WH_RPC_NOTIFY = 2 };

struct wh_rpc {
	enum wh_rpc_kind kind;
	uint32_t id;                  /* requests and responses */
	struct wh_str method;         /* requests and notifications */
	const msgpack_object *params; /* the one map, or NULL when there is none */
	bool positional;             /* requests: params are no map; to be refused by a reply */
	const msgpack_object *error; /* responses; NULL when nil */
	const msgpack_object *result; /* responses */
};

/*
 * Reads an envelope from a decoded message. 0, or WH_EPROTO with a sentence in
 * why; *ret_id is then the request's id if one could be read, else 0.
 * Requests: params are [], [nil], [[]] (an empty table of Lua) or [map]; of any other array
 * positional says so.
 * Notifications and responses are read leniently (unknown ones are ignored).
 */
WH_MUST_USE int wh_rpc_read(const msgpack_object *msg, struct wh_rpc *ret, uint32_t *ret_id,
			    const char **ret_why);

/* Writers. After *_head exactly one object (params map / result) must follow. */
void wh_rpc_request_head(struct wh_buf *b, uint32_t id,
			 struct wh_str method);                /* then one map */
void wh_rpc_notify_head(struct wh_buf *b, const char *method); /* then one map */
void wh_rpc_result_head(struct wh_buf *b, uint32_t id);        /* then the result */
void wh_rpc_error(struct wh_buf *b, uint32_t id, enum wh_error code, struct wh_str sentence);
