/* SPDX-License-Identifier: MIT */
/*
 * The commit threads. Each takes all that waits as one batch, runs it in one
 * transaction together with what comes in until it may commit, commits,
 * flushes, and appends the batch to what is finished, for the loop to complete
 * in the order in which it ran.
 *
 * What belongs to "the commit thread" elsewhere is of the one that has the
 * transaction open.
 */
#include "daemon/committer.h"

/* The first one, if both are idle: its memory is warm, and while changes come one by one the
 * other sleeps. Under the mutex. */
static void
wake_one(struct wh_writer *w)
{
	struct wh_committer *c = w->committers;

	if (!c->idle)
		c++;
	if (c->idle)
		uv_cond_signal(&c->work);
}

/* Nothing is committed while what another has made is flushed. */
static void
take_turn(struct wh_committer *c)
{
	struct wh_writer *w = c->w;

	uv_mutex_lock(&w->mutex);
	while (w->flushing && w->flushing != c)
		uv_cond_wait(&w->turn, &w->mutex);
	w->flushing = c;
	uv_mutex_unlock(&w->mutex);
}

/* What came in while the batch ran or waits for its turn, which it then has. NULL: nothing. */
static struct wh_job *
take_more(struct wh_committer *c, struct wh_jobs *batch)
{
	struct wh_writer *w = c->w;
	struct wh_jobs more;

	wh_jobs_init(&more);
	uv_mutex_lock(&w->mutex);
	if (w->flushing != c) {
		while (w->flushing && !w->waiting.head)
			uv_cond_wait(&w->turn, &w->mutex);
		wh_jobs_append(&more, &w->waiting);
		if (!w->flushing)
			w->flushing = c;
	}
	uv_mutex_unlock(&w->mutex);
	wh_jobs_sort(&more);
	struct wh_job *first = more.head;

	wh_jobs_append(batch, &more);
	return first;
}

/* Under the mutex. */
static void
let_next_run(struct wh_committer *c)
{
	struct wh_writer *w = c->w;

	if (w->running != c)
		return;
	w->running = NULL;
	if (w->waiting.head || w->ending)
		wake_one(w);
}

/* And takes it from there. */
static void
add_up(struct wh_did *to, struct wh_did *from)
{
	to->tally.conflicts += from->tally.conflicts;
	to->tally.held += from->tally.held;
	to->tally.dead += from->tally.dead;
	to->tally.adopted += from->tally.adopted;
	wh_buf_str(&to->touches, wh_buf_view(&from->touches));
	if (from->touches.fault)
		to->touches.fault = from->touches.fault;
	from->tally = (struct wh_tally){0};
	wh_buf_reset(&from->touches);
}

static int
begin_txn(struct wh_committer *c)
{
	struct whd *d = c->w->d;
	int r = wh_txn_begin(d->store, &c->txn);

	if (r)
		return r;
	wh_crash_forget(&d->crash);
	c->open.tally = (struct wh_tally){0};
	wh_buf_reset(&c->open.touches);
	c->txn.touches = &c->open.touches;
	c->txn.ctx = &c->open.tally;
	return 0;
}

static int
run_jobs(struct wh_committer *c, struct wh_job *first, const struct wh_job *end)
{
	for (struct wh_job *j = first; j != end; j = j->next) {
		int r = j->run(j, &c->txn);

		if (r) {
			wh_txn_abort(&c->txn);
			return r;
		}
		wh_crash_ran(&c->w->d->crash, j->run);
	}
	return 0;
}

/* `last` of its batch: the next one may run while this one is flushed. */
static int
commit(struct wh_committer *c, bool last)
{
	struct whd *d = c->w->d;

	take_turn(c);
	wh_crash_before_commit(&d->crash);

	int r = wh_txn_make(&c->txn);

	if (r)
		return r;
	add_up(&c->batch, &c->open);
	if (last && wh_store_flushes_apart(d->store)) {
		uv_mutex_lock(&c->w->mutex);
		let_next_run(c);
		uv_mutex_unlock(&c->w->mutex);
	}
	r = wh_store_flush(d->store);
	if (r == 0)
		wh_crash_after_commit(&d->crash);
	return r;
}

/* Runs the batch, and what comes in until it may be committed, in one transaction. */
static int
run_together(struct wh_committer *c, struct wh_jobs *batch)
{
	struct wh_job *next = batch->head;
	int r = begin_txn(c);

	while (r == 0 && next) {
		r = run_jobs(c, next, NULL);
		next = r ? NULL : take_more(c, batch);
	}
	return r ? r : commit(c, true);
}

static int
run_alone(struct wh_committer *c, struct wh_job *j)
{
	int r = begin_txn(c);

	if (r == 0)
		r = run_jobs(c, j, j->next);
	return r ? r : commit(c, false);
}

static void
run_one_by_one(struct wh_committer *c, struct wh_job *first)
{
	bool broken = false;

	for (struct wh_job *j = first; j; j = j->next) {
		j->fault = broken ? WH_EIO : run_alone(c, j);
		broken = j->fault == WH_EIO;
	}
}

/* Returns whether it had to be run again. */
static bool
run_batch(struct wh_committer *c, struct wh_jobs *batch)
{
	wh_jobs_sort(batch);
	int r = run_together(c, batch);

	for (struct wh_job *j = batch->head; j; j = j->next)
		j->fault = r;
	if (r && r != WH_EIO)
		run_one_by_one(c, batch->head);
	return r != 0;
}

/* Hands the batch back, with a snapshot that shows it and nothing that is not on disk: until
 * this returns nobody else commits. */
static void
finish(struct wh_committer *c, struct wh_jobs *batch, bool again)
{
	struct wh_writer *w = c->w;

	take_turn(c); /* if nothing of it was committed */
	uv_mutex_lock(&w->mutex);
	for (const struct wh_job *j = batch->head; j; j = j->next)
		w->jobs++;
	w->commits++;
	w->reruns += again;
	add_up(&w->did, &c->batch); /* with it, so that nobody hears of it before */
	wh_jobs_append(&w->finished, batch);
	if (w->lost == 0)
		w->lost = wh_ready_move(&w->ready);
	uv_async_send(&w->wake);
	let_next_run(c);
	uv_mutex_unlock(&w->mutex);

	wh_store_make_room(w->d->store);

	uv_mutex_lock(&w->mutex);
	w->flushing = NULL;
	uv_cond_signal(&w->turn);
	uv_mutex_unlock(&w->mutex);
}

/* False: there is no more to come. */
static bool
take_batch(struct wh_committer *c, struct wh_jobs *batch)
{
	struct wh_writer *w = c->w;

	wh_jobs_init(batch);
	uv_mutex_lock(&w->mutex);
	c->idle = true;
	while (w->running || (!w->waiting.head && !w->ending))
		uv_cond_wait(&c->work, &w->mutex);
	c->idle = false;
	bool any = w->waiting.head != NULL;

	wh_jobs_append(batch, &w->waiting);
	w->running = any ? c : NULL;
	if (!any && --w->at_work > 0)
		wake_one(w); /* it ends as well */
	else if (!any)
		uv_async_send(&w->wake);
	uv_mutex_unlock(&w->mutex);
	return any;
}

static void
commit_thread(void *arg)
{
	struct wh_committer *c = arg;
	struct wh_jobs batch;

	while (take_batch(c, &batch))
		finish(c, &batch, run_batch(c, &batch));
}

bool
wh_committers_start(struct wh_writer *w)
{
	bool started = uv_cond_init(&w->turn) == 0;

	uv_mutex_lock(&w->mutex);
	for (size_t i = 0; started && i < WH_COMMITTERS; i++) {
		struct wh_committer *c = &w->committers[i];

		c->w = w;
		started = uv_cond_init(&c->work) == 0 &&
			  uv_thread_create(&c->thread, commit_thread, c) == 0;
		c->started = started;
		w->at_work += started;
	}
	uv_mutex_unlock(&w->mutex);
	return started;
}

void
wh_committers_end(struct wh_writer *w)
{
	uv_mutex_lock(&w->mutex);
	w->ending = true;
	wake_one(w);
	uv_mutex_unlock(&w->mutex);
	for (size_t i = 0; i < WH_COMMITTERS; i++) {
		struct wh_committer *c = &w->committers[i];

		if (!c->started)
			break;
		uv_thread_join(&c->thread);
		uv_cond_destroy(&c->work);
		wh_buf_fini(&c->open.touches);
		wh_buf_fini(&c->batch.touches);
	}
	uv_cond_destroy(&w->turn);
}

void
wh_committers_wake(struct wh_writer *w)
{
	if (w->running)
		uv_cond_signal(&w->turn);
	else
		wake_one(w);
}
