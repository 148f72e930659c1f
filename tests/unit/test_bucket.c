/* SPDX-License-Identifier: MIT */
/*
 * core/bucket.c: a configured rate, one learned from a gateway's 429, and the
 * tokens that lists leave to changes.
 */
#include "daemon/core/bucket.h"
#include "tests/unit/rows.h"

#define SECOND INT64_C(1000)

static const struct wh_bucket_limits learn = {0, 10};

/* A gateway that grants n calls in windows that begin with the first call after the last one.
 */
struct gateway {
	int64_t n, window;
	int64_t began, calls;
	int64_t granted, refused;
};

/* -1, or the wait it asks for. */
static int64_t
call(struct gateway *g, int64_t now)
{
	if (g->began < 0 || now - g->began >= g->window) {
		g->began = now;
		g->calls = 0;
	}
	if (++g->calls <= g->n) {
		g->granted++;
		return -1;
	}
	g->refused++;
	return (g->began + g->window - now + SECOND - 1) / SECOND * SECOND;
}

/* Sends whenever the bucket lets it, for so long. */
static void
press(struct wh_bucket *b, struct gateway *g, struct wh_mono *now, int64_t ms)
{
	int64_t end = now->ms + ms;
	struct wh_mono at;

	while (now->ms < end) {
		if (!wh_bucket_may(b, &learn, *now, false, &at)) {
			assert_true(at.ms > now->ms);
			*now = at;
			continue;
		}
		wh_bucket_take(b, &learn, 1);
		int64_t wait = call(g, now->ms);

		if (wait >= 0)
			wh_bucket_refused(b, *now, wait);
		else
			wh_bucket_granted(b, *now, 1);
		now->ms += wait >= 0 ? wait : 5;
	}
}

static const struct {
	const char *what;
	int64_t n, window;
} gateways[] = {
	{"ten a second", 10, SECOND},          {"a hundred a minute", 100, 60 * SECOND},
	{"ten a minute", 10, 60 * SECOND},     {"one a minute", 1, 60 * SECOND},
	{"1000 in 5 min", 1000, 300 * SECOND}, {"two in ten seconds", 2, 10 * SECOND},
};

static void
test_learns_the_limit(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(gateways); i++) {
		struct gateway g = {gateways[i].n, gateways[i].window, -1, 0, 0, 0};
		struct wh_mono now = {12345};
		struct wh_bucket b;

		wh_bucket_init(&b, &learn, now);
		press(&b, &g, &now, 3 * g.window);
		assert_true(g.refused >= 1);
		g.granted = g.refused = 0;
		press(&b, &g, &now, SECOND * 800);
		if (g.refused > 1 || g.granted * g.window * 3 < g.n * SECOND * 800)
			fail_msg("%s: %lld granted, %lld refused in 800 s", gateways[i].what,
				 (long long)g.granted, (long long)g.refused);
	}
}

static void
test_is_eased_and_forgotten(void **state)
{
	struct wh_mono now = {1}, at;
	struct wh_bucket b;
	int64_t before;

	(void)state;
	wh_bucket_init(&b, &learn, now);
	wh_bucket_refused(&b, now, 10 * SECOND);
	assert_int_equal(b.rate, 0); /* who knows when its window began */
	now.ms += 10 * SECOND;
	for (int i = 0; i < 40; i++)
		wh_bucket_granted(&b, now, 1);
	wh_bucket_refused(&b, now, 10 * SECOND);
	before = b.rate;
	assert_true(before > 0);
	now.ms += 600 * SECOND;
	assert_true(wh_bucket_may(&b, &learn, now, false, &at));
	assert_true(b.rate > before);
	now.ms += 100 * 600 * SECOND;
	assert_true(wh_bucket_may(&b, &learn, now, false, &at));
	assert_int_equal(b.rate, 0);
}

static void
test_one_refusal_counts_once(void **state)
{
	struct wh_mono now = {1};
	struct wh_bucket b;
	int64_t rate;

	(void)state;
	wh_bucket_init(&b, &learn, now);
	wh_bucket_refused(&b, now, SECOND);
	now.ms += SECOND;
	for (int i = 0; i < 8; i++)
		wh_bucket_granted(&b, now, 1);
	wh_bucket_refused(&b, now, SECOND);
	rate = b.rate;
	for (int i = 0; i < 3; i++) /* of requests that were under way */
		wh_bucket_refused(&b, now, SECOND);
	assert_int_equal(b.rate, rate);
	now.ms += 2 * SECOND;
	wh_bucket_granted(&b, now, 1);
	wh_bucket_refused(&b, now, SECOND);
	assert_true(b.rate < rate);
	assert_true(b.rate >= 3);
}

/* A gateway that goes on refusing has not said how much it lets through. */
static void
test_nothing_granted_is_no_limit(void **state)
{
	struct wh_mono now = {1};
	struct wh_bucket b;

	(void)state;
	wh_bucket_init(&b, &learn, now);
	for (int i = 0; i < 5; i++) {
		wh_bucket_refused(&b, now, SECOND);
		now.ms += 30 * SECOND;
	}
	assert_int_equal(b.rate, 0);
	wh_bucket_granted(&b, now, 1);
	wh_bucket_refused(&b, now, SECOND);
	assert_true(b.rate > 0);
}

/* One request a minute, as the lists of a site where nothing changes; each second one is
 * refused for no reason of ours. */
static void
idle_for(struct wh_bucket *b, struct wh_mono *now, int minutes)
{
	struct wh_mono at;

	for (int i = 0; i < minutes; i++) {
		now->ms += 60 * SECOND;
		assert_true(wh_bucket_may(b, &learn, *now, false, &at));
		wh_bucket_take(b, &learn, 1);
		if (i % 2)
			wh_bucket_refused(b, *now, SECOND);
		else
			wh_bucket_granted(b, *now, 1);
		wh_bucket_idle(b);
	}
}

static void
test_idleness_is_no_limit(void **state)
{
	struct wh_mono now = {1}, at;
	struct wh_bucket b;

	(void)state;
	wh_bucket_init(&b, &learn, now);
	idle_for(&b, &now, 30);
	assert_int_equal(b.rate, 0);
	for (int i = 0; i < 10000; i++) { /* and then much is to be sent */
		assert_true(wh_bucket_may(&b, &learn, now, false, &at));
		wh_bucket_take(&b, &learn, 1);
	}
}

/* What was learned under load is kept: an idle site tells nothing new of it. */
static void
test_idleness_lowers_nothing(void **state)
{
	struct gateway g = {100, 60 * SECOND, -1, 0, 0, 0};
	struct wh_mono now = {12345};
	struct wh_bucket b;
	int64_t learned;

	(void)state;
	wh_bucket_init(&b, &learn, now);
	press(&b, &g, &now, 3 * g.window);
	learned = b.rate;
	assert_true(learned > 0);
	idle_for(&b, &now, 8);
	assert_true(b.rate >= learned);
}

/* A burst now and then meets the limit, and waits; the first that lasts teaches it. */
static void
test_load_after_idleness_teaches(void **state)
{
	struct gateway g = {100, 60 * SECOND, -1, 0, 0, 0};
	struct wh_mono now = {12345};
	struct wh_bucket b;

	(void)state;
	wh_bucket_init(&b, &learn, now);
	idle_for(&b, &now, 7);
	for (int i = 0; i < 3; i++) {
		press(&b, &g, &now, SECOND / 2);
		assert_int_equal(b.rate, 0);
		wh_bucket_idle(&b);
		now.ms += 600 * SECOND;
	}
	press(&b, &g, &now, 3 * g.window);
	g.granted = g.refused = 0;
	press(&b, &g, &now, 800 * SECOND);
	assert_true(b.rate > 0);
	assert_in_range(g.refused, 0, 1);
	assert_true(g.granted * g.window * 3 >= g.n * SECOND * 800);
}

static void
test_configured_rate(void **state)
{
	const struct wh_bucket_limits lim = {20000, 2}; /* 20 a second, 2 at once */
	struct wh_mono now = {1}, at;
	struct wh_bucket b;
	int sent = 0;

	(void)state;
	wh_bucket_init(&b, &lim, now);
	wh_bucket_refused(&b, now, SECOND); /* what is configured is not learned over */
	while (now.ms < 10 * SECOND) {
		if (wh_bucket_may(&b, &lim, now, false, &at)) {
			wh_bucket_take(&b, &lim, 1);
			sent++;
		} else {
			now = at;
		}
	}
	assert_in_range(sent, 190, 202);
}

static void
test_reserve(void **state)
{
	const struct wh_bucket_limits lim = {1000, 8}; /* one a second, 8 at once */
	const struct wh_bucket_limits one = {1000, 1};
	struct wh_mono now = {1}, at;
	struct wh_bucket b;
	int spare = 0, asked = 0;

	(void)state;
	wh_bucket_init(&b, &lim, now);
	for (; wh_bucket_may(&b, &lim, now, true, &at); spare++)
		wh_bucket_take(&b, &lim, 1);
	assert_in_range(at.ms, now.ms + 1, now.ms + 1001);
	for (; wh_bucket_may(&b, &lim, now, false, &at); asked++)
		wh_bucket_take(&b, &lim, 1);
	assert_int_equal(spare, 6);
	assert_int_equal(asked, 2);

	/* Of a bucket of one, too, a change that waits is first. */
	wh_bucket_init(&b, &one, now);
	wh_bucket_take(&b, &one, 1);
	assert_false(wh_bucket_may(&b, &one, now, true, &at));
	now.ms += SECOND + 1;
	assert_false(wh_bucket_may(&b, &one, now, true, &at));
	assert_true(wh_bucket_may(&b, &one, now, false, &at));
	now.ms += SECOND;
	assert_true(wh_bucket_may(&b, &one, now, true, &at));
}

static void
test_what_cannot_wait_is_paid_for_afterwards(void **state)
{
	const struct wh_bucket_limits lim = {1000, 4}; /* one a second, 4 at once */
	const struct wh_bucket_limits none = {0, 4};
	struct wh_mono now = {1}, at;
	struct wh_bucket b;

	(void)state;
	wh_bucket_init(&b, &lim, now);
	wh_bucket_take(&b, &lim, 6);
	assert_false(wh_bucket_may(&b, &lim, now, false, &at));
	assert_in_range(at.ms, now.ms + 3000, now.ms + 3001);

	/* A list in very many pages does not keep changes waiting for as long. */
	wh_bucket_take(&b, &lim, 1000);
	assert_false(wh_bucket_may(&b, &lim, now, false, &at));
	assert_in_range(at.ms, now.ms + 5000, now.ms + 5001);

	wh_bucket_refused(&b, now, SECOND); /* that forgives nothing */
	assert_false(wh_bucket_may(&b, &lim, now, false, &at));
	assert_in_range(at.ms, now.ms + 5000, now.ms + 5001);

	wh_bucket_init(&b, &none, now);
	wh_bucket_take(&b, &none, 1000);
	assert_true(wh_bucket_may(&b, &none, now, true, &at));
}

static void
test_tells_what_it_lets_through(void **state)
{
	const struct wh_bucket_limits three = {3000, 10};
	struct wh_bucket b = {0};

	(void)state;
	assert_int_equal(wh_bucket_lets_through(&b, &three, 2500), 7);
	assert_int_equal(wh_bucket_lets_through(&b, &three, 0), 0);
	assert_true(wh_bucket_lets_through(&b, &learn, 0) == INT64_MAX);
	b.rate = 300;
	assert_int_equal(wh_bucket_lets_through(&b, &learn, 10 * SECOND), 3);
	assert_int_equal(wh_bucket_lets_through(&b, &three, 10 * SECOND), 30);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_cannot_wait_is_paid_for_afterwards),
		cmocka_unit_test(test_learns_the_limit),
		cmocka_unit_test(test_is_eased_and_forgotten),
		cmocka_unit_test(test_one_refusal_counts_once),
		cmocka_unit_test(test_nothing_granted_is_no_limit),
		cmocka_unit_test(test_idleness_is_no_limit),
		cmocka_unit_test(test_idleness_lowers_nothing),
		cmocka_unit_test(test_load_after_idleness_teaches),
		cmocka_unit_test(test_configured_rate),
		cmocka_unit_test(test_reserve),
		cmocka_unit_test(test_tells_what_it_lets_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
