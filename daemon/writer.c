/* SPDX-License-Identifier: MIT */
/*
 * The funnel and its thread. The loop appends jobs to `waiting`; the commit
 * thread takes all of it as one batch, runs it in one transaction, flushes,
 * and appends it to `finished`; the loop is woken and completes the jobs in
 * the order in which they ran. Two lists and one mutex are all that is shared.
 */
#include "daemon/writer.h"

#include <errno.h>
#include <stdlib.h>

#include "daemon/pump.h"
#include "daemon/scrub.h"
#include "proto/pack.h"

struct list {
	struct wh_job *head, **tail;
};

struct wh_writer {
	struct whd *d;
	uv_thread_t thread;
	uv_mutex_t mutex;
	uv_cond_t cond;
	uv_async_t wake;
	bool started, joined;

	/* under the mutex */
	struct list waiting, finished;
	bool ending, ended;
	bool committing;
	bool unseen; /* by the view: what was finished last */
	uint64_t commits, jobs, reruns;
	struct wh_tally tally;
	struct wh_buf touches; /* of what is finished */

	/* commit thread only */
	struct wh_buf touching; /* of the transaction */

	/* loop only */
	size_t open; /* jobs submitted and not completed */
	unsigned corks;
	struct list corked;
	void (*stopped)(struct whd *);
};

static void
list_init(struct list *l)
{
	l->head = NULL;
	l->tail = &l->head;
}

static void
list_add(struct list *l, struct wh_job *j)
{
	j->next = NULL;
	*l->tail = j;
	l->tail = &j->next;
}

static void
list_append(struct list *l, struct list *more)
{
	if (!more->head)
		return;
	*l->tail = more->head;
	l->tail = more->tail;
	list_init(more);
}

/* --------------------------------------------------------- commit thread -- */

/* Outcomes first, new changes last; within a class the order of arrival. */
static void
sort_by_class(struct list *batch)
{
	struct list by[WH_JOB_CLASSES];
	struct wh_job *j = batch->head;

	for (int c = 0; c < WH_JOB_CLASSES; c++)
		list_init(&by[c]);
	while (j) {
		struct wh_job *next = j->next;

		list_add(&by[j->class], j);
		j = next;
	}
	list_init(batch);
	for (int c = 0; c < WH_JOB_CLASSES; c++)
		list_append(batch, &by[c]);
}

/*
 * A commit can be read as soon as LMDB has made it, and is on disk a flush
 * later. Whoever renewed the view in between would show what a power cut takes
 * back. So none is made before the view has seen the batch before: it is not
 * renewed again before this one is finished.
 */
static void
begin_commit(struct wh_writer *w)
{
	uv_mutex_lock(&w->mutex);
	while (w->unseen)
		uv_cond_wait(&w->cond, &w->mutex);
	w->committing = true;
	uv_mutex_unlock(&w->mutex);
}

/* Only what was committed counts. */
static void
end_commit(struct wh_writer *w, const struct wh_tally *tally)
{
	uv_mutex_lock(&w->mutex);
	w->committing = false;
	if (tally) {
		w->tally.conflicts += tally->conflicts;
		w->tally.held += tally->held;
		w->tally.dead += tally->dead;
		w->tally.adopted += tally->adopted;
		wh_buf_str(&w->touches, wh_buf_view(&w->touching));
		if (w->touching.fault)
			w->touches.fault = w->touching.fault;
	}
	uv_mutex_unlock(&w->mutex);
}

static int
commit(struct wh_writer *w, struct wh_txn *txn, const struct wh_tally *tally)
{
	begin_commit(w);
	wh_crash_before_commit(&w->d->crash);

	int r = wh_txn_commit(txn);

	if (r == 0)
		wh_crash_after_commit(&w->d->crash);
	end_commit(w, r == 0 ? tally : NULL);
	return r;
}

/* Runs jobs from `first` up to but without `end` in one transaction. */
static int
run_txn(struct wh_writer *w, struct wh_job *first, const struct wh_job *end)
{
	struct wh_tally tally = {0};
	struct wh_txn txn;
	int r = wh_txn_begin(w->d->store, &txn);

	if (r)
		return r;
	wh_crash_forget(&w->d->crash);
	wh_buf_reset(&w->touching);
	txn.touches = &w->touching;
	txn.ctx = &tally;
	for (struct wh_job *j = first; j != end; j = j->next) {
		r = j->run(j, &txn);
		if (r) {
			wh_txn_abort(&txn);
			return r;
		}
		wh_crash_ran(&w->d->crash, j->run);
	}
	return commit(w, &txn, &tally);
}

static void
run_one_by_one(struct wh_writer *w, struct wh_job *first)
{
	bool broken = false;

	for (struct wh_job *j = first; j; j = j->next) {
		j->fault = broken ? WH_EIO : run_txn(w, j, j->next);
		broken = j->fault == WH_EIO;
	}
}

static void
run_batch(struct wh_writer *w, struct list *batch)
{
	uint64_t n = 0;

	sort_by_class(batch);
	for (struct wh_job *j = batch->head; j; j = j->next) {
		j->fault = 0;
		n++;
	}
	int r = run_txn(w, batch->head, NULL);

	if (r == WH_EIO) {
		for (struct wh_job *j = batch->head; j; j = j->next)
			j->fault = r;
	} else if (r) {
		run_one_by_one(w, batch->head);
	}
	uv_mutex_lock(&w->mutex);
	w->commits++;
	w->jobs += n;
	w->reruns += r != 0;
	uv_mutex_unlock(&w->mutex);
}

static void
commit_thread(void *arg)
{
	struct wh_writer *w = arg;
	struct list batch;

	list_init(&batch);
	uv_mutex_lock(&w->mutex);
	for (;;) {
		while (!w->waiting.head && !w->ending)
			uv_cond_wait(&w->cond, &w->mutex);
		if (!w->waiting.head)
			break;
		list_append(&batch, &w->waiting);
		uv_mutex_unlock(&w->mutex);

		run_batch(w, &batch);

		uv_mutex_lock(&w->mutex);
		list_append(&w->finished, &batch);
		w->unseen = true;
		uv_async_send(&w->wake);
		uv_mutex_unlock(&w->mutex);

		wh_store_make_room(w->d->store);

		uv_mutex_lock(&w->mutex);
	}
	w->ended = true;
	uv_async_send(&w->wake);
	uv_mutex_unlock(&w->mutex);
}

/* ------------------------------------------------------------------ loop -- */

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

/* What is finished is shown from here on, and nothing else. */
static void
renew_view(struct wh_writer *w)
{
	uv_mutex_lock(&w->mutex);
	wh_require(!w->committing);
	int r = wh_view_renew(&w->d->view);

	w->unseen = w->finished.head != NULL; /* since it was taken */
	uv_cond_signal(&w->cond);
	uv_mutex_unlock(&w->mutex);
	if (r)
		die_of_device_error();
}

/* Not before: what is handed back may submit what follows from it. */
static void
end_if_idle(struct wh_writer *w)
{
	if (!w->stopped || w->open > 0)
		return;
	uv_mutex_lock(&w->mutex);
	w->ending = true;
	uv_cond_signal(&w->cond);
	uv_mutex_unlock(&w->mutex);
}

static void
on_wake(uv_async_t *a)
{
	struct wh_writer *w = a->data;
	struct whd *d = w->d;
	struct wh_buf touches;
	struct list done;
	bool ended;

	whd_tick(d);
	list_init(&done);
	uv_mutex_lock(&w->mutex);
	list_append(&done, &w->finished);
	touches = w->touches;
	w->touches = WH_BUF_NULL;
	ended = w->ended;
	d->counters.commits = w->commits;
	d->counters.commit_jobs = w->jobs;
	d->counters.commit_reruns = w->reruns;
	d->counters.conflicts = w->tally.conflicts;
	d->counters.held = w->tally.held;
	d->counters.dead = w->tally.dead;
	d->counters.adopted = w->tally.adopted;
	uv_mutex_unlock(&w->mutex);

	if (done.head) {
		if (any_device_error(done.head))
			die_of_device_error();
		renew_view(w);
		if (d->pump)
			wh_pump_on_commit(d->pump, &touches);
		wh_writer_cork(w);
		complete(w, done.head);
		whd_on_commit(d);
		wh_writer_uncork(w);
	}
	wh_buf_fini(&touches);
	end_if_idle(w);
	if (ended && w->open == 0 && w->stopped) {
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
	list_init(&w->waiting);
	list_init(&w->finished);
	list_init(&w->corked);
	if (uv_mutex_init(&w->mutex) || uv_cond_init(&w->cond) ||
	    uv_async_init(&d->loop, &w->wake, on_wake)) {
		free(w);
		return NULL;
	}
	w->wake.data = w;
	w->started = uv_thread_create(&w->thread, commit_thread, w) == 0;
	return w->started ? w : wh_writer_free(w);
}

static void
hand_over(struct wh_writer *w)
{
	uv_mutex_lock(&w->mutex);
	list_append(&w->waiting, &w->corked);
	uv_cond_signal(&w->cond);
	uv_mutex_unlock(&w->mutex);
}

void
wh_writer_submit(struct wh_writer *w, struct wh_job *job)
{
	w->open++;
	list_add(&w->corked, job);
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

	uv_cond_destroy(&w->cond);
	uv_mutex_destroy(&w->mutex);
	wh_buf_fini(&w->touches);
	wh_buf_fini(&w->touching);
	free(w);
}

struct wh_writer *
wh_writer_free(struct wh_writer *w)
{
	if (!w)
		return NULL;
	if (w->started && !w->joined)
		uv_thread_join(&w->thread);
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
