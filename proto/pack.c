/* SPDX-License-Identifier: MIT */
/*
 * MessagePack writers over msgpack-c's packer, which picks the shortest form.
 *
 * Replies, rows, requests and client calls are written with these, on any
 * thread. They never fail on the spot: the buffer's sticky fault tells.
 */
#include "proto/pack.h"

static int
append(void *data, const char *p, size_t n)
{
	wh_buf_add(data, p, n);
	return 0;
}

static msgpack_packer
packer(struct wh_buf *b)
{
	return (msgpack_packer){.data = b, .callback = append};
}

void
wh_pack_nil(struct wh_buf *b)
{
	msgpack_packer pk = packer(b);

	msgpack_pack_nil(&pk);
}

void
wh_pack_bool(struct wh_buf *b, bool v)
{
	msgpack_packer pk = packer(b);

	if (v)
		msgpack_pack_true(&pk);
	else
		msgpack_pack_false(&pk);
}

void
wh_pack_int(struct wh_buf *b, int64_t v)
{
	msgpack_packer pk = packer(b);

	msgpack_pack_int64(&pk, v);
}

void
wh_pack_uint(struct wh_buf *b, uint64_t v)
{
	msgpack_packer pk = packer(b);

	msgpack_pack_uint64(&pk, v);
}

void
wh_pack_double(struct wh_buf *b, double v)
{
	msgpack_packer pk = packer(b);

	msgpack_pack_double(&pk, v);
}

/* msgpack-c cuts longer sizes to 32 bits without a word. */
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
	msgpack_packer pk = packer(b);

	if (!size_fits(b, s.n))
		return;
	msgpack_pack_str(&pk, s.n);
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
	msgpack_packer pk = packer(b);

	if (!size_fits(b, s.n))
		return;
	msgpack_pack_bin(&pk, s.n);
	wh_buf_str(b, s);
}

void
wh_pack_array(struct wh_buf *b, size_t n)
{
	msgpack_packer pk = packer(b);

	if (size_fits(b, n))
		msgpack_pack_array(&pk, n);
}

void
wh_pack_map(struct wh_buf *b, size_t n)
{
	msgpack_packer pk = packer(b);

	if (size_fits(b, n))
		msgpack_pack_map(&pk, n);
}

void
wh_pack_object(struct wh_buf *b, const msgpack_object *o)
{
	msgpack_packer pk = packer(b);

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
