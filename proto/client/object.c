/* SPDX-License-Identifier: MIT */
/*
 * Results: one decoded MessagePack object, counted references, read by path.
 *
 * Made by call.c, read by programs on any thread. Nothing in an object ever
 * changes but the count. The memory after the head holds the bytes twice: as
 * they are, and a copy the tree points into, in which each text was given a
 * NUL (its place held the head of the next object, which is decoded by then).
 */
#include <stdatomic.h>
#include <stdlib.h>

#include "proto/client/client.h"

struct whc_object {
	atomic_uint refs;
	size_t size;
	struct wh_tree tree;
	char bytes[]; /* size bytes, then the same terminated, then a NUL */
};

/* msgpack-c gives an empty text no place of its own: it may be NULL, or that of
 * the text before it. */
static void
end_text(char *base, const char *text, uint32_t n)
{
	if (n)
		base[text - base + n] = '\0';
}

/* Recursion is bounded by the depth of what was let in. */
static void
end_texts(char *base, const msgpack_object *o)
{
	if (o->type == MSGPACK_OBJECT_STR)
		end_text(base, o->via.str.ptr, o->via.str.size);
	if (o->type == MSGPACK_OBJECT_BIN)
		end_text(base, o->via.bin.ptr, o->via.bin.size);
	if (o->type == MSGPACK_OBJECT_ARRAY)
		for (uint32_t i = 0; i < o->via.array.size; i++)
			end_texts(base, &o->via.array.ptr[i]);
	if (o->type == MSGPACK_OBJECT_MAP)
		for (uint32_t i = 0; i < o->via.map.size; i++) {
			end_texts(base, &o->via.map.ptr[i].key);
			end_texts(base, &o->via.map.ptr[i].val);
		}
}

static struct whc_object *
object_from(struct wh_str bytes)
{
	struct wh_frame_limits limits = {WHC_MESSAGE_MAX, WHC_DEPTH_MAX, WHC_ELEMENTS_MAX};
	struct whc_object *o = malloc(sizeof(*o) + 2 * bytes.n + 1);

	if (!o)
		return NULL;
	char *copy = o->bytes + bytes.n;

	atomic_init(&o->refs, 1);
	o->size = bytes.n;
	memcpy(o->bytes, bytes.p, bytes.n);
	memcpy(copy, bytes.p, bytes.n);
	if (wh_unpack(&o->tree, wh_str(copy, bytes.n), &limits)) {
		free(o);
		return NULL;
	}
	end_texts(copy, &o->tree.root);
	return o;
}

struct whc_object *
whc_object_new(const msgpack_object *from)
{
	struct wh_buf b = wh_buf_capped(WHC_MESSAGE_MAX);

	wh_pack_object(&b, from);
	struct whc_object *o = b.fault ? NULL : object_from(wh_buf_view(&b));

	wh_buf_fini(&b);
	return o;
}

struct whc_object *
whc_object_ref(struct whc_object *o)
{
	atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed);
	return o;
}

struct whc_object *
whc_object_unref(struct whc_object *o)
{
	if (o && atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) == 1) {
		wh_tree_fini(&o->tree);
		free(o);
	}
	return NULL;
}

struct whc_bytes
whc_object_bytes(const struct whc_object *o)
{
	return (struct whc_bytes){o->bytes, o->size};
}

static const msgpack_object *
step(const msgpack_object *o, struct wh_str name)
{
	int64_t i;

	if (o->type != MSGPACK_OBJECT_ARRAY)
		return wh_obj_getn(o, name);
	if (!wh_parse_i64(name, 0, UINT32_MAX, &i) || i >= (int64_t)o->via.array.size)
		return NULL;
	return &o->via.array.ptr[i];
}

static const msgpack_object *
find(const struct whc_object *o, const char *path)
{
	const msgpack_object *at = &o->tree.root;

	while (at && path && *path) {
		const char *dot = strchrnul(path, '.');

		at = step(at, wh_str(path, (size_t)(dot - path)));
		path = *dot ? dot + 1 : dot;
	}
	return at;
}

const char *
whc_str(const struct whc_object *o, const char *path)
{
	struct wh_str s;

	if (!wh_obj_str(find(o, path), &s))
		return NULL;
	return s.n ? s.p : "";
}

int64_t
whc_int(const struct whc_object *o, const char *path, int64_t otherwise)
{
	int64_t v;

	return wh_obj_i64(find(o, path), &v) ? v : otherwise;
}

bool
whc_bool(const struct whc_object *o, const char *path)
{
	bool v;

	return wh_obj_bool(find(o, path), &v) && v;
}

size_t
whc_count(const struct whc_object *o, const char *path)
{
	const msgpack_object *at = find(o, path);

	if (at && at->type == MSGPACK_OBJECT_ARRAY)
		return at->via.array.size;
	if (at && at->type == MSGPACK_OBJECT_MAP)
		return at->via.map.size;
	return 0;
}

bool
whc_has(const struct whc_object *o, const char *path)
{
	return !wh_obj_is_nil(find(o, path));
}
