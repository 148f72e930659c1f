/* SPDX-License-Identifier: MIT */
/*
 * From bytes to a bounded object tree.
 *
 * Every message from a socket and every row from the store goes through
 * wh_unpack(). Any thread. Nothing is decoded before the scanner has accepted
 * it: it knows how many objects there are, so that one allocation holds them,
 * and a small message needs none. Text of the tree points into the input. The
 * tree is msgpack-c's; its own decoder allocates what a head claims.
 */
#include <stdlib.h>

#include "proto/pairs.h"

static const struct wh_frame_limits row_limits = {
	.bytes = 1024 * 1024,
	.depth = 32,
	.elements = 100000,
};

static int
large_map_check_unique(const msgpack_object_map *map)
{
	const msgpack_object_kv **index = wh_pairs_sorted(map);
	int r = 0;

	if (!index)
		return WH_ENOMEM;
	for (uint32_t i = 1; i < map->size && !r; i++)
		if (wh_str_eq(wh_pair_key(index[i - 1]), wh_pair_key(index[i])))
			r = WH_EPROTO;
	free(index);
	return r;
}

static int
small_map_check_unique(const msgpack_object_map *map)
{
	for (uint32_t i = 1; i < map->size; i++) {
		struct wh_str key = wh_pair_key(&map->ptr[i]);

		for (uint32_t j = 0; j < i; j++)
			if (wh_str_eq(key, wh_pair_key(&map->ptr[j])))
				return WH_EPROTO;
	}
	return 0;
}

static int
check_keys(const msgpack_object_map *map)
{
	for (uint32_t i = 0; i < map->size; i++)
		if (!wh_pair_has_text_key(&map->ptr[i]) ||
		    !wh_utf8_valid(wh_pair_key(&map->ptr[i])))
			return WH_EPROTO;
	return map->size < WH_PAIRS_MANY ? small_map_check_unique(map)
					 : large_map_check_unique(map);
}

/* ------------------------------------------------------------- decoding -- */

/* Where decoding stands: the scanner has seen that a whole object lies at p, and how many
 * objects it consists of, for which there is room. */
struct decoder {
	const unsigned char *p, *end;
	msgpack_object *room;
	size_t room_left;
};

static uint64_t
take_number(struct decoder *d, size_t width)
{
	uint64_t v = 0;

	wh_require((size_t)(d->end - d->p) >= width);
	for (size_t i = 0; i < width; i++)
		v = v << 8 | *d->p++;
	return v;
}

static const char *
take_bytes(struct decoder *d, uint64_t n)
{
	const unsigned char *p = d->p;

	wh_require((uint64_t)(d->end - p) >= n);
	d->p += n;
	return (const char *)p;
}

static msgpack_object *
take_room(struct decoder *d, uint64_t n)
{
	msgpack_object *room = d->room;

	wh_require(n <= d->room_left);
	d->room += n;
	d->room_left -= n;
	return room;
}

static void
set_text(msgpack_object *o, struct decoder *d, uint64_t n)
{
	o->type = MSGPACK_OBJECT_STR;
	o->via.str.size = (uint32_t)n;
	o->via.str.ptr = take_bytes(d, n);
}

static void
set_bytes(msgpack_object *o, struct decoder *d, uint64_t n)
{
	o->type = MSGPACK_OBJECT_BIN;
	o->via.bin.size = (uint32_t)n;
	o->via.bin.ptr = take_bytes(d, n);
}

static void
set_unsigned(msgpack_object *o, uint64_t v)
{
	o->type = MSGPACK_OBJECT_POSITIVE_INTEGER;
	o->via.u64 = v;
}

static void
set_signed(msgpack_object *o, int64_t v)
{
	o->type = v < 0 ? MSGPACK_OBJECT_NEGATIVE_INTEGER : MSGPACK_OBJECT_POSITIVE_INTEGER;
	o->via.i64 = v;
}

static void
set_float(msgpack_object *o, struct decoder *d)
{
	uint32_t bits = (uint32_t)take_number(d, 4);
	float v;

	memcpy(&v, &bits, sizeof(v));
	o->type = MSGPACK_OBJECT_FLOAT32;
	o->via.f64 = (double)v;
}

static void
set_double(msgpack_object *o, struct decoder *d)
{
	uint64_t bits = take_number(d, 8);

	o->type = MSGPACK_OBJECT_FLOAT64;
	memcpy(&o->via.f64, &bits, sizeof(bits));
}

static int take_object(struct decoder *d, msgpack_object *ret);

static int
take_array(struct decoder *d, msgpack_object *ret, uint64_t n)
{
	msgpack_object *items = take_room(d, n);
	int r = 0;

	ret->type = MSGPACK_OBJECT_ARRAY;
	ret->via.array.size = (uint32_t)n;
	ret->via.array.ptr = items;
	for (uint64_t i = 0; i < n && r == 0; i++)
		r = take_object(d, &items[i]);
	return r;
}

static int
take_map(struct decoder *d, msgpack_object *ret, uint64_t n)
{
	msgpack_object_kv *pairs = (msgpack_object_kv *)(void *)take_room(d, 2 * n);
	int r = 0;

	_Static_assert(sizeof(pairs[0]) == 2 * sizeof(ret[0]), "a pair is two objects");
	ret->type = MSGPACK_OBJECT_MAP;
	ret->via.map.size = (uint32_t)n;
	ret->via.map.ptr = pairs;
	for (uint64_t i = 0; i < n && r == 0; i++) {
		r = take_object(d, &pairs[i].key);
		if (r == 0)
			r = take_object(d, &pairs[i].val);
	}
	return r ? r : check_keys(&ret->via.map);
}

/* Heads of more than one byte; the scanner let no other pass. */
static int
take_long(struct decoder *d, msgpack_object *ret, unsigned char head)
{
	static const unsigned char widths[32] = {
		[0x04] = 1, [0x05] = 2, [0x06] = 4, [0x0c] = 1, [0x0d] = 2, [0x0e] = 4,
		[0x0f] = 8, [0x10] = 1, [0x11] = 2, [0x12] = 4, [0x13] = 8, [0x19] = 1,
		[0x1a] = 2, [0x1b] = 4, [0x1c] = 2, [0x1d] = 4, [0x1e] = 2, [0x1f] = 4,
	};
	size_t width = widths[head & 0x1f];

	if (head == 0xca) {
		set_float(ret, d);
	} else if (head == 0xcb) {
		set_double(ret, d);
	} else if (head <= 0xc3) {
		ret->type = head == 0xc0 ? MSGPACK_OBJECT_NIL : MSGPACK_OBJECT_BOOLEAN;
		ret->via.boolean = head == 0xc3;
	} else if (head <= 0xc6) {
		set_bytes(ret, d, take_number(d, width));
	} else if (head <= 0xcf) {
		set_unsigned(ret, take_number(d, width));
	} else if (head <= 0xd3) {
		unsigned shift = 64u - 8u * (unsigned)width;

		set_signed(ret, (int64_t)(take_number(d, width) << shift) >> shift);
	} else if (head <= 0xdb) {
		set_text(ret, d, take_number(d, width));
	} else {
		uint64_t n = take_number(d, width);

		return head <= 0xdd ? take_array(d, ret, n) : take_map(d, ret, n);
	}
	return 0;
}

/* Recursion is bounded by the depth the scanner let pass. */
static int
take_object(struct decoder *d, msgpack_object *ret)
{
	unsigned char head = (unsigned char)take_number(d, 1);

	if (head >= 0xa0 && head < 0xc0)
		set_text(ret, d, head & 0x1fu);
	else if (head < 0x80)
		set_unsigned(ret, head);
	else if (head >= 0xe0)
		set_signed(ret, (int8_t)head);
	else if (head < 0x90)
		return take_map(d, ret, head & 0x0fu);
	else if (head < 0xa0)
		return take_array(d, ret, head & 0x0fu);
	else
		return take_long(d, ret, head);
	return 0;
}

/* --------------------------------------------------------------- public -- */

static int
scan_whole(struct wh_str data, const struct wh_frame_limits *limits, uint32_t *ret_elements)
{
	struct wh_frame f;
	size_t len;

	wh_frame_init(&f, limits);
	int r = wh_frame_scan(&f, data.p, data.n, &len);

	if (r < 0)
		return r;
	if (r > 0 || len != data.n)
		return WH_EPROTO;
	*ret_elements = f.elements;
	return 0;
}

int
wh_unpack_scanned(struct wh_tree *ret, struct wh_str data, uint32_t elements,
		  struct wh_tree_room *room)
{
	struct wh_tree t = {0};
	struct decoder d = {
		.p = (const unsigned char *)data.p,
		.end = (const unsigned char *)data.p + data.n,
		.room_left = elements,
	};

	if (room && elements <= wh_array_len(room->objects)) {
		d.room = room->objects;
	} else {
		t.memory = malloc(elements * sizeof(msgpack_object));
		d.room = t.memory;
	}
	if (!d.room)
		return WH_ENOMEM;
	int r = take_object(&d, &t.root);

	if (r) {
		wh_tree_fini(&t);
		return r;
	}
	*ret = t;
	return 0;
}

int
wh_unpack(struct wh_tree *ret, struct wh_str data, const struct wh_frame_limits *limits)
{
	uint32_t elements;
	int r = scan_whole(data, limits ? limits : &row_limits, &elements);

	return r ? r : wh_unpack_scanned(ret, data, elements, NULL);
}

void
wh_tree_fini(struct wh_tree *t)
{
	free(t->memory);
	*t = (struct wh_tree){0};
}

int
wh_map_split(struct wh_str data, uint32_t *ret_count, struct wh_str *ret_members)
{
	const unsigned char *p = (const unsigned char *)data.p;
	size_t head = 1;
	uint32_t count = 0;

	if (data.n == 0)
		return WH_EPROTO;
	if (p[0] >= 0x80 && p[0] <= 0x8f)
		count = p[0] & 0x0fu;
	else if (p[0] == 0xde)
		head = 3;
	else if (p[0] == 0xdf)
		head = 5;
	else
		return WH_EPROTO;
	if (data.n < head)
		return WH_EPROTO;
	for (size_t i = 1; i < head; i++)
		count = count << 8 | p[i];
	*ret_count = count;
	*ret_members = wh_str(data.p + head, data.n - head);
	return 0;
}
