/* SPDX-License-Identifier: MIT */
/*
 * One peer: bytes in, whole requests out to dispatch, in their order.
 *
 * Called by libuv and by the server; loop thread. All requests of one read are
 * taken before their answers are sent, in one write. Reading stops while the
 * peer does not take its answers, or has too many calls unanswered. Bytes are
 * bounded by the scanner before anything decodes them. An idle connection has
 * no buffer and no timer.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/conn.h"
#include "daemon/waits.h"
#include "daemon/watch.h"

#define READ_LEAST 4096u

static int64_t
now_of(const struct wh_conn *c)
{
	return c->server->d->now.mono.ms;
}

/* ------------------------------------------------------------- requests -- */

/* May another request be taken now? */
static bool
may_take(const struct wh_conn *c)
{
	const struct wh_config *config = c->server->d->config;

	return c->state == WH_CONN_OPEN && !c->high && c->parked < config->limits_in_flight &&
	       c->out.n < (size_t)config->limits_out_high;
}

/* The id of a request [0, id, ...] that cannot be decoded; 0 if not even that can be read. */
static uint32_t
peek_id(struct wh_str data)
{
	const unsigned char *p = (const unsigned char *)data.p;
	size_t len;
	uint32_t id = 0;

	if (data.n < 3 || p[0] != 0x94 || p[1] != 0x00)
		return 0;
	if (p[2] < 0x80)
		return p[2];
	if (p[2] < 0xcc || p[2] > 0xce)
		return 0;
	len = (size_t)1 << (p[2] - 0xcc);
	if (data.n < 3 + len)
		return 0;
	for (size_t i = 0; i < len; i++)
		id = id << 8 | p[3 + i];
	return id;
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
take_request(struct wh_conn *c, struct wh_rpc *rpc)
{
	struct wh_call call = {
		.d = c->server->d,
		.ticket = {.conn = c->id, .msgid = rpc->id},
		.peer = &c->peer,
		.out = &c->out,
		.out_start = c->out.n,
	};

	wh_dispatch(&call, rpc);
}

static void
take_envelope(struct wh_conn *c, const msgpack_object *root)
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
		take_request(c, &rpc);
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
take_message(struct wh_conn *c, struct wh_str message)
{
	struct wh_tree tree;
	int r = wh_unpack(&tree, message, &c->frame.limits);

	if (r == WH_ENOMEM) {
		wh_rpc_error(&c->out, peek_id(message), WH_ERR_INTERNAL,
			     WH_STR("whd is short of memory: retry in a moment"));
		return;
	}
	if (r) {
		refuse(c, peek_id(message), WH_ERR_INVALID_PARAM,
		       "a map holds a key twice or one that is not text: send each key once, "
		       "as str");
		return;
	}
	take_envelope(c, &tree.root);
	wh_tree_fini(&tree);
}

static void
refuse_frame(struct wh_conn *c, int fault, struct wh_str data)
{
	enum wh_error code = fault == WH_ELIMIT ? WH_ERR_TOO_LARGE : WH_ERR_INVALID_PARAM;

	refuse(c, peek_id(data), code, wh_frame_why_str(c->frame.why));
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
note_partial(struct wh_conn *c)
{
	if (!c->partial)
		c->partial_since = now_of(c);
	c->partial = true;
}

/* Takes whole requests off data as long as it may; returns how many bytes they were. */
static size_t
take_messages(struct wh_conn *c, struct wh_str data)
{
	size_t at = 0, len;

	while (at < data.n && may_take(c)) {
		struct wh_str rest = wh_str(data.p + at, data.n - at);

		if (c->frame.pos == 0)
			begin_frame(c);
		int r = wh_frame_scan(&c->frame, rest.p, rest.n, &len);

		if (r == WH_FRAME_MORE) {
			note_partial(c);
			return at;
		}
		c->partial = false;
		if (r)
			refuse_frame(c, r, rest);
		else
			take_message(c, wh_str(rest.p, len));
		at += r ? rest.n : len;
	}
	return c->state == WH_CONN_OPEN ? at : data.n;
}

/* Requests that were read and may not be taken yet. */
static bool
has_waiting(const struct wh_conn *c)
{
	return c->state == WH_CONN_OPEN && c->in.n > 0 && !c->partial;
}

/* The answers of one read gather in a buffer that all connections share. */
static void
lend_room(struct wh_conn *c)
{
	if (c->out.p || !c->server->spare_out.p)
		return;
	c->out = c->server->spare_out;
	c->server->spare_out = WH_BUF_NULL;
}

static void
take_waiting(struct wh_conn *c)
{
	lend_room(c);
	wh_buf_consume(&c->in, take_messages(c, wh_buf_view(&c->in)));
	if (c->in.n == 0)
		wh_buf_fini(&c->in);
}

/* n bytes came: into `in` if it held some already, else into the shared room at p. */
static void
take_bytes(struct wh_conn *c, const char *p, size_t n)
{
	c->busy = true;
	if (c->in.n > 0) {
		c->in.n += n;
		take_waiting(c);
	} else {
		lend_room(c);
		size_t took = take_messages(c, wh_str(p, n));

		wh_buf_add(&c->in, p + took, n - took);
	}
	c->busy = false;
	if (c->in.fault)
		c->doomed = true;
}

/* -------------------------------------------------------------- reading -- */

static void
on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
	struct wh_conn *c = handle->data;

	(void)suggested;
	if (c->in.n == 0) {
		*ret = uv_buf_init(c->server->read_room, WH_READ_ROOM);
		return;
	}
	size_t want = c->frame.skip < READ_LEAST ? READ_LEAST : c->frame.skip;

	want = want > WH_READ_ROOM ? WH_READ_ROOM : want;
	char *room = wh_buf_room(&c->in, want);

	*ret = uv_buf_init(room, room ? (unsigned)want : 0);
}

/* A peer that closed, not one that only will not send any more. */
static bool
is_gone(const struct wh_conn *c)
{
	struct pollfd p = {.fd = -1};

	if (uv_fileno((const uv_handle_t *)&c->pipe, &p.fd) != 0)
		return true;
	return poll(&p, 1, 0) > 0 && (p.revents & POLLHUP);
}

/* A half-closed peer still gets the answers it is owed; its subscription ends. */
static void
on_eof(struct wh_conn *c)
{
	c->eof = true;
	c->reading = false;
	if (is_gone(c)) {
		wh_conn_close(c);
		return;
	}
	if (c->partial)
		wh_buf_fini(&c->in);
	c->partial = false;
	wh_watch_closed(c->server->d->watch, c->id);
	wh_conn_go_on(c);
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct wh_conn *c = stream->data;

	if (n == 0)
		return;
	whd_tick(c->server->d);
	if (n == UV_EOF) {
		on_eof(c);
	} else if (n < 0) {
		wh_conn_close(c);
	} else {
		take_bytes(c, buf->base, (size_t)n);
		wh_conn_go_on(c);
	}
}

static void
read_or_stop(struct wh_conn *c)
{
	bool want = !c->eof && may_take(c);

	if (want == c->reading)
		return;
	c->reading = want;
	if (!want) {
		uv_read_stop((uv_stream_t *)&c->pipe);
		return;
	}
	c->partial_since = now_of(c); /* what waited for us does not count against the peer */
	if (uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read))
		wh_conn_close(c);
}

/* --------------------------------------------------------------- timing -- */

static void
refuse_slow_request(struct wh_conn *c)
{
	struct wh_server *s = c->server;
	char sentence[160];
	unsigned suppressed;

	s->d->counters.frame_timeouts++;
	snprintf(sentence, sizeof(sentence),
		 "the request did not arrive whole within %" PRId64
		 " ms ([limits] frame_time): send it at once",
		 s->d->config->limits_frame_time);
	wh_rpc_error(&c->out, peek_id(wh_buf_view(&c->in)), WH_ERR_TIMEOUT, wh_str_c(sentence));
	if (wh_server_may_log(s, &suppressed))
		wh_log(WH_LOG_WARNING, "conn", "closing a connection whose request did not end",
		       "conn=%" PRIu64 " uid=%u pid=%d bytes=%zu suppressed=%u", c->id,
		       c->peer.uid, (int)c->peer.pid, c->in.n, suppressed);
	wh_conn_drain(c);
}

static void
give_up_reader(struct wh_conn *c)
{
	struct wh_server *s = c->server;
	unsigned suppressed;

	s->d->counters.slow_peers++;
	if (wh_server_may_log(s, &suppressed))
		wh_log(WH_LOG_WARNING, "conn",
		       "closing a connection that does not take its answers",
		       "conn=%" PRIu64 " uid=%u pid=%d unsent=%zu suppressed=%u", c->id,
		       c->peer.uid, (int)c->peer.pid, wh_conn_unsent(c), suppressed);
	wh_conn_close(c);
}

static int64_t
request_due(const struct wh_conn *c)
{
	if (!c->partial || !c->reading)
		return WH_NEVER;
	return c->partial_since + c->server->d->config->limits_frame_time;
}

static void on_timer(uv_timer_t *timer);

/* Sets the timer if something is half-way, stops it if nothing is. */
static void
arm(struct wh_conn *c)
{
	int64_t request = request_due(c);
	int64_t answer = c->writing ? c->stall_at : WH_NEVER;
	int64_t due = request < answer ? request : answer;
	bool runs = uv_is_active((uv_handle_t *)&c->timer);

	if (due == WH_NEVER) {
		uv_timer_stop(&c->timer);
		return;
	}
	if (runs && c->timer_at <= due)
		return;
	int64_t delay = due - now_of(c);

	c->timer_at = due;
	uv_timer_start(&c->timer, on_timer, delay > 0 ? (uint64_t)delay : 1, 0);
}

static void
on_timer(uv_timer_t *timer)
{
	struct wh_conn *c = timer->data;

	whd_tick(c->server->d);
	if (wh_conn_has_stalled(c)) {
		give_up_reader(c);
		return;
	}
	if (request_due(c) <= now_of(c))
		refuse_slow_request(c);
	wh_conn_go_on(c);
}

/* ----------------------------------------------------------------- life -- */

static bool
is_owed_nothing(const struct wh_conn *c)
{
	if (wh_conn_unsent(c) > 0)
		return false;
	if (c->state == WH_CONN_DRAINING)
		return true;
	return c->eof && !has_waiting(c) && c->parked == 0;
}

void
wh_conn_go_on(struct wh_conn *c)
{
	if (c->busy || c->state == WH_CONN_CLOSED)
		return;
	if (c->doomed) {
		wh_conn_close(c);
		return;
	}
	c->busy = true;
	wh_conn_flush(c);
	while (has_waiting(c) && may_take(c)) {
		take_waiting(c);
		wh_conn_flush(c);
	}
	c->busy = false;
	if (c->state == WH_CONN_CLOSED)
		return;
	if (is_owed_nothing(c)) {
		wh_conn_close(c);
		return;
	}
	read_or_stop(c);
	if (c->state != WH_CONN_CLOSED)
		arm(c);
}

void
wh_conn_parked(struct wh_server *s, uint64_t conn)
{
	struct wh_conn *c = wh_server_find(s, conn);

	wh_require(c);
	c->parked++;
}

void
wh_conn_drain(struct wh_conn *c)
{
	if (c->state != WH_CONN_OPEN)
		return;
	c->state = WH_CONN_DRAINING;
	c->partial = false;
	wh_watch_closed(c->server->d->watch, c->id);
	wh_server_mark(c->server, c);
}

static void
on_closed(uv_handle_t *handle)
{
	struct wh_conn *c = handle->data;

	if (--c->handles == 0)
		wh_server_gone(c->server, c);
}

void
wh_conn_close(struct wh_conn *c)
{
	struct wh_server *s = c->server;
	uv_os_fd_t fd;

	if (c->state == WH_CONN_CLOSED)
		return;
	if (!c->eof && uv_fileno((uv_handle_t *)&c->pipe, &fd) == 0)
		wh_accept_drain(s, fd);
	c->state = WH_CONN_CLOSED;
	wh_server_leave(s, c);
	wh_waits_closed(s->d->waits, c->id);
	wh_watch_closed(s->d->watch, c->id);
	uv_close((uv_handle_t *)&c->pipe, on_closed);
	uv_close((uv_handle_t *)&c->timer, on_closed);
}

int
wh_conn_new(struct wh_server *s, int fd, const struct wh_peer *peer)
{
	struct wh_conn *c = calloc(1, sizeof(*c));

	if (!c) {
		close(fd);
		return WH_ENOMEM;
	}
	c->server = s;
	c->peer = *peer;
	c->handles = 2;
	uv_pipe_init(&s->d->loop, &c->pipe, 0);
	uv_timer_init(&s->d->loop, &c->timer);
	c->pipe.data = c->timer.data = c;
	wh_server_enter(s, c);
	if (uv_pipe_open(&c->pipe, fd)) {
		close(fd);
		wh_conn_close(c);
		return WH_ESYS;
	}
	wh_log(WH_LOG_DEBUG, "conn", "accepted", "conn=%" PRIu64 " uid=%u pid=%d role=%s",
	       c->id, peer->uid, (int)peer->pid,
	       peer->known ? wh_role_str(peer->role) : "none");
	read_or_stop(c);
	return c->state == WH_CONN_CLOSED ? WH_ESYS : 0;
}
