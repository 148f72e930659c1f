/* SPDX-License-Identifier: MIT */
/*
 * One long job at a time on libuv's pool. There is one slot, in struct whd:
 * the work request, and the job that has it.
 */
#include "daemon/pool.h"

static void
work(uv_work_t *request)
{
	struct whd *d = request->data;

	d->pool_job->work(d->pool_job, d->store);
}

static void
after(uv_work_t *request, int status)
{
	struct whd *d = request->data;
	struct wh_pool_job *job = d->pool_job;

	(void)status; /* it is never cancelled */
	whd_tick(d);
	d->pool_job = NULL;
	job->done(job, d);
}

bool
wh_pool_begin(struct whd *d, struct wh_pool_job *job)
{
	if (d->pool_job || d->stopping)
		return false;
	d->pool_job = job;
	d->pool_work.data = d;
	if (uv_queue_work(&d->loop, &d->pool_work, work, after) == 0)
		return true;
	d->pool_job = NULL;
	return false;
}

const char *
wh_pool_runs(const struct whd *d)
{
	return d->pool_job ? d->pool_job->what : NULL;
}

void
wh_pool_stop(struct whd *d)
{
	struct wh_pool_job *job = d->pool_job;

	if (!job || !job->has_caller)
		return;
	job->has_caller = false;
	wh_server_fail(d->server, job->caller, WH_ERR_SHUTTING_DOWN,
		       "whd is stopping: ask again when it is back");
}
