/* SPDX-License-Identifier: MIT */
/*
 * Index rows of operations and of history.
 *
 * All indexes of a table share one LMDB tree, told apart by the first byte of
 * the key: while there are few rows, all their index rows lie on one page,
 * so that a commit writes one page instead of four. Called by ops, history and
 * check; writes on the commit thread only.
 */
#include "store/index.h"

void
wh_index_by_id(struct wh_key *k, const uint8_t id[WH_OP_ID])
{
	wh_key_init(k);
	wh_key_num(k, WH_BY_ID, 1);
	wh_key_add(k, wh_str((const char *)id, WH_OP_ID));
}

void
wh_index_by_lane(struct wh_key *k, struct wh_str lane, uint64_t number)
{
	wh_key_lane(k, WH_BY_LANE, lane);
	wh_key_num(k, number, 8);
}

void
wh_index_by_state(struct wh_key *k, uint8_t state, uint64_t number)
{
	wh_key_init(k);
	wh_key_num(k, WH_BY_STATE, 1);
	wh_key_num(k, state, 1);
	wh_key_num(k, number, 8);
}

void
wh_index_by_due(struct wh_key *k, uint8_t state, int64_t due_at, uint64_t seq)
{
	wh_key_init(k);
	wh_key_num(k, WH_BY_DUE, 1);
	wh_key_num(k, state, 1);
	wh_key_num(k, wh_be_from_time(due_at), 8);
	wh_key_num(k, seq, 8);
}

void
wh_index_by_form(struct wh_key *k, uint64_t form, uint64_t seq)
{
	wh_key_init(k);
	wh_key_num(k, WH_BY_FORM, 1);
	wh_key_num(k, form, 8);
	wh_key_num(k, seq, 8);
	k->bad = form == 0;
}

void
wh_index_by_group(struct wh_key *k, const struct wh_oprow *op, size_t which)
{
	wh_key_init(k);
	wh_key_num(k, WH_BY_GROUP, 1);
	wh_key_num(k, which, 1);
	wh_key_num(k, op->group[which], 8);
	wh_key_num(k, op->in_hand ? 0 : 1, 1);
	wh_key_num(k, op->seq, 8);
	k->bad = op->group[which] == 0;
}

void
wh_index_by_age(struct wh_key *k, int64_t at, struct wh_str request_key)
{
	wh_key_init(k);
	wh_key_num(k, WH_BY_AGE, 1);
	wh_key_num(k, wh_be_from_time(at), 8);
	wh_key_add(k, request_key);
}

int
wh_index_put(struct wh_txn *t, enum wh_table table, const struct wh_key *k, uint64_t v,
	     size_t width)
{
	struct wh_draft d;

	wh_draft_init(&d);
	wh_draft_num(&d, v, width);
	return wh_table_put(t, table, k, &d, NULL);
}

int
wh_index_find(const struct wh_view *v, enum wh_table table, const struct wh_key *k,
	      uint64_t *ret)
{
	struct wh_value value;
	int r = wh_table_get(v, table, k, WH_BY_ID_PREFIX, &value);

	if (r == 0)
		*ret = wh_be_get(value.prefix, 8);
	return r;
}

int
wh_index_target(const struct wh_walk *w, uint64_t *ret)
{
	struct wh_value value;
	struct wh_str key = wh_walk_key(w);

	if (key.n == 0 || key.p[0] != WH_BY_ID) {
		*ret = wh_walk_order(w);
		return 0;
	}
	int r = wh_walk_value(w, WH_BY_ID_PREFIX, &value);

	if (r == 0)
		*ret = wh_be_get(value.prefix, 8);
	return r;
}

/* The first index row after *k that leads to `number`; in *k. */
static int
next_leading_to(const struct wh_txn *t, enum wh_table table, uint64_t number, struct wh_key *k)
{
	struct wh_walk w;
	int r = wh_walk_begin(&t->view, table, &w);

	if (r < 0)
		return r;
	for (r = k->n ? wh_walk_after(&w, k) : wh_walk_first(&w); r == 0;
	     r = wh_walk_next(&w)) {
		uint64_t target = 0;

		if (wh_index_target(&w, &target) == 0 && target == number)
			break;
	}
	if (r == 0) {
		wh_key_init(k);
		wh_key_add(k, wh_walk_key(&w));
	}
	wh_walk_end(&w);
	return r;
}

int
wh_index_sweep(struct wh_txn *t, enum wh_table table, uint64_t number, uint8_t *ret_state)
{
	struct wh_key k;
	int r;

	wh_key_init(&k);
	while ((r = next_leading_to(t, table, number, &k)) == 0) {
		if (k.b[0] == WH_BY_STATE)
			*ret_state = k.b[1];
		r = wh_table_drop(t, table, &k);
		if (r < 0)
			return r;
	}
	return r == WH_ABSENT ? 0 : wh_txn_fail(t, r);
}
