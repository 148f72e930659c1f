/* SPDX-License-Identifier: MIT */
/* When a row counts as seen recently enough. */
#include "daemon/rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define NOW 1000000

static bool
fresh(int64_t check_age, int64_t age)
{
	const struct wh_rules r = {.now.wall.ms = NOW, .check_age = check_age};

	return wh_rules_row_fresh(&r, 1, NOW - age);
}

static void
test_age(void **state)
{
	(void)state;
	assert_true(fresh(5000, 0));
	assert_true(fresh(5000, 4999));
	assert_false(fresh(5000, 5000));
	assert_false(fresh(5000, -1));
	assert_false(fresh(5000, NOW)); /* nobody knows when */
}

/* It is looked at each time, also if it was seen in the same millisecond. */
static void
test_no_age(void **state)
{
	(void)state;
	assert_false(fresh(0, 0));
	assert_false(fresh(0, 1));
}

/* A list vouches for what nothing has touched since it began, and for nothing while the next
 * one runs. */
static void
test_list(void **state)
{
	struct wh_rules r = {
		.now.wall.ms = NOW, .check_age = 5, .list_fresh = true, .list_fence = 7};

	(void)state;
	assert_true(wh_rules_row_fresh(&r, 7, 0));
	assert_false(wh_rules_row_fresh(&r, 8, 0));
	assert_true(wh_rules_row_fresh(&r, 8, NOW - 4));
	r.list_since = NOW - 3;
	assert_false(wh_rules_row_fresh(&r, 7, 0));
	assert_false(wh_rules_row_fresh(&r, 8, NOW - 4));
	assert_true(wh_rules_row_fresh(&r, 8, NOW - 3));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_age),
		cmocka_unit_test(test_no_age),
		cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
