/* SPDX-License-Identifier: MIT */
/*
 * The listening unix socket: made by whd itself or passed by systemd. Used by
 * the server at start and stop, and by the check of the configuration for the group alone;
 * loop thread, and the main thread for the check at start.
 */
#pragma once

#include <sys/types.h>

#include "daemon/config.h"

struct wh_listener {
	int fd;
	char *path;        /* NULL: passed by systemd, not ours to remove */
	uint64_t dev, ino; /* of the socket we made, so that another's is not removed */
};

/* Looks [socket] group up; *ret is -1 if none is set. WH_EINVAL with a sentence in text if
 * there is no such group. */
WH_MUST_USE int wh_listen_group(const struct wh_config *c, gid_t *ret, struct wh_buf *text);
/*
 * A listening, non-blocking socket. 0, or a fault with a sentence in text:
 * WH_EBUSY if another process answers on the path, else WH_EINVAL or WH_ESYS.
 */
WH_MUST_USE int wh_listener_open(struct wh_listener *ret, const struct wh_config *c,
				 struct wh_buf *text);
/* Closes it and, if it is ours and still in place, removes it. */
void wh_listener_close(struct wh_listener *l);
