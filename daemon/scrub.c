/* SPDX-License-Identifier: MIT */
/*
 * Checks of the whole store, and what follows from their findings. Findings
 * are gathered on the pool thread, in memory that is bounded; everything else
 * happens on the loop.
 */
#include "daemon/scrub.h"

#include <inttypes.h>
#include <stdlib.h>

#include "daemon/apply.h"
#include "daemon/index.h"
#include "daemon/pool.h"
#include "daemon/pump.h"
#include "daemon/rules_now.h"
#include "daemon/writer.h"
#include "proto/pack.h"

#define FIRST_MS 600000   /* after a start: not while everybody comes back */
#define EVERY_MS 86400000 /* reading all of it costs something, damage is rare */
#define BUSY_MS 60000     /* later if another job reads the store */
#define MET_DAMAGE                                                                             \
	"a change met damage: restart whd, which tries to make the store anew of what can be " \
	"read"
#define TOLD_MAX 200 /* told one by one; all are counted */
#define LOGGED_MAX 20
#define SENTENCE_MAX 1000

struct check {
	struct wh_pool_job job;
	struct wh_now began;
	/* results */
	int fault;
	uint64_t found, of_rows, of_terms;
	uint32_t told;
	struct wh_buf problems; /* packed, one map each */
	char log[LOGGED_MAX][256];
};

/* ------------------------------------------------------------- pool thread -- */

static void
on_problem(void *ctx, const char *table, const char *sentence)
{
	struct check *k = ctx;
	struct wh_str text = wh_str_c(sentence);

	if (k->found < LOGGED_MAX)
		snprintf(k->log[k->found], sizeof(k->log[0]), "%s: %s", table, sentence);
	k->of_rows += strcmp(table, "rows") == 0;
	k->of_terms += strcmp(table, "terms") == 0;
	if (k->found++ >= TOLD_MAX)
		return;
	if (text.n > SENTENCE_MAX)
		text.n = SENTENCE_MAX;
	k->told++;
	wh_pack_map(&k->problems, 2);
	wh_pack_kv_c(&k->problems, "table", table);
	wh_pack_kv_str(&k->problems, "problem", text);
}

static void
work(struct wh_pool_job *job, struct wh_store *store)
{
	struct check *k = (struct check *)job;

	k->fault = wh_store_check(store, true, on_problem, k);
}

/* -------------------------------------------------------------- follow-ups -- */

static void
mark_done(struct wh_job *job, struct whd *d, int fault)
{
	struct wh_mark *m = (struct wh_mark *)job;

	(void)d;
	if (fault)
		wh_log(WH_LOG_ERROR, "store", "damage could not be noted in the store",
		       "fault=%s", WH_LOGQ(wh_str_c(wh_fault_str(fault))));
	wh_mark_fini(m);
	free(m);
}

static void
note(struct whd *d, bool repair, bool sound)
{
	struct wh_mark *m = wh_xcalloc(1, sizeof(*m));

	m->job =
		(struct wh_job){.run = wh_mark_run, .done = mark_done, .class = WH_JOB_CONTROL};
	wh_rules_now(d, &m->rules);
	m->damage = !sound;
	m->repair = repair;
	m->sound = sound;
	wh_writer_submit(d->writer, &m->job);
}

static void
tell(struct whd *d, const char *sentence)
{
	free(d->damage);
	d->damage = wh_xstrdup(wh_str_c(sentence));
}

/* Only for what neither a list nor whd itself brings back. */
static bool
needs_repair(const struct check *k)
{
	return k->found > k->of_rows + k->of_terms;
}

static const char *
what_becomes_of_it(const struct check *k)
{
	if (needs_repair(k))
		return ": restart whd, which tries to make the store anew of what can be read";
	if (k->of_rows == 0)
		return ", all of an index, which is built anew";
	return k->of_terms ? ", of webhooks, which are fetched again, and of an index, which "
			     "is built anew"
			   : ", all of webhooks: they are being fetched again";
}

static void
act_on_damage(struct check *k, struct whd *d)
{
	const bool repair = needs_repair(k);
	char text[256];

	for (uint64_t i = 0; i < k->found && i < LOGGED_MAX; i++)
		wh_log(WH_LOG_ERROR, "store", "damage found", "what=%s",
		       WH_LOGQ(wh_str_c(k->log[i])));
	snprintf(text, sizeof(text), "a check found %" PRIu64 " problems%s", k->found,
		 what_becomes_of_it(k));
	wh_log(WH_LOG_ERROR, "store", "the store is damaged", "what=%s",
	       WH_LOGQ(wh_str_c(text)));
	tell(d, text);
	d->repair_asked |= repair;
	note(d, repair, false);
	if (k->of_rows)
		wh_pump_row_damaged(d->pump);
	if (k->of_terms)
		wh_index_damaged(d);
}

/* An admin has looked, and it is sound: what happened before is told no more. */
static void
act_on_soundness(const struct check *k, struct whd *d)
{
	if (!k->job.has_caller || !d->damage || d->repair_asked)
		return;
	free(d->damage);
	d->damage = NULL;
	note(d, false, true);
}

static void
answer(const struct check *k, struct whd *d)
{
	struct wh_buf out = WH_BUF_NULL;

	if (!k->job.has_caller)
		return;
	if (k->fault && k->found == 0) {
		wh_server_fail(d->server, k->job.caller, WH_ERR_INTERNAL,
			       "the store could not be checked (%s): retry later",
			       wh_fault_str(k->fault));
		return;
	}
	wh_pack_map(&out, 4);
	wh_pack_kv_bool(&out, "sound", k->found == 0);
	wh_pack_kv_uint(&out, "found", k->found);
	wh_pack_kv_int(&out, "took_ms", d->now.mono.ms - k->began.mono.ms);
	wh_pack_c(&out, "problems");
	wh_pack_array(&out, k->told);
	wh_buf_str(&out, wh_buf_view(&k->problems));
	wh_server_reply(d->server, k->job.caller, wh_buf_view(&out));
	wh_buf_fini(&out);
}

static void
done(struct wh_pool_job *job, struct whd *d)
{
	struct check *k = (struct check *)job;

	d->counters.store_checks++;
	d->counters.store_problems += k->found;
	if (k->found && !d->stopping)
		act_on_damage(k, d);
	else if (k->fault == 0 && !d->stopping)
		act_on_soundness(k, d);
	answer(k, d);
	wh_buf_fini(&k->problems);
	free(k);
}

/* ------------------------------------------------------------------- begin -- */

bool
wh_scrub_begin(struct whd *d, const struct wh_ticket *ticket)
{
	struct check *k = wh_xcalloc(1, sizeof(*k));

	k->job = (struct wh_pool_job){.what = "a check", .work = work, .done = done};
	k->began = d->now;
	if (ticket) {
		k->job.has_caller = true;
		k->job.caller = *ticket;
	}
	if (wh_pool_begin(d, &k->job))
		return true;
	free(k);
	return false;
}

static void
on_due(uv_timer_t *t)
{
	struct whd *d = t->data;

	whd_tick(d);
	wh_alarm_start(&d->alarms, t, on_due, wh_scrub_begin(d, NULL) ? EVERY_MS : BUSY_MS, 0);
}

static uint64_t
first_ms(void)
{
#ifdef WHD_TEST_HOOKS
	const char *ms = getenv("WHD_TEST_SCRUB_MS");

	if (ms)
		return strtoull(ms, NULL, 10);
#endif
	return FIRST_MS;
}

void
wh_scrub_schedule(struct whd *d)
{
	wh_alarm_init(&d->alarms, &d->scrub);
	d->scrub.data = d;
	wh_alarm_start(&d->alarms, &d->scrub, on_due, first_ms(), 0);
}

void
wh_scrub_met_damage(struct whd *d)
{
	if (d->repair_asked || d->stopping)
		return;
	d->repair_asked = true;
	wh_log(WH_LOG_ERROR, "store", MET_DAMAGE, WH_LOG_PLAIN);
	tell(d, MET_DAMAGE);
	note(d, true, false);
}
