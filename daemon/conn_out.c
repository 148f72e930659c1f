/* SPDX-License-Identifier: MIT */
/*
 * A connection's way out: gathered bytes to the socket, water marks, and peers
 * that do not read.
 *
 * conn.c and the server call it; loop thread. Bytes are tried at once; only
 * what the socket does not take is handed to libuv, one write at a time, so
 * that nothing queues without being counted.
 */
#include <errno.h>
#include <sys/socket.h>

#include "daemon/conn.h"
#include "daemon/watch.h"

#define SPARE_MOST ((size_t)2 << 20) /* a larger buffer is not kept */
#define SPARE_SMALL 65536u           /* nor for long, nor more than one */
#define KEPT_MOST 1024u              /* nor is one of a single connection */
#define LOOKS 4                      /* looks for progress in one `stall` */

static size_t
left_of_write(const struct wh_conn *c)
{
	return c->writing ? uv_stream_get_write_queue_size((const uv_stream_t *)&c->pipe) : 0;
}

size_t
wh_conn_unsent(const struct wh_conn *c)
{
	return c->out.n + left_of_write(c);
}

bool
wh_conn_has_room(struct wh_conn *c)
{
	struct wh_server *s = c->server;

	if (wh_conn_unsent(c) <= (size_t)s->d->config->limits_out_max)
		return true;
	s->d->counters.slow_peers++;
	c->doomed = true;
	wh_server_mark(s, c);
	return false;
}

static bool
share(struct wh_server *s, struct wh_buf *b)
{
	size_t most = s->n_spares ? SPARE_SMALL : SPARE_MOST;

	if (!b->p || s->n_spares == WH_SPARES || b->cap > most)
		return false;
	wh_buf_reset(b);
	s->spares[s->n_spares++] = *b;
	*b = WH_BUF_NULL;
	return true;
}

/* An empty buffer goes back to be shared; a connection keeps a small one at most. */
static void
give_back(struct wh_conn *c)
{
	if (c->out.n == 0 && !share(c->server, &c->out) && c->out.cap > KEPT_MOST)
		wh_buf_fini(&c->out);
}

void
wh_server_tidy(struct wh_server *s)
{
	while (s->n_spares > 1)
		wh_buf_fini(&s->spares[--s->n_spares]);
	if (s->n_spares && s->spares[0].cap > SPARE_SMALL)
		wh_buf_fini(&s->spares[--s->n_spares]);
}

static void
look_later(struct wh_conn *c)
{
	const struct whd *d = c->server->d;

	c->stall_at = d->now.mono.ms + d->config->limits_stall / LOOKS;
}

bool
wh_conn_has_stalled(struct wh_conn *c)
{
	size_t left = left_of_write(c);

	if (!c->writing || c->stall_at > c->server->d->now.mono.ms)
		return false;
	c->stalled = left < c->left_before ? 0 : c->stalled + 1;
	c->left_before = left;
	look_later(c);
	return c->stalled >= LOOKS;
}

static void
on_written(uv_write_t *write, int status)
{
	struct wh_conn *c = write->data;

	c->writing = false;
	if (!share(c->server, &c->sending))
		wh_buf_fini(&c->sending);
	if (c->state == WH_CONN_CLOSED)
		return;
	whd_tick(c->server->d);
	if (status < 0)
		wh_conn_close(c);
	else
		wh_conn_go_on(c);
}

/* The socket took `sent` bytes and is full: libuv sends the rest when there is room. */
static void
hand_over(struct wh_conn *c, size_t sent)
{
	c->sending = c->out;
	c->out = WH_BUF_NULL;
	uv_buf_t rest = uv_buf_init(c->sending.p + sent, (unsigned)(c->sending.n - sent));

	c->write.data = c;
	c->writing = true;
	c->stalled = 0;
	c->left_before = rest.len;
	look_later(c);
	if (uv_write(&c->write, (uv_stream_t *)&c->pipe, &rest, 1, on_written)) {
		c->writing = false;
		wh_conn_close(c);
	}
}

/* As uv_try_write(), which write(2) takes longer for; libuv has nothing to write then. */
static ssize_t
try_send(const struct wh_conn *c)
{
	return send(c->fd, c->out.p, c->out.n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
send_out(struct wh_conn *c)
{
	ssize_t n = try_send(c);

	wh_crash_at(&c->server->d->crash, WH_CRASH_ANSWER_LEFT);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		wh_conn_close(c);
	else if (n == (ssize_t)c->out.n)
		wh_buf_reset(&c->out);
	else
		hand_over(c, n > 0 ? (size_t)n : 0);
}

/* Reading and pushing stop at out_high and go on below half of it. */
static void
look_at_marks(struct wh_conn *c)
{
	size_t unsent = wh_conn_unsent(c);
	size_t high = (size_t)c->server->d->config->limits_out_high;

	if (unsent >= high) {
		c->high = true;
	} else if (c->high && unsent < high / 2) {
		c->high = false;
		wh_watch_drained(c->server->d->watch, c->id);
	}
}

void
wh_conn_flush(struct wh_conn *c)
{
	if (c->state == WH_CONN_CLOSED)
		return;
	if (c->out.fault) {
		wh_conn_close(c);
		return;
	}
	if (c->out.n > 0 && !c->writing)
		send_out(c);
	if (c->state == WH_CONN_CLOSED)
		return;
	give_back(c);
	look_at_marks(c);
}
