/* SPDX-License-Identifier: MIT */
/* daemon/core/sched.c: lists and changes that share the few requests of a low rate. */
#include "tests/unit/rows.h"

#include "daemon/core/sched.h"

#define NOW INT64_C(1000000)
#define CANDS 4

struct rate_row {
	const char *what;
	struct wh_cand cand[CANDS]; /* up to the first with seq 0 */
	bool costs, listed_last, wanted, due, shut;
	uint32_t n_busy;

	enum wh_action action;
	uint64_t seq;
};

#define UPDATE(seq, fresh)                                                                     \
	{                                                                                      \
		seq, WH_OP_UPDATE, WH_OP_QUEUED, {NOW}, {0, 0}, 0, fresh, false                \
	}
#define CREATE(seq, fresh)                                                                     \
	{                                                                                      \
		seq, WH_OP_CREATE, WH_OP_QUEUED, {NOW}, {seq, seq}, 0, fresh, false            \
	}
#define UNKNOWN(seq)                                                                           \
	{                                                                                      \
		seq, WH_OP_UPDATE, WH_OP_UNKNOWN, {NOW}, {0, 0}, 0, false, false               \
	}
#define MANY UPDATE(1, false), UPDATE(2, false), UPDATE(3, false)

static const struct rate_row rows[] = {
	{"a list for many looks", {MANY}, .action = WH_ACT_LIST},
	{"but not a second one", {MANY}, .listed_last = true, .action = WH_ACT_CHECK, .seq = 1},
	{"nor one for an unknown outcome",
	 {UNKNOWN(1), UPDATE(2, true)},
	 .listed_last = true,
	 .action = WH_ACT_SEND,
	 .seq = 2},
	{"unless nothing else is ready",
	 {UNKNOWN(1)},
	 .listed_last = true,
	 .action = WH_ACT_LIST},
	{"or has no connection",
	 {UNKNOWN(1), UPDATE(2, true)},
	 .listed_last = true,
	 .n_busy = 4,
	 .action = WH_ACT_LIST},
	{"nor one of the interval",
	 {UPDATE(1, true)},
	 .listed_last = true,
	 .due = true,
	 .action = WH_ACT_SEND,
	 .seq = 1},
	{"nor one that is asked for again and again",
	 {UPDATE(1, true)},
	 .listed_last = true,
	 .wanted = true,
	 .action = WH_ACT_SEND,
	 .seq = 1},
	{"probes go on",
	 {UPDATE(1, true)},
	 .listed_last = true,
	 .shut = true,
	 .action = WH_ACT_LIST},
	{"a create's list goes first where lists cost nothing",
	 {UPDATE(1, true), CREATE(2, false)},
	 .action = WH_ACT_LIST},
	{"else those before it",
	 {UPDATE(1, true), CREATE(2, false)},
	 .costs = true,
	 .action = WH_ACT_SEND,
	 .seq = 1},
	{"until it is the first",
	 {CREATE(1, false), UPDATE(2, true)},
	 .costs = true,
	 .action = WH_ACT_LIST},
	{"a second list for it lets others go first",
	 {CREATE(1, false), UPDATE(2, true)},
	 .costs = true,
	 .listed_last = true,
	 .action = WH_ACT_SEND,
	 .seq = 2},
};

static void
check_row(const struct rate_row *r)
{
	struct wh_gates gates;
	struct wh_sched_in in = {
		.now = {{NOW}, {NOW}},
		.gates = &gates,
		.concurrency = 4,
		.cand = r->cand,
		.n_busy = r->n_busy,
		.list_due = {r->due ? NOW : WH_NEVER},
		.list_wanted = r->wanted,
		.list_costs = r->costs,
		.listed_last = r->listed_last,
		.list_for_checks = 3,
	};

	while (in.n_cand < CANDS && r->cand[in.n_cand].seq)
		in.n_cand++;
	wh_gates_init(&gates);
	gates.g[WH_GATE_LINK] = (struct wh_gate_one){.shut = r->shut, .until = {NOW}};
	struct wh_sched_out out = wh_sched_next(&in);

	check(r->what, out.action == r->action);
	check(r->what, out.seq == r->seq);
}

static void
test_low_rate(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(rows); i++)
		check_row(&rows[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_low_rate)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
