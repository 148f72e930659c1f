/* SPDX-License-Identifier: MIT */
/*
 * An operation of unknown outcome, looked at in the light of a list (or of a
 * GET of its one row). Pure; any thread.
 */
#pragma once

#include "daemon/core/op.h"

enum wh_observe {
	WH_OB_APPLIED,      /* the wish is in effect: done */
	WH_OB_ABSENT_DONE,  /* delete: a complete list lacks the row: done */
	WH_OB_NOT_EXECUTED, /* proven: queue it again */
	WH_OB_THIRD,        /* update/delete: neither base nor wish: conflict rules */
	WH_OB_GONE,         /* update: a complete list lacks the row: conflict */
	WH_OB_AMBIGUOUS, /* create: only a near match, or kin of one that would be sent a third
			    time, or a restored one (WH_OPF_RESTORED) without an exact
			    match: a person decides */
	WH_OB_NO_COMPLETE, /* only incomplete lists, a create's third or the tenth of an update
			      or a delete: held(no_complete_list) */
	WH_OB_LOST,        /* create reported executed, but lists lack it: held(vanished) */
	WH_OB_AGAIN,       /* not decided: look again later */
};

/* What a look found. */
struct wh_sighting {
	bool complete;               /* the list was seen whole */
	bool began_after;            /* it began after the attempt had ended */
	const struct wh_record *row; /* update/delete: the target's row now; NULL = not in it */
	uint32_t exact;              /* create: unclaimed candidates equal in normal form */
	uint32_t near;               /* create: unclaimed candidates that nearly equal it */
	bool kin;     /* create that was sent again: a candidate is of the same application,
			 municipality and processes, whatever else it says */
	bool settled; /* the settle time has passed */
	bool refused; /* create: answered with 409, which one like it may be the cause of */
};

/* The counters of op (negatives, incompletes) already include the list that was looked at. */
enum wh_observe wh_observe_create(const struct wh_op *op, const struct wh_sighting *s);
/* desired: the full document sent, NULL = not known; base: before it. If it is not known, or
 * with WH_OPF_RESTORED, neither is looked at: a row that is there is THIRD. */
enum wh_observe wh_observe_update(const struct wh_op *op, const struct wh_record *base,
				  const struct wh_record *desired, const struct wh_sighting *s);
/* With WH_OPF_FORCE any row that is still there means NOT_EXECUTED, never THIRD. */
enum wh_observe wh_observe_delete(const struct wh_op *op, const struct wh_record *base,
				  const struct wh_sighting *s);
/*
 * True if the list that is looked at began when enough monotonic time of one process had passed
 * since the attempt ended: one that began before may lack what came later, however long it took
 * to arrive. False for an op stamped by an earlier process (boot): the caller stamps it anew at
 * start.
 */
bool wh_observe_settled(const struct wh_op *op, uint64_t boot, struct wh_mono began,
			int64_t settle_timeout_ms, int64_t settle_error_ms);

/* A request without an answer that decides: how long may it still be carried out? */
struct wh_settle {
	struct wh_mono since; /* its end, by the clock of this process */
	bool answered;        /* by a complete 5xx: the server did finish */
};
/* Monotonic ms from now on. */
int64_t wh_settle_left(const struct wh_settle *s, struct wh_mono now, int64_t settle_timeout_ms,
		       int64_t settle_error_ms);
