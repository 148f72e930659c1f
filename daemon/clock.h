/* SPDX-License-Identifier: MIT */
/* The only reader of clocks. Any thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "daemon/core/instant.h"

struct wh_now wh_clock_now(void);
/* Brings *now up to date: a second clock is read only once the first went on by a ms. */
void wh_clock_follow(struct wh_now *now);
/* Wall ms when the machine was booted; steps as the wall clock does. */
int64_t wh_clock_boot(void);
/* Unpredictable bits for jitter, ids and hash seeds; never fails. */
uint64_t wh_clock_random(void);
/* n times that, for the price of one. */
void wh_clock_randoms(uint64_t *ret, size_t n);

/* Random bits drawn ahead, as each drawing is a system call. One thread; all zeros: none yet.
 */
struct wh_randoms {
	uint64_t bits[64];
	size_t n; /* that are left */
};

/* As wh_clock_random(). */
static inline uint64_t
wh_clock_draw(struct wh_randoms *r)
{
	if (r->n == 0) {
		r->n = sizeof(r->bits) / sizeof(r->bits[0]);
		wh_clock_randoms(r->bits, r->n);
	}
	return r->bits[--r->n];
}
