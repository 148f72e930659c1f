/* SPDX-License-Identifier: MIT */
/*
 * Ended operations, in the order in which they ended, and their indexes.
 *
 * Written by the commit thread: appended when an operation ends, trimmed from
 * the oldest end in small steps. Numbers have no gaps between
 * meta.history_tail and meta.history_head.
 */
#include "store/history.h"

int
wh_past_decode(uint64_t end, const struct wh_value *v, struct wh_past *ret)
{
	const uint8_t *p = v->prefix;

	ret->end = end;
	memcpy(ret->id, p, WH_OP_ID);
	p += WH_OP_ID;
	ret->state = (uint8_t)wh_be_take(&p, 1);
	ret->ended_at = wh_be_to_time(wh_be_take(&p, 8));
	int r = wh_value_split(v, (size_t)wh_be_take(&p, 2), &ret->lane, &ret->body);

	return r == 0 && !wh_lane_valid(ret->lane) ? WH_ECORRUPT : r;
}

/* That by lane is put off. */
struct past_index {
	struct wh_key id;
	struct wh_key state;
};

static void
index_keys(const struct wh_past *past, struct past_index *ret)
{
	wh_index_by_id(&ret->id, past->id);
	wh_index_by_state(&ret->state, past->state, past->end);
}

static int
append_row(struct wh_txn *t, const struct wh_past *past)
{
	struct wh_draft d;
	struct wh_key k;

	wh_key_order(&k, past->end);
	wh_draft_init(&d);
	wh_draft_bytes(&d, past->id, WH_OP_ID);
	wh_draft_num(&d, past->state, 1);
	wh_draft_time(&d, past->ended_at);
	wh_draft_num(&d, past->lane.n, 2);
	d.tail[0] = past->lane;
	d.tail[1] = past->body;
	return wh_table_append(t, WH_TABLE_HISTORY, &k, &d);
}

int
wh_history_add(struct wh_txn *t, struct wh_past *past)
{
	struct wh_meta *m = &t->view.meta;
	struct past_index x;

	if (t->fault)
		return t->fault;
	if (!wh_lane_valid(past->lane))
		return wh_txn_fail(t, WH_EINVAL);
	past->end = m->history_head + 1;
	index_keys(past, &x);
	int r = append_row(t, past);

	if (r == 0)
		r = wh_index_put(t, WH_TABLE_HISTORY_INDEX, &x.id, past->end, WH_BY_ID_PREFIX);
	if (r == 0)
		r = wh_index_put(t, WH_TABLE_HISTORY_INDEX, &x.state, 0, 0);
	if (r < 0)
		return r;
	m->history_head = past->end;
	m->history_count++;
	if (m->history_tail == 0)
		m->history_tail = past->end;
	return wh_history_join(t, past->end);
}

static int
get_past(const struct wh_view *v, uint64_t end, struct wh_past *ret)
{
	struct wh_value value;
	struct wh_key k;

	ret->end = end;
	wh_key_order(&k, end);
	int r = wh_table_get(v, WH_TABLE_HISTORY, &k, WH_PAST_PREFIX, &value);

	return r == 0 ? wh_past_decode(end, &value, ret) : r;
}

int
wh_history_find(const struct wh_view *v, const uint8_t id[WH_OP_ID], struct wh_past *ret)
{
	struct wh_key k;
	uint64_t end;

	wh_index_by_id(&k, id);
	int r = wh_index_find(v, WH_TABLE_HISTORY_INDEX, &k, &end);

	if (r != 0)
		return r;
	r = get_past(v, end, ret);
	return r == WH_ABSENT ? WH_ECORRUPT : r; /* an index row that leads nowhere */
}

/* The greatest number below `before` among the keys `prefix`, number. */
static int
number_before(const struct wh_view *v, enum wh_table table, struct wh_key *prefix,
	      uint64_t before, uint64_t *ret)
{
	struct wh_walk w;
	int r = wh_walk_begin(v, table, &w);

	if (r < 0)
		return r;
	wh_key_num(prefix, before, 8);
	r = wh_walk_before(&w, prefix);
	prefix->n -= 8;
	if (r == 0 && wh_walk_has_prefix(&w, prefix))
		*ret = wh_walk_order(&w);
	else if (r == 0)
		r = WH_ABSENT;
	wh_walk_end(&w);
	return r;
}

int
wh_history_before(const struct wh_view *v, uint64_t before, struct wh_past *ret)
{
	struct wh_key k;
	uint64_t end;

	wh_key_init(&k);
	int r = number_before(v, WH_TABLE_HISTORY, &k, before, &end);

	return r == 0 ? get_past(v, end, ret) : r;
}

static int
number_in_index(const struct wh_view *v, uint64_t before, struct wh_str lane, uint64_t *ret)
{
	struct wh_key k;

	wh_key_lane(&k, WH_BY_LANE, lane);
	return k.bad ? WH_ABSENT : number_before(v, WH_TABLE_HISTORY_INDEX, &k, before, ret);
}

/* The newest ones are looked through, for both names at once; the others are in the index. */
static int
number_in_lane(const struct wh_view *v, uint64_t before, struct wh_str lane,
	       struct wh_str other, uint64_t *ret)
{
	const uint64_t first = v->meta.history_behind;
	uint64_t end = 0;
	int r = wh_history_look_through(v, before, lane, other, ret);

	if (r != WH_ABSENT)
		return r;
	if (first && first < before)
		before = first;
	r = number_in_index(v, before, lane, ret);
	if (r < 0)
		return r;
	int other_r = number_in_index(v, before, other, &end);

	if (other_r == 0 && (r == WH_ABSENT || end > *ret))
		*ret = end;
	return other_r == WH_ABSENT ? r : other_r;
}

int
wh_history_before_in_lane(const struct wh_view *v, uint64_t before, struct wh_str lane,
			  struct wh_str other, struct wh_past *ret)
{
	uint64_t end;
	int r = number_in_lane(v, before, lane, other, &end);

	return r == 0 ? get_past(v, end, ret) : r;
}

int
wh_history_before_in_state(const struct wh_view *v, uint64_t before, uint8_t state,
			   struct wh_past *ret)
{
	struct wh_key k;
	uint64_t end;

	wh_key_init(&k);
	wh_key_num(&k, WH_BY_STATE, 1);
	wh_key_num(&k, state, 1);
	int r = number_before(v, WH_TABLE_HISTORY_INDEX, &k, before, &end);

	return r == 0 ? get_past(v, end, ret) : r;
}

/* ------------------------------------------------------------- trimming -- */

/* The id may name a newer entry by now; that one keeps its index row. */
static int
drop_id(struct wh_txn *t, const struct wh_key *id, uint64_t end)
{
	uint64_t newest;
	int r = wh_index_find(&t->view, WH_TABLE_HISTORY_INDEX, id, &newest);

	if (r == WH_ABSENT || (r == 0 && newest != end))
		return 0;
	return wh_table_drop(t, WH_TABLE_HISTORY_INDEX, id);
}

static int
drop_past(struct wh_txn *t, const struct wh_past *past)
{
	struct past_index x;
	struct wh_key k;

	index_keys(past, &x);
	wh_index_by_lane(&k, past->lane, past->end);
	int r = drop_id(t, &x.id, past->end);

	if (r == 0 && !wh_history_is_behind(&t->view.meta, past->end))
		r = wh_table_drop(t, WH_TABLE_HISTORY_INDEX, &k);
	if (r == 0)
		r = wh_table_drop(t, WH_TABLE_HISTORY_INDEX, &x.state);
	wh_key_order(&k, past->end);
	return r == 0 ? wh_table_drop(t, WH_TABLE_HISTORY, &k) : r;
}

/* An entry that is unreadable or gone must not stop the trimming behind it. */
static int
drop_damaged(struct wh_txn *t, uint64_t end)
{
	uint8_t state;
	struct wh_key k;
	int r = wh_index_sweep(t, WH_TABLE_HISTORY_INDEX, end, &state);

	wh_key_order(&k, end);
	return r == 0 ? wh_table_drop(t, WH_TABLE_HISTORY, &k) : r;
}

static int
drop_tail(struct wh_txn *t, int got, const struct wh_past *past)
{
	struct wh_meta *m = &t->view.meta;
	int r = got == 0 ? drop_past(t, past) : drop_damaged(t, past->end);

	if (r < 0)
		return r;
	if (got != WH_ABSENT)
		wh_meta_sub(&m->history_count, 1);
	m->history_tail = past->end < m->history_head ? past->end + 1 : 0;
	if (wh_history_is_behind(m, past->end))
		m->history_behind = m->history_tail;
	return 0;
}

int
wh_history_trim(struct wh_txn *t, uint64_t max_count, int64_t ended_before, unsigned budget)
{
	const struct wh_meta *m = &t->view.meta;
	struct wh_past past;

	while (budget-- > 0 && t->fault == 0 && m->history_tail != 0) {
		bool beyond = m->history_count > max_count;
		int got = get_past(&t->view, m->history_tail, &past);

		if (got < 0 && got != WH_ECORRUPT)
			return wh_txn_fail(t, got);
		if (!beyond && got == 0 && past.ended_at >= ended_before)
			break;
		int r = drop_tail(t, got, &past);

		if (r < 0)
			return r;
	}
	return t->fault;
}
