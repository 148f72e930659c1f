/* SPDX-License-Identifier: MIT */
/*
 * Requests that are executed long after their reply.
 *
 * One thread executes what has become due.  The list of jobs belongs to the
 * simulator's state and is touched with its lock held.
 */
#pragma once

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

struct wh_request;
struct whsim;

struct wh_late_job {
	struct wh_late_job *next;
	struct wh_request *req;
	int64_t due_ms; /* monotonic */
};

struct wh_late {
	pthread_t thread;
	struct wh_late_job *first; /* in the order of arrival */
	size_t count;
};

/* Starts the thread; returns 0 or a negative errno.  Lock not held. */
int wh_late_start(struct whsim *sim);

/* Ends the thread and drops the jobs; `stopping` is set already. */
void wh_late_stop(struct whsim *sim);

/* Has an admitted request executed at `due_ms`; takes it over. */
void wh_late_add(struct whsim *sim, struct wh_request *req, int64_t due_ms);

/* Executes everything now, in the order of arrival; counts. */
size_t wh_late_run_all(struct whsim *sim);

/* Forgets everything that is not executed yet; counts. */
size_t wh_late_drop(struct whsim *sim);
