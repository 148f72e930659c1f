/* SPDX-License-Identifier: MIT */
/*
 * The endpoint's gates. A gate shuts when a reply asks for it and opens when a
 * transfer shows that the reason is gone; while it is shut, single GETs probe
 * at the times given here. LINK also counts: one lost reply is no outage, five
 * in a row are, and a failure before anything could be sent is one at once.
 *
 * Called by the loop with every outcome; one instance, one owner. Never fails
 * an operation and never decides what a probe asks for.
 */
#include "daemon/core/gate.h"

#include "daemon/core/retry.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

#define LINK_FAILURES_MAX 5u /* consecutive ones that make an outage */
#define WIDTH_MAX 64u        /* beyond any `queue.concurrency`: no bound */
#define RATE_BASE (30 * SECOND)
#define RATE_CAP HOUR
#define QUOTA_CAP (31 * DAY)

static const char *const names[] = {
	[WH_GATE_LINK] = "link", [WH_GATE_AUTH] = "auth",  [WH_GATE_QUOTA] = "quota",
	[WH_GATE_RATE] = "rate", [WH_GATE_COUNT] = "open",
};

/* What a gate needs to decide, in one place. */
struct note {
	const struct wh_outcome *o;
	const struct wh_gate_limits *lim;
	struct wh_now now;
	uint64_t random;
};

static int64_t
at_least(int64_t v, int64_t low)
{
	return v < low ? low : v;
}

static int64_t
at_most(int64_t v, int64_t high)
{
	return v > high ? high : v;
}

void
wh_gates_init(struct wh_gates *g)
{
	*g = (struct wh_gates){0};
}

/*
 * Shuts the gate, or counts a failed probe. False if it was shut already and
 * no probe was due: then this is another request of the same failure, and
 * the probes go on as planned.
 */
static bool
shut(struct wh_gate_one *one, struct wh_now now)
{
	if (!one->shut) {
		*one = (struct wh_gate_one){.shut = true, .since = now.wall};
		return true;
	}
	if (now.mono.ms < one->until.ms)
		return false;
	if (one->probes < UINT32_MAX)
		one->probes++;
	return true;
}

static void
hold_until(struct wh_gate_one *one, int64_t ms)
{
	one->hold.ms = at_least(one->hold.ms, ms);
	one->until.ms = at_least(one->until.ms, ms);
}

static void
note_link_failure(struct wh_gates *g, const struct note *n)
{
	struct wh_gate_one *link = &g->g[WH_GATE_LINK];
	const bool nothing_sent = n->o->executed == WH_X_NOT_EXECUTED && !n->o->link_up;
	const int64_t now = n->now.mono.ms;
	int64_t wait;

	if (g->link_failures < UINT32_MAX)
		g->link_failures++;
	if (g->slow_start != 0)
		g->slow_start = 1;
	if (!link->shut && !nothing_sent && g->link_failures < LINK_FAILURES_MAX &&
	    n->o->wait_ms <= 0)
		return;
	if (shut(link, n->now)) {
		wait = wh_retry_backoff(n->lim->base_ms, n->lim->cap_ms, link->probes,
					n->random);
		wait = at_least(wait, n->lim->base_ms / 2);
		if (n->lim->ops_wait)
			wait = at_most(wait, n->lim->probe_max_ms);
		link->until.ms = now + wait;
	}
	if (n->o->wait_ms > 0)
		hold_until(link, now + wh_retry_asked(n->o->wait_ms, HOUR, n->random));
}

static void
note_auth(struct wh_gate_one *auth, const struct note *n)
{
	static const int64_t probes[] = {MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR};
	const size_t last = wh_array_len(probes) - 1;

	if (shut(auth, n->now))
		auth->until.ms = n->now.mono.ms + probes[at_most(auth->probes, (int64_t)last)];
}

/* As told, but probed hourly at the latest: quotas get raised. */
static void
note_quota(struct wh_gate_one *quota, const struct note *n)
{
	const int64_t now = n->now.mono.ms;
	const bool due = shut(quota, n->now);
	int64_t wait = MINUTE << at_most(quota->probes, 6);

	if (!due && n->o->wait_ms < 0)
		return;
	if (n->o->wait_ms >= 0) {
		wait = at_least(wh_retry_asked(n->o->wait_ms, QUOTA_CAP, n->random), MINUTE);
		quota->hold.ms = now + wait;
	}
	quota->until.ms = now + at_most(wait, HOUR);
}

static void
note_rate(struct wh_gate_one *rate, const struct note *n)
{
	const int64_t now = n->now.mono.ms;
	const bool due = shut(rate, n->now);
	int64_t wait;

	if (n->o->wait_ms >= 0) {
		hold_until(rate, now + wh_retry_asked(n->o->wait_ms, RATE_CAP, n->random));
		return;
	}
	if (!due)
		return;
	wait = at_most(RATE_BASE << at_most(rate->probes, 10),
		       at_least(n->lim->cap_ms, RATE_BASE));
	rate->until.ms = now + wh_retry_jitter(wait, n->random);
}

/* A request sent before the gate shut may succeed after it: no proof about a wait asked for. */
static bool
may_open(const struct wh_gate_one *one, enum wh_gate_id id, struct wh_mono now)
{
	switch (id) {
	case WH_GATE_LINK:
		return now.ms >= one->hold.ms;
	case WH_GATE_AUTH:
		return true;
	case WH_GATE_QUOTA:
	case WH_GATE_RATE:
		return now.ms >= one->until.ms;
	case WH_GATE_COUNT:
		break;
	}
	return false;
}

static void
open_gate(struct wh_gates *g, enum wh_gate_id id, struct wh_mono now)
{
	if (g->g[id].shut && may_open(&g->g[id], id, now))
		g->g[id] = (struct wh_gate_one){0};
}

/* The line works: LINK opens, slowly if it was more than one lost connection. */
static void
note_link_up(struct wh_gates *g, struct wh_mono now)
{
	const struct wh_gate_one before = g->g[WH_GATE_LINK];
	const bool outage = before.probes > 0 || g->link_failures >= LINK_FAILURES_MAX;

	open_gate(g, WH_GATE_LINK, now);
	if (g->g[WH_GATE_LINK].shut)
		return;
	if (before.shut && outage)
		g->slow_start = 1;
	g->link_failures = 0;
	g->ever_up = true;
}

static void
note_success(struct wh_gates *g, bool is_read, struct wh_mono now)
{
	open_gate(g, WH_GATE_AUTH, now);
	open_gate(g, WH_GATE_QUOTA, now);
	open_gate(g, WH_GATE_RATE, now);
	if (is_read || g->slow_start == 0)
		return;
	g->slow_start *= 2;
	if (g->slow_start > WIDTH_MAX)
		g->slow_start = 0;
}

static void
note_ask(struct wh_gates *g, const struct note *n)
{
	switch (n->o->ask) {
	case WH_ASK_LINK:
		note_link_failure(g, n);
		break;
	case WH_ASK_AUTH:
		note_auth(&g->g[WH_GATE_AUTH], n);
		break;
	case WH_ASK_QUOTA:
		note_quota(&g->g[WH_GATE_QUOTA], n);
		break;
	case WH_ASK_RATE:
		note_rate(&g->g[WH_GATE_RATE], n);
		break;
	case WH_ASK_NONE:
	case WH_ASK_FORBIDDEN: /* concerns one operation, not the endpoint */
		break;
	}
}

static unsigned
shut_mask(const struct wh_gates *g)
{
	unsigned mask = 0;

	for (unsigned i = 0; i < WH_GATE_COUNT; i++)
		mask |= g->g[i].shut ? 1u << i : 0;
	return mask;
}

unsigned
wh_gates_note(struct wh_gates *g, const struct wh_outcome *o, const struct wh_gate_limits *lim,
	      struct wh_now now, uint64_t random)
{
	const unsigned before = shut_mask(g);
	const struct note n = {.o = o, .lim = lim, .now = now, .random = random};

	if (o->executed == WH_X_EXECUTED)
		note_success(g, o->is_read, now.mono);
	if (o->link_up && o->ask != WH_ASK_LINK)
		note_link_up(g, now.mono);
	note_ask(g, &n);
	return before ^ shut_mask(g);
}

void
wh_gates_reopen_auth(struct wh_gates *g, struct wh_now now)
{
	struct wh_gate_one *auth = &g->g[WH_GATE_AUTH];

	if (!auth->shut)
		return;
	auth->until = now.mono;
	auth->probes = 0;
}

void
wh_gates_hurry_link(struct wh_gates *g, struct wh_mono latest)
{
	struct wh_gate_one *link = &g->g[WH_GATE_LINK];

	if (link->shut)
		link->until.ms = at_most(link->until.ms, at_least(latest.ms, link->hold.ms));
}

void
wh_gates_end_quota(struct wh_gates *g, struct wh_now now)
{
	if (g->g[WH_GATE_QUOTA].shut)
		g->g[WH_GATE_QUOTA].until = now.mono;
}

bool
wh_gates_open(const struct wh_gates *g)
{
	return shut_mask(g) == 0;
}

enum wh_gate_id
wh_gates_worst(const struct wh_gates *g)
{
	enum wh_gate_id id = WH_GATE_LINK;

	while (id < WH_GATE_COUNT && !g->g[id].shut)
		id++;
	return id;
}

bool
wh_gates_may_read(const struct wh_gates *g, struct wh_mono now, struct wh_mono *ret_at)
{
	*ret_at = now;
	for (unsigned i = 0; i < WH_GATE_COUNT; i++)
		if (g->g[i].shut)
			ret_at->ms = at_least(ret_at->ms, g->g[i].until.ms);
	return ret_at->ms <= now.ms;
}

uint32_t
wh_gates_width(const struct wh_gates *g, uint32_t limit)
{
	if (!wh_gates_open(g))
		return 0;
	return g->slow_start != 0 && g->slow_start < limit ? g->slow_start : limit;
}

const char *
wh_gate_str(enum wh_gate_id id)
{
	return (size_t)id < wh_array_len(names) ? names[id] : "open";
}
