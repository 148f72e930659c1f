/* SPDX-License-Identifier: MIT */
/*
 * How long to wait: full-jitter backoff and every form of Retry-After.
 * Pure; jitter comes in as a random number; any thread.
 */
#pragma once

#include "proto/base.h"

/* Full jitter: uniform in [0, min(cap, base * 2^failures)], at least 1 ms... */
int64_t wh_retry_backoff(int64_t base_ms, int64_t cap_ms, uint32_t failures, uint64_t random);
/* interval +- 10 %. */
int64_t wh_retry_jitter(int64_t interval_ms, uint64_t random);
/* A wait asked by the upstream, made safe: at least 1 s, at most `cap_ms`, plus up to 10 %. */
int64_t wh_retry_asked(int64_t asked_ms, int64_t cap_ms, uint64_t random);
/* APIM texts: "Try again in 60 seconds", "replenished in 5.03:23:11". -1 if none. */
int64_t wh_retry_from_text(struct wh_str body);
/* Delay before the n-th look (0-based) at an unknown outcome: 2, 10, 30, 120, 300 s, scaled so
 * that the last is `settle_ms` when that is shorter. */
int64_t wh_retry_observe(uint32_t n, int64_t settle_ms);
