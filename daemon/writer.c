/* SPDX-License-Identifier: MIT */
/*
 * The loop's side of the funnel: it appends jobs to `waiting`, where a commit
 * thread (committer.c) takes them, and completes those that it finds in
 * `finished`, in a view that shows what they did.
 */
#include <stdlib.h>

#include "daemon/committer.h"
#include "daemon/pump.h"
#include "daemon/scrub.h"
#include "proto/pack.h"

/* After a device error nobody can say what is on disk: only a restart can. */
static void
die_of_device_error(void)
{
	wh_log(WH_LOG_ERROR, "store",
	       "the device failed while committing; whd ends so that nothing is acknowledged "
	       "that "
	       "is not on disk. Check the disk and its file system, then start whd again",
	       "%s", "");
	_Exit(1);
}

static void
complete(struct wh_writer *w, struct wh_job *j)
{
	struct whd *d = w->d;

	while (j) {
		struct wh_job *next = j->next;
		int (*run)(struct wh_job *, struct wh_txn *) = j->run;
		int fault = j->fault;

		w->open--;
		j->next = NULL;
		if (fault == WH_ECORRUPT)
			wh_scrub_met_damage(d);
		j->done(j, d, fault);
		wh_crash_done(&d->crash, run);
		j = next;
	}
}

static bool
any_device_error(const struct wh_job *j)
{
	for (; j; j = j->next)
		if (j->fault == WH_EIO)
			return true;
	return false;
}

/* Not before: what is handed back may submit what follows from it. */
static void
end_if_idle(struct wh_writer *w)
{
	if (!w->stopped || w->open > 0)
		return;
	uv_mutex_lock(&w->mutex);
	w->ending = true;
	wh_committers_wake(w);
	uv_mutex_unlock(&w->mutex);
}

static void
take_counters(struct wh_writer *w)
{
	struct whd *d = w->d;

	d->counters.commits = w->commits;
	d->counters.commit_jobs = w->jobs;
	d->counters.commit_reruns = w->reruns;
	d->counters.conflicts = w->did.tally.conflicts;
	d->counters.held = w->did.tally.held;
	d->counters.dead = w->did.tally.dead;
	d->counters.adopted = w->did.tally.adopted;
}

/* What is finished is shown from here on, and nothing else. */
static void
take_finished(struct wh_writer *w, struct wh_jobs *ret_done, struct wh_buf *ret_touches)
{
	int lost = 0;

	wh_jobs_init(ret_done);
	uv_mutex_lock(&w->mutex);
	wh_jobs_append(ret_done, &w->finished);
	*ret_touches = w->did.touches;
	w->did.touches = WH_BUF_NULL;
	take_counters(w);
	if (ret_done->head)
		lost = w->lost ? w->lost : wh_view_take(&w->d->view, &w->ready);
	uv_mutex_unlock(&w->mutex);
	if (lost || any_device_error(ret_done->head))
		die_of_device_error();
}

static bool
has_ended(struct wh_writer *w)
{
	uv_mutex_lock(&w->mutex);
	bool ended = w->at_work == 0;

	uv_mutex_unlock(&w->mutex);
	return ended;
}

static void
on_wake(uv_async_t *a)
{
	struct wh_writer *w = a->data;
	struct whd *d = w->d;
	struct wh_buf touches;
	struct wh_jobs done;

	whd_tick(d);
	take_finished(w, &done, &touches);
	if (done.head) {
		if (d->pump)
			wh_pump_on_commit(d->pump, &touches);
		wh_writer_cork(w);
		complete(w, done.head);
		whd_on_commit(d);
		wh_writer_uncork(w);
	}
	wh_buf_fini(&touches);
	end_if_idle(w);
	if (w->stopped && w->open == 0 && has_ended(w)) {
		void (*stopped)(struct whd *) = w->stopped;

		w->stopped = NULL;
		stopped(d);
	}
}

struct wh_writer *
wh_writer_start(struct whd *d)
{
	struct wh_writer *w = wh_xcalloc(1, sizeof(*w));

	w->d = d;
	wh_jobs_init(&w->waiting);
	wh_jobs_init(&w->finished);
	wh_jobs_init(&w->corked);
	if (wh_ready_begin(d->store, &w->ready) || uv_mutex_init(&w->mutex) ||
	    uv_async_init(&d->loop, &w->wake, on_wake)) {
		wh_ready_end(&w->ready);
		free(w);
		return NULL;
	}
	w->wake.data = w;
	return wh_committers_start(w) ? w : wh_writer_free(w);
}

static void
hand_over(struct wh_writer *w)
{
	uv_mutex_lock(&w->mutex);
	wh_jobs_append(&w->waiting, &w->corked);
	wh_committers_wake(w);
	uv_mutex_unlock(&w->mutex);
}

void
wh_writer_submit(struct wh_writer *w, struct wh_job *job)
{
	w->open++;
	wh_jobs_add(&w->corked, job);
	if (w->corks == 0)
		hand_over(w);
}

void
wh_writer_cork(struct wh_writer *w)
{
	w->corks++;
}

void
wh_writer_uncork(struct wh_writer *w)
{
	if (--w->corks == 0 && w->corked.head)
		hand_over(w);
}

bool
wh_writer_idle(const struct wh_writer *w)
{
	return w->open == 0;
}

void
wh_writer_stop(struct wh_writer *w, void (*done)(struct whd *))
{
	w->stopped = done;
	end_if_idle(w);
}

static void
on_closed(uv_handle_t *h)
{
	struct wh_writer *w = h->data;

	uv_mutex_destroy(&w->mutex);
	wh_buf_fini(&w->did.touches);
	free(w);
}

struct wh_writer *
wh_writer_free(struct wh_writer *w)
{
	if (!w)
		return NULL;
	wh_committers_end(w);
	wh_ready_end(&w->ready);
	uv_close((uv_handle_t *)&w->wake, on_closed);
	return NULL;
}

void
wh_writer_dump(const struct wh_writer *w, struct wh_buf *out)
{
	wh_pack_map(out, 4);
	wh_pack_kv_uint(out, "open", w->open);
	wh_pack_kv_uint(out, "commits", w->d->counters.commits);
	wh_pack_kv_uint(out, "jobs", w->d->counters.commit_jobs);
	wh_pack_kv_uint(out, "reruns", w->d->counters.commit_reruns);
}
