/* SPDX-License-Identifier: MIT */
/*
 * The two kinds of time, so that they cannot be mixed: monotonic for every
 * wait, wall for what is shown and stored. Both in milliseconds. Only
 * daemon/clock.c reads a clock; decisions get `now` as an argument.
 */
#pragma once

#include <stdint.h>

struct wh_mono {
	int64_t ms;
};

struct wh_wall {
	int64_t ms; /* since 1970 UTC */
};

/* One reading of both clocks: one per turn of the loop. */
struct wh_now {
	struct wh_mono mono;
	struct wh_wall wall;
};

#define WH_NEVER INT64_MAX
