/* SPDX-License-Identifier: MIT */
/* Seeded chance. Pure arithmetic, no state but the caller's. */
#include "tests/sim/dice.h"

#include "proto/base.h"

static uint64_t
splitmix(uint64_t *x)
{
	uint64_t z = (*x += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint64_t
rotl(uint64_t x, unsigned k)
{
	return (x << k) | (x >> (64 - k));
}

void
sim_dice_seed(struct sim_dice *d, uint64_t seed)
{
	for (size_t i = 0; i < wh_array_len(d->s); i++)
		d->s[i] = splitmix(&seed);
}

uint64_t
sim_dice_next(struct sim_dice *d)
{
	uint64_t *s = d->s;
	uint64_t result = rotl(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotl(s[3], 45);
	return result;
}

/* The modulo favours small numbers by less than 2^-40 for every n used here. */
uint64_t
sim_dice_below(struct sim_dice *d, uint64_t n)
{
	wh_require(n > 0);
	return sim_dice_next(d) % n;
}

int64_t
sim_dice_between(struct sim_dice *d, int64_t lo, int64_t hi)
{
	wh_require(lo <= hi);
	return lo + (int64_t)sim_dice_below(d, (uint64_t)(hi - lo) + 1);
}

bool
sim_dice_chance(struct sim_dice *d, unsigned permille)
{
	return permille > 0 && sim_dice_below(d, 1000) < permille;
}

size_t
sim_dice_weighted(struct sim_dice *d, const unsigned *weights, size_t n)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += weights[i];

	uint64_t at = sim_dice_below(d, sum);

	for (size_t i = 0; i < n; i++) {
		if (at < weights[i])
			return i;
		at -= weights[i];
	}
	return n - 1;
}
