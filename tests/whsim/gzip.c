/* SPDX-License-Identifier: MIT */
/*
 * The gzip container without compression: see gzip.h.
 *
 * Stored blocks (RFC 1951, 3.2.4) inside a gzip member (RFC 1952).  Called by
 * deliver.c when a switch says so.  It never compresses.
 */
#include "tests/whsim/gzip.h"

#include <stdint.h>

enum { GZIP_BLOCK_MAX = 65535 };

/* Bit by bit: bodies are small where this is used, and a table is longer. */
static uint32_t
crc32_of(const unsigned char *data, size_t len)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < len; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? UINT32_C(0xedb88320) : 0);
	}
	return ~crc;
}

static void
add_little_endian(struct wh_buf *out, uint32_t value, int bytes)
{
	for (; bytes; bytes--) {
		const unsigned char byte = value & 0xff;

		wh_buf_add(out, &byte, 1);
		value >>= 8;
	}
}

void
wh_gzip_add(const void *data, size_t len, struct wh_buf *ret_gzip)
{
	static const unsigned char head[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255};
	const unsigned char *at = data;
	size_t left = len;

	wh_buf_add(ret_gzip, head, sizeof(head));
	do {
		size_t block = left < GZIP_BLOCK_MAX ? left : GZIP_BLOCK_MAX;

		add_little_endian(ret_gzip, block == left, 1);
		add_little_endian(ret_gzip, (uint32_t)block, 2);
		add_little_endian(ret_gzip, ~(uint32_t)block, 2);
		wh_buf_add(ret_gzip, at, block);
		at += block;
		left -= block;
	} while (left);
	add_little_endian(ret_gzip, crc32_of(data, len), 4);
	add_little_endian(ret_gzip, (uint32_t)len, 4);
}
