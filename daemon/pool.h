/* SPDX-License-Identifier: MIT */
/*
 * What reads or copies the whole store: one job at a time on a thread of
 * libuv's pool, with a view of its own, beside everything else. Loop thread,
 * but for `work`.
 */
#pragma once

#include "daemon/server.h"

struct wh_pool_job {
	const char *what; /* "a backup": said to whoever asks for another job meanwhile */
	bool has_caller;  /* a parked call waits for the answer: */
	struct wh_ticket caller;
	/* Pool thread: the store and this job, nothing else of whd. */
	void (*work)(struct wh_pool_job *job, struct wh_store *store);
	/* Loop thread; frees the job. Not called if the process ends meanwhile. */
	void (*done)(struct wh_pool_job *job, struct whd *d);
};

/* Begins the job and takes it over; false if another one runs, or none can be begun. */
bool wh_pool_begin(struct whd *d, struct wh_pool_job *job);
/* What runs now, NULL = nothing. */
const char *wh_pool_runs(const struct whd *d);
/* whd stops: whoever waits for the job is told. The job itself cannot be stopped; it leaves
 * nothing that is needed. */
void wh_pool_stop(struct whd *d);
