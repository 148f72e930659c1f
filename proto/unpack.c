/* SPDX-License-Identifier: MIT */
/*
 * From bytes to a bounded object tree.
 *
 * Every message from a socket and every row from the store goes through
 * wh_unpack(). Any thread. Nothing reaches msgpack-c before the scanner has
 * accepted it; text of the tree points into the input.
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

static int check_keys(const msgpack_object *o);

static int
map_check_keys(const msgpack_object_map *map)
{
	for (uint32_t i = 0; i < map->size; i++) {
		const msgpack_object_kv *pair = &map->ptr[i];

		if (!wh_pair_has_text_key(pair) || !wh_utf8_valid(wh_pair_key(pair)))
			return WH_EPROTO;
		int r = check_keys(&pair->val);

		if (r)
			return r;
	}
	return map->size < WH_PAIRS_MANY ? small_map_check_unique(map)
					 : large_map_check_unique(map);
}

/* Recursion is bounded by the depth the scanner let pass. */
static int
check_keys(const msgpack_object *o)
{
	if (o->type == MSGPACK_OBJECT_MAP)
		return map_check_keys(&o->via.map);
	if (o->type != MSGPACK_OBJECT_ARRAY)
		return 0;
	for (uint32_t i = 0; i < o->via.array.size; i++) {
		int r = check_keys(&o->via.array.ptr[i]);

		if (r)
			return r;
	}
	return 0;
}

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

static int
decode(struct wh_tree *t, struct wh_str data)
{
	msgpack_unpack_return r = msgpack_unpack(data.p, data.n, NULL, t->zone, &t->root);

	/* The scanner has seen a whole object, so only memory can be missing. */
	if (r == MSGPACK_UNPACK_NOMEM_ERROR)
		return WH_ENOMEM;
	if (r != MSGPACK_UNPACK_SUCCESS)
		return WH_EPROTO;
	return check_keys(&t->root);
}

int
wh_unpack(struct wh_tree *ret, struct wh_str data, const struct wh_frame_limits *limits)
{
	struct wh_tree t = {0};
	uint32_t elements;
	int r = scan_whole(data, limits ? limits : &row_limits, &elements);

	if (r)
		return r;
	/* The count is known, so that one chunk of the right size is enough. */
	t.zone = msgpack_zone_new(((size_t)elements + 1) * sizeof(msgpack_object));
	if (!t.zone)
		return WH_ENOMEM;
	r = decode(&t, data);
	if (r) {
		wh_tree_fini(&t);
		return r;
	}
	*ret = t;
	return 0;
}

void
wh_tree_fini(struct wh_tree *t)
{
	if (t->zone)
		msgpack_zone_free(t->zone);
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
