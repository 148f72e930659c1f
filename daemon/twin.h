/* SPDX-License-Identifier: MIT */
/*
 * Confirmed rows that say the same as a webhook, whatever their ids: found by
 * the index, or, while that is being built or is damaged, by looking at all of
 * them. Any thread with a view or a transaction.
 */
#pragma once

#include "store/store.h"

/* Is this the one that is looked for? The row has the form; it and its id borrow from the view.
 */
typedef bool wh_twin_fits(void *ctx, struct wh_str whid, const struct wh_row *row);

struct wh_twin {
	struct wh_str whid; /* both borrow from the view */
	struct wh_row row;
};

/*
 * The first row, in the order of their ids, that has the normal form of the encoded webhook
 * `like` and fits; fits may be NULL. Damaged rows are none. 0, WH_ABSENT or a fault.
 */
WH_MUST_USE int wh_twin_find(const struct wh_view *v, struct wh_str like, wh_twin_fits *fits,
			     void *ctx, struct wh_twin *ret);

/*
 * The oldest operation for what has this id; UINT64_MAX: none, or that cannot be told. A create
 * made it only if it was sent first (wh_op.sent_after) before that operation came: else it was
 * there, though a list may have left it out since, and the next one bring it back. In a
 * transaction.
 */
uint64_t wh_named_from(const struct wh_view *v, struct wh_str whid);
