/* SPDX-License-Identifier: MIT */
/*
 * What a transaction body needs to know besides the store: settings and the
 * time, copied when the job is made, so that the commit thread shares nothing
 * with the loop.
 */
#pragma once

#include "daemon/core/op.h"
#include "daemon/crash_point.h"

struct wh_rules {
	struct wh_now now;
	uint64_t random;
	uint64_t boot;      /* random number of this process */
	uint64_t list_last; /* last list number begun, committed or not */
	uint64_t max_ops;
	uint64_t max_bytes;
	bool store_full;         /* above the soft limit for new changes, or too little disk */
	bool rows_full;          /* above the soft limit for upserts of a list */
	bool online;             /* no gate shut, last contact good */
	enum wh_policy policy;   /* of changes that name none */
	bool patch_full;         /* [queue] patch_body = full */
	bool marker;             /* [queue] create_marker = comment */
	int64_t check_age;       /* ms */
	bool list_fresh;         /* a whole list began less than check_age ago ... */
	uint64_t list_fence;     /* ... with this fence: see wh_rules_row_fresh() */
	bool list_just_ended;    /* a whole list ended at most wh_rules_just_ended() ago */
	bool list_in_part;       /* the last one that ended was not whole */
	int64_t list_since;      /* wall ms at which the list that runs began; 0 = none runs */
	int64_t confirmed_from;  /* wall ms: what was confirmed before tells no age */
	int64_t settle_timeout;  /* ms */
	int64_t settle_error;    /* ms */
	int64_t retry_base;      /* ms */
	int64_t retry_cap;       /* ms */
	int64_t history_max_age; /* ms */
	uint64_t history_max_ops;
	uint32_t max_shrink; /* percent */
#ifdef WHD_TEST_HOOKS
	struct wh_crash *crash;
#endif
};

/* How long, in ms, a list that was waited for counts from its end, or from when a rate lets the
 * next request go out: on a slow line one may take longer than check_age. */
static inline int64_t
wh_rules_just_ended(const struct wh_rules *r)
{
	return r->check_age > 1000 ? r->check_age : 1000;
}

/* No operation waits longer than this, in ms, before it is looked at again. */
static inline int64_t
wh_rules_longest_wait(const struct wh_rules *r)
{
	return r->retry_cap > r->settle_timeout ? r->retry_cap : r->settle_timeout;
}

/*
 * Is what we hold of a row younger than check_age? With 0 nothing is, not even what came in
 * this very millisecond. A fresh list vouches only for rows that nothing has touched since its
 * request began: it was not applied to those that a reply touched, and it touches those itself
 * that it should hold and does not. All others count from their own time, which is wall time:
 * after the clock was set back, older ones look young until it has come to where it was. While
 * a list runs only what was seen since it began is fresh: the list may know more, and after an
 * outage it is what brought the line back.
 */
static inline bool
wh_rules_row_fresh(const struct wh_rules *r, uint64_t confirm, int64_t confirmed_at)
{
	int64_t age = r->now.wall.ms - confirmed_at;

	if (r->list_fresh && confirm <= r->list_fence && !r->list_since)
		return true;
	if (confirmed_at < r->list_since)
		return false;
	return confirmed_at > 0 && confirmed_at >= r->confirmed_from && age >= 0 &&
	       age < r->check_age;
}

#define WH_CHANGES_KEPT 65536u       /* entries of the change log */
#define WH_LANE_MAX 64u              /* operations of one webhook, when one is added */
#define WH_LANE_READ 128u            /* a create that is adopted brings its own along */
#define WH_REQUEST_ID_KEPT 604800000 /* 7 days in ms */
#define WH_POISON_AFTER 8u           /* failures of one op while others succeed */
#define WH_CREATE_GRACE                                                                        \
	90000 /* ms an own create may be missing from lists, from its request on */
