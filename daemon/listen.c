/* SPDX-License-Identifier: MIT */
/*
 * Makes the listening socket, or takes the one systemd passed.
 *
 * Called by the server at start and stop. A socket of our own is bound under
 * another name with no permissions for others, made ready in every respect,
 * and only then renamed to its place: nobody can connect too early, and nobody
 * finds it missing while whd starts anew. libuv could bind it too, but would
 * cut a long path, set permissions late and remove another's socket at close.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/listen.h"
#include "daemon/sd.h"

#define BACKLOG 1024
/* The socket is bound under its path + this and then renamed: config.def leaves room for it. */
#define SUFFIX ".new"

static int
fail_errno(struct wh_buf *text, const char *path, const char *what, const char *next)
{
	wh_buf_printf(text, "%s: %s (%s): %s", path, what, strerror(errno), next);
	return WH_ESYS;
}

static int
set_address(struct sockaddr_un *ret, const char *path, struct wh_buf *text)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(ret->sun_path)) {
		wh_buf_printf(text,
			      "%s: is too long for a socket's address: shorten socket.path",
			      path);
		return WH_EINVAL;
	}
	memcpy(ret->sun_path, path, strlen(path));
	return 0;
}

/*
 * Is the place free? A socket file that nobody answers on was left behind by a
 * process that died; anything else at that name is not ours to replace.
 */
static int
check_place(const char *path, struct wh_buf *text)
{
	struct sockaddr_un address;
	struct stat st;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ? 0
				       : fail_errno(text, path, "cannot be looked at",
						    "correct socket.path");
	if (!S_ISSOCK(st.st_mode)) {
		wh_buf_printf(text, "%s: is no socket: remove it or correct socket.path", path);
		return WH_EINVAL;
	}
	int r = set_address(&address, path, text);

	if (r)
		return r;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return fail_errno(text, path, "no socket can be made",
				  "raise the limit of open files");
	bool refused = connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0 &&
		       (errno == ECONNREFUSED || errno == ENOENT);

	close(fd);
	if (refused)
		return 0;
	wh_buf_printf(text, "%s: another process serves there: is whd running already?", path);
	return WH_EBUSY;
}

int
wh_listen_group(const struct wh_config *c, gid_t *ret, struct wh_buf *text)
{
	struct wh_str name = wh_str_c(c->socket_group);
	int64_t number;

	*ret = (gid_t)-1;
	if (name.n == 0)
		return 0;
	if (wh_parse_i64(name, 0, UINT32_MAX - 1, &number)) {
		*ret = (gid_t)number;
		return 0;
	}
	struct group *entry = getgrnam(c->socket_group);

	if (!entry) {
		wh_config_where(c, "socket", "group", text);
		wh_buf_printf(text, "there is no group \"%s\": create it or correct the name",
			      c->socket_group);
		return WH_EINVAL;
	}
	*ret = entry->gr_gid;
	return 0;
}

static int
bind_closed(int fd, const char *name, struct wh_buf *text)
{
	struct sockaddr_un address;
	int r = set_address(&address, name, text);

	if (r)
		return r;
	if (unlink(name) != 0 && errno != ENOENT)
		return fail_errno(text, name, "cannot be removed", "remove it");
	mode_t mask = umask(0777);
	int bound = bind(fd, (struct sockaddr *)&address, sizeof(address));
	int kept = errno;

	umask(mask);
	errno = kept;
	if (bound != 0)
		return fail_errno(text, name, "cannot be bound",
				  "does its folder exist, and may whd write to it?");
	return 0;
}

/* The group comes before the permissions, so that they never mean another group. */
static int
open_to_peers(int fd, const char *name, const struct wh_config *c, gid_t group,
	      struct wh_buf *text)
{
	if (group != (gid_t)-1 && lchown(name, (uid_t)-1, group) != 0)
		return fail_errno(text, name, "cannot be given to its group",
				  "let whd's user be a member of socket.group");
	if (listen(fd, BACKLOG) != 0)
		return fail_errno(text, name, "cannot be listened on", "see the error");
	if (chmod(name, (mode_t)c->socket_mode) != 0)
		return fail_errno(text, name, "cannot be given its mode", "see the error");
	return 0;
}

static int
move_in_place(struct wh_listener *l, const char *name, const char *path, struct wh_buf *text)
{
	struct stat st;

	if (lstat(name, &st) != 0 || rename(name, path) != 0)
		return fail_errno(text, path, "cannot be put in place",
				  "may whd write to its folder?");
	l->path = wh_xstrdup(wh_str_c(path));
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	return 0;
}

static int
make_socket(struct wh_listener *l, const struct wh_config *c, const char *name,
	    struct wh_buf *text)
{
	gid_t group;
	int r = wh_listen_group(c, &group, text);

	if (r)
		return r;
	r = bind_closed(l->fd, name, text);
	if (r)
		return r;
	r = open_to_peers(l->fd, name, c, group, text);
	if (r == 0)
		r = move_in_place(l, name, c->socket_path, text);
	if (r)
		unlink(name);
	return r;
}

static int
open_own(struct wh_listener *l, const struct wh_config *c, struct wh_buf *text)
{
	char name[4096];
	int r = check_place(c->socket_path, text);

	if (r)
		return r;
	snprintf(name, sizeof(name), "%s" SUFFIX, c->socket_path);
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (l->fd < 0)
		return fail_errno(text, c->socket_path, "no socket can be made",
				  "raise the limit of open files");
	r = make_socket(l, c, name, text);
	if (r)
		close(l->fd);
	return r;
}

static int
set_nonblocking(int fd, struct wh_buf *text)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0)
		return 0;
	return fail_errno(text, "the socket passed", "cannot be made non-blocking",
			  "see the error");
}

int
wh_listener_open(struct wh_listener *ret, const struct wh_config *c, struct wh_buf *text)
{
	struct wh_listener l = {.fd = -1};
	int r = wh_sd_socket(&l.fd);

	if (r == 0)
		r = set_nonblocking(l.fd, text);
	else if (r == WH_SD_NONE)
		r = open_own(&l, c, text);
	else
		wh_buf_c(text,
			 "what systemd passed is not one listening unix stream socket: give "
			 "whd.socket exactly one ListenStream=");
	if (r == 0)
		*ret = l;
	return r;
}

static bool
is_still_ours(const struct wh_listener *l)
{
	struct stat st;

	return lstat(l->path, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino;
}

void
wh_listener_close(struct wh_listener *l)
{
	if (l->path && is_still_ours(l))
		unlink(l->path);
	if (l->fd >= 0)
		close(l->fd);
	free(l->path);
	*l = (struct wh_listener){.fd = -1};
}
