/* SPDX-License-Identifier: MIT */
/*
 * Requests that are executed long after their reply: see late.h.
 *
 * Filled by inject.c on the threads of connections; executed by a thread of
 * its own or, when a test wants it now, on that of a control verb.  It never
 * sends a reply: that has long been done.
 */
#include "tests/whsim/late.h"

#include <stdlib.h>

#include "tests/whsim/api.h"
#include "tests/whsim/clock.h"
#include "tests/whsim/mem.h"
#include "tests/whsim/whsim.h"

enum { LATE_IDLE_MS = 60000 };

void
wh_late_add(struct whsim *sim, struct wh_request *req, int64_t due_ms)
{
	struct wh_late_job **at = &sim->late.first;
	struct wh_late_job *job = wh_mem_new(sizeof(*job));

	job->req = req;
	job->due_ms = due_ms;
	while (*at)
		at = &(*at)->next;
	*at = job;
	sim->late.count++;
	wh_sim_changed(sim);
}

static void
job_free(struct wh_late_job *job)
{
	wh_request_free(job->req);
	free(job);
}

static struct wh_late_job *
take_due(struct wh_late *late, int64_t now_ms)
{
	struct wh_late_job **at = &late->first;
	struct wh_late_job *job;

	while (*at && (*at)->due_ms > now_ms)
		at = &(*at)->next;
	job = *at;
	if (job) {
		*at = job->next;
		late->count--;
	}
	return job;
}

static size_t
run_due(struct whsim *sim, int64_t now_ms)
{
	size_t done = 0;
	struct wh_late_job *job;

	while ((job = take_due(&sim->late, now_ms))) {
		struct wh_reply reply = {0};
		struct wh_api api = {sim, job->req, &reply};

		wh_api_execute(&api);
		wh_log_changed_late(&sim->log, job->req->log, reply.changed);
		wh_reply_free(&reply);
		job_free(job);
		done++;
	}
	return done;
}

static int64_t
next_due(const struct wh_late *late, int64_t now_ms)
{
	int64_t due = now_ms + LATE_IDLE_MS;

	for (const struct wh_late_job *job = late->first; job; job = job->next)
		due = job->due_ms < due ? job->due_ms : due;
	return due;
}

static void *
late_main(void *cls)
{
	struct whsim *sim = cls;

	wh_sim_lock(sim);
	while (!sim->stopping) {
		int64_t now_ms = wh_clock_mono_ms();

		run_due(sim, now_ms);
		wh_sim_wait_until(sim, next_due(&sim->late, now_ms));
	}
	wh_sim_unlock(sim);
	return NULL;
}

int
wh_late_start(struct whsim *sim)
{
	return -pthread_create(&sim->late.thread, NULL, late_main, sim);
}

void
wh_late_stop(struct whsim *sim)
{
	pthread_join(sim->late.thread, NULL);
	wh_late_drop(sim);
}

size_t
wh_late_run_all(struct whsim *sim)
{
	return run_due(sim, INT64_MAX);
}

size_t
wh_late_drop(struct whsim *sim)
{
	size_t dropped = 0;
	struct wh_late_job *job;

	while ((job = take_due(&sim->late, INT64_MAX))) {
		job_free(job);
		dropped++;
	}
	return dropped;
}
