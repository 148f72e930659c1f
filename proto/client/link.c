/* SPDX-License-Identifier: MIT */
/*
 * The connection of a handle: open, send, receive, close.
 *
 * Called by call.c and blocking.c on the handle's thread. It moves bytes and
 * never looks into them; it never raises SIGPIPE and never leaks a descriptor
 * into a child program.
 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/client/client.h"

#define RECEIVE_CHUNK 65536

static int
fail_connect(struct whc *c, int errnum)
{
	const char *path = c->path;
	struct stat st;

	/* connect() refuses a folder or file as it does a socket nobody listens on. */
	if (errnum == ECONNREFUSED && stat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
		errnum = ENOTSOCK;
	switch (errnum) {
	case ENOTSOCK:
		return whc_fail_sys(c, WHC_EUNREACHABLE, errnum,
				    "%s is no socket: whd listens elsewhere", path);
	case ENOENT:
		return whc_fail_sys(c, WHC_EUNREACHABLE, errnum,
				    "there is no socket %s: whd is not running or listens "
				    "elsewhere",
				    path);
	case ECONNREFUSED:
		return whc_fail_sys(c, WHC_EUNREACHABLE, errnum,
				    "nobody listens on %s: whd has stopped", path);
	case EACCES:
	case EPERM:
		return whc_fail_sys(c, WHC_EUNREACHABLE, errnum,
				    "this user may not use the socket %s: join its group",
				    path);
	case EAGAIN:
		return whc_fail_sys(c, WHC_EUNREACHABLE, errnum,
				    "whd does not take connections on %s: it is overloaded or "
				    "hangs",
				    path);
	default:
		return whc_fail_sys(c, WHC_EUNREACHABLE, errnum, "cannot connect to %s: %s",
				    path, strerror(errnum));
	}
}

/* How long connect() may wait when the listen queue is full. */
static void
limit_connect(int fd, int64_t timeout_ms)
{
	if (timeout_ms == WHC_NO_TIMEOUT)
		return;
	struct timeval tv = {
		.tv_sec = (time_t)(timeout_ms / 1000),
		.tv_usec = (suseconds_t)(timeout_ms % 1000 * 1000 + 1),
	};

	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

static int
connect_to(int fd, const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	memcpy(addr.sun_path, path, strlen(path) + 1);
	while (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0)
		if (errno != EINTR)
			return errno;
	return 0;
}

int
whc_link_open(struct whc *c)
{
	struct wh_frame_limits limits = {WHC_MESSAGE_MAX, WHC_DEPTH_MAX, WHC_ELEMENTS_MAX};

	if (strlen(c->path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
		return whc_fail_sys(c, WHC_EUNREACHABLE, ENAMETOOLONG,
				    "the socket path %s is too long: use one below 108 bytes",
				    c->path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return fail_connect(c, errno);
	limit_connect(fd, c->timeout);
	int errnum = connect_to(fd, c->path);

	if (!errnum && fcntl(fd, F_SETFL, O_NONBLOCK) != 0)
		errnum = errno;
	if (errnum) {
		close(fd);
		return fail_connect(c, errnum);
	}
	c->fd = fd;
	wh_frame_init(&c->frame, &limits);
	return 0;
}

void
whc_link_close(struct whc *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	wh_buf_fini(&c->in);
	wh_buf_fini(&c->out);
	c->queued = c->sent;
}

static int
fail_broken(struct whc *c, int errnum)
{
	return whc_fail_sys(c, WHC_ELOST, errnum,
			    "the connection to whd on %s broke before it answered", c->path);
}

int
whc_link_send(struct whc *c)
{
	while (c->out.n) {
		ssize_t n = send(c->fd, c->out.p, c->out.n, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return 0;
		if (n < 0)
			return fail_broken(c, errno);
		c->sent += (uint64_t)n;
		wh_buf_consume(&c->out, (size_t)n);
	}
	return 0;
}

int
whc_link_receive(struct whc *c, bool *ret_more)
{
	char *to = wh_buf_room(&c->in, RECEIVE_CHUNK);

	*ret_more = false;
	if (!to)
		return whc_fail(c, WHC_ENOMEM, "no memory for an answer of whd");
	for (;;) {
		ssize_t n = recv(c->fd, to, RECEIVE_CHUNK, MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return 0;
		if (n <= 0)
			return fail_broken(c, n < 0 ? errno : ECONNRESET);
		c->in.n += (size_t)n;
		*ret_more = n == RECEIVE_CHUNK;
		return 0;
	}
}
