/* SPDX-License-Identifier: MIT */
/*
 * core/gate_memory.c: waits asked by the upstream survive a restart, and
 * neither a jump of the clock nor damaged text makes them longer.
 */
#include "daemon/core/gate.h"
#include "tests/unit/rows.h"

#define SECOND INT64_C(1000)
#define HOUR (3600 * SECOND)
#define DAY (24 * HOUR)
#define WALL INT64_C(1700000000000)

static struct wh_now
clocks(int64_t mono, int64_t wall)
{
	return (struct wh_now){{mono}, {wall}};
}

static void
test_round_trip(void **state)
{
	WH_CLEANUP(wh_buf_fini) struct wh_buf text = WH_BUF_NULL;
	struct wh_gates g = {0};
	struct wh_gates back = {0};

	(void)state;
	for (int i = 0; i < WH_GATE_COUNT; i++)
		g.g[i] = (struct wh_gate_one){.shut = true, .since = {WALL - SECOND}};
	g.g[WH_GATE_QUOTA].hold.ms = 5000 + 3 * DAY;
	g.g[WH_GATE_RATE].hold.ms = 5000 + 40 * SECOND;
	g.g[WH_GATE_AUTH].hold.ms = 5000 + 40 * SECOND;
	wh_gates_save(&g, clocks(5000, WALL), &text);

	/* Ten seconds later another process starts, its monotonic clock at 7. */
	wh_gates_load(&back, wh_buf_view(&text), clocks(7, WALL + 10 * SECOND));
	assert_true(back.g[WH_GATE_QUOTA].shut);
	assert_int_equal(back.g[WH_GATE_QUOTA].hold.ms, 7 + 3 * DAY - 10 * SECOND);
	assert_int_equal(back.g[WH_GATE_QUOTA].until.ms, 7 + HOUR);
	assert_int_equal(back.g[WH_GATE_QUOTA].since.ms, WALL - SECOND);
	assert_true(back.g[WH_GATE_RATE].shut);
	assert_int_equal(back.g[WH_GATE_RATE].until.ms, 7 + 30 * SECOND);
	assert_false(back.g[WH_GATE_LINK].shut);
	assert_false(back.g[WH_GATE_AUTH].shut);
}

static void
test_longest_wait(void **state)
{
	WH_CLEANUP(wh_buf_fini) struct wh_buf text = WH_BUF_NULL;
	struct wh_gates g = {0};
	struct wh_gates back = {0};
	struct wh_gate_one *link = &g.g[WH_GATE_LINK];

	(void)state;
	*link = (struct wh_gate_one){.shut = true, .since = {WALL}, .hold = {HOUR + HOUR / 10}};
	wh_gates_save(&g, clocks(0, WALL), &text);
	wh_gates_load(&back, wh_buf_view(&text), clocks(0, WALL));
	assert_true(back.g[WH_GATE_LINK].shut);
	assert_int_equal(back.g[WH_GATE_LINK].hold.ms, HOUR + HOUR / 10);
	assert_int_equal(back.g[WH_GATE_LINK].until.ms, HOUR);
}

static void
test_nothing_to_keep(void **state)
{
	WH_CLEANUP(wh_buf_fini) struct wh_buf text = WH_BUF_NULL;
	struct wh_gates g = {0};

	(void)state;
	wh_gates_save(&g, clocks(5000, WALL), &text);
	g.g[WH_GATE_RATE] = (struct wh_gate_one){.shut = true, .hold = {4000}};
	wh_gates_save(&g, clocks(5000, WALL), &text);
	assert_int_equal(text.n, 0);
}

static const struct {
	const char *what;
	const char *text;
	int64_t left; /* of RATE; 0 = open */
} loads[] = {
	{"plain", "rate 1700000000000 1700000060000\n", 50 * SECOND},
	{"without the last line end", "rate 1700000000000 1700000060000", 50 * SECOND},
	{"among others", "open 1 2\n\nrate 1700000000000 1700000060000\nx\n", 50 * SECOND},
	{"over by now", "rate 1699999000000 1699999060000\n", 0},
	{"clock set back a year", "rate 1731536000000 1731536060000\n", 60 * SECOND},
	{"absurd", "rate 0 9007199254740992\n", HOUR + HOUR / 10},
	{"ends before it began", "rate 1700000070000 1700000060000\n", 0},
	{"negative", "rate -5 1700000060000\n", 0},
	{"too large", "rate 0 99999999999999999999\n", 0},
	{"cut", "rate 1700000000000", 0},
	{"trailing", "rate 1700000000000 1700000060000 1\n", 0},
	{"not remembered", "auth 1700000000000 1700000060000\n", 0},
	{"nothing", "", 0},
};

static void
test_loads(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(loads); i++) {
		struct wh_gates g = {0};
		const struct wh_gate_one *rate = &g.g[WH_GATE_RATE];

		wh_gates_load(&g, wh_str_c(loads[i].text), clocks(50, WALL + 10 * SECOND));
		check(loads[i].what, rate->shut == (loads[i].left > 0));
		check(loads[i].what, wh_gates_open(&g) == (loads[i].left == 0));
		check(loads[i].what, !rate->shut || rate->hold.ms == 50 + loads[i].left);
		check(loads[i].what, !rate->shut || rate->until.ms <= 50 + HOUR);
		check(loads[i].what, !rate->shut || rate->since.ms <= WALL + 10 * SECOND);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_longest_wait),
		cmocka_unit_test(test_nothing_to_keep),
		cmocka_unit_test(test_loads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
