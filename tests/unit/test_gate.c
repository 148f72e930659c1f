/* SPDX-License-Identifier: MIT */
/*
 * core/gate.c: what shuts each gate, when probes are allowed, what opens it,
 * and the slow start after an outage. Each scenario is a table of outcomes.
 */
#include "daemon/core/gate.h"
#include "tests/unit/rows.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)
#define START (1000 * SECOND)
#define LINK (1u << WH_GATE_LINK)
#define AUTH (1u << WH_GATE_AUTH)
#define QUOTA (1u << WH_GATE_QUOTA)
#define RATE (1u << WH_GATE_RATE)

/* The outcomes that the table of verdicts yields, as far as gates care. */
static const struct wh_outcome refused = {
	WH_X_NOT_EXECUTED, WH_ASK_LINK, -1, 0, 0, 0, 0, "", 0};
static const struct wh_outcome lost = {WH_X_UNKNOWN, WH_ASK_LINK, -1, 0, 0, 0, 0, "", 0};
static const struct wh_outcome broken = {WH_X_UNKNOWN, WH_ASK_LINK, -1, 1, 0, 0, 1, "", 0};
static const struct wh_outcome busy = {
	WH_X_UNKNOWN, WH_ASK_LINK, 20 * SECOND, 1, 0, 0, 1, "", 0};
static const struct wh_outcome route = {WH_X_NOT_EXECUTED, WH_ASK_LINK, -1, 0, 0, 0, 1, "", 0};
static const struct wh_outcome good = {WH_X_EXECUTED, WH_ASK_NONE, -1, 0, 0, 0, 1, "", 0};
static const struct wh_outcome bad = {WH_X_REJECTED, WH_ASK_NONE, -1, 0, 0, 0, 1, "", 0};
static const struct wh_outcome nokey = {WH_X_NOT_EXECUTED, WH_ASK_AUTH, -1, 0, 0, 0, 1, "", 0};
static const struct wh_outcome denied = {
	WH_X_NOT_EXECUTED, WH_ASK_FORBIDDEN, -1, 0, 0, 0, 1, "", 0};
static const struct wh_outcome stopped = {WH_X_UNKNOWN, WH_ASK_NONE, -1, 0, 0, 0, 0, "", 0};
static const struct wh_outcome many = {WH_X_NOT_EXECUTED, WH_ASK_RATE, -1, 0, 0, 0, 1, "", 0};
static const struct wh_outcome many60 = {
	WH_X_NOT_EXECUTED, WH_ASK_RATE, MINUTE, 0, 0, 0, 1, "", 0};
static const struct wh_outcome many9h = {
	WH_X_NOT_EXECUTED, WH_ASK_RATE, 9 * HOUR, 0, 0, 0, 1, "", 0};
static const struct wh_outcome used = {WH_X_NOT_EXECUTED, WH_ASK_QUOTA, -1, 0, 0, 0, 1, "", 0};
static const struct wh_outcome used5d = {
	WH_X_NOT_EXECUTED, WH_ASK_QUOTA, 5 * DAY, 0, 0, 0, 1, "", 0};
static const struct wh_outcome used9s = {
	WH_X_NOT_EXECUTED, WH_ASK_QUOTA, 9000, 0, 0, 0, 1, "", 0};
static const struct wh_outcome used99d = {
	WH_X_NOT_EXECUTED, WH_ASK_QUOTA, 99 * DAY, 0, 0, 0, 1, "", 0};

static const struct wh_gate_limits quiet = {SECOND, 300 * SECOND, 30 * SECOND, false};
static const struct wh_gate_limits waiting = {SECOND, 300 * SECOND, 30 * SECOND, true};

static struct wh_now
at(int64_t ms)
{
	return (struct wh_now){{START + ms}, {1700000000000 + ms}};
}

/* One outcome at a time; the random number is always the largest of any backoff or 0. */
struct step {
	const char *what;
	int64_t ms;
	const struct wh_outcome *o;
	bool read;
	unsigned changed; /* mask wanted */
	int64_t next;     /* next read, ms; -1 = may read now */
};

/* The rows say apart whether the outcome is that of a read. */
static unsigned
note(struct wh_gates *g, const struct wh_outcome *o, bool read,
     const struct wh_gate_limits *lim, struct wh_now now)
{
	struct wh_outcome outcome = *o;

	outcome.is_read = read;
	return wh_gates_note(g, &outcome, lim, now, 0);
}

static void
play(const struct step *steps, size_t n, const struct wh_gate_limits *lim)
{
	struct wh_gates g;

	wh_gates_init(&g);
	for (size_t i = 0; i < n; i++) {
		const struct step *s = &steps[i];
		struct wh_mono next;
		const unsigned changed = note(&g, s->o, s->read, lim, at(s->ms));
		const bool may = wh_gates_may_read(&g, at(s->ms).mono, &next);

		check(s->what, changed == s->changed);
		check(s->what, may == (s->next < 0));
		if (!may && next.ms - START != s->next)
			fail_msg("%s: next read at %lld", s->what,
				 (long long)(next.ms - START));
	}
}

#define PLAY(steps, lim) play(steps, wh_array_len(steps), lim)

static void
test_link_counts(void **state)
{
	static const struct step steps[] = {
		{"1st lost reply", 0, &lost, true, 0, -1},
		{"2nd", 1, &broken, false, 0, -1},
		{"3rd", 2, &route, false, 0, -1},
		{"4th", 3, &lost, true, 0, -1},
		{"a rejection shows that the line works", 4, &bad, false, 0, -1},
		{"1st again", 5, &lost, true, 0, -1},
		{"2nd again", 6, &lost, true, 0, -1},
		{"3rd again", 7, &lost, true, 0, -1},
		{"4th again", 8, &lost, true, 0, -1},
		{"our own stop counts nothing", 9, &stopped, false, 0, -1},
		{"5th shuts", 10, &lost, false, LINK, 510},
		{"another of the same failure", 11, &lost, false, 0, 510},
		{"our own stop opens nothing", 12, &stopped, true, 0, 510},
		{"probe fails", 600, &lost, true, 0, 1100},
		{"probe succeeds", 1200, &good, true, LINK, -1},
	};

	(void)state;
	PLAY(steps, &quiet);
}

static void
test_link_at_once(void **state)
{
	static const struct step steps[] = {
		{"nothing could be sent", 0, &refused, false, LINK, 500},
		{"a change that still got through opens", 100, &good, false, LINK, -1},
		{"refused again", 200, &refused, true, LINK, 700},
		{"any answer of the API opens", 700, &nokey, true, LINK | AUTH, 700 + MINUTE},
	};

	(void)state;
	PLAY(steps, &quiet);
}

static void
test_link_asked(void **state)
{
	static const struct step steps[] = {
		{"503 with Retry-After shuts at once", 0, &busy, false, LINK, 20 * SECOND},
		{"a success before that opens nothing", SECOND, &good, true, 0, 20 * SECOND},
		{"the wait is over", 20 * SECOND, &good, true, LINK, -1},
	};

	(void)state;
	PLAY(steps, &quiet);
}

static int64_t
probe_wait(const struct wh_gates *g, int64_t now)
{
	return g->g[WH_GATE_LINK].until.ms - START - now;
}

static void
test_link_probe_times(void **state)
{
	const struct wh_gate_limits *const lims[] = {&quiet, &waiting};
	const int64_t longest[] = {300 * SECOND, 30 * SECOND};

	(void)state;
	for (size_t k = 0; k < 2; k++) {
		struct wh_gates g;
		int64_t now = 0;
		int64_t seen = 0;

		wh_gates_init(&g);
		for (uint64_t i = 0; i < 400; i++) {
			const uint64_t random = i * UINT64_C(0x9e3779b97f4a7c15) >> 11;

			(void)wh_gates_note(&g, &refused, lims[k], at(now), random);
			assert_true(probe_wait(&g, now) >= 500);
			assert_true(probe_wait(&g, now) <= longest[k]);
			if (i == 0)
				assert_true(probe_wait(&g, now) <= SECOND);
			seen = probe_wait(&g, now) > seen ? probe_wait(&g, now) : seen;
			now += probe_wait(&g, now);
		}
		assert_true(seen > longest[k] * 9 / 10);
		assert_int_equal(g.g[WH_GATE_LINK].probes, 399);
		assert_int_equal(g.g[WH_GATE_LINK].since.ms, at(0).wall.ms);
	}
}

static void
test_auth(void **state)
{
	static const struct step steps[] = {
		{"all keys refused", 0, &nokey, false, AUTH, MINUTE},
		{"others in flight", 10, &nokey, false, 0, MINUTE},
		{"1st probe", MINUTE, &nokey, true, 0, 6 * MINUTE},
		{"2nd probe", 6 * MINUTE, &nokey, true, 0, 21 * MINUTE},
		{"3rd probe", 21 * MINUTE, &nokey, true, 0, 81 * MINUTE},
		{"then hourly", 81 * MINUTE, &nokey, true, 0, 141 * MINUTE},
		{"a rejection proves nothing", 100 * MINUTE, &bad, true, 0, 141 * MINUTE},
		{"a read opens", 141 * MINUTE, &good, true, AUTH, -1},
		{"one forbidden change shuts nothing", 142 * MINUTE, &denied, false, 0, -1},
	};
	struct wh_gates g;
	struct wh_mono next;

	(void)state;
	PLAY(steps, &quiet);

	wh_gates_init(&g);
	wh_gates_reopen_auth(&g, at(0));
	assert_true(wh_gates_open(&g));
	(void)note(&g, &nokey, true, &quiet, at(0));
	assert_false(wh_gates_may_read(&g, at(5).mono, &next));
	wh_gates_reopen_auth(&g, at(5));
	assert_true(wh_gates_may_read(&g, at(5).mono, &next));
	assert_int_equal(wh_gates_width(&g, 4), 0);
}

static void
test_who_asks(void **state)
{
	struct wh_gates g;
	struct wh_mono next;

	(void)state;
	wh_gates_init(&g);
	wh_gates_hurry_link(&g, at(0).mono);
	wh_gates_end_quota(&g, at(0));
	assert_true(wh_gates_open(&g));
	(void)note(&g, &refused, true, &quiet, at(0));
	wh_gates_hurry_link(&g, at(1).mono);
	assert_true(wh_gates_may_read(&g, at(1).mono, &next));

	wh_gates_init(&g);
	(void)note(&g, &busy, true, &quiet, at(0));
	wh_gates_hurry_link(&g, at(5).mono);
	assert_false(wh_gates_may_read(&g, at(5).mono, &next));
	assert_int_equal(next.ms, g.g[WH_GATE_LINK].hold.ms);

	wh_gates_init(&g);
	(void)note(&g, &used5d, true, &quiet, at(0));
	wh_gates_end_quota(&g, at(5));
	assert_false(wh_gates_open(&g));
	(void)note(&g, &good, true, &quiet, at(5));
	assert_true(wh_gates_open(&g));
}

static void
test_quota(void **state)
{
	static const struct step told[] = {
		{"told 5 days, probed hourly", 0, &used5d, false, QUOTA, HOUR},
		{"a success of before opens nothing", 5, &good, true, 0, HOUR},
		{"told again", HOUR, &used5d, true, 0, 2 * HOUR},
		{"raised by then", 2 * HOUR, &good, true, QUOTA, -1},
		{"told 9 s: at least a minute", 3 * HOUR, &used9s, true, QUOTA,
		 3 * HOUR + MINUTE},
	};
	static const struct step silent[] = {
		{"silent", 0, &used, false, QUOTA, MINUTE},
		{"others in flight", 1, &used, false, 0, MINUTE},
		{"1st probe", MINUTE, &used, true, 0, 3 * MINUTE},
		{"2nd probe", 3 * MINUTE, &used, true, 0, 7 * MINUTE},
		{"opens", 7 * MINUTE, &good, true, QUOTA, -1},
	};
	struct wh_gates g;

	(void)state;
	PLAY(told, &quiet);
	PLAY(silent, &quiet);

	wh_gates_init(&g);
	(void)note(&g, &used99d, true, &quiet, at(0));
	assert_int_equal(g.g[WH_GATE_QUOTA].hold.ms - START, 31 * DAY);
	for (int64_t i = 1; i < 50; i++)
		(void)note(&g, &used, true, &quiet, at(i * HOUR));
	assert_int_equal(g.g[WH_GATE_QUOTA].until.ms - START, 50 * HOUR);
}

static void
test_rate(void **state)
{
	static const struct step steps[] = {
		{"told 60 s", 0, &many60, false, RATE, MINUTE},
		{"told again by another in flight", SECOND, &many60, false, 0, MINUTE + SECOND},
		{"a success of before opens nothing", 2 * SECOND, &good, true, 0,
		 MINUTE + SECOND},
		{"over", MINUTE + SECOND, &good, true, RATE, -1},
		{"told 9 h: one at most", 2 * MINUTE, &many9h, false, RATE, 2 * MINUTE + HOUR},
	};
	static const struct step silent[] = {
		{"silent", 0, &many, false, RATE, 27 * SECOND},
		{"another in flight", 1, &many, false, 0, 27 * SECOND},
		{"too early", 27 * SECOND, &many, true, 0, 81 * SECOND},
		{"over", 81 * SECOND, &good, true, RATE, -1},
	};

	(void)state;
	PLAY(steps, &quiet);
	PLAY(silent, &quiet);
}

static void
test_asked_for_nothing(void **state)
{
	struct wh_outcome now_again = many;
	struct wh_gates g;

	(void)state;
	now_again.wait_ms = 0;
	wh_gates_init(&g);
	(void)note(&g, &now_again, true, &quiet, at(0));
	assert_int_equal(g.g[WH_GATE_RATE].until.ms - START, SECOND);
}

static void
test_slow_start(void **state)
{
	struct wh_gates g;
	int64_t now = 0;

	(void)state;
	wh_gates_init(&g);
	assert_int_equal(wh_gates_width(&g, 4), 4);
	assert_false(g.ever_up);

	/* One lost connection is no outage. */
	(void)note(&g, &refused, true, &quiet, at(now));
	assert_int_equal(wh_gates_width(&g, 4), 0);
	(void)note(&g, &good, true, &quiet, at(now += 500));
	assert_int_equal(wh_gates_width(&g, 4), 4);
	assert_true(g.ever_up);

	(void)note(&g, &refused, true, &quiet, at(now += 500));
	(void)note(&g, &refused, true, &quiet, at(now += 500));
	(void)note(&g, &good, true, &quiet, at(now += 5000));
	assert_int_equal(wh_gates_width(&g, 64), 1);
	(void)note(&g, &good, true, &quiet, at(now));
	assert_int_equal(wh_gates_width(&g, 64), 1); /* reads prove nothing */
	(void)note(&g, &good, false, &quiet, at(now));
	assert_int_equal(wh_gates_width(&g, 64), 2);
	(void)note(&g, &good, false, &quiet, at(now));
	assert_int_equal(wh_gates_width(&g, 64), 4);
	assert_int_equal(wh_gates_width(&g, 3), 3);
	(void)note(&g, &lost, false, &quiet, at(now));
	assert_int_equal(wh_gates_width(&g, 64), 1);
	for (int i = 0; i < 7; i++)
		(void)note(&g, &good, false, &quiet, at(now));
	assert_int_equal(g.slow_start, 0);
	assert_int_equal(wh_gates_width(&g, 64), 64);
}

static void
test_worst(void **state)
{
	struct wh_gates g;

	(void)state;
	wh_gates_init(&g);
	assert_int_equal(wh_gates_worst(&g), WH_GATE_COUNT);
	assert_string_equal(wh_gate_str(wh_gates_worst(&g)), "open");
	g.g[WH_GATE_RATE].shut = true;
	assert_string_equal(wh_gate_str(wh_gates_worst(&g)), "rate");
	g.g[WH_GATE_AUTH].shut = true;
	assert_string_equal(wh_gate_str(wh_gates_worst(&g)), "auth");
	assert_string_equal(wh_gate_str(WH_GATE_LINK), "link");
	assert_string_equal(wh_gate_str(WH_GATE_QUOTA), "quota");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_link_counts), cmocka_unit_test(test_link_at_once),
		cmocka_unit_test(test_link_asked),  cmocka_unit_test(test_link_probe_times),
		cmocka_unit_test(test_auth),        cmocka_unit_test(test_quota),
		cmocka_unit_test(test_who_asks),    cmocka_unit_test(test_rate),
		cmocka_unit_test(test_slow_start),  cmocka_unit_test(test_asked_for_nothing),
		cmocka_unit_test(test_worst),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
