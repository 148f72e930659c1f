/* SPDX-License-Identifier: MIT */
/*
 * The stored form of an operation: one MessagePack map with short keys, of
 * which only the members that hold something are written. The table below is
 * part of the file format: a key is never given another meaning, a new member
 * gets a new key, and keys of a newer whd are passed over.
 *
 * Nested maps (fields, base, theirs, absorbed) and request bodies are stored
 * as bin values, so that a decoded operation borrows them as bytes and no tree
 * has to be kept. Called on the loop and on the commit thread; pure.
 */
#include "daemon/core/op.h"

enum member_type {
	M_U64,
	M_I64,
	M_U32,
	M_ENUM, /* written even if 0; `limit` values */
	M_ID,   /* 16 bytes, always written */
	M_TEXT,
	M_LOCAL, /* text; of a create without it, the same as its target */
	M_BYTES, /* anything, kept as bin */
	M_MAP,   /* an encoded map, kept as bin */
	M_ARRAY, /* an encoded array, kept as bin */
	M_LOG,   /* the attempts: an array of arrays */
};

struct member {
	const char *key;
	enum member_type type;
	size_t offset; /* into struct wh_op */
	uint32_t limit;
};

#define MEMBER(key, type, name)                                                                \
	{                                                                                      \
		key, type, offsetof(struct wh_op, name), 0                                     \
	}
#define MEMBER_ENUM(key, name, limit)                                                          \
	{                                                                                      \
		key, M_ENUM, offsetof(struct wh_op, name), limit                               \
	}

static const struct member members[] = {
	MEMBER("q", M_U64, seq),
	MEMBER("i", M_ID, id),
	MEMBER_ENUM("k", kind, WH_OP_DELETE + 1),
	MEMBER_ENUM("s", state, WH_OP_STATE_COUNT),
	MEMBER_ENUM("p", policy, WH_POLICY_MANUAL + 1),
	MEMBER("f", M_U32, flags),
	MEMBER("r", M_TEXT, reason),
	MEMBER("t", M_TEXT, target),
	MEMBER("ti", M_LOCAL, tmp_id),
	MEMBER("w", M_MAP, fields),
	MEMBER("b", M_MAP, base),
	MEMBER("th", M_MAP, theirs),
	MEMBER("u", M_U32, uid),
	MEMBER("pi", M_U32, pid),
	MEMBER("c", M_I64, created_at),
	MEMBER("ch", M_I64, changed_at),
	MEMBER("n", M_I64, next_at),
	MEMBER("e", M_I64, ended_at),
	MEMBER("a", M_U32, attempts),
	MEMBER("fa", M_U32, failures),
	MEMBER("po", M_U32, poison),
	MEMBER("m", M_U64, mark),
	MEMBER("sa", M_U64, sent_after),
	MEMBER("ul", M_U64, unknown_list),
	MEMBER("ne", M_U32, negatives),
	MEMBER("in", M_U32, incompletes),
	MEMBER("bo", M_U64, boot),
	MEMBER("sm", M_I64, settle_mono),
	MEMBER("me", M_TEXT, method),
	MEMBER("rq", M_BYTES, request),
	MEMBER("le", M_TEXT, last_error),
	MEMBER("re", M_TEXT, result),
	MEMBER("io", M_TEXT, into),
	MEMBER("ab", M_ARRAY, absorbed),
	MEMBER("l", M_LOG, log),
};

_Static_assert(wh_array_len(members) <= 64, "wh_op_decode keeps a bit per member");
_Static_assert(sizeof(enum wh_op_state) == sizeof(uint32_t), "enums are read as 32 bit");

/* Roomier than what a client may send: an operation holds up to three webhooks and a request.
 */
static const struct wh_frame_limits body_limits = {
	.bytes = 8u << 20, .depth = 16, .elements = 4096};
static const struct wh_frame_limits nested_limits = {
	.bytes = 4u << 20, .depth = 32, .elements = 400000};

#define ATTEMPT_ITEMS 6 /* of one attempt: at, took_ms, status, outcome, rule, error */

/* ------------------------------------------------------------- encoding -- */

static void
log_write(struct wh_buf *b, const struct wh_op *op)
{
	wh_pack_array(b, op->n_log);
	for (uint32_t i = 0; i < op->n_log; i++) {
		const struct wh_attempt *a = &op->log[i];

		wh_pack_array(b, ATTEMPT_ITEMS);
		wh_pack_int(b, a->at);
		wh_pack_int(b, a->took_ms);
		wh_pack_int(b, a->status);
		wh_pack_str(b, a->outcome);
		wh_pack_str(b, a->rule);
		wh_pack_str(b, a->error);
	}
}

static uint32_t
read_u32(const void *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

static bool
member_is_empty(const struct member *m, const struct wh_op *op)
{
	const void *at = (const char *)op + m->offset;

	switch (m->type) {
	case M_U64:
		return *(const uint64_t *)at == 0;
	case M_I64:
		return *(const int64_t *)at == 0;
	case M_U32:
		return read_u32(at) == 0;
	case M_ENUM:
	case M_ID:
		return false;
	case M_LOCAL:
		return op->tmp_id.n == 0 || wh_str_eq(op->tmp_id, op->target);
	case M_TEXT:
	case M_BYTES:
	case M_MAP:
	case M_ARRAY:
		return ((const struct wh_str *)at)->n == 0;
	case M_LOG:
		return op->n_log == 0;
	}
	return true;
}

static void
member_write(struct wh_buf *b, const struct member *m, const struct wh_op *op)
{
	const void *at = (const char *)op + m->offset;

	wh_pack_c(b, m->key);
	switch (m->type) {
	case M_U64:
		wh_pack_uint(b, *(const uint64_t *)at);
		break;
	case M_I64:
		wh_pack_int(b, *(const int64_t *)at);
		break;
	case M_U32:
	case M_ENUM:
		wh_pack_uint(b, read_u32(at));
		break;
	case M_ID:
		wh_pack_bin(b, wh_str(at, sizeof(op->id)));
		break;
	case M_TEXT:
	case M_LOCAL:
		wh_pack_str(b, *(const struct wh_str *)at);
		break;
	case M_BYTES:
	case M_MAP:
	case M_ARRAY:
		wh_pack_bin(b, *(const struct wh_str *)at);
		break;
	case M_LOG:
		log_write(b, op);
		break;
	}
}

size_t
wh_op_encode(struct wh_buf *b, const struct wh_op *op)
{
	size_t begin = b->n, place = wh_pack_open_map(b);
	size_t n = 0, behind_fields = 0;

	wh_require(op->n_log <= WH_ATTEMPTS_KEPT);
	for (size_t i = 0; i < wh_array_len(members); i++) {
		if (member_is_empty(&members[i], op))
			continue;
		member_write(b, &members[i], op);
		n++;
		if (members[i].offset == offsetof(struct wh_op, fields))
			behind_fields = b->n;
	}
	size_t end = b->n;

	wh_pack_close_map(b, place, n);
	if (b->fault || behind_fields == 0)
		return 0;
	return b->n - (end - behind_fields) - op->fields.n - begin;
}

/* ------------------------------------------------------------- decoding -- */

static bool
read_bounded_u32(const msgpack_object *v, uint32_t max, void *ret)
{
	uint64_t wide;
	uint32_t got;

	if (!wh_obj_u64(v, &wide) || wide > max)
		return false;
	got = (uint32_t)wide;
	memcpy(ret, &got, sizeof(got));
	return true;
}

static bool
read_id(const msgpack_object *v, uint8_t id[16])
{
	struct wh_str s;

	if (!wh_obj_str(v, &s) || s.n != 16)
		return false;
	memcpy(id, s.p, 16);
	return true;
}

static bool
is_map_head(uint8_t c)
{
	return (c & 0xf0) == 0x80 || c == 0xde || c == 0xdf;
}

static bool
is_array_head(uint8_t c)
{
	return (c & 0xf0) == 0x90 || c == 0xdc || c == 0xdd;
}

/* These bytes are copied into replies as they are: they must be exactly one object. */
static bool
read_nested(const msgpack_object *v, bool (*is_head)(uint8_t), struct wh_str *ret)
{
	return wh_obj_str(v, ret) && ret->n > 0 && is_head((uint8_t)ret->p[0]) &&
	       wh_frame_check(*ret, &nested_limits) == 0;
}

static bool
read_attempt(const msgpack_object *v, struct wh_attempt *ret)
{
	if (v->type != MSGPACK_OBJECT_ARRAY || v->via.array.size < ATTEMPT_ITEMS)
		return false;

	const msgpack_object *item = v->via.array.ptr;

	return wh_obj_i64(&item[0], &ret->at) && wh_obj_i64(&item[1], &ret->took_ms) &&
	       wh_obj_i64(&item[2], &ret->status) && wh_obj_str(&item[3], &ret->outcome) &&
	       wh_obj_str(&item[4], &ret->rule) && wh_obj_str(&item[5], &ret->error);
}

static bool
read_log(const msgpack_object *v, struct wh_op *op)
{
	if (v->type != MSGPACK_OBJECT_ARRAY)
		return false;
	for (uint32_t i = 0; i < v->via.array.size; i++) {
		struct wh_attempt a = {0};

		if (!read_attempt(&v->via.array.ptr[i], &a))
			return false;
		wh_op_log(op, &a);
	}
	return true;
}

static bool
member_read(const struct member *m, const msgpack_object *v, struct wh_op *op)
{
	void *at = (char *)op + m->offset;

	switch (m->type) {
	case M_U64:
		return wh_obj_u64(v, at);
	case M_I64:
		return wh_obj_i64(v, at);
	case M_U32:
		return read_bounded_u32(v, UINT32_MAX, at);
	case M_ENUM:
		return read_bounded_u32(v, m->limit - 1, at);
	case M_ID:
		return read_id(v, at);
	case M_TEXT:
	case M_LOCAL:
	case M_BYTES:
		return wh_obj_str(v, at);
	case M_MAP:
		return read_nested(v, is_map_head, at);
	case M_ARRAY:
		return read_nested(v, is_array_head, at);
	case M_LOG:
		return read_log(v, op);
	}
	return false;
}

/* Our own encodings come in the order of the table: the search starts where the last one ended,
 * so that it hits at once. Returns the index, or the length of the table. */
static size_t
member_find(struct wh_str key, size_t start)
{
	size_t n = wh_array_len(members);

	for (size_t step = 0; step < n; step++) {
		size_t i = (start + step) % n;

		if (wh_str_is(key, members[i].key))
			return i;
	}
	return n;
}

static int
members_read(const msgpack_object *map, struct wh_op *op)
{
	uint64_t seen = 0;
	size_t next = 0;

	if (map->type != MSGPACK_OBJECT_MAP)
		return WH_EPROTO;
	for (uint32_t i = 0; i < map->via.map.size; i++) {
		const msgpack_object_kv *kv = &map->via.map.ptr[i];
		struct wh_str key;

		if (!wh_obj_str(&kv->key, &key))
			return WH_EPROTO;
		size_t at = member_find(key, next);
		if (at == wh_array_len(members))
			continue;
		if (!member_read(&members[at], &kv->val, op))
			return WH_EPROTO;
		seen |= UINT64_C(1) << at;
		next = at + 1;
	}
	for (size_t i = 0; i < wh_array_len(members); i++) {
		bool always = members[i].type == M_ENUM || members[i].type == M_ID;

		if (always && !(seen >> i & 1))
			return WH_EPROTO;
	}
	if (op->kind == WH_OP_CREATE && op->tmp_id.n == 0)
		op->tmp_id = op->target;
	return 0;
}

int
wh_op_decode(struct wh_op *ret, struct wh_str body)
{
	struct wh_tree tree;
	int r = wh_unpack(&tree, body, &body_limits);

	if (r)
		return r;
	*ret = (struct wh_op){0};
	r = members_read(&tree.root, ret);
	wh_tree_fini(&tree);
	return r;
}
