/* SPDX-License-Identifier: MIT */
/*
 * From a decoded request to its handler: method lookup, role, typed
 * parameters, and the rules of answering. Loop thread only.
 *
 * A handler does exactly one of: append its result after wh_call_result(),
 * call wh_call_fail(), or wh_call_park() and answer later by the ticket.
 */
#pragma once

#include "daemon/server.h"

#define WH_REPLY_MAX ((size_t)1 << 20) /* bytes of one answer, envelope included */

struct wh_call {
	struct whd *d;
	struct wh_ticket ticket;
	const struct wh_peer *peer;
	const struct wh_cmd_info *cmd;
	struct wh_buf *out; /* the connection's output */
	size_t out_start;   /* where this reply began */
	enum { WH_CALL_OPEN, WH_CALL_ANSWERED, WH_CALL_PARKED } state;
};

/* Writes the head of a result; the handler appends exactly one object to what is returned. */
struct wh_buf *wh_call_result(struct wh_call *c);
WH_PRINTF(3, 4) void wh_call_fail(struct wh_call *c, enum wh_error code, const char *fmt, ...);
/* False after it was refused, as one that no webhook can have. */
WH_MUST_USE bool wh_call_check_whid(struct wh_call *c, struct wh_str whid);
/* The answer comes later through the ticket. */
void wh_call_park(struct wh_call *c);

/* Answers one request (called by conn_in.c). After it the call is answered or parked. A result
 * larger than 1 MiB becomes TOO_LARGE. */
void wh_dispatch(struct wh_call *c, struct wh_rpc *rpc);
/* The same for a webhook.get of this webhook, without more parameters. */
void wh_dispatch_get(struct wh_call *c, struct wh_str whid);

/* One prototype a command: void on_<id>(struct wh_call *, const struct wh_args_<id> *). A
 * missing handler does not link. */
#define WH_CMD(id, method, verb, role, flags, result, help)                                    \
	void on_##id(struct wh_call *c, const struct wh_args_##id *a);
#define WH_ARG(id, name, type, need, help)
#define WH_END(id)
#include "proto/commands.def"
#undef WH_CMD
#undef WH_ARG
#undef WH_END
