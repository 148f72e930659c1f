/* SPDX-License-Identifier: MIT */
/*
 * Operations as whctl shows and awaits them. Used by every verb that queues or
 * moves one.
 */
#pragma once

#include "ctl/ctl.h"

/* Waiting for one operation. */
struct wh_op_wait {
	int64_t deadline; /* monotonic ms */
	bool patient;     /* whd was reached before: it may be away for a while */
};

/* Prints an operation: a sentence for people, a row or an object otherwise. 0
 * or an exit status. */
WH_MUST_USE int wh_op_show(struct wh_ctl *ctl, const struct whc_object *op);
/* Shows what was queued; with --wait, what became of it. An exit status. */
WH_MUST_USE int wh_op_finish(struct wh_ctl *ctl, struct whc_object *op);
/*
 * Calls the verb's method with p, its options and a request id of its own
 * unless one was given. 0 and *ret is the operation, or an exit status.
 */
WH_MUST_USE int wh_op_send(struct wh_ctl *ctl, struct wh_params *p, struct whc_object **ret);
/*
 * Waits until operation `id` has ended or needs a person, or the deadline is
 * over. 0 and *ret is the operation as it then is, or an exit status.
 */
WH_MUST_USE int wh_op_await(struct wh_ctl *ctl, const char *id, const struct wh_op_wait *w,
			    struct whc_object **ret);
/*
 * Follows an operation that was merged into another until the one that carries
 * it out is decided, and reports what became of it: 0 = in effect, else an
 * exit status.
 */
WH_MUST_USE int wh_op_judge(struct wh_ctl *ctl, const struct whc_object *op,
			    const struct wh_op_wait *w);
/*
 * True if the last call failed because whd is away for now and there is time
 * left; a moment has passed then. False also after Ctrl-C.
 */
bool wh_ctl_away(struct wh_ctl *ctl, int64_t deadline);
