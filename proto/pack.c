/* SPDX-License-Identifier: MIT */
/*
 * MessagePack writers, in the shortest form there is.
 *
 * Replies, rows, requests and client calls are written with these, on any
 * thread. They never fail on the spot: the buffer's sticky fault tells.
 */
#include "proto/pack.h"

/* A first byte, and a number of so many bytes behind it. */
static void
put(struct wh_buf *b, unsigned char first, uint64_t v, size_t width)
{
	char *to = wh_buf_room(b, 1 + width);

	if (!to)
		return;
	to[0] = (char)first;
	for (size_t i = width; i > 0; i--, v >>= 8)
		to[i] = (char)(v & 0xff);
	b->n += 1 + width;
}

void
wh_pack_nil(struct wh_buf *b)
{
	put(b, 0xc0, 0, 0);
}

void
wh_pack_bool(struct wh_buf *b, bool v)
{
	put(b, v ? 0xc3 : 0xc2, 0, 0);
}

void
wh_pack_int(struct wh_buf *b, int64_t v)
{
	if (v >= 0)
		wh_pack_uint(b, (uint64_t)v);
	else if (v >= -32)
		put(b, (unsigned char)v, 0, 0);
	else if (v >= INT8_MIN)
		put(b, 0xd0, (uint64_t)v, 1);
	else if (v >= INT16_MIN)
		put(b, 0xd1, (uint64_t)v, 2);
	else if (v >= INT32_MIN)
		put(b, 0xd2, (uint64_t)v, 4);
	else
		put(b, 0xd3, (uint64_t)v, 8);
}

void
wh_pack_uint(struct wh_buf *b, uint64_t v)
{
	if (v < 0x80)
		put(b, (unsigned char)v, 0, 0);
	else if (v <= UINT8_MAX)
		put(b, 0xcc, v, 1);
	else if (v <= UINT16_MAX)
		put(b, 0xcd, v, 2);
	else if (v <= UINT32_MAX)
		put(b, 0xce, v, 4);
	else
		put(b, 0xcf, v, 8);
}

void
wh_pack_double(struct wh_buf *b, double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	put(b, 0xcb, bits, 8);
}

/* What cannot be said in a head is refused. */
static bool
size_fits(struct wh_buf *b, size_t n)
{
	if (n > UINT32_MAX && !b->fault)
		b->fault = WH_ELIMIT;
	return n <= UINT32_MAX;
}

void
wh_pack_str(struct wh_buf *b, struct wh_str s)
{
	if (!size_fits(b, s.n))
		return;
	if (s.n < 0x20)
		put(b, (unsigned char)(0xa0 | s.n), 0, 0);
	else if (s.n <= UINT8_MAX)
		put(b, 0xd9, s.n, 1);
	else if (s.n <= UINT16_MAX)
		put(b, 0xda, s.n, 2);
	else
		put(b, 0xdb, s.n, 4);
	wh_buf_str(b, s);
}

void
wh_pack_c(struct wh_buf *b, const char *c)
{
	if (c)
		wh_pack_str(b, wh_str_c(c));
	else
		wh_pack_nil(b);
}

void
wh_pack_bin(struct wh_buf *b, struct wh_str s)
{
	if (!size_fits(b, s.n))
		return;
	if (s.n <= UINT8_MAX)
		put(b, 0xc4, s.n, 1);
	else if (s.n <= UINT16_MAX)
		put(b, 0xc5, s.n, 2);
	else
		put(b, 0xc6, s.n, 4);
	wh_buf_str(b, s);
}

/* Arrays and maps: up to 15 in the first byte `small`, else in 2 or 4 bytes behind `large`. */
static void
put_count(struct wh_buf *b, unsigned char small, unsigned char large, size_t n)
{
	if (!size_fits(b, n))
		return;
	if (n < 0x10)
		put(b, (unsigned char)(small | n), 0, 0);
	else if (n <= UINT16_MAX)
		put(b, large, n, 2);
	else
		put(b, (unsigned char)(large + 1), n, 4);
}

void
wh_pack_array(struct wh_buf *b, size_t n)
{
	put_count(b, 0x90, 0xdc, n);
}

void
wh_pack_map(struct wh_buf *b, size_t n)
{
	put_count(b, 0x80, 0xde, n);
}

static int
append(void *data, const char *p, size_t n)
{
	wh_buf_add(data, p, n);
	return 0;
}

void
wh_pack_object(struct wh_buf *b, const msgpack_object *o)
{
	msgpack_packer pk = {.data = b, .callback = append};

	msgpack_pack_object(&pk, *o);
}

void
wh_pack_kv_str(struct wh_buf *b, const char *key, struct wh_str v)
{
	wh_pack_c(b, key);
	wh_pack_str(b, v);
}

void
wh_pack_kv_c(struct wh_buf *b, const char *key, const char *v)
{
	wh_pack_c(b, key);
	wh_pack_c(b, v);
}

void
wh_pack_kv_int(struct wh_buf *b, const char *key, int64_t v)
{
	wh_pack_c(b, key);
	wh_pack_int(b, v);
}

void
wh_pack_kv_uint(struct wh_buf *b, const char *key, uint64_t v)
{
	wh_pack_c(b, key);
	wh_pack_uint(b, v);
}

void
wh_pack_kv_bool(struct wh_buf *b, const char *key, bool v)
{
	wh_pack_c(b, key);
	wh_pack_bool(b, v);
}

void
wh_pack_kv_nil(struct wh_buf *b, const char *key)
{
	wh_pack_c(b, key);
	wh_pack_nil(b);
}

void
wh_pack_kv_raw(struct wh_buf *b, const char *key, struct wh_str v)
{
	wh_pack_c(b, key);
	wh_buf_str(b, v);
}

/* The longest head, for which room is kept until the count is known. */
#define OPEN_LEN 5

static size_t
open_at_end(struct wh_buf *b)
{
	size_t place = b->n;

	wh_buf_add(b, "\xdf\0\0\0\0", OPEN_LEN);
	return place;
}

/* Puts the shortest head at place and draws the content up to it. */
static void
close_at(struct wh_buf *b, size_t place, size_t n, void (*write_head)(struct wh_buf *, size_t))
{
	char memory[OPEN_LEN];
	struct wh_buf head = {.p = memory, .cap = sizeof(memory), .max = sizeof(memory)};

	if (b->fault || !size_fits(b, n))
		return;
	wh_require(place + OPEN_LEN <= b->n);
	write_head(&head, n);
	wh_require(!head.fault);
	memcpy(b->p + place, memory, head.n);
	size_t content = b->n - place - OPEN_LEN;

	if (head.n < OPEN_LEN)
		memmove(b->p + place + head.n, b->p + place + OPEN_LEN, content);
	b->n = place + head.n + content;
}

size_t
wh_pack_open_map(struct wh_buf *b)
{
	return open_at_end(b);
}

void
wh_pack_close_map(struct wh_buf *b, size_t place, size_t n)
{
	close_at(b, place, n, wh_pack_map);
}

size_t
wh_pack_open_array(struct wh_buf *b)
{
	return open_at_end(b);
}

void
wh_pack_close_array(struct wh_buf *b, size_t place, size_t n)
{
	close_at(b, place, n, wh_pack_array);
}
