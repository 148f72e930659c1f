/* SPDX-License-Identifier: MIT */
/*
 * The two clocks, in milliseconds: see clock.h.
 *
 * Called from every thread.  It never sets or adjusts a clock.
 */
#include "tests/whsim/clock.h"

static int64_t
clock_read_ms(clockid_t id)
{
	struct timespec now = {0};

	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t
wh_clock_mono_ms(void)
{
	return clock_read_ms(CLOCK_MONOTONIC);
}

/* The clock is cut to whole milliseconds, so one more makes it "at least". */
int64_t
wh_clock_in_ms(int64_t ms)
{
	return wh_clock_mono_ms() + ms + (ms > 0);
}

int64_t
wh_clock_wall_ms(void)
{
	return clock_read_ms(CLOCK_REALTIME);
}

struct timespec
wh_clock_instant(int64_t mono_ms)
{
	return (struct timespec){
		.tv_sec = (time_t)(mono_ms / 1000),
		.tv_nsec = (long)(mono_ms % 1000) * 1000000,
	};
}
