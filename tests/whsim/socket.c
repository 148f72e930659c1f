/* SPDX-License-Identifier: MIT */
/*
 * Listening sockets on 127.0.0.1: see socket.h.
 *
 * Called by main and net.c.  It never binds to any other address.
 */
#include "tests/whsim/socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOCKET_BACKLOG = 511, SOCKET_TRIES = 16 };

static int
socket_bound(uint16_t port, int reuse)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse));
	if (!bind(fd, (const struct sockaddr *)&at, sizeof(at)))
		return fd;
	r = -errno;
	close(fd);
	return r;
}

static uint16_t
socket_port(int fd)
{
	struct sockaddr_in at = {0};
	socklen_t len = sizeof(at);

	getsockname(fd, (struct sockaddr *)&at, &len);
	return ntohs(at.sin_port);
}

/*
 * A free port, which somebody else may take before we bind to it.  Without
 * reuse, so that it is not one that another simulator has only deafened.
 */
static uint16_t
free_port(void)
{
	int fd = socket_bound(0, 0);
	uint16_t port = fd < 0 ? 0 : socket_port(fd);

	if (fd >= 0)
		close(fd);
	return port;
}

/*
 * A socket bound to port 0 would lose its port when it stops listening; only
 * one that was bound to a number keeps it.  So a free one is found first.
 */
static int
listen_anywhere(uint16_t *ret_port)
{
	for (int i = 0; i < SOCKET_TRIES; i++) {
		uint16_t port = free_port();
		int fd = port ? wh_socket_listen(port, ret_port) : -EADDRINUSE;

		if (fd >= 0)
			return fd;
	}
	return -EADDRINUSE;
}

int
wh_socket_listen(uint16_t port, uint16_t *ret_port)
{
	int fd;
	int r;

	if (!port)
		return listen_anywhere(ret_port);
	fd = socket_bound(port, 1);
	if (fd < 0)
		return fd;
	r = wh_socket_hear(fd);
	if (r) {
		close(fd);
		return r;
	}
	*ret_port = port;
	return fd;
}

void
wh_socket_deafen(int fd)
{
	shutdown(fd, SHUT_RDWR);
}

int
wh_socket_hear(int fd)
{
	return listen(fd, SOCKET_BACKLOG) ? -errno : 0;
}
