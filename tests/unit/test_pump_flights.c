/* SPDX-License-Identifier: MIT */
/* daemon/pump_flights.c: found by their numbers, and counted, whatever comes and goes. */
#include "daemon/pump_flights.h"
#include "tests/unit/rows.h"

static struct flights flights; /* too large for a stack */

static uint64_t
next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state >> 33;
}

static void
check_counts(void)
{
	uint32_t in[FLIGHT_PHASES] = {0}, busy = 0;
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < flights.n; i++) {
		const struct flight *f = &flights.at[i];

		in[f->phase]++;
		busy += wh_flight_is_busy(f->phase);
		bytes += wh_flight_is_busy(f->phase) ? f->bytes : 0;
	}
	assert_memory_equal(in, flights.in, sizeof(in));
	assert_int_equal(wh_flights_busy(&flights), busy);
	assert_int_equal(flights.bytes, bytes);
}

/* Beside a plain list of what should be there: numbers that meet in a chain, too. */
static void
test_come_and_go(void **state)
{
	static bool there[3 * FLIGHT_CHAINS];
	uint64_t random = 7;

	(void)state;
	wh_flights_init(&flights);
	for (unsigned i = 0; i < 40000; i++) {
		uint64_t seq = next_random(&random) % wh_array_len(there);
		struct flight *f = wh_flights_find(&flights, seq);

		assert_int_equal(f != NULL, there[seq]);
		if (!f && flights.n < FLIGHTS_MAX) {
			wh_flights_add(&flights,
				       &(struct flight){.seq = seq, .bytes = (uint32_t)seq});
			there[seq] = true;
		} else if (f && next_random(&random) % 2) {
			wh_flights_drop(&flights, f);
			there[seq] = false;
		} else if (f) {
			wh_flights_turn(&flights, f, next_random(&random) % FLIGHT_PHASES);
		}
		if (i % 64 == 0)
			check_counts();
	}
	for (uint64_t seq = 0; seq < wh_array_len(there); seq++) {
		struct flight *f = wh_flights_find(&flights, seq);

		assert_int_equal(f != NULL, there[seq]);
		assert_true(!f || f->seq == seq);
	}
}

/* The fullest that it gets, and empty again. */
static void
test_full(void **state)
{
	(void)state;
	wh_flights_init(&flights);
	for (uint64_t seq = 1; seq <= FLIGHTS_MAX; seq++)
		wh_flights_add(&flights, &(struct flight){.seq = seq, .bytes = 3});
	assert_int_equal(wh_flights_busy(&flights), FLIGHTS_MAX);
	for (uint64_t seq = 1; seq <= FLIGHTS_MAX; seq++)
		wh_flights_drop(&flights, wh_flights_find(&flights, seq));
	assert_int_equal(flights.n, 0);
	check_counts();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_come_and_go),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
