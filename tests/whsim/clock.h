/* SPDX-License-Identifier: MIT */
/*
 * The two clocks, in milliseconds.
 *
 * Owns nothing; callable from any thread.  Waits use only the monotonic one,
 * the wall clock is only shown.
 */
#pragma once

#include <stdint.h>
#include <time.h>

/* Milliseconds of the monotonic clock; never goes back. */
int64_t wh_clock_mono_ms(void);

/* The monotonic instant that is at least `ms` from now. */
int64_t wh_clock_in_ms(int64_t ms);

/* Milliseconds since 1970 UTC. */
int64_t wh_clock_wall_ms(void);

/* A monotonic instant in the form that condition variables want. */
struct timespec wh_clock_instant(int64_t mono_ms);
