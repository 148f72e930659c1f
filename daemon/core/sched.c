/* SPDX-License-Identifier: MIT */
/*
 * One turn of the pump as one decision, in this order: stop, list, send or
 * check, sleep. A list goes first because it takes longest and runs beside
 * everything else; what depends on it is looked at again when it has ended.
 *
 * Called by the pump on the loop; the transaction that carries the decision
 * out checks it again. Pure: what is running comes in as an argument.
 */
#include "daemon/core/sched.h"

/* A wall clock that jumped back may park an operation at most so long before the next look. */
#define DUE_AHEAD_MAX_MS (INT64_C(5) * 60 * 1000)

#define AHEAD_TIMES 4

/* What one pass over the candidates found. */
struct found {
	const struct wh_cand *ready; /* the first to send or to check */
	bool unknown;                /* one of unknown outcome is due */
	bool stale_create;           /* a create lacks a recent list */
	uint32_t stale;              /* updates and deletes whose base must be read first */
	uint32_t fresh;              /* ... whose base need not */
	int64_t next_due;            /* monotonic ms of the first that is not yet due */
};

/* When the upstream may be read. */
struct reads {
	bool now;
	int64_t at;        /* if not now: from then on */
	int64_t spaced_at; /* a list nobody scheduled or asked for: from then on */
};

static int64_t
earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t
later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* ----------------------------------------------------------- candidates -- */

static int64_t
due_on_mono(const struct wh_sched_in *in, struct wh_wall due)
{
	if (due.ms == WH_NEVER)
		return WH_NEVER;
	if (due.ms - DUE_AHEAD_MAX_MS > in->now.wall.ms)
		return in->now.mono.ms + DUE_AHEAD_MAX_MS;
	return in->now.mono.ms + (due.ms - in->now.wall.ms);
}

static bool
keys_meet(struct wh_create_keys a, struct wh_create_keys b)
{
	return (a.url && a.url == b.url) || (a.name && a.name == b.name);
}

/* A create like this one is on its way or undecided: this one waits until that is decided. */
static bool
meets_inflight(const struct wh_sched_in *in, const struct wh_cand *c)
{
	for (size_t i = 0; i < in->n_inflight; i++) {
		const struct wh_inflight *other = &in->inflight[i];

		if (other->kind == WH_OP_CREATE && keys_meet(other->keys, c->keys))
			return true;
	}
	return false;
}

static void
look_at_queued(const struct wh_sched_in *in, const struct wh_cand *c, struct found *f)
{
	bool is_create = c->kind == WH_OP_CREATE;

	f->fresh += !is_create && c->fresh;
	if (c->fresh ? f->ready != NULL : is_create && f->stale_create)
		return; /* it changes nothing: spare the comparison */
	if (is_create && meets_inflight(in, c))
		return;
	if (is_create && !c->fresh) {
		f->stale_create = !(in->list_costs && f->ready);
		return;
	}
	if (!c->fresh)
		f->stale++;
	if (!f->ready)
		f->ready = c;
}

/* no_deletes: none may be begun now. */
static struct found
look(const struct wh_sched_in *in, bool no_deletes)
{
	struct found f = {.next_due = WH_NEVER};

	for (size_t i = 0; i < in->n_cand; i++) {
		const struct wh_cand *c = &in->cand[i];

		if (c->busy)
			continue;
		if (c->due.ms > in->now.wall.ms)
			f.next_due = earlier(f.next_due, due_on_mono(in, c->due));
		else if (c->state == WH_OP_UNKNOWN)
			f.unknown = true;
		else if (c->state == WH_OP_QUEUED && !(no_deletes && c->kind == WH_OP_DELETE))
			look_at_queued(in, c, &f);
	}
	return f;
}

static bool
has_slot(const struct wh_sched_in *in)
{
	return in->n_busy < wh_gates_width(in->gates, in->concurrency);
}

/* What needs no look and cannot be made twice may wait for its connection with its mark
 * flushed; unless the line has just come back. */
static bool
has_room(const struct wh_sched_in *in, const struct wh_cand *c)
{
	bool open = wh_gates_width(in->gates, in->concurrency) == in->concurrency;

	if (has_slot(in))
		return true;
	return open && in->concurrency > 0 && c->fresh && c->kind != WH_OP_CREATE &&
	       in->n_busy < in->concurrency + in->ahead && in->bytes < WH_AHEAD_BYTES;
}

uint32_t
wh_sched_ahead(uint32_t before, uint32_t answered, int64_t took_ms, bool alone)
{
	const uint32_t most = alone ? WH_AHEAD_MAX : WH_AHEAD_MAX / 2;
	const uint64_t times = alone ? 2 * AHEAD_TIMES : AHEAD_TIMES;
	const uint64_t took = took_ms > 0 ? (uint64_t)took_ms : 0;
	uint64_t now =
		took > WH_AHEAD_MS / times ? answered * WH_AHEAD_MS / took : answered * times;
	uint64_t fallen = (uint64_t)before * 3 / 4;

	now = now > fallen ? now : fallen;
	return now < most ? (uint32_t)now : most;
}

/* ---------------------------------------------------------------- lists -- */

static struct reads
reads_of(const struct wh_sched_in *in)
{
	struct wh_mono at;
	bool now = wh_gates_may_read(in->gates, in->now.mono, &at);

	if (now)
		at = in->now.mono;
	return (struct reads){
		.now = now,
		.at = at.ms,
		.spaced_at = later(at.ms, in->observe_spacing_until.ms),
	};
}

/* What would make a list that nobody scheduled or asked for worth its while; NULL = nothing. */
static const char *
spaced_reason(const struct wh_sched_in *in, const struct found *f)
{
	if (!wh_gates_open(in->gates))
		return "probe";
	if (f->unknown)
		return "unknown";
	if (in->list_mends)
		return "damage";
	if (f->ready ? !has_room(in, f->ready) : !has_slot(in))
		return NULL;
	if (f->stale_create)
		return "create";
	/* While many go out their bases are kept fresh, so that none has to stop for it. */
	uint32_t served = f->stale + (in->list_ages ? f->fresh : 0);

	return served && served >= in->list_for_checks ? "check" : NULL;
}

/* What is ready had no turn since the last list. */
static bool
turn_of_others(const struct wh_sched_in *in, const struct found *f)
{
	return in->listed_last && wh_gates_open(in->gates) && f->ready &&
	       has_room(in, f->ready);
}

/* Why to list now; NULL = not now. */
static const char *
list_reason(const struct wh_sched_in *in, const struct found *f, const struct reads *reads)
{
	if (in->list_running || !reads->now || turn_of_others(in, f))
		return NULL;
	if (in->list_wanted)
		return "wanted";
	if (in->list_due.ms <= in->now.mono.ms)
		return "interval";
	return reads->spaced_at <= in->now.mono.ms ? spaced_reason(in, f) : NULL;
}

static int64_t
next_list(const struct wh_sched_in *in, const struct found *f, const struct reads *reads)
{
	int64_t at = later(in->list_due.ms, reads->at);

	if (in->list_running)
		return WH_NEVER;
	if (in->list_wanted)
		at = earlier(at, reads->at);
	if (spaced_reason(in, f))
		at = earlier(at, reads->spaced_at);
	return at;
}

static bool
deletes_under_way(const struct wh_sched_in *in)
{
	for (size_t i = 0; i < in->n_inflight; i++)
		if (in->inflight[i].kind == WH_OP_DELETE)
			return true;
	return false;
}

/* ------------------------------------------------------------- decision -- */

static struct wh_sched_out
sleep_until(int64_t ms)
{
	return (struct wh_sched_out){.action = WH_ACT_SLEEP, .wake = {ms}};
}

struct wh_sched_out
wh_sched_next(const struct wh_sched_in *in)
{
	if (in->stopping)
		return sleep_until(WH_NEVER);

	struct found f = look(in, in->list_paged && in->list_running);
	struct reads reads = reads_of(in);
	const char *why = list_reason(in, &f, &reads);

	if (why && in->list_paged && deletes_under_way(in) && wh_gates_open(in->gates)) {
		f = look(in, true);
		reads = (struct reads){.at = WH_NEVER, .spaced_at = WH_NEVER};
		why = NULL;
	}
	if (why)
		return (struct wh_sched_out){.action = WH_ACT_LIST, .why = why};
	if (f.ready && has_room(in, f.ready))
		return (struct wh_sched_out){
			.action = f.ready->fresh ? WH_ACT_SEND : WH_ACT_CHECK,
			.seq = f.ready->seq,
		};

	int64_t wake = earlier(f.next_due, next_list(in, &f, &reads));

	return sleep_until(later(wake, in->now.mono.ms + 1));
}
