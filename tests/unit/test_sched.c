/* SPDX-License-Identifier: MIT */
/*
 * daemon/core/sched.c: one turn, as tables. Times are offsets in ms from now;
 * the two clocks read differently on purpose.
 */
#include "tests/unit/rows.h"

#include "daemon/core/sched.h"

#define MONO INT64_C(1000000)
#define WALL INT64_C(1700000000000)
#define LATER INT64_C(40000) /* the next periodic list */
#define NEVER WH_NEVER
#define MINUTES_5 INT64_C(300000)

enum gate_case { OPEN, LINK_SHUT, LINK_DUE, AUTH_SHUT, RATE_AND_LINK, SLOW_1, SLOW_2 };

static struct wh_gates
gates_of(enum gate_case c)
{
	struct wh_gates g;

	wh_gates_init(&g);
	switch (c) {
	case OPEN:
		break;
	case LINK_SHUT:
		g.g[WH_GATE_LINK] = (struct wh_gate_one){.shut = true, .until = {MONO + 700}};
		break;
	case LINK_DUE:
		g.g[WH_GATE_LINK] = (struct wh_gate_one){.shut = true, .until = {MONO}};
		break;
	case AUTH_SHUT:
		g.g[WH_GATE_AUTH] = (struct wh_gate_one){.shut = true, .until = {MONO + 60000}};
		break;
	case RATE_AND_LINK:
		g.g[WH_GATE_LINK] = (struct wh_gate_one){.shut = true, .until = {MONO}};
		g.g[WH_GATE_RATE] = (struct wh_gate_one){.shut = true, .until = {MONO + 9000}};
		break;
	case SLOW_1:
		g.slow_start = 1;
		break;
	case SLOW_2:
		g.slow_start = 2;
		break;
	}
	return g;
}

/* A candidate in one line. */
#define UPDATE(seq, due, fresh)                                                                \
	{                                                                                      \
		seq, WH_OP_UPDATE, WH_OP_QUEUED, {WALL + (due)}, {0, 0}, 0, fresh, false       \
	}
#define DELETE(seq, due, fresh)                                                                \
	{                                                                                      \
		seq, WH_OP_DELETE, WH_OP_QUEUED, {WALL + (due)}, {0, 0}, 0, fresh, false       \
	}
#define CREATE(seq, due, fresh, url, name)                                                     \
	{                                                                                      \
		seq, WH_OP_CREATE, WH_OP_QUEUED, {WALL + (due)}, {url, name}, 0, fresh, false  \
	}
#define UNKNOWN(seq, due)                                                                      \
	{                                                                                      \
		seq, WH_OP_UPDATE, WH_OP_UNKNOWN, {WALL + (due)}, {0, 0}, 0, false, false      \
	}
#define BUSY(seq, state)                                                                       \
	{                                                                                      \
		seq, WH_OP_UPDATE, state, {WALL}, {0, 0}, 0, true, true                        \
	}

#define CANDS 10

struct sched_row {
	const char *what;
	struct wh_cand cand[CANDS];     /* up to the first with seq 0 */
	struct wh_inflight inflight[3]; /* the same */
	enum gate_case gates;
	uint32_t n_busy, ahead;
	uint64_t bytes;
	bool list_running, stopping, list_wanted, list_mends, list_ages;
	int64_t list_due; /* offset; 0 = LATER */
	int64_t spacing;  /* offset; 0 = none */

	enum wh_action action;
	uint64_t seq;
	const char *why;
	int64_t wake; /* offset */
};

static size_t
count_cands(const struct sched_row *r)
{
	size_t n = 0;

	while (n < CANDS && r->cand[n].seq)
		n++;
	return n;
}

static size_t
count_inflight(const struct sched_row *r)
{
	size_t n = 0;

	while (n < wh_array_len(r->inflight) && r->inflight[n].seq)
		n++;
	return n;
}

static void
check_row(const struct sched_row *r)
{
	struct wh_gates gates = gates_of(r->gates);
	struct wh_sched_in in = {
		.now = {{MONO}, {WALL}},
		.gates = &gates,
		.concurrency = 4,
		.cand = r->cand,
		.n_cand = count_cands(r),
		.inflight = r->inflight,
		.n_inflight = count_inflight(r),
		.n_busy = r->n_busy,
		.ahead = r->ahead,
		.bytes = r->bytes,
		.list_running = r->list_running,
		.stopping = r->stopping,
		.list_due = {MONO + (r->list_due ? r->list_due : LATER)},
		.list_wanted = r->list_wanted,
		.list_mends = r->list_mends,
		.list_ages = r->list_ages,
		.observe_spacing_until = {r->spacing ? MONO + r->spacing : 0},
		.list_for_checks = 3,
	};
	struct wh_sched_out out = wh_sched_next(&in);
	int64_t wake = r->wake == NEVER ? NEVER : MONO + r->wake;

	if (out.action != r->action)
		fail_msg("%s: action %d, seq %d", r->what, (int)out.action, (int)out.seq);
	check(r->what, out.seq == r->seq);
	if (r->action == WH_ACT_LIST && strcmp(out.why ? out.why : "", r->why))
		fail_msg("%s: listed for %s", r->what, out.why);
	if (r->action == WH_ACT_SLEEP && out.wake.ms != wake)
		fail_msg("%s: wakes after %lld", r->what, (long long)(out.wake.ms - MONO));
}

static void
check_rows(const struct sched_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++)
		check_row(&rows[i]);
}

#define SENDS(n) .action = WH_ACT_SEND, .seq = (n)
#define CHECKS(n) .action = WH_ACT_CHECK, .seq = (n)
#define LISTS(word) .action = WH_ACT_LIST, .why = (word)
#define SLEEPS(ms) .action = WH_ACT_SLEEP, .wake = (ms)

static const struct sched_row idle_rows[] = {
	{"nothing to do", SLEEPS(LATER)},
	{"stopping", .stopping = true, SLEEPS(NEVER)},
	{"stopping with work and a list due",
	 {UPDATE(1, 0, true)},
	 .stopping = true,
	 .list_wanted = true,
	 .list_due = -1,
	 SLEEPS(NEVER)},
	{"the periodic list is due", .list_due = -1, LISTS("interval")},
	{"the periodic list, overdue, runs already", .list_due = -1, .list_running = true,
	 SLEEPS(NEVER)},
	{"no list is planned", .list_due = NEVER - MONO, SLEEPS(NEVER)},
	{"a list is wanted", .list_wanted = true, LISTS("wanted")},
	{"a list is wanted while one runs", .list_wanted = true, .list_running = true,
	 SLEEPS(NEVER)},
	{"wanted and due is one list", .list_wanted = true, .list_due = -1, LISTS("wanted")},
	{"what was asked for ignores the spacing", .list_wanted = true, .spacing = 100,
	 LISTS("wanted")},
	{"the periodic one too", .list_due = -1, .spacing = 100, LISTS("interval")},
};

static const struct sched_row send_rows[] = {
	{"one fresh update", {UPDATE(1, 0, true)}, SENDS(1)},
	{"one fresh delete, overdue", {DELETE(1, -90000, true)}, SENDS(1)},
	{"one fresh create", {CREATE(1, 0, true, 11, 12)}, SENDS(1)},
	{"in order of due time", {UPDATE(7, -5, true), UPDATE(1, 0, true)}, SENDS(7)},
	{"one stale update", {UPDATE(1, 0, false)}, CHECKS(1)},
	{"one stale delete", {DELETE(1, 0, false)}, CHECKS(1)},
	{"stale first, fresh second", {UPDATE(1, -1, false), UPDATE(2, 0, true)}, CHECKS(1)},
	{"fresh first, stale second", {UPDATE(1, -1, true), UPDATE(2, 0, false)}, SENDS(1)},
	{"busy ones are passed over", {BUSY(1, WH_OP_QUEUED), UPDATE(2, 0, true)}, SENDS(2)},
	{"all busy", {BUSY(1, WH_OP_QUEUED), BUSY(2, WH_OP_UNKNOWN)}, SLEEPS(LATER)},
	{"other states are passed over",
	 {{1, WH_OP_UPDATE, WH_OP_HELD, {WALL}, {0, 0}, 0, true, false}, UPDATE(2, 0, true)},
	 SENDS(2)},
	{"not yet due", {UPDATE(1, 250, true)}, SLEEPS(250)},
	{"due one before, one not yet", {UPDATE(1, 0, true), UPDATE(2, 250, true)}, SENDS(1)},
	{"beside a running list", {UPDATE(1, 0, true)}, .list_running = true, SENDS(1)},
	{"a list goes before a send", {UPDATE(1, 0, true)}, .list_due = -1, LISTS("interval")},
};

static const struct sched_row width_rows[] = {
	{"the last free connection", {UPDATE(1, 0, true)}, .n_busy = 3, SENDS(1)},
	{"all connections are taken", {UPDATE(1, 0, true)}, .n_busy = 4, SLEEPS(LATER)},
	{"a check needs one too", {UPDATE(1, 0, false)}, .n_busy = 4, SLEEPS(LATER)},
	{"more are taken than now allowed", {UPDATE(1, 0, true)}, .n_busy = 9, SLEEPS(LATER)},
	{"after an outage one at a time", {UPDATE(1, 0, true)}, .gates = SLOW_1, SENDS(1)},
	{"after an outage not a second",
	 {UPDATE(1, 0, true)},
	 .gates = SLOW_1,
	 .n_busy = 1,
	 SLEEPS(LATER)},
	{"then two", {UPDATE(1, 0, true)}, .gates = SLOW_2, .n_busy = 1, SENDS(1)},
	{"no list for bases while nothing may go",
	 {UPDATE(1, 0, false), UPDATE(2, 0, false), UPDATE(3, 0, false),
	  CREATE(4, 0, false, 1, 1)},
	 .n_busy = 4,
	 SLEEPS(LATER)},
	{"marked before one is free", {UPDATE(1, 0, true)}, .n_busy = 4, .ahead = 2, SENDS(1)},
	{"the last of them", {UPDATE(1, 0, true)}, .n_busy = 5, .ahead = 2, SENDS(1)},
	{"no more of them", {UPDATE(1, 0, true)}, .n_busy = 6, .ahead = 2, SLEEPS(LATER)},
	{"no more than fit into memory",
	 {UPDATE(1, 0, true)},
	 .n_busy = 4,
	 .ahead = 2,
	 .bytes = WH_AHEAD_BYTES,
	 SLEEPS(LATER)},
	{"but one for each connection",
	 {UPDATE(1, 0, true)},
	 .n_busy = 3,
	 .ahead = 2,
	 .bytes = WH_AHEAD_BYTES,
	 SENDS(1)},
	{"a check waits for its connection",
	 {UPDATE(1, 0, false)},
	 .n_busy = 4,
	 .ahead = 2,
	 SLEEPS(LATER)},
	{"a create does, too",
	 {CREATE(1, 0, true, 1, 1)},
	 .n_busy = 4,
	 .ahead = 2,
	 SLEEPS(LATER)},
	{"and nothing goes ahead of it",
	 {CREATE(1, 0, true, 1, 1), UPDATE(2, 0, true)},
	 .n_busy = 4,
	 .ahead = 2,
	 SLEEPS(LATER)},
	{"none is marked ahead after an outage",
	 {UPDATE(1, 0, true)},
	 .gates = SLOW_2,
	 .n_busy = 2,
	 .ahead = 2,
	 SLEEPS(LATER)},
	{"bases are kept fresh while marks go ahead",
	 {UPDATE(1, 0, true), UPDATE(2, 0, true), UPDATE(3, 0, true)},
	 .n_busy = 4,
	 .ahead = 4,
	 .list_ages = true,
	 LISTS("check")},
	{"the periodic list needs no free one", .n_busy = 4, .list_due = -1, LISTS("interval")},
};

static const struct sched_row gate_rows[] = {
	{"nothing goes through a shut gate",
	 {UPDATE(1, 0, true)},
	 .gates = LINK_SHUT,
	 SLEEPS(700)},
	{"nor is a base looked at", {UPDATE(1, 0, false)}, .gates = LINK_SHUT, SLEEPS(700)},
	{"nor listed, however due", .gates = LINK_SHUT, .list_due = -1, .list_wanted = true,
	 SLEEPS(700)},
	{"nor an unknown one observed", {UNKNOWN(1, 0)}, .gates = AUTH_SHUT, SLEEPS(60000)},
	{"the probe is a list", .gates = LINK_DUE, LISTS("probe")},
	{"the probe, with work waiting",
	 {UPDATE(1, 0, true), UNKNOWN(2, 0)},
	 .gates = LINK_DUE,
	 LISTS("probe")},
	{"one probe at a time",
	 {UPDATE(1, 0, true)},
	 .gates = LINK_DUE,
	 .list_running = true,
	 SLEEPS(NEVER)},
	{"probes keep their distance", .gates = LINK_DUE, .spacing = 300, SLEEPS(300)},
	{"the later of spacing and gate", .gates = LINK_SHUT, .spacing = 300, SLEEPS(700)},
	{"what was asked for waits for the gate only", .gates = LINK_SHUT, .list_wanted = true,
	 .spacing = 2000, SLEEPS(700)},
	{"all gates must allow it", .gates = RATE_AND_LINK, SLEEPS(9000)},
	{"a periodic list due first waits for the gate", .gates = AUTH_SHUT, .list_due = 100,
	 SLEEPS(60000)},
	{"a candidate due behind a shut gate wakes too",
	 {UPDATE(1, 50, true)},
	 .gates = LINK_SHUT,
	 SLEEPS(50)},
};

static const struct sched_row unknown_rows[] = {
	{"an unknown outcome is looked up", {UNKNOWN(1, 0)}, LISTS("unknown")},
	{"before anything is sent", {UPDATE(1, -9, true), UNKNOWN(2, 0)}, LISTS("unknown")},
	{"beside a running list others go on",
	 {UNKNOWN(1, 0), UPDATE(2, 0, true)},
	 .list_running = true,
	 SENDS(2)},
	{"not before the spacing allows", {UNKNOWN(1, 0)}, .spacing = 2000, SLEEPS(2000)},
	{"meanwhile others go on",
	 {UNKNOWN(1, 0), UPDATE(2, 0, true)},
	 .spacing = 2000,
	 SENDS(2)},
	{"when the spacing is over", {UNKNOWN(1, 0)}, .spacing = -1, LISTS("unknown")},
	{"not yet due", {UNKNOWN(1, 10000)}, SLEEPS(10000)},
	{"already in the pump's hands", {BUSY(1, WH_OP_UNKNOWN)}, SLEEPS(LATER)},
	{"the running list may serve it", {UNKNOWN(1, 0)}, .list_running = true, SLEEPS(NEVER)},
	{"a connection is not needed", {UNKNOWN(1, 0)}, .n_busy = 4, LISTS("unknown")},
	{"a damaged row is brought back", .list_mends = true, LISTS("damage")},
	{"not before the spacing allows", .list_mends = true, .spacing = 2000, SLEEPS(2000)},
};

#define IN_CREATE(seq, url, name)                                                              \
	{                                                                                      \
		seq, WH_OP_CREATE,                                                             \
		{                                                                              \
			url, name                                                              \
		}                                                                              \
	}
#define IN_UPDATE(seq)                                                                         \
	{                                                                                      \
		seq, WH_OP_UPDATE,                                                             \
		{                                                                              \
			0, 0                                                                   \
		}                                                                              \
	}

static const struct sched_row create_rows[] = {
	{"stale: a list first", {CREATE(1, 0, false, 1, 2)}, LISTS("create")},
	{"stale while a list runs: it waits",
	 {CREATE(1, 0, false, 1, 2)},
	 .list_running = true,
	 SLEEPS(NEVER)},
	{"stale while a list runs: others go on",
	 {CREATE(1, 0, false, 1, 2), UPDATE(2, 0, true)},
	 .list_running = true,
	 SENDS(2)},
	{"stale while a list runs: a fresh create goes on",
	 {CREATE(1, 0, false, 1, 2), CREATE(2, 0, true, 3, 4)},
	 .list_running = true,
	 SENDS(2)},
	{"stale within the spacing", {CREATE(1, 0, false, 1, 2)}, .spacing = 900, SLEEPS(900)},
	{"the list goes before what could be sent",
	 {UPDATE(1, -1, true), CREATE(2, 0, false, 1, 2)},
	 LISTS("create")},
	{"same url in flight", {CREATE(1, 0, true, 7, 1)}, {IN_CREATE(9, 7, 2)}, SLEEPS(LATER)},
	{"same name in flight",
	 {CREATE(1, 0, true, 1, 7)},
	 {IN_CREATE(9, 2, 7)},
	 SLEEPS(LATER)},
	{"other keys in flight", {CREATE(1, 0, true, 1, 2)}, {IN_CREATE(9, 3, 4)}, SENDS(1)},
	{"a url is no name", {CREATE(1, 0, true, 1, 2)}, {IN_CREATE(9, 2, 1)}, SENDS(1)},
	{"keys of an update do not count",
	 {CREATE(1, 0, true, 7, 7)},
	 {{9, WH_OP_UPDATE, {7, 7}}},
	 SENDS(1)},
	{"no keys meet no keys", {CREATE(1, 0, true, 0, 0)}, {IN_CREATE(9, 0, 0)}, SENDS(1)},
	{"the second in flight counts",
	 {CREATE(1, 0, true, 7, 1)},
	 {IN_UPDATE(8), IN_CREATE(9, 7, 2)},
	 SLEEPS(LATER)},
	{"one waits, the next goes",
	 {CREATE(1, 0, true, 7, 1), CREATE(2, 0, true, 5, 6)},
	 {IN_CREATE(9, 7, 2)},
	 SENDS(2)},
	{"an update is not kept back by creates",
	 {UPDATE(1, 0, true)},
	 {IN_CREATE(9, 7, 2)},
	 SENDS(1)},
	{"no list for a create that waits for another",
	 {CREATE(1, 0, false, 7, 1)},
	 {IN_CREATE(9, 7, 2)},
	 SLEEPS(LATER)},
	{"itself in flight", {CREATE(1, 0, true, 7, 1)}, {IN_CREATE(1, 7, 1)}, SLEEPS(LATER)},
};

static const struct sched_row check_rows_of_many[] = {
	{"two stale: one by one", {UPDATE(1, 0, false), DELETE(2, 0, false)}, CHECKS(1)},
	{"three stale: one list",
	 {UPDATE(1, 0, false), DELETE(2, 0, false), UPDATE(3, 0, false)},
	 LISTS("check")},
	{"three fresh, the list ages: the next one",
	 {UPDATE(1, 0, true), DELETE(2, 0, true), UPDATE(3, 0, true)},
	 .list_ages = true,
	 LISTS("check")},
	{"fresh and stale, the list ages: the next one",
	 {UPDATE(1, 0, true), UPDATE(2, 0, false), UPDATE(3, 0, true)},
	 .list_ages = true,
	 LISTS("check")},
	{"two fresh, the list ages: not worth one",
	 {UPDATE(1, 0, true), UPDATE(2, 0, true)},
	 .list_ages = true,
	 SENDS(1)},
	{"three fresh, the list ages, one runs",
	 {UPDATE(1, 0, true), UPDATE(2, 0, true), UPDATE(3, 0, true)},
	 .list_ages = true,
	 .list_running = true,
	 SENDS(1)},
	{"three fresh creates: the list is theirs already",
	 {CREATE(1, 0, true, 1, 1), CREATE(2, 0, true, 2, 2), CREATE(3, 0, true, 3, 3)},
	 .list_ages = true,
	 SENDS(1)},
	{"fresh ones do not count",
	 {UPDATE(1, 0, false), UPDATE(2, 0, true), UPDATE(3, 0, false)},
	 CHECKS(1)},
	{"busy ones do not count",
	 {BUSY(1, WH_OP_QUEUED), UPDATE(2, 0, false), UPDATE(3, 0, false)},
	 CHECKS(2)},
	{"those not yet due do not count",
	 {UPDATE(1, 0, false), UPDATE(2, 0, false), UPDATE(3, 5, false)},
	 CHECKS(1)},
	{"a slow list stops nobody",
	 {UPDATE(1, 0, false), UPDATE(2, 0, false), UPDATE(3, 0, false)},
	 .list_running = true,
	 CHECKS(1)},
	{"nor does the spacing",
	 {UPDATE(1, 0, false), UPDATE(2, 0, false), UPDATE(3, 0, false)},
	 .spacing = 500,
	 CHECKS(1)},
	{"behind a shut gate they wait",
	 {UPDATE(1, 0, false), UPDATE(2, 0, false), UPDATE(3, 0, false)},
	 .gates = LINK_SHUT,
	 SLEEPS(700)},
};

static const struct sched_row sleep_rows[] = {
	{"the earliest of several",
	 {UPDATE(1, 900, true), UNKNOWN(2, 300), UPDATE(3, 600, true)},
	 SLEEPS(300)},
	{"the list comes first", {UPDATE(1, 50000, true)}, SLEEPS(LATER)},
	{"the list comes first unless it runs",
	 {UPDATE(1, 50000, true)},
	 .list_running = true,
	 SLEEPS(50000)},
	{"5 minutes ahead",
	 {UPDATE(1, MINUTES_5, true)},
	 .list_running = true,
	 SLEEPS(MINUTES_5)},
	{"a day ahead: the clock may have been set back",
	 {UPDATE(1, 86400000, true)},
	 .list_running = true,
	 SLEEPS(MINUTES_5)},
	{"never due",
	 {{1, WH_OP_UPDATE, WH_OP_QUEUED, {NEVER}, {0, 0}, 0, true, false}},
	 .list_running = true,
	 SLEEPS(NEVER)},
	{"a busy one does not wake",
	 {{1, WH_OP_UPDATE, WH_OP_QUEUED, {WALL + 5}, {0, 0}, 0, true, true}},
	 SLEEPS(LATER)},
	{"1 ms at least", {UPDATE(1, 1, true)}, SLEEPS(1)},
};

#define TABLE_TEST(name, rows)                                                                 \
	static void name(void **state)                                                         \
	{                                                                                      \
		(void)state;                                                                   \
		check_rows(rows, wh_array_len(rows));                                          \
	}

TABLE_TEST(test_idle, idle_rows)
TABLE_TEST(test_send, send_rows)
TABLE_TEST(test_width, width_rows)
TABLE_TEST(test_gates, gate_rows)
TABLE_TEST(test_unknown, unknown_rows)
TABLE_TEST(test_creates, create_rows)
TABLE_TEST(test_checks, check_rows_of_many)
TABLE_TEST(test_sleep, sleep_rows)

/*
 * A random world, many turns: whatever is decided keeps the rules, and a sleep
 * is never in the past.
 */
static uint64_t
next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *seed >> 33;
}

static void
random_cands(uint64_t *seed, struct wh_cand *cand, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		cand[i] = (struct wh_cand){
			.seq = i + 1,
			.kind = (enum wh_op_kind)(next_random(seed) % 3),
			.state = next_random(seed) % 4 ? WH_OP_QUEUED : WH_OP_UNKNOWN,
			.due = {WALL - 2000 + (int64_t)(next_random(seed) % 4000)},
			.keys = {next_random(seed) % 4, next_random(seed) % 4},
			.fresh = next_random(seed) % 2,
			.busy = next_random(seed) % 4 == 0,
		};
	}
}

static void
check_rules(const struct wh_sched_in *in, const struct wh_sched_out *out)
{
	const struct wh_cand *c = out->seq ? &in->cand[out->seq - 1] : NULL;
	bool acts = out->action == WH_ACT_SEND || out->action == WH_ACT_CHECK;

	assert_true(acts == (c != NULL));
	if (out->action == WH_ACT_SLEEP)
		assert_true(out->wake.ms > in->now.mono.ms);
	if (out->action == WH_ACT_LIST)
		assert_true(!in->list_running && out->why);
	if (!acts)
		return;
	assert_true(wh_gates_open(in->gates));
	assert_false(in->list_paged && in->list_running && c->kind == WH_OP_DELETE);
	assert_true(in->n_busy < in->concurrency ||
		    (c->fresh && c->kind != WH_OP_CREATE && in->gates->slow_start == 0 &&
		     in->n_busy < in->concurrency + in->ahead));
	assert_true(!c->busy && c->state == WH_OP_QUEUED && c->due.ms <= in->now.wall.ms);
	assert_true((out->action == WH_ACT_SEND) == c->fresh);
	if (c->kind != WH_OP_CREATE)
		return;
	assert_true(c->fresh);
	for (size_t i = 0; i < in->n_inflight; i++) {
		const struct wh_inflight *o = &in->inflight[i];

		assert_false(o->keys.url && o->keys.url == c->keys.url);
		assert_false(o->keys.name && o->keys.name == c->keys.name);
	}
}

static void
test_rules_hold(void **state)
{
	uint64_t seed = 42;

	(void)state;
	for (int turn = 0; turn < 20000; turn++) {
		struct wh_gates gates = gates_of((enum gate_case)(next_random(&seed) % 7));
		struct wh_cand cand[12];
		struct wh_inflight inflight[2] = {
			IN_CREATE(100, next_random(&seed) % 4, next_random(&seed) % 4),
			IN_CREATE(101, next_random(&seed) % 4, next_random(&seed) % 4),
		};
		struct wh_sched_in in = {
			.now = {{MONO}, {WALL}},
			.gates = &gates,
			.concurrency = 4,
			.cand = cand,
			.n_cand = next_random(&seed) % 13,
			.inflight = inflight,
			.n_inflight = next_random(&seed) % 3,
			.n_busy = (uint32_t)(next_random(&seed) % 8),
			.ahead = (uint32_t)(next_random(&seed) % 4),
			.list_running = next_random(&seed) % 2,
			.list_paged = next_random(&seed) % 2,
			.list_due = {MONO - 100 + (int64_t)(next_random(&seed) % 1000)},
			.list_wanted = next_random(&seed) % 8 == 0,
			.list_ages = next_random(&seed) % 4 == 0,
			.observe_spacing_until = {MONO - 500 +
						  (int64_t)(next_random(&seed) % 1000)},
			.list_for_checks = (uint32_t)(next_random(&seed) % 6),
		};
		random_cands(&seed, cand, in.n_cand);
		struct wh_sched_out out = wh_sched_next(&in);

		check_rules(&in, &out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_idle),       cmocka_unit_test(test_send),
		cmocka_unit_test(test_width),      cmocka_unit_test(test_gates),
		cmocka_unit_test(test_unknown),    cmocka_unit_test(test_creates),
		cmocka_unit_test(test_checks),     cmocka_unit_test(test_sleep),
		cmocka_unit_test(test_rules_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
