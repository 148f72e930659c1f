/* SPDX-License-Identifier: MIT */
/*
 * Subscribers tail the change log: nobody pushes payloads to them; after a
 * commit each subscriber below its water mark gets what lies behind its
 * revision, read from the log, encoded once a revision, not once a subscriber.
 * What one turn of the loop pushes is bounded: callers wait for it 1 or 2 ms.
 * A subscriber that fell out of the log gets one `reset` event. Loop thread.
 */
#pragma once

#include "daemon/server.h"

struct wh_watch *wh_watch_new(struct whd *d);
/* Frees; the loop must run once more before it ends. NULL is fine. */
struct wh_watch *wh_watch_free(struct wh_watch *w);
/* The connection gets every event behind `since` pushed, from the next turn of the loop on. A
 * second subscription of a connection takes the place of the first. */
void wh_watch_subscribe(struct wh_watch *w, uint64_t conn, uint64_t since);
/* Look again: something was committed. */
void wh_watch_poke(struct wh_watch *w);
/* The connection's output has drained below out_high. */
void wh_watch_drained(struct wh_watch *w, uint64_t conn);
void wh_watch_closed(struct wh_watch *w, uint64_t conn);
/* One map: subscribers, and how far the slowest is behind (section of dump). */
void wh_watch_dump(const struct wh_watch *w, struct wh_buf *out);
/*
 * Appends the array of events.read: the events behind `since`, at most limit
 * and at most 512 KiB; n how many, last the revision of the last, or since. An event on the
 * wire is the body kept in the change log with `revision` put before its members.
 */
struct wh_watch_batch {
	struct wh_buf array;
	uint32_t n;
	uint64_t last;
};
WH_MUST_USE int wh_watch_read(struct whd *d, uint64_t since, uint32_t limit,
			      struct wh_watch_batch *ret);
/* Can a reader go on from `since` of `instance` (empty = ours)? */
bool wh_watch_continues(struct whd *d, uint64_t since, struct wh_str instance);
