/* SPDX-License-Identifier: MIT */
/*
 * core/sched.c: how many are marked before a connection is free. Which they
 * are is in test_sched.c.
 */
#include "daemon/core/sched.h"
#include "tests/unit/rows.h"

static void
test_follows_the_pace(void **state)
{
	uint32_t ahead = 0;

	(void)state;
	assert_int_equal(wh_sched_ahead(0, 0, 1, false), 0);
	for (uint32_t answered = 1; answered < 1000; answered *= 3) {
		ahead = wh_sched_ahead(ahead, answered, 1, false);
		assert_in_range(ahead,
				answered < WH_AHEAD_MAX / 4 ? answered : WH_AHEAD_MAX / 4,
				WH_AHEAD_MAX / 2);
	}
	assert_int_equal(ahead, WH_AHEAD_MAX / 2);
	assert_int_equal(wh_sched_ahead(0, UINT32_MAX, 1, false), WH_AHEAD_MAX / 2);
}

/* What is marked has its turn before it has waited for too long, however slow the disk is: then
 * fewer are marked than are answered while it is flushed. */
static void
test_slow_flushes(void **state)
{
	const uint32_t answered = 20;

	(void)state;
	for (int64_t took = 1; took < 30000; took++) {
		bool alone = took % 2;
		int64_t most = (int64_t)(alone ? 8 : 4) * answered;
		int64_t in_time = (int64_t)WH_AHEAD_MS * answered / took;

		assert_int_equal(wh_sched_ahead(0, answered, took, alone),
				 in_time < most ? in_time : most);
	}
	assert_int_equal(wh_sched_ahead(0, answered, 0, false), 80);
	assert_int_equal(wh_sched_ahead(0, answered, -1, false), 80); /* no clock does that */
	assert_int_equal(wh_sched_ahead(0, UINT32_MAX, INT64_MAX, true), 0);
}

/* Who brings a change meanwhile waits for no more than what would be marked beside others. */
static void
test_twice_as_many_alone(void **state)
{
	uint32_t ahead = wh_sched_ahead(0, UINT32_MAX, 1, true);

	(void)state;
	assert_int_equal(ahead, WH_AHEAD_MAX);
	assert_int_equal(wh_sched_ahead(0, 20, 1, true), 160);
	assert_int_equal(wh_sched_ahead(ahead, UINT32_MAX, 1, false), WH_AHEAD_MAX / 2);
	assert_int_equal(wh_sched_ahead(ahead, 0, 1, false), WH_AHEAD_MAX / 2);
}

/* An upstream that answers no more has none waiting. */
static void
test_falls_to_none(void **state)
{
	uint32_t ahead = WH_AHEAD_MAX;

	(void)state;
	for (int i = 0; i < 20; i++) {
		uint32_t before = ahead;

		ahead = wh_sched_ahead(ahead, 0, 1, false);
		assert_true(ahead < before || ahead == 0);
	}
	assert_int_equal(ahead, 0);
}

/* A store that takes nothing: the concurrency is 0. */
static void
test_none_of_nothing(void **state)
{
	struct wh_gates gates;
	struct wh_cand cand = {
		.seq = 1, .kind = WH_OP_UPDATE, .state = WH_OP_QUEUED, .fresh = true};
	struct wh_sched_in in = {
		.now = {{1000}, {1000}},
		.gates = &gates,
		.cand = &cand,
		.n_cand = 1,
		.ahead = 2,
		.list_due = {9000},
	};

	(void)state;
	wh_gates_init(&gates);
	assert_int_equal(wh_sched_next(&in).action, WH_ACT_SLEEP);
	in.concurrency = 1;
	in.n_busy = 1;
	assert_int_equal(wh_sched_next(&in).action, WH_ACT_SEND);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_follows_the_pace),
		cmocka_unit_test(test_slow_flushes),
		cmocka_unit_test(test_twice_as_many_alone),
		cmocka_unit_test(test_falls_to_none),
		cmocka_unit_test(test_none_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
