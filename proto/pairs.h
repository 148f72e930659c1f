/* SPDX-License-Identifier: MIT */
/*
 * Private to proto/: the pairs of a large map in key order, so that looking
 * for duplicates and comparing two maps never takes quadratic time, whatever
 * a peer sends. Pure; any thread.
 */
#pragma once

#include "proto/pack.h"

/* From this many pairs on, sorting is cheaper than comparing all with all. */
#define WH_PAIRS_MANY 24

/* Inline, as the keys of each row that is read are compared. */
static inline bool
wh_pair_has_text_key(const msgpack_object_kv *pair)
{
	return pair->key.type == MSGPACK_OBJECT_STR || pair->key.type == MSGPACK_OBJECT_BIN;
}

/* The text of a pair's key; empty if it is no text. */
static inline struct wh_str
wh_pair_key(const msgpack_object_kv *pair)
{
	const msgpack_object *key = &pair->key;

	if (key->type == MSGPACK_OBJECT_STR)
		return wh_str(key->via.str.ptr, key->via.str.size);
	if (key->type == MSGPACK_OBJECT_BIN)
		return wh_str(key->via.bin.ptr, key->via.bin.size);
	return WH_STR_NULL;
}

/* The pairs ordered by key, to be given to free(); NULL if memory is short or
 * the map is empty. They borrow from the map. */
const msgpack_object_kv **wh_pairs_sorted(const msgpack_object_map *map);
