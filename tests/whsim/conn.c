/* SPDX-License-Identifier: MIT */
/*
 * The open connections to the simulated API: see conn.h.
 *
 * Called on the threads of the connections and of the control verbs, with
 * the simulator's lock held.  It never closes a descriptor: that is for
 * libmicrohttpd, which would otherwise close a stranger's.
 */
#include "tests/whsim/conn.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/whsim/mem.h"

struct wh_conn *
wh_conn_begin(struct wh_conns *conns, int fd)
{
	struct wh_conn *conn = wh_mem_new(sizeof(*conn));

	conn->fd = fd;
	conn->number = ++conns->numbered;
	conn->next = conns->first;
	if (conn->next)
		conn->next->prev = conn;
	conns->first = conn;
	conns->count++;
	return conn;
}

void
wh_conn_end(struct wh_conns *conns, struct wh_conn *conn)
{
	if (conn->prev)
		conn->prev->next = conn->next;
	else
		conns->first = conn->next;
	if (conn->next)
		conn->next->prev = conn->prev;
	conns->count--;
	free(conn);
}

/* Few bytes on a connection that waits for them: they always fit. */
void
wh_conn_say(const struct wh_conn *conn, const char *text)
{
	(void)!send(conn->fd, text, strlen(text), MSG_NOSIGNAL);
}

/*
 * Dissolving the association sends RST at once, before the library's orderly
 * shutdown could send FIN.  The linger is for the close that follows.  By the
 * number of the call, since the thread of the connection may read from it at
 * this very moment: it is meant to lose, and ThreadSanitizer would complain.
 */
void
wh_conn_reset(const struct wh_conn *conn)
{
	const struct linger hard = {.l_onoff = 1, .l_linger = 0};
	const struct sockaddr none = {.sa_family = AF_UNSPEC};

	setsockopt(conn->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	syscall(SYS_connect, conn->fd, &none, sizeof(none));
}

void
wh_conns_reset(const struct wh_conns *conns)
{
	for (const struct wh_conn *conn = conns->first; conn; conn = conn->next)
		wh_conn_reset(conn);
}

size_t
wh_conns_close_idle(const struct wh_conns *conns)
{
	size_t closed = 0;

	for (const struct wh_conn *conn = conns->first; conn; conn = conn->next) {
		if (conn->busy)
			continue;
		shutdown(conn->fd, SHUT_RDWR);
		closed++;
	}
	return closed;
}

bool
wh_conn_is_gone(const struct wh_conn *conn)
{
	struct pollfd at = {.fd = conn->fd, .events = POLLRDHUP};

	return poll(&at, 1, 0) > 0 && (at.revents & (POLLRDHUP | POLLHUP | POLLERR));
}
