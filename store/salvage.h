/* SPDX-License-Identifier: MIT */
/*
 * What the steps of a salvage share: the pages of the damaged file, the store
 * that is made of them, and the findings. Internal to store/; one thread.
 */
#pragma once

#include "store/opening.h"
#include "store/pages.h"
#include "store/row.h"

struct wh_salvage {
	struct wh_opening op;
	struct wh_store place; /* the folder and its lock */
	struct wh_pages pages;
	struct wh_store into; /* the new file */
	struct wh_txn t;
	unsigned in_txn; /* rows put since the last commit */
	struct wh_salvaged *ret;
	wh_check_report *report;
	void *ctx;
	struct wh_meta counters; /* of the damaged file, as far as they are known */
	bool has_counters;
	bool cut[WH_TABLE_END]; /* some of its rows could not be reached */
	enum wh_table table;    /* the one that is read */
	bool strays;            /* rows come from pages that no tree led to */
	bool behind; /* the trees are not the last ones there were, for all that is known */
	uint64_t highest; /* number of an operation met */
};

static inline uint64_t
wh_higher(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* Says what was lost, and counts it. */
WH_PRINTF(3, 4)
void wh_salvage_tell(struct wh_salvage *x, enum wh_table table, const char *fmt, ...);
/* salvage_rows.c: puts all that can be read of the damaged file. 0 or a fault. */
WH_MUST_USE int wh_salvage_rows(struct wh_salvage *x);
/* salvage_ops.c: operations that an index tells of and that are in neither table now. */
WH_MUST_USE int wh_salvage_lost_ops(struct wh_salvage *x);
