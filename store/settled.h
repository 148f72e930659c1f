/* SPDX-License-Identifier: MIT */
/*
 * Overlays that have come true. When the last operation of a webhook is in
 * effect what its overlay shows has become its row. Row and overlay are two
 * pages that no other webhook's lie on, so while many operations end one after
 * the other it is only noted that the overlay is the row by now: under the
 * number that the overlay knows as that of its newest operation, with what
 * else the row says. Later both are written for many at once.
 *
 * wh_rows_get(), wh_overlays_get() and the scans see through it: there is a
 * row, and no overlay. Internal to store/.
 */
#pragma once

#include "store/row.h"

/* The table settled: as a row, but with the lane for its body. */
#define WH_SETTLED_PREFIX WH_ROW_PREFIX

/* The row that an overlay as it is stored is by now. 0, WH_ABSENT: none, it is what it looks
 * like; WH_ECORRUPT: it is one, and damage hides what else the row says. */
WH_MUST_USE int wh_settled_of(const struct wh_view *v, struct wh_str id,
			      const struct wh_overlay *o, struct wh_row *ret);
/* For who looks for an overlay. 0: it is one; WH_ABSENT: it is a row, damaged or not. */
WH_MUST_USE int wh_settled_see(const struct wh_view *v, struct wh_str id,
			       const struct wh_overlay *o);
/* wh_settled_of() by id. WH_ECORRUPT: the overlay is damaged, and no operation would need one.
 */
WH_MUST_USE int wh_settled_get(const struct wh_view *v, struct wh_str id, struct wh_row *ret);

/* ------------------------------------------------------- commit thread -- */

/* Another row or none comes in its place: forgets it, if there is one. */
WH_MUST_USE int wh_settled_drop(struct wh_txn *t, struct wh_str id);
/* Another overlay comes in its place: makes it a row, if there is one. */
WH_MUST_USE int wh_settled_write(struct wh_txn *t, struct wh_str id);

/* For a salvage, which comes by the notes first. */
WH_MUST_USE int wh_settled_put(struct wh_txn *t, uint64_t newest, struct wh_str id,
			       const struct wh_row *row);
WH_MUST_USE int wh_settled_forget(struct wh_txn *t, uint64_t newest);

/* overlays.c, rows.c: what is stored under an id, whatever it is by now. */
WH_MUST_USE int wh_overlay_stored(const struct wh_view *v, struct wh_str id,
				  struct wh_overlay *ret);
WH_MUST_USE int wh_overlay_remove(struct wh_txn *t, struct wh_str id);
WH_MUST_USE int wh_row_stored(const struct wh_view *v, struct wh_str id, struct wh_row *ret);
WH_MUST_USE int wh_row_store(struct wh_txn *t, struct wh_str id, const struct wh_row *row);
