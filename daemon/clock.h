/* SPDX-License-Identifier: MIT */
/* The only reader of clocks. Any thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "daemon/core/instant.h"

struct wh_now wh_clock_now(void);
/* Wall ms when the machine was booted; steps as the wall clock does. */
int64_t wh_clock_boot(void);
/* Unpredictable bits for jitter, ids and hash seeds; never fails. */
uint64_t wh_clock_random(void);
/* n times that, for the price of one. */
void wh_clock_randoms(uint64_t *ret, size_t n);
