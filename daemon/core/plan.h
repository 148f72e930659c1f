/* SPDX-License-Identifier: MIT */
/*
 * Decisions about a list as a whole: is it complete, is it suspiciously short.
 * Pure; any thread.
 */
#pragma once

#include "proto/base.h"

/* Shrink guard. */
enum wh_shrink {
	WH_SHRINK_FINE,
	WH_SHRINK_SUSPECT,   /* keep everything, list again after 30 s */
	WH_SHRINK_CONFIRMED, /* the same ids were missing twice: apply, with an alarm */
};

struct wh_shrink_in {
	uint64_t rows;         /* rows before, but for those that the list may lack for now */
	uint64_t missing;      /* of those, not in the list */
	uint32_t max_percent;  /* [sync] max_shrink */
	uint64_t missing_hash; /* order-independent hash of the missing keys */
	uint64_t before_hash;  /* of the suspect list before, 0 = none */
	bool accepted;         /* an admin said so */
};
/* Empty list over a non-empty copy, or more than max(5, max_percent) gone. */
enum wh_shrink wh_plan_shrink(const struct wh_shrink_in *in);
