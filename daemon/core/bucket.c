/* SPDX-License-Identifier: MIT */
/*
 * The token bucket, and how it learns. Limits of gateways are "n calls in a
 * window": a bucket of size s that fills at rate r lets s + r * window through
 * in the worst window, so s is a quarter of n and r two thirds of n a window.
 * The window is as long as answers were counted plus the wait that was asked
 * for: gateways name the rest of it.
 *
 * Called by the pump with every request and every 429; pure.
 */
#include "daemon/core/bucket.h"

#define TOKEN INT64_C(1000000)
#define SECOND INT64_C(1000)
#define COUNTED_MAX (300 * SECOND) /* no gateway counts over a longer window */
#define EASE_EVERY (600 * SECOND)  /* without a 429 the learned rate is raised by half */
#define RATE_LEAST INT64_C(3)      /* about one request in five minutes always goes */
#define RATE_FORGET INT64_C(50000) /* a learned rate this high bounds nothing any more */

static int64_t
at_least(int64_t v, int64_t low)
{
	return v < low ? low : v;
}

static int64_t
at_most(int64_t v, int64_t high)
{
	return v > high ? high : v;
}

/* The rate in force. */
static struct wh_bucket_limits
limits_of(const struct wh_bucket *b, const struct wh_bucket_limits *lim)
{
	return lim->rate ? *lim : (struct wh_bucket_limits){b->rate, b->burst};
}

void
wh_bucket_init(struct wh_bucket *b, const struct wh_bucket_limits *lim, struct wh_mono now)
{
	*b = (struct wh_bucket){
		.micro = lim->burst * TOKEN,
		.filled_at = now,
		.count_from = now,
		.deaf_until = now,
		.eased_at = now,
		.pressed = true,
	};
}

/* ------------------------------------------------------------- learning -- */

void
wh_bucket_idle(struct wh_bucket *b)
{
	b->pressed = false;
}

void
wh_bucket_granted(struct wh_bucket *b, struct wh_mono now, int64_t n)
{
	if (now.ms - b->count_from.ms > COUNTED_MAX) {
		b->count_from = now;
		b->granted = 0;
		b->whole = false;
		b->pressed = true;
	}
	b->granted += n;
}

static void
ease(struct wh_bucket *b, struct wh_mono now)
{
	while (b->rate && now.ms - b->eased_at.ms >= EASE_EVERY) {
		b->eased_at.ms += EASE_EVERY;
		b->rate += at_least(b->rate / 2, 1);
		b->burst += at_least(b->burst / 2, 1);
		if (b->rate >= RATE_FORGET)
			b->rate = 0;
	}
}

/* What a window granted, from its begin to this refusal. */
static void
learn(struct wh_bucket *b, struct wh_mono now, int64_t wait)
{
	int64_t window = at_least(now.ms - b->count_from.ms + wait, SECOND);
	int64_t granted = at_least(b->granted, 1);
	int64_t rate = granted * TOKEN / window * 2 / 3;

	if (b->rate)
		rate = at_most(rate, b->rate * 3 / 4);
	b->rate = at_least(rate, RATE_LEAST);
	b->burst = at_least(granted / 4, 1);
}

void
wh_bucket_refused(struct wh_bucket *b, struct wh_mono now, int64_t wait_ms)
{
	int64_t wait = at_most(at_least(wait_ms, SECOND), COUNTED_MAX);

	if (now.ms < b->deaf_until.ms)
		return;
	/* One that granted nothing was not open yet, and tells of no limit. */
	if (b->pressed && b->whole && b->granted > 0)
		learn(b, now, wait);
	else if (b->pressed && b->rate)
		b->rate = at_least(b->rate * 3 / 4, RATE_LEAST);
	b->micro = at_most(b->micro, 0);
	b->filled_at = b->eased_at = now;
	b->deaf_until.ms = b->count_from.ms = now.ms + wait;
	b->granted = 0;
	b->whole = b->pressed = true;
}

/* --------------------------------------------------------------- tokens -- */

static void
fill(struct wh_bucket *b, const struct wh_bucket_limits *in_force, struct wh_mono now)
{
	int64_t passed = at_most(now.ms - b->filled_at.ms, 3600 * SECOND);

	b->filled_at = now;
	b->micro = at_most(b->micro + passed * in_force->rate,
			   at_least(in_force->burst * TOKEN, TOKEN + TOKEN / 4));
}

/* What must be in it: one token, and for a spare request the reserve beside it. */
static int64_t
needed(const struct wh_bucket_limits *in_force, bool spare)
{
	return spare ? TOKEN + in_force->burst * TOKEN / 4 : TOKEN;
}

bool
wh_bucket_may(struct wh_bucket *b, const struct wh_bucket_limits *lim, struct wh_mono now,
	      bool spare, struct wh_mono *ret_at)
{
	ease(b, now);
	const struct wh_bucket_limits in_force = limits_of(b, lim);

	*ret_at = now;
	if (in_force.rate == 0)
		return true;
	fill(b, &in_force, now);
	int64_t lacking = needed(&in_force, spare) - b->micro;

	if (lacking > 0)
		ret_at->ms = now.ms + lacking / in_force.rate + 1;
	return lacking <= 0;
}

int64_t
wh_bucket_lets_through(const struct wh_bucket *b, const struct wh_bucket_limits *lim,
		       int64_t ms)
{
	const struct wh_bucket_limits in_force = limits_of(b, lim);

	return in_force.rate ? ms * in_force.rate / TOKEN : INT64_MAX;
}

void
wh_bucket_take(struct wh_bucket *b, const struct wh_bucket_limits *lim, int64_t n)
{
	const struct wh_bucket_limits in_force = limits_of(b, lim);

	if (in_force.rate)
		b->micro = at_least(b->micro - n * TOKEN, -in_force.burst * TOKEN);
}
