/* SPDX-License-Identifier: MIT */
/*
 * Readers over a decoded object tree, and deep equality of two trees.
 *
 * Whoever looks into a message or a row calls these, on any thread. They take
 * NULL and foreign types without complaint and never convert one type into
 * another: absent, wrong and out of range all read as "not there".
 */
#include <stdlib.h>

#include "proto/pairs.h"

const msgpack_object *
wh_obj_getn(const msgpack_object *o, struct wh_str key)
{
	if (!o || o->type != MSGPACK_OBJECT_MAP)
		return NULL;
	for (uint32_t i = 0; i < o->via.map.size; i++) {
		const msgpack_object_kv *pair = &o->via.map.ptr[i];
		struct wh_str name;

		if (wh_obj_str(&pair->key, &name) && wh_str_eq(name, key))
			return &pair->val;
	}
	return NULL;
}

const msgpack_object *
wh_obj_get(const msgpack_object *o, const char *key)
{
	return wh_obj_getn(o, wh_str_c(key));
}

/* msgpack-c gives empty text no place, which would read as absent. */
static struct wh_str
placed(const char *p, uint32_t n)
{
	return wh_str(p ? p : "", n);
}

bool
wh_obj_str(const msgpack_object *o, struct wh_str *ret)
{
	if (o && o->type == MSGPACK_OBJECT_STR)
		*ret = placed(o->via.str.ptr, o->via.str.size);
	else if (o && o->type == MSGPACK_OBJECT_BIN)
		*ret = placed(o->via.bin.ptr, o->via.bin.size);
	else
		return false;
	return true;
}

bool
wh_obj_i64(const msgpack_object *o, int64_t *ret)
{
	if (!o)
		return false;
	if (o->type == MSGPACK_OBJECT_NEGATIVE_INTEGER)
		*ret = o->via.i64;
	else if (o->type == MSGPACK_OBJECT_POSITIVE_INTEGER && o->via.u64 <= INT64_MAX)
		*ret = (int64_t)o->via.u64;
	else
		return false;
	return true;
}

bool
wh_obj_u64(const msgpack_object *o, uint64_t *ret)
{
	if (!o || o->type != MSGPACK_OBJECT_POSITIVE_INTEGER)
		return false;
	*ret = o->via.u64;
	return true;
}

bool
wh_obj_bool(const msgpack_object *o, bool *ret)
{
	if (!o || o->type != MSGPACK_OBJECT_BOOLEAN)
		return false;
	*ret = o->via.boolean;
	return true;
}

bool
wh_obj_is_nil(const msgpack_object *o)
{
	return !o || o->type == MSGPACK_OBJECT_NIL;
}

struct wh_str
wh_obj_str_at(const msgpack_object *map, const char *key)
{
	struct wh_str v = WH_STR_NULL;

	wh_obj_str(wh_obj_get(map, key), &v);
	return v;
}

int64_t
wh_obj_i64_at(const msgpack_object *map, const char *key, int64_t otherwise)
{
	int64_t v = otherwise;

	wh_obj_i64(wh_obj_get(map, key), &v);
	return v;
}

uint64_t
wh_obj_u64_at(const msgpack_object *map, const char *key, uint64_t otherwise)
{
	uint64_t v = otherwise;

	wh_obj_u64(wh_obj_get(map, key), &v);
	return v;
}

bool
wh_obj_bool_at(const msgpack_object *map, const char *key, bool otherwise)
{
	bool v = otherwise;

	wh_obj_bool(wh_obj_get(map, key), &v);
	return v;
}

static bool
arrays_eq(const msgpack_object_array *a, const msgpack_object_array *b)
{
	if (a->size != b->size)
		return false;
	for (uint32_t i = 0; i < a->size; i++)
		if (!wh_obj_eq(&a->ptr[i], &b->ptr[i]))
			return false;
	return true;
}

static bool
small_maps_eq(const msgpack_object *a, const msgpack_object *b)
{
	for (uint32_t i = 0; i < a->via.map.size; i++) {
		const msgpack_object_kv *pair = &a->via.map.ptr[i];
		const msgpack_object *other = wh_obj_getn(b, wh_pair_key(pair));

		if (!other || !wh_obj_eq(&pair->val, other))
			return false;
	}
	return true;
}

static bool
sorted_eq(const msgpack_object_kv *const *a, const msgpack_object_kv *const *b, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (!wh_str_eq(wh_pair_key(a[i]), wh_pair_key(b[i])))
			return false;
		if (!wh_obj_eq(&a[i]->val, &b[i]->val))
			return false;
	}
	return true;
}

/* Without memory for the indexes it is slow, but still right. */
static bool
large_maps_eq(const msgpack_object *a, const msgpack_object *b)
{
	const msgpack_object_kv **pa = wh_pairs_sorted(&a->via.map);
	const msgpack_object_kv **pb = wh_pairs_sorted(&b->via.map);
	bool eq;

	if (pa && pb)
		eq = sorted_eq(pa, pb, a->via.map.size);
	else
		eq = small_maps_eq(a, b);
	free(pa);
	free(pb);
	return eq;
}

static bool
maps_eq(const msgpack_object *a, const msgpack_object *b)
{
	if (a->via.map.size != b->via.map.size)
		return false;
	return a->via.map.size < WH_PAIRS_MANY ? small_maps_eq(a, b) : large_maps_eq(a, b);
}

/* By bits, so that a value is always equal to itself, NaN included. */
static bool
doubles_eq(double a, double b)
{
	return memcmp(&a, &b, sizeof(a)) == 0;
}

static bool
is_float(const msgpack_object *o)
{
	return o->type == MSGPACK_OBJECT_FLOAT32 || o->type == MSGPACK_OBJECT_FLOAT64;
}

bool
wh_obj_eq(const msgpack_object *a, const msgpack_object *b)
{
	struct wh_str text_a, text_b;

	if (!a || !b)
		return wh_obj_is_nil(a) && wh_obj_is_nil(b);
	if (wh_obj_str(a, &text_a))
		return wh_obj_str(b, &text_b) && wh_str_eq(text_a, text_b);
	if (is_float(a))
		return is_float(b) && doubles_eq(a->via.f64, b->via.f64);
	if (a->type != b->type)
		return false;
	switch (a->type) {
	case MSGPACK_OBJECT_NIL:
		return true;
	case MSGPACK_OBJECT_BOOLEAN:
		return a->via.boolean == b->via.boolean;
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
		return a->via.u64 == b->via.u64;
	case MSGPACK_OBJECT_NEGATIVE_INTEGER:
		return a->via.i64 == b->via.i64;
	case MSGPACK_OBJECT_ARRAY:
		return arrays_eq(&a->via.array, &b->via.array);
	case MSGPACK_OBJECT_MAP:
		return maps_eq(a, b);
	case MSGPACK_OBJECT_STR:
	case MSGPACK_OBJECT_BIN:
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64:
	case MSGPACK_OBJECT_EXT:
		break; /* text and floats are done; ext never gets into a tree */
	}
	return false;
}
