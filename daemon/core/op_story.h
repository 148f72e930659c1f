/* SPDX-License-Identifier: MIT */
/*
 * An operation in words, for whoever asks queue.get: why it is in its state,
 * what happens next and when. Pure; any thread.
 */
#pragma once

#include "daemon/core/op.h"

/* What stands in the way of one that waits. Zeroed: nothing. */
struct wh_op_around {
	bool behind;        /* another of the same webhook goes first */
	bool like_another;  /* a create: one like it is under way or undecided */
	bool there;         /* its webhook is in the confirmed copy */
	const char *gate;   /* the gate that is shut, NULL = none */
	int64_t gate_until; /* when it lets whd ask again, wall ms */
};

/* A sentence without an end mark, from reasons.def; "" for a reason that is not there. */
const char *wh_op_why(const struct wh_op *op);
/* The same, appended: what comes next, when, and what a person may do. */
void wh_op_next(struct wh_buf *out, const struct wh_op *op, const struct wh_op_around *around);
