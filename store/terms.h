/* SPDX-License-Identifier: MIT */
/*
 * Index rows by terms, as rows and overlays keep them. Internal to store/.
 */
#pragma once

#include "store/row.h"

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

/* The terms of a body, in order, each once. */
void wh_terms_of_body(const struct wh_store *s, struct wh_str body, struct wh_terms *ret);

/* A body was replaced; an empty one is none. */
struct wh_term_change {
	enum wh_scan_table table;
	struct wh_str id, was, is;
};
WH_MUST_USE int wh_terms_change(struct wh_txn *t, const struct wh_term_change *c);
/* A row whose terms nobody knows was replaced or removed: the index is to be built anew. */
void wh_terms_lost(struct wh_txn *t);

/* The body by whose terms an overlay is found: none if it is hidden. */
static inline struct wh_str
wh_overlay_terms(const struct wh_overlay *o)
{
	return o->hidden ? WH_STR_NULL : o->body;
}
