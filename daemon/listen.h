/* SPDX-License-Identifier: MIT */
/*
 * The listening unix socket: made by whd itself or passed by systemd. Used by
 * the server at start and stop; loop thread.
 */
#pragma once

#include "daemon/config.h"

struct wh_listener {
	int fd;
	char *path;        /* NULL: passed by systemd, not ours to remove */
	uint64_t dev, ino; /* of the socket we made, so that another's is not removed */
};

/*
 * A listening, non-blocking socket. 0, or a fault with a sentence in text:
 * WH_EBUSY if another process answers on the path, else WH_EINVAL or WH_ESYS.
 */
WH_MUST_USE int wh_listener_open(struct wh_listener *ret, const struct wh_config *c,
				 struct wh_buf *text);
/* Closes it and, if it is ours and still in place, removes it. */
void wh_listener_close(struct wh_listener *l);
