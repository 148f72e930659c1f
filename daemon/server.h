/* SPDX-License-Identifier: MIT */
/*
 * The socket and its connections: accept, roles, limits, bytes to calls and
 * replies to bytes. Loop thread only.
 *
 * Whoever must answer later keeps a ticket, never a pointer: a client that has
 * left is a look-up that finds nothing.
 */
#pragma once

#include "daemon/whd.h"

struct wh_peer {
	uint32_t uid, gid;
	int32_t pid;       /* for the log only */
	enum wh_role role; /* fixed at accept, derived anew on reload */
	bool known;        /* false: may not even read ([access] read) */
};

struct wh_ticket {
	uint64_t conn; /* never reused */
	uint32_t msgid;
	uint32_t size; /* bytes of the request: its answer is expected to be about as long */
};

/* Takes the socket passed by systemd or makes its own ([socket]). 0 or a fault with a sentence.
 */
WH_MUST_USE int wh_server_start(struct whd *d, struct wh_buf *text);
/* Stops accepting and removes the socket if we made it. */
void wh_server_stop_accepting(struct wh_server *s);
/* Flushes what is queued, then closes all; `done` is called on the loop when the last is gone
 * or after timeout_ms. */
void wh_server_close(struct wh_server *s, int64_t timeout_ms, void (*done)(struct whd *));
struct wh_server *wh_server_free(struct wh_server *s);
/* Once in a while: gives back the memory of large answers. */
void wh_server_tidy(struct wh_server *s);
/* [access] or [limits] changed. */
void wh_server_reconfigure(struct wh_server *s);

/* Room for a late reply of n bytes, beside those that come due with it and cannot leave before.
 * False, too, if the connection is gone. */
bool wh_server_has_room(const struct wh_server *s, struct wh_ticket t, size_t n);
/* Late replies. False if the connection is gone. result is one encoded object. */
bool wh_server_reply(struct wh_server *s, struct wh_ticket t, struct wh_str result);
WH_PRINTF(4, 5)
bool wh_server_fail(struct wh_server *s, struct wh_ticket t, enum wh_error code,
		    const char *fmt, ...);
/*
 * Pushes an encoded notification (a whole message). False if the connection is
 * gone. *ret_queued: unsent bytes of it now, against [limits] out_high.
 */
bool wh_server_push(struct wh_server *s, uint64_t conn, struct wh_str message,
		    size_t *ret_queued);

struct wh_server_stats {
	uint32_t connections, calls_waiting;
	uint64_t bytes_queued;
};
void wh_server_stats(const struct wh_server *s, struct wh_server_stats *ret);
/* One map with every connection: id, uid, pid, role, calls, bytes queued (section of dump). */
void wh_server_dump(const struct wh_server *s, struct wh_buf *out);
