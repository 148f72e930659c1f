/* SPDX-License-Identifier: MIT */
/*
 * Holding a request back without holding anybody else up.
 *
 * Called on the thread of the connection with the simulator's lock held; the
 * lock is free while the request is held.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct wh_conn;
struct whsim;

struct wh_hold {
	uint64_t epoch;                /* of the request that is held */
	int64_t until_ms;              /* monotonic; INT64_MAX = no end */
	const bool *released;          /* becomes true when the fault is cleared */
	const struct wh_conn *watched; /* give up when the client leaves */
};

enum wh_hold_end {
	HOLD_TIME_UP,
	HOLD_RELEASED,
	HOLD_INTERRUPTED, /* stop, reset, or the network changed */
	HOLD_CLIENT_GONE,
};

/* Waits for the first of these; `released` and `watched` may be NULL. */
enum wh_hold_end wh_hold(struct whsim *sim, const struct wh_hold *hold);
