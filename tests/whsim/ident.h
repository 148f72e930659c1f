/* SPDX-License-Identifier: MIT */
/*
 * Deterministic numbers and identifiers.
 *
 * The simulator never asks the system for randomness: the same start options
 * and the same requests give the same ids, orders and coin tosses.  Pure
 * functions, callable from any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { WH_IDENT_GUID_SIZE = 37 };

/* Advances `state` and returns the next 64 bits of its sequence. */
uint64_t wh_ident_next(uint64_t *state);

/* Returns the next number of the sequence below `bound`, which is not 0. */
size_t wh_ident_below(uint64_t *state, size_t bound);

/* Writes the lower-case GUID number `counter` of the generator `seed`. */
void wh_ident_guid(uint64_t seed, uint64_t counter, char ret_guid[WH_IDENT_GUID_SIZE]);
