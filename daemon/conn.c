/* SPDX-License-Identifier: MIT */
/*
 * One peer from its acceptance to its end: when it is read, when not, and for
 * how long it may keep us waiting.
 *
 * Called by libuv and by the server; loop thread. All requests that came are
 * taken before their answers are sent, in one write a connection. Reading stops while the
 * peer does not take its answers, or has too many calls unanswered. An idle
 * connection has no buffer and no timer.
 */
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/conn.h"
#include "daemon/waits.h"
#include "daemon/watch.h"
#include "proto/peek.h"

#define READ_LEAST 4096u
#define TOGETHER_MOST ((size_t)256 << 10) /* bytes of answers that leave together */

static int64_t
now_of(const struct wh_conn *c)
{
	return c->server->d->now.mono.ms;
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

static bool
polls(const struct wh_conn *c, short events)
{
	struct pollfd p = {.fd = c->fd, .events = POLLIN};

	return poll(&p, 1, 0) > 0 && (p.revents & events);
}

/* A peer that closed, not one that only will not send any more. */
static bool
is_gone(const struct wh_conn *c)
{
	return polls(c, POLLHUP);
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
	if (wh_conn_is_partial(c))
		wh_buf_fini(&c->in);
	c->partial = 0;
	wh_watch_closed(c->server->d->watch, c->id);
	wh_conn_go_on(c);
}

/*
 * Goes on before the loop sleeps: then the answers to all that was read leave together, and
 * who reads them is woken once, not once for each. Many do not wait.
 */
static void
go_on_soon(struct wh_conn *c)
{
	struct wh_server *s = c->server;

	s->gathered += c->out.n;
	if (s->gathered > TOGETHER_MOST) {
		wh_server_settle(s);
		wh_conn_go_on(c);
	} else {
		wh_server_mark(s, c);
	}
}

static void
on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct wh_conn *c = stream->data;

	if (n == 0)
		return;
	whd_tick_late(c->server->d);
	if (n == UV_EOF) {
		on_eof(c);
	} else if (n < 0) {
		wh_conn_close(c);
	} else {
		wh_conn_take_bytes(c, buf->base, (size_t)n);
		go_on_soon(c);
	}
}

static void
read_or_stop(struct wh_conn *c)
{
	bool want = !c->eof && wh_conn_may_take(c);

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
	wh_rpc_error(&c->out, wh_peek_id(wh_buf_view(&c->in)), WH_ERR_TIMEOUT,
		     wh_str_c(sentence));
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
	if (!wh_conn_is_partial(c) || !c->reading)
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

	if (due == WH_NEVER && c->timer_at != WH_NEVER) {
		uv_timer_stop(&c->timer);
		c->timer_at = WH_NEVER;
	}
	if (c->timer_at <= due)
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
	c->timer_at = WH_NEVER;
	if (wh_conn_has_stalled(c)) {
		give_up_reader(c);
		return;
	}
	/* What came while whd itself stood still is read first. */
	if (request_due(c) <= now_of(c) && !polls(c, POLLIN))
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
	return c->eof && !wh_conn_has_waiting(c) && c->parked == 0;
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
	while (wh_conn_has_waiting(c) && wh_conn_may_take(c)) {
		wh_conn_take_waiting(c);
		wh_conn_flush(c);
	}
	c->busy = false;
	if (c->state == WH_CONN_CLOSED)
		return;
	if (is_owed_nothing(c)) {
		wh_conn_close(c);
		return;
	}
	if (c->turn_over)
		wh_server_mark(c->server, c);
	read_or_stop(c);
	if (c->state != WH_CONN_CLOSED)
		arm(c);
}

void
wh_conn_parked(struct wh_server *s, struct wh_ticket t)
{
	struct wh_conn *c = wh_server_find(s, t.conn);

	wh_require(c);
	c->parked++;
	c->owed += t.size;
}

void
wh_conn_drain(struct wh_conn *c)
{
	if (c->state != WH_CONN_OPEN)
		return;
	c->state = WH_CONN_DRAINING;
	c->partial = 0;
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

	if (c->state == WH_CONN_CLOSED)
		return;
	if (!c->eof && c->fd >= 0)
		wh_accept_drain(s, c->fd);
	c->fd = -1;
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
	c->fd = -1;
	c->timer_at = WH_NEVER;
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
	c->fd = fd;
	wh_log(WH_LOG_DEBUG, "conn", "accepted", "conn=%" PRIu64 " uid=%u pid=%d role=%s",
	       c->id, peer->uid, (int)peer->pid,
	       peer->known ? wh_role_str(peer->role) : "none");
	read_or_stop(c);
	return c->state == WH_CONN_CLOSED ? WH_ESYS : 0;
}
