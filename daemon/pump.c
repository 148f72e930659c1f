/* SPDX-License-Identifier: MIT */
/*
 * One turn of the pump: gather what the scheduler needs, ask it, do it, until
 * it says sleep. What it does is in pump_flight.c and pump_list.c. A poke
 * during a turn makes it go round once more, so nothing is missed.
 */
#include "daemon/pump.h"

#include <stdlib.h>

#include "daemon/core/retry.h"
#include "daemon/pump_own.h"
#include "daemon/rules_now.h"

#define CANDS_MAX 96u       /* looked at in one turn */
#define SCAN_MAX 1024u      /* due operations passed over to find them */
#define CHECKS_FOR_LIST 8u  /* from so many stale bases on one list serves all */
#define CLOCK_SLACK_MS 1000 /* a wall clock that is set back by less is left alone */
#define TURN_MAX 1024u      /* steps of one turn; more means a bug, so look later */

/* --------------------------------------------------------------- flights -- */

struct flight *
wh_pump_flight(struct wh_pump *p, uint64_t seq)
{
	for (size_t i = 0; i < p->n_flights; i++)
		if (p->flights[i].seq == seq)
			return &p->flights[i];
	return NULL;
}

void
wh_pump_drop_flight(struct wh_pump *p, struct flight *f)
{
	*f = p->flights[--p->n_flights];
}

static void
warm_up(struct wh_pump *p)
{
	for (size_t i = p->n_flights; i > 0; i--) {
		struct flight *f = &p->flights[i - 1];

		if (f->phase == FLIGHT_COOL && f->until.ms <= p->d->now.mono.ms)
			wh_pump_drop_flight(p, f);
	}
}

uint32_t
wh_pump_busy(const struct wh_pump *p)
{
	uint32_t n = 0;

	for (size_t i = 0; i < p->n_flights; i++)
		n += p->flights[i].phase != FLIGHT_COOL;
	return n;
}

/* ------------------------------------------------------------- candidates -- */

static struct wh_create_keys
keys_of(const struct wh_op *op)
{
	struct wh_create_keys keys = {0};
	struct wh_tree t;
	struct wh_record rec;

	if (op->kind != WH_OP_CREATE || wh_unpack(&t, op->fields, NULL))
		return keys;
	wh_record_view(&t.root, &rec);
	keys = wh_norm_create_keys(&rec);
	wh_tree_fini(&t);
	return keys;
}

static bool
row_is_fresh(const struct wh_pump *p, struct wh_str lane, const struct wh_rules *r)
{
	struct wh_row row;

	if (wh_rows_get(&p->d->view, lane, &row))
		return r->list_fresh;
	return wh_rules_row_fresh(r, row.confirm, row.confirmed_at);
}

/* A list for creates counts from its end: on a slow line one may take longer than check_age. */
static bool
creates_fresh(const struct wh_pump *p)
{
	int64_t window = p->d->config->queue_check_age;

	if (window < 1000)
		window = 1000;
	return p->ended_any && p->d->now.mono.ms - p->list_ended.ms <= window;
}

static bool
load_cand(const struct wh_pump *p, const struct wh_due *due, const struct wh_rules *rules,
	  struct wh_cand *ret)
{
	struct wh_oprow row;
	struct wh_op op;

	if (wh_ops_get(&p->d->view, due->seq, &row) || wh_op_decode(&op, row.body))
		return false;
	*ret = (struct wh_cand){
		.seq = due->seq,
		.kind = op.kind,
		.state = op.state,
		.due = {due->due_at},
		.keys = keys_of(&op),
	};
	ret->fresh =
		op.kind == WH_OP_CREATE ? creates_fresh(p) : row_is_fresh(p, row.lane, rules);
	return true;
}

static bool
meets(const struct wh_inflight *all, size_t n, const struct wh_cand *c)
{
	bool queued_create = c->kind == WH_OP_CREATE && c->state == WH_OP_QUEUED;

	/* An undecided create stands among `all` itself, and must stay a reason to list. */
	for (size_t i = 0; queued_create && i < n; i++)
		if (all[i].kind == WH_OP_CREATE &&
		    ((c->keys.url && c->keys.url == all[i].keys.url) ||
		     (c->keys.name && c->keys.name == all[i].keys.name)))
			return true;
	return false;
}

/* The first that could be worked on now, and the first that is not yet due. */
static size_t
gather_cands(struct wh_pump *p, const struct wh_sched_in *in, const struct wh_rules *rules,
	     struct wh_cand *cand)
{
	struct wh_due due[64], *after = NULL, last;
	size_t n = 0, seen = 0, got = 0;

	do {
		if (wh_ops_due(&p->d->view, after, due, wh_array_len(due), &got))
			return n;
		for (size_t i = 0; i < got && n < CANDS_MAX; i++) {
			bool later = due[i].due_at > p->d->now.wall.ms;

			if (!wh_pump_flight(p, due[i].seq) &&
			    load_cand(p, &due[i], rules, &cand[n]) &&
			    !meets(in->inflight, in->n_inflight, &cand[n]))
				n++;
			if (later)
				return n;
		}
		seen += got;
		if (got > 0) {
			last = due[got - 1];
			after = &last;
		}
	} while (got == wh_array_len(due) && n < CANDS_MAX && seen < SCAN_MAX);
	return n;
}

/* Creates of unknown outcome keep creates like them from running. */
static void
refresh_undecided(struct wh_pump *p)
{
	const struct wh_view *v = &p->d->view;
	uint64_t seq = 0;

	if (p->undecided_revision == v->meta.revision && p->undecided)
		return;
	p->undecided_revision = v->meta.revision;
	free(p->undecided);
	p->undecided = calloc(v->meta.ops_unknown + 1, sizeof(*p->undecided));
	p->n_undecided = 0;
	while (p->undecided && p->n_undecided < v->meta.ops_unknown) {
		struct wh_oprow row;
		struct wh_op op;

		if (wh_ops_next_in_state(v, WH_OP_UNKNOWN, seq, &seq) != 0)
			return;
		if (wh_ops_get(v, seq, &row) || wh_op_decode(&op, row.body) ||
		    op.kind != WH_OP_CREATE)
			continue;
		p->undecided[p->n_undecided++] =
			(struct wh_inflight){.seq = seq, .kind = op.kind, .keys = keys_of(&op)};
	}
}

static size_t
gather_inflight(struct wh_pump *p, struct wh_inflight *out, size_t max)
{
	size_t n = 0;

	refresh_undecided(p);
	for (size_t i = 0; i < p->n_flights && n < max; i++)
		if (p->flights[i].phase != FLIGHT_COOL)
			out[n++] = (struct wh_inflight){p->flights[i].seq, p->flights[i].kind,
							p->flights[i].keys};
	for (size_t i = 0; i < p->n_undecided && n < max; i++)
		out[n++] = p->undecided[i];
	return n;
}

/* ------------------------------------------------------------ rate bucket -- */

static struct wh_bucket_limits
bucket_limits(const struct wh_pump *p)
{
	return (struct wh_bucket_limits){p->d->config->upstream_rate,
					 p->d->config->upstream_burst};
}

/* A list of the interval leaves the last tokens to changes and to who asks: until then it is
 * not due. */
static struct wh_mono
interval_due(struct wh_pump *p)
{
	const struct wh_bucket_limits lim = bucket_limits(p);
	struct wh_mono at;

	wh_bucket_may(&p->bucket, &lim, p->d->now.mono, true, &at);
	return at.ms > p->list_due.ms ? at : p->list_due;
}

/* ------------------------------------------------------------------- turn -- */

static void
on_timer(uv_timer_t *t)
{
	struct wh_pump *p = t->data;

	whd_tick(p->d);
	wh_pump_poke(p);
}

static void
sleep_until(struct wh_pump *p, struct wh_mono at)
{
	int64_t wait = at.ms - p->d->now.mono.ms;

	for (size_t i = 0; i < p->n_flights; i++)
		if (p->flights[i].phase == FLIGHT_COOL &&
		    p->flights[i].until.ms - p->d->now.mono.ms < wait)
			wait = p->flights[i].until.ms - p->d->now.mono.ms;
	if (p->parked && p->parked_until.ms - p->d->now.mono.ms < wait)
		wait = p->parked_until.ms - p->d->now.mono.ms;
	if (at.ms == WH_NEVER && wait > INT64_MAX / 2) {
		uv_timer_stop(&p->timer);
		return;
	}
	uv_update_time(&p->d->loop);
	uv_timer_start(&p->timer, on_timer, wait > 0 ? (uint64_t)wait : 1, 0);
}

static void watch_clock(struct wh_pump *p);

static const struct wh_cand *
cand_of(const struct wh_cand *cand, size_t n, uint64_t seq)
{
	for (size_t i = 0; i < n; i++)
		if (cand[i].seq == seq)
			return &cand[i];
	return NULL;
}

bool
wh_pump_ops_wait(const struct whd *d)
{
	const struct wh_meta *m = &d->view.meta;

	return m->ops_queued || m->ops_unknown || m->ops_sending || m->ops_checking;
}

/* An operation that came while nothing waited brings a far probe nearer. */
static void
bring_probe_nearer(struct wh_pump *p)
{
	struct wh_mono latest = {p->d->now.mono.ms + PROBE_MAX_MS};
	struct wh_gate_one *link = &p->gates.g[WH_GATE_LINK];

	if (link->shut && link->until.ms > latest.ms && link->hold.ms <= latest.ms &&
	    wh_pump_ops_wait(p->d))
		link->until = latest;
}

/* One step. False: nothing to do before *ret_wake. */
static bool
step(struct wh_pump *p, struct wh_mono *ret_wake)
{
	struct wh_cand cand[CANDS_MAX];
	struct wh_inflight inflight[FLIGHTS_MAX + 64];
	struct wh_rules rules;

	wh_rules_now(p->d, &rules);
	struct wh_sched_in in = {
		.now = p->d->now,
		.gates = &p->gates,
		.concurrency = p->n_flights < FLIGHTS_MAX
				       ? (uint32_t)p->d->config->queue_concurrency
				       : 0,
		.cand = cand,
		.inflight = inflight,
		.n_inflight = gather_inflight(p, inflight, wh_array_len(inflight)),
		.n_busy = wh_pump_busy(p),
		.list_running = p->list.running,
		.stopping = p->stopping,
		.list_due = interval_due(p),
		.list_wanted = p->list_wanted,
		.observe_spacing_until = p->list_spacing,
		.list_for_checks = p->list_took_ms > p->d->config->queue_check_age
					   ? UINT32_MAX
					   : CHECKS_FOR_LIST,
	};
	in.n_cand = gather_cands(p, &in, &rules, cand);

	struct wh_sched_out out = wh_sched_next(&in);

	*ret_wake = out.wake;
	if (out.action == WH_ACT_SLEEP)
		return false;
	const struct wh_bucket_limits lim = bucket_limits(p);

	if (!wh_bucket_may(&p->bucket, &lim, p->d->now.mono, false, ret_wake))
		return false;
	wh_bucket_take(&p->bucket, &lim);
	if (out.action == WH_ACT_LIST)
		wh_pump_begin_list(p, out.why);
	else
		wh_pump_begin_op(p, cand_of(cand, in.n_cand, out.seq));
	return true;
}

void
wh_pump_poke(struct wh_pump *p)
{
	struct wh_mono wake = {WH_NEVER};
	unsigned steps = 0;

	p->again = true;
	if (p->in_turn || p->stopping)
		return;
	p->in_turn = true;
	warm_up(p);
	watch_clock(p);
	wh_pump_unpark(p);
	bring_probe_nearer(p);
	while (p->again && steps < TURN_MAX) {
		p->again = false;
		while (step(p, &wake) && ++steps < TURN_MAX)
			;
	}
	if (steps >= TURN_MAX)
		wake.ms = p->d->now.mono.ms + 1000;
	p->in_turn = false;
	sleep_until(p, wake);
}

/* ---------------------------------------------------------- clock, reload -- */

/*
 * Stored times are wall times. After the clock was set back they would be
 * waited for longer than anything may wait: they are brought nearer.
 */
static void
watch_clock(struct wh_pump *p)
{
	int64_t apart = p->d->now.wall.ms - p->d->now.mono.ms;
	bool set_back = p->clocks_apart - apart > CLOCK_SLACK_MS;
	struct wh_mark *m;

	p->clocks_apart = apart;
	if (!set_back)
		return;
	wh_log(WH_LOG_WARNING, "queue", "the clock was set back, waits are cut", WH_LOG_PLAIN);
	m = wh_xcalloc(1, sizeof(*m));
	m->job = (struct wh_job){
		.run = wh_mark_run, .done = wh_pump_mark_done, .class = WH_JOB_CONTROL};
	wh_rules_now(p->d, &m->rules);
	m->cut_waits = true;
	wh_writer_submit(p->d->writer, &m->job);
}

/* The interval counts from the last list on, whether it became shorter or longer; a second look
 * at a suspicious list stays where it is. */
void
wh_pump_reloaded(struct wh_pump *p)
{
	int64_t interval = p->d->config->sync_interval;
	int64_t due = p->list_began.ms + wh_retry_jitter(interval, wh_clock_random());

	if (interval != p->interval && p->list_began.ms &&
	    (!p->suspect || due < p->list_due.ms))
		p->list_due.ms = due;
	p->interval = interval;
	wh_pump_poke(p);
}

/* --------------------------------------------------------------- results -- */

void
wh_pump_on_chunk(struct wh_pump *p, struct wh_chunk *c)
{
	wh_pump_list_chunk(p, c);
}

void
wh_pump_on_result(struct wh_pump *p, struct wh_http_result *r)
{
	if (p->stopping) { /* what was in flight stays SENDING: it is looked up after the start
			    */
		wh_http_result_free(r);
		return;
	}
	switch (r->kind) {
	case WH_HTTP_LIST:
		wh_pump_list_result(p, r);
		break;
	case WH_HTTP_FIND:
		wh_pump_check_result(p, r);
		break;
	case WH_HTTP_SEND:
		wh_pump_op_result(p, r);
		break;
	case WH_HTTP_PROBE:
		wh_pump_probe_result(p, r);
		break;
	}
}

uint64_t
wh_pump_list_now(struct wh_pump *p)
{
	uint64_t satisfies =
		p->list_last + 1; /* a running one may be older than the question */

	p->list_wanted = true;
	wh_pump_hurry(p);
	return satisfies;
}

void
wh_pump_hurry(struct wh_pump *p)
{
	p->gates.g[WH_GATE_LINK].until = p->d->now.mono;
	wh_pump_poke(p);
}

/* ------------------------------------------------------------ life cycle -- */

struct wh_pump *
wh_pump_start(struct whd *d)
{
	struct wh_pump *p = wh_xcalloc(1, sizeof(*p));
	struct wh_str memory;

	p->d = d;
	if (uv_timer_init(&d->loop, &p->timer)) {
		free(p);
		return NULL;
	}
	p->timer.data = p;
	p->list_last = d->view.meta.list_last;
	p->interval = d->config->sync_interval;
	p->clocks_apart = d->now.wall.ms - d->now.mono.ms;

	const struct wh_bucket_limits lim = bucket_limits(p);

	wh_bucket_init(&p->bucket, &lim, d->now.mono);
	wh_gates_init(&p->gates);
	if (wh_meta_text(&d->view, "gates", &memory) == 0)
		wh_gates_load(&p->gates, memory, d->now);
	return p;
}

void
wh_pump_stop(struct wh_pump *p)
{
	p->stopping = true;
	uv_timer_stop(&p->timer);
}

static void
on_closed(uv_handle_t *h)
{
	free(h->data);
}

struct wh_pump *
wh_pump_free(struct wh_pump *p)
{
	if (!p)
		return NULL;
	wh_pump_list_fini(&p->list);
	wh_pump_drop_parked(p);
	free(p->undecided);
	uv_close((uv_handle_t *)&p->timer, on_closed);
	return NULL;
}
