/* SPDX-License-Identifier: MIT */
/*
 * Batches as writer.c makes them: outcomes first, enqueues last, one
 * transaction; if that faults, one job a transaction. The loop may lag behind
 * the commits, as it does in whd.
 */
#include "tests/sim/funnel.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/pump.h"
#include "tests/sim/sim.h"

/* ------------------------------------------------------- what a job may be -- */

static void
free_send(struct wh_job *j)
{
	wh_send_fini((struct wh_send *)j);
	free(j);
}

static void
free_result(struct wh_job *j)
{
	wh_result_fini((struct wh_result_job *)j);
	free(j);
}

static void
free_rows(struct wh_job *j)
{
	wh_chunk_free(((struct wh_list_rows *)j)->chunk);
	free(j);
}

static void
free_plain(struct wh_job *j)
{
	free(j);
}

static void
free_mark(struct wh_job *j)
{
	wh_mark_fini((struct wh_mark *)j);
	free(j);
}

static const struct job_kind {
	int (*run)(struct wh_job *, struct wh_txn *);
	void (*drop)(struct wh_job *);
	const char *name;
} job_kinds[] = {
	{wh_send_run, free_send, "send"},      {wh_result_run, free_result, "outcome"},
	{wh_list_rows_run, free_rows, "rows"}, {wh_list_end_run, free_plain, "list end"},
	{wh_mark_run, free_mark, "mark"},      {sim_call_run, sim_call_drop, "call"},
	{wh_boot_run, free_plain, "boot"},
};

static const struct job_kind *
kind_of(const struct wh_job *job)
{
	for (size_t i = 0; i < wh_array_len(job_kinds); i++)
		if (job_kinds[i].run == job->run)
			return &job_kinds[i];
	wh_require(job == NULL); /* a body the funnel does not know: add it to the table */
	return NULL;
}

const char *
sim_job_str(const struct wh_job *job)
{
	return kind_of(job)->name;
}

static void
jobs_drop(struct wh_jobs *l)
{
	struct wh_job *j = l->head;

	while (j) {
		struct wh_job *next = j->next;

		kind_of(j)->drop(j);
		j = next;
	}
	wh_jobs_init(l);
}

/* ------------------------------------------------------------------ commit -- */

static void
die_at(struct sim *s, const char *job, bool after)
{
	char when[64];

	snprintf(when, sizeof(when), "%s the commit of: %s", after ? "after" : "before", job);
	sim_cover_strike(s->coverage, job, after);
	sim_host_crash(s, when);
}

static int
refuse(struct sim *s)
{
	sim_cover_event(s->coverage, s, SIM_EVENT_FULL);
	return WH_ENOSPACE;
}

/* Some of the index rows that wait. */
static int
catch_up(struct sim *s, struct wh_txn *t)
{
	size_t max = 1 + sim_dice_below(&s->dice, 8);
	uint64_t behind = sim_dice_below(&s->dice, 8);
	int r = wh_ops_catch_up(t, behind, max);

	if (r == 0)
		r = wh_history_catch_up(t, behind, max);
	return r ? r : wh_settled_catch_up(t, max);
}

/* Runs jobs from `first` up to but without `end` in one transaction. */
static int
run_txn(struct sim *s, struct wh_job *first, const struct wh_job *end, bool *ret_died)
{
	struct wh_txn txn;
	int r = wh_txn_begin(s->host.d.store, &txn);

	wh_require(r == 0);
	wh_buf_reset(&s->host.writer.touching);
	txn.touches = &s->host.writer.touching;
	if (sim_dice_chance(&s->dice, 100))
		r = catch_up(s, &txn);
	for (struct wh_job *j = first; r == 0 && j != end; j = j->next) {
		r = j->run(j, &txn);
		if (r == 0)
			sim_oracle_ran(s, j, &txn);
	}
	if (r == 0 && !s->calm && sim_dice_chance(&s->dice, s->plan.full_permille))
		r = refuse(s);
	*ret_died = r == 0 && sim_host_draws_crash(s);
	if (r || *ret_died) {
		wh_txn_abort(&txn);
		sim_oracle_aborted(s);
		return r;
	}
	r = wh_txn_commit(&txn);
	wh_require(r == 0);
	wh_buf_str(&s->host.writer.touches, wh_buf_view(&s->host.writer.touching));
	sim_oracle_committed(s, first, end);
	return 0;
}

/* False if whd died. */
static bool
run_batch(struct sim *s, struct wh_job *first)
{
	bool died = false;
	int r = run_txn(s, first, NULL, &died);

	for (struct wh_job *j = first; j; j = j->next)
		j->fault = 0;
	if (r)
		sim_say(s, "funnel", "batch refused: %s; one by one", wh_fault_str(r));
	for (struct wh_job *j = first; r && j && !died; j = j->next) {
		j->fault = run_txn(s, j, j->next, &died);
		if (j->fault)
			sim_say(s, "funnel", "%s refused: %s", sim_job_str(j),
				wh_fault_str(j->fault));
	}
	return !died;
}

static void
on_wake(struct sim *s, uint64_t unused)
{
	struct wh_writer *w = &s->host.writer;
	struct wh_job *j = w->done.head;
	bool list_ended = false;

	(void)unused;
	if (!j)
		return;
	wh_jobs_init(&w->done);
	sim_host_enter(s);
	wh_require(wh_view_renew(&s->host.d.view) == 0);
	wh_pump_on_commit(s->host.d.pump, &w->touches);
	wh_buf_reset(&w->touches);
	while (j) {
		struct wh_job *next = j->next;

		j->next = NULL;
		list_ended |= j->run == wh_list_end_run;
		j->done(j, &s->host.d, j->fault);
		j = next;
	}
	sim_oracle_look(s);
	if (list_ended)
		sim_oracle_list_ended(s);
	sim_host_poke(s);
}

static int64_t
commit_time(struct sim *s)
{
	if (!s->calm && sim_dice_chance(&s->dice, (unsigned)s->plan.slow_permille))
		return sim_dice_between(&s->dice, 50, 4000);
	return sim_dice_between(&s->dice, 0, 6);
}

static void
on_commit(struct sim *s, uint64_t unused)
{
	struct wh_writer *w = &s->host.writer;
	struct wh_jobs batch = w->waiting;

	(void)unused;
	if (!batch.head) {
		w->busy = false;
		return;
	}
	wh_jobs_init(&w->waiting);
	wh_jobs_sort(&batch);

	/* Should whd die, the batch is dropped with what waits. */
	struct wh_job *first = batch.head;
	const char *name = sim_job_str(first);

	wh_jobs_append(&w->done, &batch);
	if (!run_batch(s, first)) {
		die_at(s, name, false);
		return;
	}
	if (sim_host_draws_crash(s)) {
		die_at(s, name, true);
		return;
	}
	sim_later_in_whd(s, commit_time(s) / 4, on_wake, 0);
	sim_later_in_whd(s, commit_time(s), on_commit, 0);
}

/* ------------------------------------------------------------------ public -- */

void
sim_funnel_init(struct wh_writer *w, struct sim *s)
{
	*w = (struct wh_writer){.sim = s};
	wh_jobs_init(&w->waiting);
	wh_jobs_init(&w->done);
}

void
sim_funnel_submit(struct wh_writer *w, struct wh_job *job)
{
	sim_oracle_submitted(w->sim, job);
	wh_jobs_add(&w->waiting, job);
	if (w->busy)
		return;
	w->busy = true;
	sim_later_in_whd(w->sim, commit_time(w->sim), on_commit, 0);
}

void
sim_funnel_drop(struct wh_writer *w)
{
	jobs_drop(&w->waiting);
	jobs_drop(&w->done);
	wh_buf_fini(&w->touches);
	wh_buf_fini(&w->touching);
	w->busy = false;
}
