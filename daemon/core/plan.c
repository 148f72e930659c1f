/* SPDX-License-Identifier: MIT */
/*
 * The deletion guard: a list that lacks much of what we hold is more often a
 * broken reply than a clean-up. It must say the same twice, or an admin must.
 *
 * Called by the transaction that ends a complete list; pure.
 */
#include "daemon/core/plan.h"

#define MISSING_ALWAYS_FINE 5 /* so few may go at once, whatever their share is */

/* Without a product that could overflow. */
static uint64_t
share(uint64_t rows, uint32_t percent)
{
	return rows / 100 * percent + rows % 100 * percent / 100;
}

static bool
is_suspicious(const struct wh_shrink_in *in)
{
	if (in->missing == 0)
		return false;
	if (in->missing >= in->rows)
		return true;
	return in->missing > MISSING_ALWAYS_FINE &&
	       in->missing > share(in->rows, in->max_percent);
}

enum wh_shrink
wh_plan_shrink(const struct wh_shrink_in *in)
{
	if (!is_suspicious(in) || in->accepted)
		return WH_SHRINK_FINE;
	if (in->before_hash && in->before_hash == in->missing_hash)
		return WH_SHRINK_CONFIRMED;
	return WH_SHRINK_SUSPECT;
}
