/* SPDX-License-Identifier: MIT */
/*
 * Plausible rows by the thousand.
 *
 * Called at start and by the control verb seed, with the simulator's lock
 * held.  Deterministic: row number k is the same in every run.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "tests/whsim/rows.h"

enum { WH_SEED_MAX = 1000000 };

/*
 * Adds `count` rows of about 500 bytes, each with undocumented members; `seed`
 * is that of the id generator.
 */
void wh_seed_rows(struct wh_rows *rows, uint64_t seed, size_t count);
