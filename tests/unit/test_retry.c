/* SPDX-License-Identifier: MIT */
/*
 * core/retry.c: bounds of every wait, and the forms in which one is asked.
 */
#include "daemon/core/retry.h"
#include "tests/unit/rows.h"

#define SECOND INT64_C(1000)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)

static const struct {
	const char *what;
	int64_t base, cap;
	uint32_t failures;
	int64_t most; /* the longest wait drawn */
} backoffs[] = {
	{"first", SECOND, 300 * SECOND, 0, SECOND},
	{"second", SECOND, 300 * SECOND, 1, 2 * SECOND},
	{"ninth", SECOND, 300 * SECOND, 8, 256 * SECOND},
	{"capped", SECOND, 300 * SECOND, 9, 300 * SECOND},
	{"never overflows", SECOND, INT64_MAX / 4, UINT32_MAX, INT64_MAX / 4},
	{"base over cap", 10 * SECOND, SECOND, 0, SECOND},
	{"nothing configured", 0, 0, 3, 1},
	{"negative", -5, -5, 3, 1},
};

static void
test_backoff(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(backoffs); i++) {
		const int64_t most = backoffs[i].most;
		const int64_t low = wh_retry_backoff(backoffs[i].base, backoffs[i].cap,
						     backoffs[i].failures, 0);
		const int64_t high = wh_retry_backoff(backoffs[i].base, backoffs[i].cap,
						      backoffs[i].failures, (uint64_t)most - 1);

		check(backoffs[i].what, low == 1);
		check(backoffs[i].what, high == most);
		check(backoffs[i].what,
		      wh_retry_backoff(backoffs[i].base, backoffs[i].cap, backoffs[i].failures,
				       (uint64_t)most) == 1);
	}
}

static void
test_jitter(void **state)
{
	(void)state;
	assert_int_equal(wh_retry_jitter(1000, 0), 900);
	assert_int_equal(wh_retry_jitter(1000, 200), 1100);
	assert_int_equal(wh_retry_jitter(1000, 201), 900);
	assert_int_equal(wh_retry_jitter(5, UINT64_MAX), 5);
	assert_int_equal(wh_retry_jitter(0, 7), 0);
}

static void
test_asked(void **state)
{
	(void)state;
	assert_int_equal(wh_retry_asked(60 * SECOND, HOUR, 0), 60 * SECOND);
	assert_int_equal(wh_retry_asked(60 * SECOND, HOUR, 6000), 66 * SECOND);
	assert_int_equal(wh_retry_asked(-9, HOUR, 0), SECOND);
	assert_int_equal(wh_retry_asked(INT64_MAX, HOUR, 0), HOUR);
	assert_int_equal(wh_retry_asked(INT64_MIN, 0, 0), SECOND);
	assert_true(wh_retry_asked(60 * SECOND, HOUR, UINT64_MAX) <= 66 * SECOND);
}

static const struct {
	const char *text;
	int64_t wait;
} texts[] = {
	{"Rate limit is exceeded. Try again in 60 seconds.", 60 * SECOND},
	{"Try again IN 1 second", SECOND},
	{"try again in 2 minutes", 120 * SECOND},
	{"try again in 3 hours or so", 3 * HOUR},
	{"Quota will be replenished in 5.03:23:11.",
	 5 * DAY + 3 * HOUR + 23 * 60 * SECOND + 11000},
	{"Quota will be replenished in 03:23:11.", 3 * HOUR + 23 * 60 * SECOND + 11000},
	{"replenished in 00:00:00", 0},
	{"replenished in 1.23:59:59", 2 * DAY - SECOND},
	{"replenished in 23:59:60", -1},
	{"sent in good faith, try again in 10seconds", 10 * SECOND},
	{"in 60 seconds", -1},
	{"try again in 60", -1},
	{"try again in ", -1},
	{"try again in", -1},
	{"", -1},
	{"try again in 5.99:00:00", -1},
	{"try again in 01:60:00", -1},
	{"try again in 1:2", -1},
	{"try again in 999999999 days", -1},
	{"try again in 99999999999999999999 seconds", -1},
	{"try again in 999999999:00:00", -1},
	{"try again in -5 seconds", -1},
};

static void
test_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(texts); i++)
		check(texts[i].text,
		      wh_retry_from_text(wh_str_c(texts[i].text)) == texts[i].wait);
}

static void
test_observe(void **state)
{
	static const int64_t full[] = {2, 10, 30, 120, 300, 300};
	static const int64_t tenth[] = {200, 1000, 3000, 12000, 30000, 30000};

	(void)state;
	for (uint32_t n = 0; n < wh_array_len(full); n++) {
		assert_int_equal(wh_retry_observe(n, 300 * SECOND), full[n] * SECOND);
		assert_int_equal(wh_retry_observe(n, HOUR), full[n] * SECOND);
		assert_int_equal(wh_retry_observe(n, 30 * SECOND), tenth[n]);
	}
	assert_int_equal(wh_retry_observe(UINT32_MAX, 300 * SECOND), 300 * SECOND);
	assert_int_equal(wh_retry_observe(0, 0), 1);
	assert_int_equal(wh_retry_observe(4, -7), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_backoff), cmocka_unit_test(test_jitter),
		cmocka_unit_test(test_asked),   cmocka_unit_test(test_texts),
		cmocka_unit_test(test_observe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
