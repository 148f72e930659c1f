/* SPDX-License-Identifier: MIT */
/*
 * Index rows on their way into one table, many at once: put in the order of
 * their keys each page is found once, and written once. None of them stands in
 * the table yet, or it is the same. Internal to store/; commit thread.
 */
#pragma once

#include "store/table.h"

struct wh_batch {
	enum wh_table table;
	struct wh_buf keys; /* their bytes, one behind the other */
	struct wh_buf rows; /* struct batch_row */
};

/* An index row whose value is `width` bytes of v (0: none). A bad key has none. A fault shows
 * when the batch is put. */
void wh_batch_add(struct wh_batch *b, const struct wh_key *k, uint64_t v, size_t width);
/* Puts and forgets them. */
WH_MUST_USE int wh_batch_put(struct wh_txn *t, struct wh_batch *b);
void wh_batch_fini(struct wh_batch *b);
