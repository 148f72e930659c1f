/* SPDX-License-Identifier: MIT */
/*
 * MessagePack out and in, over msgpack-c: writers that append shortest forms
 * to a wh_buf, and readers over a decoded, already bounded object tree.
 *
 * Only wh_unpack_* may see bytes from outside, and only after wh_frame_* has
 * accepted them; wh_unpack() does both. Errors of writers are the buffer's
 * sticky fault. Pure; any thread.
 */
#pragma once

#include <msgpack.h>

#include "proto/buf.h"
#include "proto/frame.h"

void wh_pack_nil(struct wh_buf *b);
void wh_pack_bool(struct wh_buf *b, bool v);
void wh_pack_int(struct wh_buf *b, int64_t v);
void wh_pack_uint(struct wh_buf *b, uint64_t v);
void wh_pack_double(struct wh_buf *b, double v);
void wh_pack_str(struct wh_buf *b, struct wh_str s);
void wh_pack_c(struct wh_buf *b, const char *c); /* NULL packs nil */
void wh_pack_bin(struct wh_buf *b, struct wh_str s);
void wh_pack_array(struct wh_buf *b, size_t n);
void wh_pack_map(struct wh_buf *b, size_t n);
void wh_pack_object(struct wh_buf *b, const msgpack_object *o);

/* key: value pairs of a map */
void wh_pack_kv_str(struct wh_buf *b, const char *key, struct wh_str v);
void wh_pack_kv_c(struct wh_buf *b, const char *key, const char *v);
void wh_pack_kv_int(struct wh_buf *b, const char *key, int64_t v);
void wh_pack_kv_uint(struct wh_buf *b, const char *key, uint64_t v);
void wh_pack_kv_bool(struct wh_buf *b, const char *key, bool v);
void wh_pack_kv_nil(struct wh_buf *b, const char *key);
/* v is one encoded object; it is copied as it is. */
void wh_pack_kv_raw(struct wh_buf *b, const char *key, struct wh_str v);

/*
 * A map whose size is known only at the end: open keeps room for its header
 * and returns the place, close writes the shortest header for n members and
 * draws up what was appended since (so places noted in between shift). Use
 * where optional members make counting by hand error-prone.
 */
size_t wh_pack_open_map(struct wh_buf *b);
void wh_pack_close_map(struct wh_buf *b, size_t place, size_t n);
/* The same for an array. */
size_t wh_pack_open_array(struct wh_buf *b);
void wh_pack_close_array(struct wh_buf *b, size_t place, size_t n);

/* A decoded object and the memory it lives in; strings point into the input. */
struct wh_tree {
	void *memory; /* NULL if a caller's room was enough */
	msgpack_object root;
};

/* Room for the objects of a small message, to be used again and again. */
struct wh_tree_room {
	msgpack_object objects[64];
};

void wh_tree_fini(struct wh_tree *t);
/*
 * Bounds and decodes exactly one object filling data, which must outlive the
 * tree. Bounds used: `limits`, or the rows' own (1 MiB, depth 32, 100,000)
 * when NULL. 0, WH_EPROTO, WH_ELIMIT or WH_ENOMEM. Duplicate keys in a map and
 * keys that are not text are WH_EPROTO.
 */
WH_MUST_USE int wh_unpack(struct wh_tree *ret, struct wh_str data,
			  const struct wh_frame_limits *limits);

/*
 * The same for an object that fills data and that a scanner has just accepted:
 * `elements` is what it counted. `room` may be NULL; else the tree may lie in it,
 * and is gone when it is used again.
 */
WH_MUST_USE int wh_unpack_scanned(struct wh_tree *ret, struct wh_str data, uint32_t elements,
				  struct wh_tree_room *room);

/* The value under key in a map, or NULL (also when o is no map or is NULL). */
const msgpack_object *wh_obj_get(const msgpack_object *o, const char *key);
const msgpack_object *wh_obj_getn(const msgpack_object *o, struct wh_str key);
/* Text of a str or bin (p is never NULL then); false for anything else. */
bool wh_obj_str(const msgpack_object *o, struct wh_str *ret);
bool wh_obj_i64(const msgpack_object *o, int64_t *ret);
bool wh_obj_u64(const msgpack_object *o, uint64_t *ret);
bool wh_obj_bool(const msgpack_object *o, bool *ret);
bool wh_obj_is_nil(const msgpack_object *o); /* NULL counts as nil */
/* The same by key, with a value for "absent or of another type". */
struct wh_str wh_obj_str_at(const msgpack_object *map, const char *key);
int64_t wh_obj_i64_at(const msgpack_object *map, const char *key, int64_t otherwise);
uint64_t wh_obj_u64_at(const msgpack_object *map, const char *key, uint64_t otherwise);
bool wh_obj_bool_at(const msgpack_object *map, const char *key, bool otherwise);
/* Deep equality; map member order does not matter, nor whether text came as
 * str or bin. An integer never equals a float. NULL equals nil. */
bool wh_obj_eq(const msgpack_object *a, const msgpack_object *b);

/*
 * Without decoding: splits one encoded map into its member count and the bytes
 * that follow the header, so that a stored map can be served with members
 * appended. WH_EPROTO if data is no map.
 */
WH_MUST_USE int wh_map_split(struct wh_str data, uint32_t *ret_count,
			     struct wh_str *ret_members);
