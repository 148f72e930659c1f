/* SPDX-License-Identifier: MIT */
/*
 * A job for the funnel: a transaction body and its completion. The maker
 * embeds it as the first member of a structure with input and results.
 */
#pragma once

#include "store/store.h"

struct whd;

enum wh_job_class {
	WH_JOB_OUTCOME, /* results of the upstream: they free room and must not fail */
	WH_JOB_CONTROL, /* the pump's and admins' marks */
	WH_JOB_SYNC,    /* rows of a list */
	WH_JOB_ENQUEUE, /* new changes: refused first */
	WH_JOB_CLASSES
};

/* What the bodies of one transaction did, for the counters. Its ctx points here, or is NULL. */
struct wh_tally {
	uint64_t conflicts, held, dead; /* operations that came into this state */
	uint64_t adopted;               /* creates that ended with this result */
};

struct wh_job {
	/*
	 * Commit thread. Store and core only: no log, no uv, no config.
	 * Re-runnable: starts from the transaction and its own constant input
	 * and overwrites its results.
	 */
	int (*run)(struct wh_job *, struct wh_txn *);
	/*
	 * Loop thread, after the flush and with the view renewed. Frees the
	 * job. fault is 0, or why nothing of the job happened.
	 */
	void (*done)(struct wh_job *, struct whd *, int fault);
	enum wh_job_class class;
	int fault;
	struct wh_job *next;
};
