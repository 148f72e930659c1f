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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_bits_are_given_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
