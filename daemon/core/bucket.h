/* SPDX-License-Identifier: MIT */
/*
 * How fast requests may follow each other: a token bucket. A rate that is
 * configured is kept. Without one nothing holds requests back until the
 * upstream answers 429. That answer tells when a new window of its begins; what
 * is granted from there to the next 429 is its limit, if there was something to
 * send all the time: the bucket learns a rate below that, lowers it if that was
 * still too much, and raises it again while no more 429 come, until it is
 * forgotten. Whoever had nothing to send learns nothing from a 429 but how long
 * to wait, which is the gates' affair: few requests are no sign of a low limit.
 *
 * A quarter of the bucket is kept for changes and for what people ask for:
 * lists that only keep the copy fresh do not take the last tokens.
 *
 * Pure; one instance, owned by the pump.
 */
#pragma once

#include "daemon/core/instant.h"
#include "proto/base.h"

struct wh_bucket {
	int64_t rate;  /* learned: thousandths of a request a second; 0 = no bound */
	int64_t burst; /* learned: requests at once */
	int64_t micro; /* tokens in it, millionths */
	struct wh_mono filled_at;
	struct wh_mono count_from; /* since then so many requests */
	int64_t granted;           /* ... were answered with something else than 429 */
	bool whole;                /* count_from is where a window of the upstream's began */
	bool pressed;              /* since count_from there was always something to send */
	struct wh_mono deaf_until; /* further 429 belong to the same refusal */
	struct wh_mono eased_at;   /* the learned rate was set or raised last */
};

/* [upstream] rate (thousandths a second, 0 = learn) and burst. */
struct wh_bucket_limits {
	int64_t rate, burst;
};

void wh_bucket_init(struct wh_bucket *b, const struct wh_bucket_limits *lim,
		    struct wh_mono now);
/* May a request go out now? spare: one that leaves the reserve alone. If not, *ret_at says when
 * to ask again. Takes nothing. */
bool wh_bucket_may(struct wh_bucket *b, const struct wh_bucket_limits *lim, struct wh_mono now,
		   bool spare, struct wh_mono *ret_at);
/* How many requests the rate in force lets through in so many ms, in the long run. */
int64_t wh_bucket_lets_through(const struct wh_bucket *b, const struct wh_bucket_limits *lim,
			       int64_t ms);
/* So many requests go out. Those that cannot wait are paid for afterwards: a debt of up to one
 * burst is kept, and what comes next waits for it. */
void wh_bucket_take(struct wh_bucket *b, const struct wh_bucket_limits *lim, int64_t n);
/* Nothing is to be sent and nothing is under way. */
void wh_bucket_idle(struct wh_bucket *b);
/* So many requests were answered with something else. */
void wh_bucket_granted(struct wh_bucket *b, struct wh_mono now, int64_t n);
/* A request was answered with 429; wait_ms: how long it asks to wait, -1 = it does not say. */
void wh_bucket_refused(struct wh_bucket *b, struct wh_mono now, int64_t wait_ms);
