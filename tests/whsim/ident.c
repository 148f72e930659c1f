/* SPDX-License-Identifier: MIT */
/*
 * Deterministic numbers and identifiers: see ident.h.
 *
 * The generator is SplitMix64: one word of state, every seed is a good seed.
 * Called from any thread; the caller owns the state.  Never used where an
 * attacker must not guess.
 */
#include "tests/whsim/ident.h"

#include <inttypes.h>
#include <stdio.h>

uint64_t
wh_ident_next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

size_t
wh_ident_below(uint64_t *state, size_t bound)
{
	return (size_t)(wh_ident_next(state) % bound);
}

void
wh_ident_guid(uint64_t seed, uint64_t counter, char ret_guid[WH_IDENT_GUID_SIZE])
{
	uint64_t state = seed ^ (counter << 20);
	uint64_t high = wh_ident_next(&state);
	uint64_t low = wh_ident_next(&state);
	uint64_t variant = 0x8000 | (low >> 48 & 0x3fff);

	snprintf(ret_guid, WH_IDENT_GUID_SIZE,
		 "%08" PRIx64 "-%04" PRIx64 "-4%03" PRIx64 "-%04" PRIx64 "-%012" PRIx64,
		 high >> 32, high >> 16 & 0xffff, high & 0xfff, variant,
		 low & UINT64_C(0xffffffffffff));
}
