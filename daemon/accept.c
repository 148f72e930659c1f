/* SPDX-License-Identifier: MIT */
/*
 * Takes new connections in: who is it, is there a place, and a polite no.
 *
 * Part of the server; loop thread. The listening socket is watched by a poll
 * handle and accepted from here, not by uv_listen: when file descriptors run
 * out libuv would either drop the whole backlog or spin. Here accepting rests
 * for a moment and the peers wait in the backlog.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/conn.h"

#define ACCEPTS_A_TURN 64
#define REST_MS 100

void
wh_accept_drain(struct wh_server *s, int fd)
{
	const int rounds = 32; /* 2 MiB at most */

	for (int i = 0; i < rounds; i++)
		if (recv(fd, s->read_room, WH_READ_ROOM, MSG_DONTWAIT) <= 0)
			return;
}

/* Says BUSY and why; id 0, as no request was read. */
static void
turn_away(struct wh_server *s, int fd, const struct wh_peer *peer, const char *sentence)
{
	struct wh_buf out = WH_BUF_NULL;
	unsigned suppressed;

	s->d->counters.connections_refused++;
	wh_rpc_error(&out, 0, WH_ERR_BUSY, wh_str_c(sentence));
	if (!out.fault && send(fd, out.p, out.n, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
		wh_accept_drain(s, fd);
	close(fd);
	wh_buf_fini(&out);
	if (wh_server_may_log(s, &suppressed))
		wh_log(WH_LOG_WARNING, "conn", "refused a connection",
		       "uid=%u pid=%d connections=%u suppressed=%u", peer->uid, (int)peer->pid,
		       s->connections, suppressed);
}

/* Why there is no place for peer, or NULL. */
static const char *
no_place(const struct wh_server *s, const struct wh_peer *peer)
{
	const struct wh_config *c = s->d->config;
	int64_t most = c->limits_connections;
	bool admin = peer->known && peer->role == WH_ROLE_ADMIN;

	if (!admin)
		most -= c->limits_admin_reserve;
	if (s->connections >= most)
		return "whd has as many connections as [limits] connections allows: close some "
		       "or "
		       "try again later";
	if (wh_server_of_uid(s, peer->uid) >= c->limits_per_uid)
		return "your user has as many connections as [limits] per_uid allows: close "
		       "some "
		       "or try again later";
	return NULL;
}

static void
take_in(struct wh_server *s, int fd)
{
	struct wh_peer peer;

	if (wh_access_peer(s->access, fd, &peer)) {
		close(fd);
		s->d->counters.connections_refused++;
		return;
	}
	const char *sentence = no_place(s, &peer);

	if (sentence) {
		turn_away(s, fd, &peer, sentence);
		return;
	}
	if (wh_conn_new(s, fd, &peer))
		s->d->counters.connections_refused++;
	else
		s->d->counters.connections++;
}

static void on_readable(uv_poll_t *poll, int status, int events);

static void
on_rested(uv_timer_t *timer)
{
	struct wh_server *s = timer->data;

	whd_tick(s->d);
	if (s->accepting)
		uv_poll_start(&s->accept, UV_READABLE, on_readable);
}

static void
rest(struct wh_server *s, int error)
{
	unsigned suppressed;

	uv_poll_stop(&s->accept);
	uv_timer_start(&s->accept_again, on_rested, REST_MS, 0);
	if (wh_server_may_log(s, &suppressed))
		wh_log(WH_LOG_ERROR, "conn", "cannot accept: raise the limit of open files",
		       "error=%s connections=%u suppressed=%u",
		       WH_LOGQ(wh_str_c(strerror(error))), s->connections, suppressed);
}

/* These concern the one connection that was to be accepted. */
static bool
is_of_the_peer(int error)
{
	return error == EINTR || error == ECONNABORTED || error == EPROTO || error == EPERM;
}

static void
on_readable(uv_poll_t *poll, int status, int events)
{
	struct wh_server *s = poll->data;

	(void)events;
	whd_tick(s->d);
	if (status < 0) {
		rest(s, -status);
		return;
	}
	for (int i = 0; i < ACCEPTS_A_TURN; i++) {
		int fd = accept4(s->listener.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			take_in(s, fd);
			continue;
		}
		if (is_of_the_peer(errno))
			continue;
		if (errno != EAGAIN && errno != EWOULDBLOCK)
			rest(s, errno);
		return;
	}
}

void
wh_accept_start(struct wh_server *s)
{
	s->accepting = true;
	uv_poll_start(&s->accept, UV_READABLE, on_readable);
}

void
wh_accept_stop(struct wh_server *s)
{
	if (!s->accepting)
		return;
	s->accepting = false;
	uv_poll_stop(&s->accept);
	uv_timer_stop(&s->accept_again);
}
