/* SPDX-License-Identifier: MIT */
/*
 * What the pump learns from each answer: the gates hear of it and remember
 * across restarts, a refused key gives way to the next, a 429 teaches a rate.
 * Called by the parts that get answers; loop thread.
 */
#include <stdlib.h>

#include "daemon/pump_own.h"
#include "daemon/rules_now.h"
#include "daemon/waits.h"

static void
free_mark(struct wh_mark *m)
{
	wh_mark_fini(m);
	free(m);
}

static struct wh_mark *
lost_like(const struct wh_pump *p, const struct wh_mark *m)
{
	struct wh_job *j = p->lost_marks;

	while (j && ((struct wh_mark *)j)->sweep.kind != m->sweep.kind)
		j = j->next;
	return (struct wh_mark *)j;
}

/* One of each sweep does: what it says of the gates is said anew. */
static void
keep_lost(struct wh_pump *p, struct wh_mark *m, int fault)
{
	struct wh_mark *like = lost_like(p, m);

	if (!p->lost_told)
		wh_log(WH_LOG_ERROR, "store",
		       "a mark could not be stored; it is tried again every second", "fault=%s",
		       WH_LOGQ(wh_str_c(wh_fault_str(fault))));
	p->lost_told = true;
	p->lost_until.ms = p->d->now.mono.ms + WH_PUMP_COOL_MS;
	wh_pump_poke(p);
	if (like) {
		like->sweep = m->sweep.begun ? like->sweep : m->sweep;
		like->gate_event = m->gate_event ? m->gate_event : like->gate_event;
		free_mark(m);
		return;
	}
	m->job.next = p->lost_marks;
	p->lost_marks = &m->job;
}

static struct wh_mark *
take_lost(struct wh_pump *p)
{
	struct wh_job *job = p->lost_marks;

	if (job)
		p->lost_marks = job->next;
	return (struct wh_mark *)job;
}

void
wh_pump_drop_lost(struct wh_pump *p)
{
	struct wh_mark *m;

	while ((m = take_lost(p)) != NULL)
		free_mark(m);
}

void
wh_pump_mark_done(struct wh_job *job, struct whd *d, int fault)
{
	struct wh_mark *m = (struct wh_mark *)job;

	if (fault && !d->pump->stopping) {
		keep_lost(d->pump, m, fault);
		return;
	}
	d->pump->lost_told = false;
	if (!fault && !m->swept.done) {
		m->sweep = m->swept;
		wh_writer_submit(d->writer, job);
		return;
	}
	free_mark(m);
}

static void
save_gates(struct wh_pump *p, struct wh_mark *m)
{
	wh_buf_reset(&m->gates);
	wh_gates_save(&p->gates, p->d->now, &m->gates);
	if (m->gate_event)
		m->gate_event = wh_gate_str(wh_gates_worst(&p->gates));
}

void
wh_pump_mark_again(struct wh_pump *p)
{
	struct wh_mark *m;

	if (p->lost_until.ms > p->d->now.mono.ms)
		return;
	while ((m = take_lost(p)) != NULL) {
		wh_rules_now(p->d, &m->rules);
		if (m->sweep.kind != WH_SWEEP_CUT) /* which tells nothing of them */
			save_gates(p, m);
		wh_writer_submit(p->d->writer, &m->job);
	}
}

static void
tell_gates(struct wh_pump *p, unsigned changed, struct wh_mark *m)
{
	bool link = changed & (1u << WH_GATE_LINK);
	enum wh_gate_id worst = wh_gates_worst(&p->gates);

	m->gate_event = wh_gate_str(worst);
	if (link && !p->gates.g[WH_GATE_LINK].shut)
		m->sweep.kind = WH_SWEEP_DUE;
	p->told = worst == WH_GATE_COUNT ? (struct failure){0} : p->failure;
	wh_log(worst == WH_GATE_COUNT ? WH_LOG_INFO : WH_LOG_WARNING, "gate",
	       worst == WH_GATE_COUNT ? "the upstream is in reach" : "a gate is shut",
	       "gate=%s error=%s", wh_gate_str(worst),
	       worst == WH_GATE_COUNT ? "" : WH_LOGQ(wh_str_c(p->last_error)));
}

/* Gates that opened or shut, or are asked to wait anew: stored, so that a restart honours what
 * was asked, and no more. */
static void
store_gates(struct wh_pump *p, unsigned changed)
{
	struct wh_mark *m = wh_xcalloc(1, sizeof(*m));

	m->job = (struct wh_job){
		.run = wh_mark_run, .done = wh_pump_mark_done, .class = WH_JOB_CONTROL};
	wh_rules_now(p->d, &m->rules);
	wh_gates_save(&p->gates, p->d->now, &m->gates);
	if (changed)
		tell_gates(p, changed, m);
	wh_writer_submit(p->d->writer, &m->job);
}

static bool
waits_anew(const struct wh_gates *now, const struct wh_gates *before)
{
	for (size_t i = 0; i < WH_GATE_COUNT; i++)
		if (now->g[i].hold.ms != before->g[i].hold.ms)
			return true;
	return false;
}

/* A limit that whd keeps by itself would else be seen in the waiting only. */
static void
note_refusal(struct wh_pump *p, int64_t wait_ms)
{
	int64_t before = p->bucket.rate;

	wh_bucket_refused(&p->bucket, p->d->now.mono, wait_ms);
	if (p->bucket.rate != before && p->d->config->upstream_rate == 0)
		wh_log(WH_LOG_INFO, "gate", "a rate was learned from the upstream's refusals",
		       "a_minute=%lld at_once=%lld", (long long)(p->bucket.rate * 60 / 1000),
		       (long long)p->bucket.burst);
}

void
wh_pump_note(struct wh_pump *p, const struct wh_outcome *o, const struct wh_facts *f)
{
	struct wh_gate_limits lim = {
		.base_ms = p->d->config->retry_base,
		.cap_ms = p->d->config->retry_cap,
		.probe_max_ms = PROBE_MAX_MS,
		.ops_wait = wh_pump_ops_wait(p->d),
	};
	struct wh_buf sentence = wh_buf_capped(sizeof(p->last_error) - 1);

	p->contact_good = o->executed == WH_X_EXECUTED || o->executed == WH_X_REJECTED;
	if (p->contact_good) {
		p->last_ok = p->d->now.wall;
		p->keys_failed[f->change] = 0;
	} else {
		wh_outcome_sentence(&sentence, f, o);
		snprintf(p->last_error, sizeof(p->last_error), "%.*s", (int)sentence.n,
			 sentence.p ? sentence.p : "");
		p->last_error_at = p->d->now.wall;
		p->failure = (struct failure){f->status, f->net, o->rule};
	}
	wh_buf_fini(&sentence);
	if (o->ask == WH_ASK_RATE)
		note_refusal(p, o->wait_ms);
	else
		wh_bucket_granted(&p->bucket, p->d->now.mono, 1);

	const struct wh_gates before = p->gates;
	unsigned changed =
		wh_gates_note(&p->gates, o, &lim, p->d->now, wh_clock_draw(&p->d->randoms));

	if (changed || waits_anew(&p->gates, &before))
		store_gates(p, changed);
	wh_waits_poke(p->d->waits);
}

bool
wh_pump_next_key(struct wh_pump *p, const struct wh_facts *f)
{
	size_t n = wh_keys_count(p->d->keys);
	uint32_t *failed = &p->keys_failed[f->change];

	if (f->status != 401)
		return false; /* a 403 is about more than the key */
	if (f->key >= 0 && (size_t)f->key != wh_keys_active(p->d->keys))
		return *failed < n; /* another request has switched already */
	if (n < 2)
		return false;

	bool left = ++*failed < n;

	/* The last one gives way too: a refusal may have been a mistake, or be over by now. */
	wh_keys_activate(p->d->keys, (wh_keys_active(p->d->keys) + 1) % n);
	p->d->counters.key_failovers++;
	wh_log(WH_LOG_WARNING, "keys",
	       left ? "the subscription key was refused, trying the next one"
		    : "all subscription keys were refused, the next probe is made with another",
	       "key=%zu of=%zu", wh_keys_active(p->d->keys) + 1, n);
	return left;
}

void
wh_pump_request_key(const struct wh_pump *p, struct wh_http_request *r)
{
	r->key_index = (int)wh_keys_active(p->d->keys);
	r->key = wh_keys_count(p->d->keys)
			 ? wh_keys_text(p->d->keys, wh_keys_active(p->d->keys))
			 : WH_STR_NULL;
}

void
wh_pump_keys_changed(struct wh_pump *p)
{
	p->keys_failed[0] = p->keys_failed[1] = 0;
	wh_gates_reopen_auth(&p->gates, p->d->now);
	p->list_wanted = true;
	wh_pump_poke(p);
}
