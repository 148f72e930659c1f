/* SPDX-License-Identifier: MIT */
/* Random bits that are drawn ahead are each given once. */
#include "daemon/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define N 200u /* more than are drawn at once */

static void
no_bits_are_given_twice(void **state)
{
	struct wh_randoms r = {.n = 0};
	uint64_t drawn[N];

	(void)state;
	for (size_t i = 0; i < N; i++) {
		drawn[i] = wh_clock_draw(&r);
		for (size_t k = 0; k < i; k++)
			assert_true(drawn[k] != drawn[i]);
	}
}

/* What is known in this ms is left as it is; then both go on. */
static void
follows_by_the_ms(void **state)
{
	struct wh_now now = {.mono.ms = -1}, began;

	(void)state;
	wh_clock_follow(&now);
	began = now;
	assert_in_range(wh_clock_now().mono.ms - now.mono.ms, 0, 60000);
	assert_in_range(wh_clock_now().wall.ms - now.wall.ms, 0, 60000);
	now.wall.ms = 0;
	while (now.wall.ms == 0) {
		assert_int_equal(now.mono.ms, began.mono.ms);
		wh_clock_follow(&now);
	}
	assert_true(now.mono.ms > began.mono.ms && now.wall.ms >= began.wall.ms);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_bits_are_given_twice),
		cmocka_unit_test(follows_by_the_ms),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
