/* SPDX-License-Identifier: MIT */
/*
 * A commit in steps, for who goes on while it is flushed, and has others read
 * meanwhile. Everybody else has wh_txn_commit() and wh_view_renew().
 */
#pragma once

#include "store/store.h"

/*
 * wh_txn_commit() in two steps, by one thread. What was made is what the next transaction goes
 * on from, but nobody may see or hear of it before it is flushed, and nothing may be made
 * meanwhile. A fault of the flush is a WH_EIO.
 */
WH_MUST_USE int wh_txn_make(struct wh_txn *t);
WH_MUST_USE int wh_store_flush(struct wh_store *s);
/* True if the next transaction may be begun, by another thread, while what was made is flushed.
 */
bool wh_store_flushes_apart(const struct wh_store *s);

/*
 * A snapshot on its way to a view of another thread: who commits moves it to what is on disk,
 * whoever owns the view takes it when there is time. Both under a lock of the caller's; a taken
 * one is to be moved before it is taken again.
 */
struct wh_ready {
	void *mdb; /* MDB_txn */
};
WH_MUST_USE int wh_ready_begin(struct wh_store *s, struct wh_ready *ret);
WH_MUST_USE int wh_ready_move(struct wh_ready *r);
void wh_ready_end(struct wh_ready *r); /* a second time is fine */
/* As wh_view_renew(), to where the snapshot is. */
WH_MUST_USE int wh_view_take(struct wh_view *v, struct wh_ready *r);
