/* SPDX-License-Identifier: MIT */
/* daemon/core/sched.c: lists that come in pages, and deletes of ours. */
#include "tests/unit/rows.h"

#include "daemon/core/sched.h"

#define NOW INT64_C(1000000)
#define NONE WH_OP_CREATE /* none is looked at here */

struct page_row {
	const char *what;
	enum wh_op_kind queued; /* due now, with a fresh base */
	enum wh_op_kind on_its_way;
	bool paged, running, due, shut;

	enum wh_action action;
};

static const struct page_row rows[] = {
	{"no delete between pages", WH_OP_DELETE, NONE, true, true, false, false, WH_ACT_SLEEP},
	{"but an update", WH_OP_UPDATE, NONE, true, true, false, false, WH_ACT_SEND},
	{"one page has no between", WH_OP_DELETE, NONE, false, true, false, false, WH_ACT_SEND},
	{"a delete on its way is waited for", NONE, WH_OP_DELETE, true, false, true, false,
	 WH_ACT_SLEEP},
	{"and none is begun meanwhile", WH_OP_DELETE, WH_OP_DELETE, true, false, true, false,
	 WH_ACT_SLEEP},
	{"but an update is", WH_OP_UPDATE, WH_OP_DELETE, true, false, true, false, WH_ACT_SEND},
	{"no update is waited for", NONE, WH_OP_UPDATE, true, false, true, false, WH_ACT_LIST},
	{"nor a delete for one page", NONE, WH_OP_DELETE, false, false, true, false,
	 WH_ACT_LIST},
	{"nor by a probe", NONE, WH_OP_DELETE, true, false, true, true, WH_ACT_LIST},
	{"deletes go on until a list is due", WH_OP_DELETE, WH_OP_DELETE, true, false, false,
	 false, WH_ACT_SEND},
};

static void
check_row(const struct page_row *r)
{
	struct wh_gates gates;
	struct wh_cand cand = {.seq = 1,
			       .kind = r->queued,
			       .state = WH_OP_QUEUED,
			       .due = {NOW},
			       .fresh = true};
	struct wh_inflight inflight = {.seq = 2, .kind = r->on_its_way};
	struct wh_sched_in in = {
		.now = {{NOW}, {NOW}},
		.gates = &gates,
		.concurrency = 4,
		.cand = &cand,
		.n_cand = r->queued != NONE,
		.inflight = &inflight,
		.n_inflight = r->on_its_way != NONE,
		.n_busy = r->on_its_way != NONE,
		.list_running = r->running,
		.list_paged = r->paged,
		.list_due = {r->due ? NOW : WH_NEVER},
	};

	wh_gates_init(&gates);
	gates.g[WH_GATE_LINK] = (struct wh_gate_one){.shut = r->shut, .until = {NOW}};
	struct wh_sched_out out = wh_sched_next(&in);

	check(r->what, out.action == r->action);
	/* What ends has the pump look again: nothing wakes it before. */
	check(r->what, out.action != WH_ACT_SLEEP || out.wake.ms == WH_NEVER);
}

static void
test_pages(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(rows); i++)
		check_row(&rows[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_pages)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
