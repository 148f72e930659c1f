/* SPDX-License-Identifier: MIT */
/* The tail of the queue: finding what is in it, and its keys in memory. */
#include "store/tail.h"

#include <stdlib.h>
#include <xxhash.h>

/* The keys of the tail, in order of seq. Commit thread only. */
struct wh_tail {
	bool known; /* false: to be read from the rows */
	size_t n;
	uint64_t seq[WH_TAIL_MAX];
	uint64_t key[WH_TAIL_KEYS][WH_TAIL_MAX];
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

static uint64_t
key_of(const struct wh_oprow *op, size_t kind)
{
	switch (kind) {
	case WH_TAIL_ANY:
		return 0;
	case WH_TAIL_ID:
		return wh_tail_key_of_id(op->id);
	case WH_TAIL_LANE:
		return wh_tail_key_of_lane(op->lane);
	case WH_TAIL_FORM:
		return op->form;
	default:
		return op->group[kind - WH_TAIL_GROUP];
	}
}

static void
set_keys(struct wh_tail *tail, size_t i, const struct wh_oprow *op)
{
	tail->seq[i] = op->seq;
	for (size_t kind = 0; kind < WH_TAIL_KEYS; kind++)
		tail->key[kind][i] = key_of(op, kind);
}

/* The first place whose seq is not below `seq`. */
static size_t
place_of(const struct wh_tail *tail, uint64_t seq)
{
	size_t low = 0, high = tail->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (tail->seq[mid] < seq)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Moves what stands from place `from` on to place `to`. */
static void
shift(struct wh_tail *tail, size_t to, size_t from)
{
	size_t size = (tail->n - from) * sizeof(uint64_t);

	memmove(tail->seq + to, tail->seq + from, size);
	for (size_t kind = 0; kind < WH_TAIL_KEYS; kind++)
		memmove(tail->key[kind] + to, tail->key[kind] + from, size);
	tail->n = tail->n + to - from;
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

static int
read_keys(const struct wh_view *v, struct wh_tail *tail)
{
	struct wh_oprow op;
	struct wh_walk w;
	int r = v->meta.ops_tail ? walk_from(v, v->meta.ops_tail, &w) : WH_ABSENT;

	tail->n = 0;
	for (; r == 0 && tail->n < WH_TAIL_MAX; r = wh_walk_next(&w))
		if (decode_walk(&w, &op))
			set_keys(tail, tail->n++, &op);
	if (v->meta.ops_tail)
		wh_walk_end(&w);
	tail->known = r == WH_ABSENT;
	return r == WH_ABSENT ? 0 : r < 0 ? r : WH_ECORRUPT;
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

/* -------------------------------------------------------------- searching -- */

int
wh_tail_begin(const struct wh_view *v, enum wh_tail_key kind, uint64_t key, uint64_t from,
	      struct wh_tail_scan *ret)
{
	struct wh_tail *tail;

	*ret = (struct wh_tail_scan){.view = v, .kind = kind, .key = key};
	if (v->meta.ops_tail == 0)
		return WH_ABSENT;
	if (from < v->meta.ops_tail)
		from = v->meta.ops_tail;
	int r = v->writing ? keys_of(v, &tail) : walk_from(v, from, &ret->walk);

	if (r)
		wh_tail_end(ret);
	else if (v->writing)
		ret->at = place_of(tail, from);
	return r;
}

static int
next_by_walk(struct wh_tail_scan *s)
{
	int r = s->started ? wh_walk_next(&s->walk) : wh_walk_current(&s->walk);

	for (s->started = true; r == 0; r = wh_walk_next(&s->walk))
		if (decode_walk(&s->walk, &s->op) && key_of(&s->op, s->kind) == s->key)
			return 0;
	return r;
}

/* The first place from `i` on that has the key; n if none has. By eights, since mostly none
 * has. */
static size_t
find_key(const uint64_t *keys, size_t i, size_t n, uint64_t key)
{
	for (; i + 8 <= n; i += 8) {
		bool any = false;

		for (size_t j = 0; j < 8; j++)
			any |= keys[i + j] == key;
		if (any)
			break;
	}
	while (i < n && keys[i] != key)
		i++;
	return i;
}

static int
next_by_key(struct wh_tail_scan *s)
{
	const struct wh_tail *tail = s->view->store->tail;

	while (s->at < tail->n) {
		s->at = find_key(tail->key[s->kind], s->at, tail->n, s->key);
		if (s->at < tail->n && decode_row(s->view, tail->seq[s->at++], &s->op))
			return 0;
	}
	return WH_ABSENT;
}

int
wh_tail_next(struct wh_tail_scan *s)
{
	return s->view->writing ? next_by_key(s) : next_by_walk(s);
}

void
wh_tail_end(struct wh_tail_scan *s)
{
	if (s->walk.cursor)
		wh_walk_end(&s->walk);
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

	if (r == 0 && tail->n == WH_TAIL_MAX)
		r = wh_ops_catch_up(t, 0);
	if (r)
		return r;
	if (m->ops_tail == 0)
		m->ops_tail = seq;
	*ret = true;
	return 0;
}

int
wh_tail_put(struct wh_txn *t, const struct wh_oprow *op)
{
	struct wh_tail *tail;
	int r = wh_txn_fail(t, keys_of(&t->view, &tail));

	if (r)
		return r;
	size_t i = place_of(tail, op->seq);

	if (i == tail->n || tail->seq[i] != op->seq)
		shift(tail, i + 1, i);
	set_keys(tail, i, op);
	return 0;
}

void
wh_tail_del(struct wh_txn *t, uint64_t seq)
{
	struct wh_tail *tail = t->view.store->tail;

	if (!tail || !tail->known)
		return;
	size_t i = place_of(tail, seq);

	if (i < tail->n && tail->seq[i] == seq)
		shift(tail, i, i + 1);
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
