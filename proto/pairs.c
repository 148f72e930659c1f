/* SPDX-License-Identifier: MIT */
/*
 * A sorted index over the pairs of a map.
 *
 * Called by unpack.c and object.c for large maps only, on any thread. It never
 * touches the map itself: the order of members is kept as it came.
 */
#include <stdlib.h>

#include "proto/pairs.h"

static int
by_key(const void *a, const void *b)
{
	const msgpack_object_kv *const *pa = a;
	const msgpack_object_kv *const *pb = b;

	return wh_str_cmp(wh_pair_key(*pa), wh_pair_key(*pb));
}

const msgpack_object_kv **
wh_pairs_sorted(const msgpack_object_map *map)
{
	const msgpack_object_kv **index =
		map->size ? calloc(map->size, sizeof(index[0])) : NULL;

	if (!index)
		return NULL;
	for (uint32_t i = 0; i < map->size; i++)
		index[i] = &map->ptr[i];
	qsort(index, map->size, sizeof(index[0]), by_key);
	return index;
}
