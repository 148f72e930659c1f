/* SPDX-License-Identifier: MIT */
/* The tail of the queue: finding what is in it, and its keys in memory. */
#include "store/tail.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <xxhash.h>

struct wh_tail {
	bool known; /* false: to be read from the rows */
	struct wh_tail_keys keys;
};

uint64_t
wh_tail_key_of_id(const uint8_t id[WH_OP_ID])
{
	return wh_be_get(id + WH_OP_ID - 8, 8); /* the random half */
}

uint64_t
wh_tail_key_of_lane(struct wh_str lane)
{
	return XXH3_64bits(lane.p, lane.n);
}

/* ------------------------------------------------------------------- keys -- */

static void
keys_of_op(const struct wh_oprow *op, uint64_t ret[WH_TAIL_KEYS])
{
	ret[WH_TAIL_ID] = wh_tail_key_of_id(op->id);
	ret[WH_TAIL_LANE] = wh_tail_key_of_lane(op->lane);
	ret[WH_TAIL_FORM] = op->form;
	for (size_t i = 0; i < WH_OP_GROUPS; i++) {
		ret[WH_TAIL_GROUP + i] = op->group[i];
		ret[WH_TAIL_IN_HAND + i] = op->in_hand ? op->group[i] : 0;
	}
}

static bool
has_key(const struct wh_oprow *op, enum wh_tail_key kind, uint64_t key)
{
	uint64_t keys[WH_TAIL_KEYS];

	if (kind == WH_TAIL_ANY)
		return true;
	keys_of_op(op, keys);
	return keys[kind] == key;
}

/* ------------------------------------------------------------------- rows -- */

static int
walk_from(const struct wh_view *v, uint64_t from, struct wh_walk *ret)
{
	struct wh_key k;
	int r = wh_walk_begin(v, WH_TABLE_OPS, ret);

	wh_key_order(&k, from);
	return r < 0 ? r : wh_walk_from(ret, &k);
}

static bool
decode(uint64_t seq, const struct wh_value *v, struct wh_oprow *ret)
{
	return wh_oprow_decode(seq, v, ret) == 0;
}

static bool
decode_walk(const struct wh_walk *w, struct wh_oprow *ret)
{
	struct wh_value value;

	return wh_walk_peek(w, WH_OP_PREFIX, &value) == 0 &&
	       decode(wh_walk_order(w), &value, ret);
}

static bool
decode_row(const struct wh_view *v, uint64_t seq, struct wh_oprow *ret)
{
	struct wh_value value;
	struct wh_key k;

	wh_key_order(&k, seq);
	return wh_table_peek(v, WH_TABLE_OPS, &k, WH_OP_PREFIX, &value) == 0 &&
	       decode(seq, &value, ret);
}

/* Adds the keys of the rows from `from` on. WH_ECORRUPT if there is no place for all. */
static int
add_rows(const struct wh_view *v, uint64_t from, bool ids_only, struct wh_tail_keys *ret)
{
	uint64_t keys[WH_TAIL_KEYS] = {0};
	struct wh_oprow op;
	struct wh_walk w;
	int r = walk_from(v, from, &w);

	for (; r == 0; r = wh_walk_next(&w)) {
		if (!decode_walk(&w, &op))
			continue;
		if (ids_only)
			keys[WH_TAIL_ID] = wh_tail_key_of_id(op.id);
		else
			keys_of_op(&op, keys);
		if (!wh_tail_keys_put(ret, op.seq, keys))
			break;
	}
	wh_walk_end(&w);
	return r == WH_ABSENT ? 0 : r < 0 ? r : WH_ECORRUPT;
}

static int
read_keys(const struct wh_view *v, struct wh_tail *tail)
{
	uint64_t from = v->meta.ops_tail;

	wh_tail_keys_clear(&tail->keys);
	int r = from ? add_rows(v, from, false, &tail->keys) : 0;

	tail->known = r == 0;
	return r;
}

/* The keys as they are at this point of the transaction. */
static int
keys_of(const struct wh_view *v, struct wh_tail **ret)
{
	struct wh_store *s = v->store;

	if (!s->tail)
		s->tail = calloc(1, sizeof(*s->tail));
	*ret = s->tail;
	if (!s->tail)
		return WH_ENOMEM;
	return s->tail->known ? 0 : read_keys(v, s->tail);
}

/* -------------------------------------------------------- ids, for a view -- */

struct wh_tail_keys *
wh_tail_ids_new(void)
{
	return calloc(1, sizeof(struct wh_tail_keys));
}

void
wh_tail_ids_follow(struct wh_tail_keys **ids, const struct wh_meta *m)
{
	if (wh_ops_behind(m) > WH_BEHIND_FEW) {
		wh_tail_keys_drop_before(*ids, m->ops_tail);
	} else if ((*ids)->end > 0) { /* its memory goes back */
		free(*ids);
		*ids = wh_tail_ids_new();
	}
}

/* Ids stay as they are, and come in order: only those are read that came since. */
static int
add_ids(const struct wh_view *v)
{
	struct wh_tail_keys *ids = v->ids;
	uint64_t from = v->meta.ops_tail;

	if (wh_tail_keys_length(ids) > 0)
		from = wh_tail_keys_seq(ids, ids->end - 1) + 1;
	return add_rows(v, from, true, ids);
}

/* Anew if there is no place for all, with those that ended. */
static int
read_ids(const struct wh_view *v)
{
	int r = add_ids(v);

	if (r != WH_ECORRUPT)
		return r;
	wh_tail_keys_clear(v->ids);
	return add_ids(v);
}

/* -------------------------------------------------------------- searching -- */

/* NULL: the rows are walked through. */
static int
find_keys(const struct wh_tail_scan *s, const struct wh_tail_keys **ret)
{
	const struct wh_view *v = s->view;
	struct wh_tail *tail = NULL;
	int r;

	*ret = NULL;
	if (v->writing) {
		r = keys_of(v, &tail);
		if (r == 0)
			*ret = &tail->keys;
		return r;
	}
	if (s->kind != WH_TAIL_ID || !v->ids || wh_ops_behind(&v->meta) <= WH_BEHIND_FEW)
		return 0;
	r = read_ids(v);
	*ret = v->ids;
	return r;
}

int
wh_tail_begin(const struct wh_view *v, enum wh_tail_key kind, uint64_t key, uint64_t from,
	      struct wh_tail_scan *ret)
{
	*ret = (struct wh_tail_scan){.view = v, .kind = kind, .key = key};
	if (v->meta.ops_tail == 0)
		return WH_ABSENT;
	if (from < v->meta.ops_tail)
		from = v->meta.ops_tail;
	int r = find_keys(ret, &ret->keys);

	if (r == 0 && ret->keys)
		ret->at = wh_tail_keys_first(ret->keys, kind, key, from);
	else if (r == 0)
		r = walk_from(v, from, &ret->walk);
	if (r)
		wh_tail_end(ret);
	return r;
}

static int
next_by_walk(struct wh_tail_scan *s)
{
	int r = s->walked ? wh_walk_next(&s->walk) : wh_walk_current(&s->walk);

	for (; r == 0; r = wh_walk_next(&s->walk)) {
		s->walked++;
		if (decode_walk(&s->walk, &s->op) && has_key(&s->op, s->kind, s->key))
			return 0;
	}
	return r;
}

static int
next_by_key(struct wh_tail_scan *s)
{
	const struct wh_tail_keys *keys = s->keys;

	while (s->at != WH_TAIL_NOWHERE) {
		uint32_t at = s->at;

		s->at = wh_tail_keys_next(keys, s->kind, s->key, at);
		if (decode_row(s->view, wh_tail_keys_seq(keys, at), &s->op) &&
		    has_key(&s->op, s->kind, s->key))
			return 0;
	}
	return WH_ABSENT;
}

int
wh_tail_next(struct wh_tail_scan *s)
{
	return s->keys ? next_by_key(s) : next_by_walk(s);
}

void
wh_tail_end(struct wh_tail_scan *s)
{
	if (s->walk.cursor)
		wh_walk_end(&s->walk);
	if (s->walked > WH_BEHIND_FEW)
		atomic_store_explicit(&s->view->store->tail_walked, true, memory_order_relaxed);
}

bool
wh_ops_tail_walked(struct wh_store *s)
{
	return atomic_exchange_explicit(&s->tail_walked, false, memory_order_relaxed);
}

/* --------------------------------------------------------- commit thread -- */

int
wh_tail_join(struct wh_txn *t, uint64_t seq, bool *ret)
{
	struct wh_meta *m = &t->view.meta;
	struct wh_tail *tail;

	*ret = false;
	if (m->ops_tail ? seq < m->ops_tail : seq < m->op_seq)
		return 0;
	int r = wh_txn_fail(t, keys_of(&t->view, &tail));

	if (r == 0 && wh_tail_keys_length(&tail->keys) == WH_TAIL_MAX)
		r = wh_ops_catch_up(t, 0, WH_CATCH_UP_MOST); /* there is no quiet time */
	if (r)
		return r;
	if (m->ops_tail == 0)
		m->ops_tail = seq;
	*ret = seq >= m->ops_tail;
	return 0;
}

int
wh_tail_put(struct wh_txn *t, const struct wh_oprow *op)
{
	uint64_t keys[WH_TAIL_KEYS];
	struct wh_tail *tail;
	int r = wh_txn_fail(t, keys_of(&t->view, &tail));

	if (r)
		return r;
	keys_of_op(op, keys);
	if (!wh_tail_keys_put(&tail->keys, op->seq, keys))
		tail->known = false;
	return 0;
}

void
wh_tail_del(struct wh_txn *t, uint64_t seq)
{
	struct wh_tail *tail = t->view.store->tail;

	if (tail && tail->known)
		wh_tail_keys_del(&tail->keys, seq);
}

int
wh_tail_end_of(const struct wh_view *v, size_t max, uint64_t *ret)
{
	const struct wh_tail_keys *keys;
	struct wh_tail *tail;
	int r = keys_of(v, &tail);

	if (r)
		return r;
	keys = &tail->keys;
	*ret = wh_tail_keys_length(keys) > max
		       ? wh_tail_keys_seq(keys, keys->start + (uint32_t)max)
		       : v->meta.op_seq + 1;
	return 0;
}

void
wh_tail_leave(struct wh_txn *t, uint64_t end)
{
	struct wh_tail_keys *keys = &t->view.store->tail->keys;
	uint32_t length = wh_tail_keys_length(keys);
	struct wh_meta *m = &t->view.meta;

	wh_tail_keys_drop_before(keys, end);
	m->ops_tail = end <= m->op_seq ? end : 0;
	if (m->ops_tail == 0)
		m->ops_tail_moved = 0;
	/* Few are read again faster than the memory for many is kept. */
	if (length > WH_BEHIND_FEW && wh_tail_keys_length(keys) <= WH_BEHIND_FEW)
		wh_tail_free(t->view.store);
}

void
wh_tail_forget(struct wh_store *s)
{
	if (s->tail)
		s->tail->known = false;
}

void
wh_tail_free(struct wh_store *s)
{
	free(s->tail);
	s->tail = NULL;
}
