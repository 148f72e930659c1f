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
 * May a create have made what has this id? Not if an operation for it was there when the create
 * was sent first, `sent_after` being the newest then: a list may have left it out since, and
 * the next one bring it back. True if that cannot be told. In a transaction.
 */
bool wh_may_be_new(const struct wh_view *v, struct wh_str whid, uint64_t sent_after);
