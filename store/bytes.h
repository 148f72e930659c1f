/* SPDX-License-Identifier: MIT */
/*
 * Fixed-width big-endian numbers, as they stand in keys and values.
 *
 * LMDB hands out unaligned memory, so nothing is ever cast. Signed times are
 * stored with the sign bit flipped, so that the order of the bytes is the
 * order of the times. Internal to store/; any thread; nothing here checks a
 * length.
 */
#pragma once

#include <endian.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline void
wh_be_put(uint8_t *p, uint64_t v, size_t width)
{
	for (size_t i = width; i-- > 0; v >>= 8)
		p[i] = (uint8_t)v;
}

static inline uint64_t
wh_be_get(const uint8_t *p, size_t width)
{
	uint64_t v = 0;

	if (width == 8) { /* nearly all of them, and on every path that is hot */
		memcpy(&v, p, 8);
		return be64toh(v);
	}
	for (size_t i = 0; i < width; i++)
		v = v << 8 | p[i];
	return v;
}

/* The next number of `width` bytes; moves *p behind it. */
static inline uint64_t
wh_be_take(const uint8_t **p, size_t width)
{
	uint64_t v = wh_be_get(*p, width);

	*p += width;
	return v;
}

static inline uint64_t
wh_be_from_time(int64_t ms)
{
	return (uint64_t)ms ^ (uint64_t)1 << 63;
}

static inline int64_t
wh_be_to_time(uint64_t stored)
{
	return (int64_t)(stored ^ (uint64_t)1 << 63);
}
