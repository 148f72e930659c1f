/* SPDX-License-Identifier: MIT */
/*
 * daemon/core/plan.c: the deletion guard, row by row.
 */
#include "tests/unit/rows.h"

#include "daemon/core/plan.h"

struct shrink_row {
	const char *what;
	struct wh_shrink_in in; /* rows, missing, percent, hash, hash before, accepted */
	enum wh_shrink result;
};

static const struct shrink_row rows[] = {
	{"nothing held, nothing listed", {0, 0, 30, 0, 0, false}, WH_SHRINK_FINE},
	{"nothing missing", {100, 0, 30, 0, 0, false}, WH_SHRINK_FINE},
	{"one of many", {100, 1, 30, 7, 0, false}, WH_SHRINK_FINE},
	{"just the share", {100, 30, 30, 7, 0, false}, WH_SHRINK_FINE},
	{"one more than the share", {100, 31, 30, 7, 0, false}, WH_SHRINK_SUSPECT},
	{"five of eight", {8, 5, 30, 7, 0, false}, WH_SHRINK_FINE},
	{"six of eight", {8, 6, 30, 7, 0, false}, WH_SHRINK_SUSPECT},
	{"six of twenty is the share", {20, 6, 30, 7, 0, false}, WH_SHRINK_FINE},
	{"seven of twenty", {20, 7, 30, 7, 0, false}, WH_SHRINK_SUSPECT},
	{"all of many", {100, 100, 30, 7, 0, false}, WH_SHRINK_SUSPECT},
	{"all of three", {3, 3, 30, 7, 0, false}, WH_SHRINK_SUSPECT},
	{"the only one", {1, 1, 30, 7, 0, false}, WH_SHRINK_SUSPECT},
	{"all, whatever the share", {100, 100, 100, 7, 0, false}, WH_SHRINK_SUSPECT},
	{"all but one, share of 100 %", {100, 99, 100, 7, 0, false}, WH_SHRINK_FINE},
	{"share of 0 %, five", {100, 5, 0, 7, 0, false}, WH_SHRINK_FINE},
	{"share of 0 %, six", {100, 6, 0, 7, 0, false}, WH_SHRINK_SUSPECT},
	{"the same ids again", {100, 60, 30, 7, 7, false}, WH_SHRINK_CONFIRMED},
	{"all gone again", {100, 100, 30, 7, 7, false}, WH_SHRINK_CONFIRMED},
	{"other ids this time", {100, 60, 30, 8, 7, false}, WH_SHRINK_SUSPECT},
	{"fewer this time and fine", {100, 3, 30, 8, 7, false}, WH_SHRINK_FINE},
	{"no hash confirms nothing", {100, 60, 30, 0, 0, false}, WH_SHRINK_SUSPECT},
	{"an admin accepts", {100, 60, 30, 7, 0, true}, WH_SHRINK_FINE},
	{"an admin accepts the empty list", {100, 100, 30, 7, 0, true}, WH_SHRINK_FINE},
	{"no overflow", {UINT64_MAX, UINT64_MAX / 2, 30, 7, 0, false}, WH_SHRINK_SUSPECT},
	{"no overflow at 100 %",
	 {UINT64_MAX, UINT64_MAX - 1, 100, 7, 0, false},
	 WH_SHRINK_FINE},
};

static void
test_shrink(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(rows); i++)
		check(rows[i].what, wh_plan_shrink(&rows[i].in) == rows[i].result);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shrink),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
