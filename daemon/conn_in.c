/* SPDX-License-Identifier: MIT */
/*
 * Bytes to requests: whole messages are cut off what was read, decoded and
 * handed to dispatch, in their order.
 *
 * conn.c calls it with what it read; loop thread. Everything a peer sends is
 * bounded by the scanner before anything decodes it. What is malformed is
 * answered once and ends the connection: after it nothing can be told apart.
 */
#include <inttypes.h>

#include "daemon/conn.h"
#include "proto/peek.h"

#define TURN_MS 2 /* how long others wait for requests of one peer that came at once */

bool
wh_conn_may_take(const struct wh_conn *c)
{
	const struct wh_config *config = c->server->d->config;

	return c->state == WH_CONN_OPEN && !c->turn_over && !c->high &&
	       c->parked < config->limits_in_flight &&
	       wh_conn_unsent(c) + c->owed < (size_t)config->limits_out_high;
}

/* Says what is wrong and lets go of the peer: after malformed bytes nothing more can be told
 * apart. */
static void
refuse(struct wh_conn *c, uint32_t id, enum wh_error code, const char *why)
{
	struct wh_server *s = c->server;
	unsigned suppressed;

	s->d->counters.protocol_errors++;
	wh_rpc_error(&c->out, id, code, wh_str_c(why));
	if (wh_server_may_log(s, &suppressed))
		wh_log(WH_LOG_WARNING, "conn", "closing a connection for a malformed message",
		       "conn=%" PRIu64 " uid=%u pid=%d why=%s suppressed=%u", c->id,
		       c->peer.uid, (int)c->peer.pid, WH_LOGQ(wh_str_c(why)), suppressed);
	wh_conn_drain(c);
}

static void
take_request(struct wh_rpc *rpc, struct wh_call *call)
{
	call->ticket.msgid = rpc->id;
	if (rpc->positional)
		wh_call_fail(call, WH_ERR_INVALID_PARAM,
			     "the request's params are not one map: send [] or "
			     "[{\"name\": value}], all parameters are named");
	else
		wh_dispatch(call, rpc);
}

static void
take_envelope(struct wh_conn *c, const msgpack_object *root, struct wh_call *call)
{
	struct wh_rpc rpc;
	uint32_t id = 0;
	const char *why = NULL;

	if (wh_rpc_read(root, &rpc, &id, &why)) {
		refuse(c, id, WH_ERR_INVALID_PARAM, why);
		return;
	}
	switch (rpc.kind) {
	case WH_RPC_REQUEST:
		take_request(&rpc, call);
		return;
	case WH_RPC_NOTIFY:
		c->server->d->counters.notifications_ignored++;
		return;
	case WH_RPC_RESPONSE:
		refuse(c, 0, WH_ERR_INVALID_PARAM,
		       "a response came, but whd asks nothing: send requests only");
		return;
	}
}

static void
decode_message(struct wh_conn *c, struct wh_str message, struct wh_call *call)
{
	struct wh_tree tree;
	int r = wh_unpack_scanned(&tree, message, c->frame.elements, &c->server->tree_room);

	if (r == WH_ENOMEM) {
		wh_rpc_error(&c->out, wh_peek_id(message), WH_ERR_INTERNAL,
			     WH_STR("whd is short of memory: retry in a moment"));
		return;
	}
	if (r) {
		refuse(c, wh_peek_id(message), WH_ERR_INVALID_PARAM,
		       "a map holds a key twice or one that is not text: send each key once, "
		       "as str");
		return;
	}
	take_envelope(c, &tree.root, call);
	wh_tree_fini(&tree);
}

static struct wh_call
call_of(struct wh_conn *c, uint32_t id, size_t size)
{
	return (struct wh_call){
		.d = c->server->d,
		.ticket = {.conn = c->id, .msgid = id, .size = (uint32_t)size},
		.peer = &c->peer,
		.out = &c->out,
		.out_start = c->out.n,
	};
}

/* True if it may have been dear: all but webhook.get, many of which are asked at once. */
static bool
take_message(struct wh_conn *c, struct wh_str message)
{
	struct wh_call call = call_of(c, wh_peek_id(message), message.n);

	decode_message(c, message, &call);
	return call.cmd != &wh_commands[WH_CMD_webhook_get];
}

static void
take_get(struct wh_conn *c, const struct wh_peeked_get *get)
{
	struct wh_call call = call_of(c, get->id, get->size);

	wh_dispatch_get(&call, get->whid);
}

static void
refuse_frame(struct wh_conn *c, int fault, struct wh_str data)
{
	enum wh_error code = fault == WH_ELIMIT ? WH_ERR_TOO_LARGE : WH_ERR_INVALID_PARAM;

	refuse(c, wh_peek_id(data), code, wh_frame_why_str(c->frame.why));
}

static void
begin_frame(struct wh_conn *c)
{
	const struct wh_config *config = c->server->d->config;
	const struct wh_frame_limits limits = {
		.bytes = (size_t)config->limits_frame,
		.depth = (uint32_t)config->limits_depth,
		.elements = (uint32_t)config->limits_elements,
	};

	wh_frame_init(&c->frame, &limits);
}

static void
note_partial(struct wh_conn *c, size_t n)
{
	if (c->partial == 0)
		c->partial_since = c->server->d->now.mono.ms;
	c->partial = n;
}

/* *ends is set at the first look. */
static void
look_at_clock(struct wh_conn *c, int64_t *ends)
{
	struct whd *d = c->server->d;

	whd_tick(d);
	if (*ends == WH_NEVER)
		*ends = d->now.mono.ms + TURN_MS;
	c->turn_over = d->now.mono.ms >= *ends;
}

/* How many bytes the request was that data begins with; 0 if it is not whole. */
static size_t
take_next(struct wh_conn *c, struct wh_str data, bool *ret_dear)
{
	struct wh_peeked_get get;
	size_t len;

	*ret_dear = false;
	if (c->frame.pos == 0) {
		if (wh_peek_get(data, &get)) {
			c->partial = 0;
			take_get(c, &get);
			return get.size;
		}
		begin_frame(c);
	}
	int r = wh_frame_scan(&c->frame, data.p, data.n, &len);

	if (r == WH_FRAME_MORE) {
		note_partial(c, data.n);
		return 0;
	}
	c->partial = 0;
	if (r) {
		refuse_frame(c, r, data);
		return data.n;
	}
	*ret_dear = take_message(c, wh_str(data.p, len));
	return len;
}

/* Takes whole requests off data as long as it may; returns how many bytes they were. */
static size_t
take_messages(struct wh_conn *c, struct wh_str data)
{
	int64_t ends = WH_NEVER;
	size_t at = 0;

	while (at < data.n && wh_conn_may_take(c)) {
		bool dear;
		size_t len = take_next(c, wh_str(data.p + at, data.n - at), &dear);

		if (len == 0)
			return at;
		at += len;
		if (dear && at < data.n)
			look_at_clock(c, &ends);
	}
	return c->state == WH_CONN_OPEN ? at : data.n;
}

bool
wh_conn_is_partial(const struct wh_conn *c)
{
	return c->partial > 0 && c->partial == c->in.n;
}

bool
wh_conn_has_waiting(const struct wh_conn *c)
{
	return c->state == WH_CONN_OPEN && c->in.n > 0 && !wh_conn_is_partial(c);
}

/* Answers gather in a buffer that is lent until they have left. */
static void
lend_room(struct wh_conn *c)
{
	struct wh_server *s = c->server;

	if (!c->out.p && s->n_spares > 0)
		c->out = s->spares[--s->n_spares];
}

void
wh_conn_take_waiting(struct wh_conn *c)
{
	lend_room(c);
	wh_buf_consume(&c->in, take_messages(c, wh_buf_view(&c->in)));
	if (c->in.n == 0)
		wh_buf_fini(&c->in);
}

void
wh_conn_take_bytes(struct wh_conn *c, const char *p, size_t n)
{
	c->busy = true;
	if (c->in.n > 0) {
		c->in.n += n;
		wh_conn_take_waiting(c);
	} else {
		lend_room(c);
		size_t took = take_messages(c, wh_str(p, n));

		wh_buf_add(&c->in, p + took, n - took);
	}
	c->busy = false;
	if (c->in.fault)
		c->doomed = true;
}
