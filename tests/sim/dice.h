/* SPDX-License-Identifier: MIT */
/*
 * The only source of chance: a seeded generator (xoshiro256**, seeded through
 * splitmix64), so that a seed always tells the same story. The world and the
 * simulated daemon draw from dice of their own: a change in one does not
 * reshuffle the other more than it must.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_dice {
	uint64_t s[4];
};

void sim_dice_seed(struct sim_dice *d, uint64_t seed);
uint64_t sim_dice_next(struct sim_dice *d);
/* 0..n-1; n > 0. */
uint64_t sim_dice_below(struct sim_dice *d, uint64_t n);
/* lo..hi, both included. */
int64_t sim_dice_between(struct sim_dice *d, int64_t lo, int64_t hi);
/* True in `permille` of 1000 cases. */
bool sim_dice_chance(struct sim_dice *d, unsigned permille);
/* Index of one of n weights; at least one is not 0. */
size_t sim_dice_weighted(struct sim_dice *d, const unsigned *weights, size_t n);
