/* SPDX-License-Identifier: MIT */
/*
 * Who may do what: the names of [access], resolved once, and the role of a
 * peer by what the kernel says of it. Pid and what a peer says of itself play
 * no part. Loop thread, and the main thread for the check at start.
 */
#pragma once

#include "daemon/config.h"

struct wh_access;
struct wh_peer; /* daemon/server.h */

/*
 * Looks up the users and groups of [access]. A name that does not exist is a
 * fault if it stands in a file, and a warning if it is the default's. text
 * gets a line for each, "file:line: access.write: ...", "file: access.write: warning: ...".
 */
WH_MUST_USE int wh_access_new(struct wh_access **ret, const struct wh_config *c,
			      struct wh_buf *text);
struct wh_access *wh_access_free(struct wh_access *a); /* NULL is fine */

/* Fills role and known from uid and the groups given. uid 0 and whd's own uid are admin. */
void wh_access_judge(const struct wh_access *a, struct wh_peer *peer, const uint32_t *groups,
		     size_t n_groups);
/* Reads uid, gid, pid and groups of the peer of a connected unix socket and judges them.
 * WH_ESYS if the kernel does not tell. */
WH_MUST_USE int wh_access_peer(const struct wh_access *a, int fd, struct wh_peer *ret);
