/* SPDX-License-Identifier: MIT */
/*
 * Keys of index rows, and the sweep that removes the index rows of a row that
 * can no longer be read. Internal to store/.
 */
#pragma once

#include "store/row.h"

void wh_index_by_id(struct wh_key *k, const uint8_t id[WH_OP_ID]);
void wh_index_by_lane(struct wh_key *k, struct wh_str lane, uint64_t number);
void wh_index_by_state(struct wh_key *k, uint8_t state, uint64_t number);
void wh_index_by_due(struct wh_key *k, uint8_t state, int64_t due_at, uint64_t seq);
/* Bad if it has none. */
void wh_index_by_form(struct wh_key *k, uint64_t form, uint64_t seq);
/* Bad if the operation is in no such group. */
void wh_index_by_group(struct wh_key *k, const struct wh_oprow *op, size_t which);
void wh_index_by_age(struct wh_key *k, int64_t at, struct wh_str request_key);

/* Puts an index row whose value is `width` bytes of v (0: none). */
WH_MUST_USE int wh_index_put(struct wh_txn *t, enum wh_table table, const struct wh_key *k,
			     uint64_t v, size_t width);

/* The number that index row `k` leads to. 0, WH_ABSENT or a fault. */
WH_MUST_USE int wh_index_find(const struct wh_view *v, enum wh_table table,
			      const struct wh_key *k, uint64_t *ret);

/* The number that the row under the walk leads to; only the value of a row by
 * id is looked at. 0 or WH_ECORRUPT. */
WH_MUST_USE int wh_index_target(const struct wh_walk *w, uint64_t *ret);

/*
 * Removes every row of an index that leads to `number`, by reading all of it:
 * only for a damaged row, whose own fields cannot be trusted. *ret_state is
 * set to the state under which it was indexed, if it was.
 */
WH_MUST_USE int wh_index_sweep(struct wh_txn *t, enum wh_table table, uint64_t number,
			       uint8_t *ret_state);
