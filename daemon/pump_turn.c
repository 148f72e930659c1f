/* SPDX-License-Identifier: MIT */
/*
 * One turn of the pump: gather what the scheduler needs, ask it, do it, until
 * it says sleep. What it does is in pump_flight.c and pump_list.c. A poke
 * during a turn makes it go round once more, so nothing is missed. A turn
 * costs what can be begun in it, not what is queued.
 */
#include "daemon/pump_own.h"
#include "daemon/rules_now.h"

#define CANDS_MAX (WH_AHEAD_MAX + 32u) /* looked at in one turn */
#define PASSED_MAX 128u                /* creates that wait for a list, looked past in a turn */
#define CHECKS_FOR_LIST 8              /* from so many stale bases on one list serves all */
#define TURN_MAX 1024u                 /* steps of one turn; more means a bug, so look later */

/* ------------------------------------------------------------- candidates -- */

static bool
row_is_fresh(const struct wh_pump *p, struct wh_str lane, const struct wh_rules *r)
{
	struct wh_row row;

	if (wh_rows_get(&p->d->view, lane, &row))
		return r->list_fresh;
	return wh_rules_row_fresh(r, row.confirm, row.confirmed_at);
}

static bool
creates_fresh(const struct wh_pump *p, const struct wh_rules *r)
{
	return p->ended_any &&
	       p->d->now.mono.ms - p->list_counts_from.ms <= wh_rules_just_ended(r);
}

/* All of a list is here, but it is not stored yet: changes of webhooks wait for that moment. */
static bool
list_lands(const struct wh_pump *p)
{
	return p->list.running && p->list.result != NULL;
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
		.keys = {row.group[0], row.group[1]},
		.bytes = (uint32_t)row.body.n,
		.busy = op.state == WH_OP_QUEUED && op.kind != WH_OP_CREATE && list_lands(p),
	};
	ret->fresh = op.kind == WH_OP_CREATE ? creates_fresh(p, rules)
					     : row_is_fresh(p, row.lane, rules);
	return true;
}

/* The first one tells that a list is needed; the others would only hide what can go out. */
static bool
only_waits(const struct wh_cand *c, size_t *waiting)
{
	bool waits = c->state == WH_OP_QUEUED && c->kind == WH_OP_CREATE && !c->fresh;

	return waits && (*waiting)++ > 0;
}

/* The first of those in `state` that could be worked on now, at most `most`, up to and with the
 * first that is not yet due. Passed over is what is in the pump's hands, or waits for a list.
 */
static size_t
gather_state(struct wh_pump *p, enum wh_op_state state, const struct wh_rules *rules,
	     struct wh_cand *cand, size_t most)
{
	struct wh_due due[CANDS_MAX + FLIGHTS_MAX], after = WH_DUE_FIRST(state);
	/* They still stand among those that are due. */
	const size_t in_hand = p->flights.in[FLIGHT_MARKING] + p->flights.in[FLIGHT_COOL];
	size_t n = 0, waiting = 0, wanted, got;

	do {
		wanted = most - n + in_hand;
		if (wh_ops_due(&p->d->view, &after, due, wanted, &got))
			return n;
		for (size_t i = 0; i < got && n < most; i++) {
			after = due[i];
			if (!wh_flights_find(&p->flights, after.seq) &&
			    load_cand(p, &after, rules, &cand[n]) &&
			    !only_waits(&cand[n], &waiting))
				n++;
			if (after.due_at > p->d->now.wall.ms)
				return n;
		}
	} while (n < most && got == wanted && waiting > 1 && waiting <= PASSED_MAX);
	return n;
}

/* No more than can be begun in this turn, however much is queued; but enough of them to tell
 * whether a list pays. One of unknown outcome tells that a list is needed. */
static size_t
gather_cands(struct wh_pump *p, const struct wh_sched_in *in, const struct wh_rules *rules,
	     struct wh_cand *cand)
{
	uint32_t width = wh_gates_width(in->gates, in->concurrency);
	uint32_t most = width ? width + in->ahead : 0;
	size_t n = gather_state(p, WH_OP_UNKNOWN, rules, cand, 1);

	most = most > in->n_busy ? most - in->n_busy : 0;
	if (most == 0)
		return n; /* what ends makes room, and has the pump look again */
	most += CHECKS_FOR_LIST;
	most = most < CANDS_MAX - n ? most : (uint32_t)(CANDS_MAX - n);
	return n + gather_state(p, WH_OP_QUEUED, rules, cand + n, most);
}

/* ------------------------------------------------------------ rate bucket -- */

/* A list of the interval leaves the last tokens to changes and to who asks: until then it is
 * not due. */
static struct wh_mono
interval_due(struct wh_pump *p)
{
	const struct wh_bucket_limits lim = wh_pump_bucket_limits(p);
	struct wh_mono at;

	wh_bucket_may(&p->bucket, &lim, p->d->now.mono, true, &at);
	return at.ms > p->list_due.ms ? at : p->list_due;
}

/* From how many stale bases on one list serves all; UINT32_MAX = it would be stale itself
 * before they had their turns. */
static uint32_t
list_for_checks(const struct wh_pump *p)
{
	const struct wh_bucket_limits lim = wh_pump_bucket_limits(p);
	int64_t age = p->d->config->queue_check_age;

	if (p->list_took_ms > age ||
	    wh_bucket_lets_through(&p->bucket, &lim, age / 2) < CHECKS_FOR_LIST)
		return UINT32_MAX;
	return CHECKS_FOR_LIST;
}

/* ------------------------------------------------------------------- turn -- */

static void
warm_up(struct wh_pump *p)
{
	for (size_t i = p->flights.in[FLIGHT_COOL] ? p->flights.n : 0; i > 0; i--) {
		struct flight *f = &p->flights.at[i - 1];

		if (f->phase == FLIGHT_COOL && f->until.ms <= p->d->now.mono.ms)
			wh_flights_drop(&p->flights, f);
	}
}

static void
on_timer(uv_timer_t *t)
{
	struct wh_pump *p = t->data;

	whd_tick(p->d);
	wh_pump_poke(p);
}

static bool
is_full(const struct wh_pump *p)
{
	return p->full_until.ms > p->d->now.mono.ms;
}

static int64_t
sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void
sleep_until(struct wh_pump *p, struct wh_mono at)
{
	int64_t due = sooner(at.ms, wh_pump_ready_until(p));

	for (size_t i = 0; p->flights.in[FLIGHT_COOL] && i < p->flights.n; i++)
		if (p->flights.at[i].phase == FLIGHT_COOL)
			due = sooner(due, p->flights.at[i].until.ms);
	if (p->parked)
		due = sooner(due, p->parked_until.ms);
	if (p->lost_marks)
		due = sooner(due, p->lost_until.ms);
	if (is_full(p))
		due = sooner(due, p->full_until.ms);
	if (p->d->boot_waits)
		due = sooner(due, p->boot_at.ms);
	if (due == WH_NEVER) {
		uv_timer_stop(&p->timer);
		return;
	}
	int64_t wait = due - p->d->now.mono.ms;

	wh_alarm_start(&p->d->alarms, &p->timer, on_timer, wait > 0 ? (uint64_t)wait : 1, 0);
}

static struct wh_cand *
cand_of(struct wh_cand *cand, size_t n, uint64_t seq)
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
	const struct wh_gate_one *link = &p->gates.g[WH_GATE_LINK];

	if (link->shut && link->until.ms > latest.ms && link->hold.ms <= latest.ms &&
	    wh_pump_ops_wait(p->d))
		wh_gates_hurry_link(&p->gates, latest);
}

/* What a turn decides from. */
struct turn {
	struct wh_cand cand[CANDS_MAX];
	struct wh_inflight inflight[FLIGHTS_MAX];
	struct wh_sched_in in;
};

/* Outcomes that are being stored occupy no connection; but while the store takes none, nothing
 * more is begun. */
static uint32_t
concurrency(const struct wh_pump *p)
{
	return p->parked || is_full(p) || p->flights.n >= FLIGHTS_MAX
		       ? 0
		       : (uint32_t)p->d->config->queue_concurrency;
}

static void
add_inflight(struct turn *t, const struct flight *f)
{
	t->inflight[t->in.n_inflight++] = (struct wh_inflight){f->seq, f->kind, f->keys};
}

static void
gather_inflight(const struct wh_pump *p, struct turn *t)
{
	t->in.n_inflight = 0;
	for (size_t i = 0; i < p->flights.n; i++)
		if (p->flights.at[i].phase != FLIGHT_COOL)
			add_inflight(t, &p->flights.at[i]);
}

static void
look_around(struct wh_pump *p, struct turn *t)
{
	t->in.concurrency = concurrency(p);
	t->in.n_busy = wh_flights_busy(&p->flights);
	t->in.bytes = p->flights.bytes;
	t->in.ahead = wh_pump_bounded(p) ? 0 : p->ahead;
	t->in.list_running = p->list.running;
	t->in.list_paged = p->list_paged;
	t->in.list_due = interval_due(p);
	t->in.list_wanted = p->list_wanted;
	t->in.list_costs = wh_pump_bounded(p);
	t->in.listed_last = p->listed_last;
	t->in.list_mends = p->list_mends;
}

static void
begin_turn(struct wh_pump *p, struct turn *t)
{
	struct wh_rules rules;

	t->in = (struct wh_sched_in){
		.now = p->d->now,
		.gates = &p->gates,
		.cand = t->cand,
		.inflight = t->inflight,
		.observe_spacing_until = p->list_spacing,
		.list_ages = p->whole_began.ms && p->d->now.mono.ms - p->whole_began.ms >
							  p->d->config->queue_check_age / 2,
		.list_for_checks = list_for_checks(p),
	};
	wh_rules_now(p->d, &rules);
	gather_inflight(p, t);
	look_around(p, t);
	t->in.n_cand = gather_cands(p, &t->in, &rules, t->cand);
}

/* Not held up by a gate or by what is under way or has to come first: nothing is to be sent. */
static bool
is_idle(const struct wh_pump *p, const struct turn *t)
{
	for (size_t i = 0; i < t->in.n_cand; i++)
		if (t->cand[i].due.ms <= t->in.now.wall.ms)
			return false;
	return t->in.n_inflight == 0 && !t->in.list_running && wh_gates_open(&p->gates);
}

/* One step. False: nothing to do before *ret_wake. */
static bool
step(struct wh_pump *p, struct turn *t, struct wh_mono *ret_wake)
{
	struct wh_sched_out out = wh_sched_next(&t->in);
	const struct wh_bucket_limits lim = wh_pump_bucket_limits(p);

	*ret_wake = out.wake;
	if (out.action == WH_ACT_SLEEP) {
		if (is_idle(p, t))
			wh_bucket_idle(&p->bucket);
		return false;
	}
	if (!wh_bucket_may(&p->bucket, &lim, p->d->now.mono, false, ret_wake))
		return false;
	wh_pump_pay(p, 1);
	p->listed_last = out.action == WH_ACT_LIST;
	if (p->listed_last) {
		wh_pump_begin_list(p, out.why);
	} else {
		struct wh_cand *c = cand_of(t->cand, t->in.n_cand, out.seq);

		wh_pump_begin_op(p, c);
		add_inflight(t, wh_flights_find(&p->flights, c->seq));
		c->busy = true;
	}
	look_around(p, t);
	return true;
}

void
wh_pump_poke(struct wh_pump *p)
{
	struct wh_mono wake = {WH_NEVER};
	struct turn turn;
	unsigned steps = 0;

	p->again = true;
	if (p->draining)
		whd_look_at_stop(p->d);
	if (p->in_turn || p->draining)
		return;
	p->in_turn = true;
	warm_up(p);
	wh_pump_watch_clock(p);
	wh_pump_boot_again(p);
	wh_pump_unpark(p);
	wh_pump_mark_again(p);
	wh_pump_send_ready(p);
	bring_probe_nearer(p);
	while (p->again && !p->d->boot_waits && steps < TURN_MAX) {
		p->again = false;
		begin_turn(p, &turn);
		while (step(p, &turn, &wake) && ++steps < TURN_MAX)
			;
	}
	if (steps >= TURN_MAX)
		wake.ms = p->d->now.mono.ms + 1000;
	p->in_turn = false;
	sleep_until(p, wake);
}
