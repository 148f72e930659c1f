/* SPDX-License-Identifier: MIT */
/*
 * Reads the two clocks and the kernel's random numbers; nobody else does.
 *
 * Called once a turn of the loop, at the edges of a transfer by the HTTP
 * thread, and wherever unpredictable bits are wanted. Any thread. It keeps no
 * state, so that two daemons can live in one test process.
 */
#include <stdlib.h>
#include <time.h>

#include "daemon/clock.h"
#include "proto/base.h"

static int64_t
read_ms(clockid_t id)
{
	struct timespec t;

	wh_require(clock_gettime(id, &t) == 0);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

struct wh_now
wh_clock_now(void)
{
	return (struct wh_now){
		.mono = {read_ms(CLOCK_MONOTONIC)},
		.wall = {read_ms(CLOCK_REALTIME)},
	};
}

void
wh_clock_follow(struct wh_now *now)
{
	int64_t ms = read_ms(CLOCK_MONOTONIC);

	if (ms == now->mono.ms)
		return;
	now->mono.ms = ms;
	now->wall.ms = read_ms(CLOCK_REALTIME);
}

int64_t
wh_clock_boot(void)
{
	return read_ms(CLOCK_REALTIME) - read_ms(CLOCK_BOOTTIME);
}

void
wh_clock_randoms(uint64_t *ret, size_t n)
{
	arc4random_buf(ret, n * sizeof(*ret));
}

uint64_t
wh_clock_random(void)
{
	uint64_t bits;

	wh_clock_randoms(&bits, 1);
	return bits;
}
