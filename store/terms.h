/* SPDX-License-Identifier: MIT */
/*
 * Index rows by terms, as rows and overlays keep them. Internal to store/.
 */
#pragma once

#include "store/batch.h"
#include "store/tail.h"

#define WH_TERM_OF_ROW 'r'
#define WH_TERM_OF_OVERLAY 'o'
#define WH_TERM_HEAD 9 /* kind and term, before the id */

/* The index is built window by window of its terms. */
#define WH_TERM_WINDOWS 16u
#define WH_TERM_WINDOW_SHIFT 60

/* Leads to the bodies that have more terms than are kept. No honest term is 0. */
#define WH_TERM_MANY 0

/* kind, term, id; id may be empty: then it is what the rows of the term begin with. */
void wh_term_key(struct wh_key *k, enum wh_scan_table table, uint64_t term, struct wh_str id);

/* The terms of a body that stands in the table, in order, each once. */
void wh_terms_of_body(const struct wh_store *s, enum wh_scan_table table, struct wh_str body,
		      struct wh_terms *ret);

/* Takes those of b out of a. */
void wh_terms_minus(struct wh_terms *a, const struct wh_terms *b);

/*
 * The index rows of one id before and after a row or an overlay is put or
 * removed. An overlay has only those that the row under it lacks: a change
 * that waits mostly leaves the terms as they are, and readers who find the row
 * look at its overlay.
 */
struct wh_terms_plan {
	bool none; /* nothing changes */
	struct wh_terms row_was, row_is, over_was, over_is;
};
/* body: what will stand in the table; empty = none. Reads only, but the index is given up if
 * what is there is damaged. To be made before the write, and followed after it. */
WH_MUST_USE int wh_terms_plan(struct wh_txn *t, enum wh_scan_table table, struct wh_str id,
			      struct wh_str body, struct wh_terms_plan *ret);
WH_MUST_USE int wh_terms_follow(struct wh_txn *t, struct wh_str id,
				const struct wh_terms_plan *p);

/* The index rows of an overlay that has none yet; the id is folded. */
WH_MUST_USE int wh_terms_gather(struct wh_txn *t, struct wh_str id, struct wh_str body,
				struct wh_batch *out);
/* Adds the index rows of an overlay that waits for them with an operation of the tail before
 * `end`. */
WH_MUST_USE int wh_overlay_catch_up(struct wh_txn *t, struct wh_str whid, uint64_t end,
				    struct wh_batch *out);

/* The body by whose terms an overlay is found: none if it is hidden, or while it is found with
 * an operation of the tail. Until then it may share its body with that; it has no index rows.
 */
static inline struct wh_str
wh_overlay_terms(const struct wh_meta *m, const struct wh_overlay *o)
{
	return o->hidden || o->shared > 0 || wh_tail_has(m, o->newest) ? WH_STR_NULL : o->body;
}
