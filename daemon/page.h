/* SPDX-License-Identifier: MIT */
/*
 * One page of a list reply: items are appended until the limit or the reply's
 * size is reached; a cursor is added if there is more. They are written where
 * they are sent from; a failure takes back what was begun. Loop thread.
 */
#pragma once

#include "daemon/dispatch.h"

struct wh_page {
	struct wh_call *call;
	struct wh_buf *out; /* the answer; NULL until it is begun */
	size_t map_at;      /* where its result begins */
	size_t items_at;    /* where its items begin, behind the head of their array */
	uint32_t n, limit;
	uint64_t filter;
	size_t last_at;      /* where the last item begins */
	struct wh_buf last;  /* its key */
	struct wh_buf prior; /* key of the one before it */
	bool more;
	uint64_t damaged; /* rows that could not be read on its way */
};

/* Checks the limit parameter; false after an error was answered. */
bool wh_page_begin(struct wh_page *p, struct wh_call *c, bool has_limit, int64_t limit,
		   uint64_t filter);
/* May another item be appended? */
bool wh_page_room(const struct wh_page *p);
/* Where to append the next item, whose key is remembered for the cursor. */
struct wh_buf *wh_page_item(struct wh_page *p, struct wh_str key);
/* Once it is appended. False: it was one too many and was taken back, the page ends before it.
 */
bool wh_page_keep(struct wh_page *p);
void wh_page_more(struct wh_page *p, bool more);
/* The next page goes on behind this key, which need not be that of an item. */
void wh_page_cut(struct wh_page *p, struct wh_str key);
/* Forgets all items. */
void wh_page_reset(struct wh_page *p);
/* Writes the result map: items, cursor if there is more, damaged if any are, and `members` (may
 * be NULL) adds n more. */
struct wh_page_members {
	size_t n;
	void (*pack)(struct whd *d, struct wh_buf *out);
};
void wh_page_end(struct wh_page *p, const struct wh_page_members *members);
void wh_page_fini(struct wh_page *p);
