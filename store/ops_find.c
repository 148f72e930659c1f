/* SPDX-License-Identifier: MIT */
/*
 * Finding operations: by id, by lane, by state, by due time, in order.
 *
 * Called by the loop and the pump with a view, and by transaction bodies. What
 * the indexes know comes first, then the tail, which has higher numbers; the
 * rows themselves are read by wh_ops_get.
 */
#include "store/index.h"
#include "store/sieve.h"
#include "store/tail.h"

#define DUE_HEAD 2 /* kind, state; time and seq follow */

static int
find_in_tail(const struct wh_view *v, const uint8_t id[WH_OP_ID], uint64_t *ret_seq)
{
	struct wh_tail_scan s;
	int r = wh_tail_begin(v, WH_TAIL_ID, wh_tail_key_of_id(id), 0, &s);

	if (r == 0)
		r = wh_tail_next(&s);
	while (r == 0 && memcmp(s.op.id, id, WH_OP_ID) != 0)
		r = wh_tail_next(&s);
	*ret_seq = s.op.seq;
	wh_tail_end(&s);
	return r;
}

int
wh_ops_find(const struct wh_view *v, const uint8_t id[WH_OP_ID], uint64_t *ret_seq)
{
	struct wh_key k;

	wh_index_by_id(&k, id);
	int r = wh_index_find(v, WH_TABLE_OPS_INDEX, &k, ret_seq);

	return r == WH_ABSENT ? find_in_tail(v, id, ret_seq) : r;
}

static int
lane_in_tail(const struct wh_view *v, struct wh_str lane, uint64_t *ret_seqs, size_t max,
	     size_t *inout_n)
{
	struct wh_tail_scan s;
	int r = wh_tail_begin(v, WH_TAIL_LANE, wh_tail_key_of_lane(lane), 0, &s);

	while (r == 0 && *inout_n < max) {
		r = wh_tail_next(&s);
		if (r == 0 && wh_str_eq(s.op.lane, lane))
			ret_seqs[(*inout_n)++] = s.op.seq;
	}
	wh_tail_end(&s);
	return r < 0 ? r : 0;
}

int
wh_ops_lane(const struct wh_view *v, struct wh_str lane, uint64_t *ret_seqs, size_t max,
	    size_t *ret_n)
{
	struct wh_key k;
	struct wh_walk w;
	size_t n = 0;

	wh_key_lane(&k, WH_BY_LANE, lane);
	int r = wh_walk_begin(v, WH_TABLE_OPS_INDEX, &w);

	if (r < 0)
		return r;
	if (max > 0)
		r = wh_walk_from(&w, &k);
	while (r == 0 && n < max && wh_walk_has_prefix(&w, &k)) {
		ret_seqs[n++] = wh_walk_order(&w);
		if (n < max)
			r = wh_walk_next(&w);
	}
	wh_walk_end(&w);
	*ret_n = n;
	return r < 0 ? r : lane_in_tail(v, lane, ret_seqs, max, ret_n);
}

/* Does the key begin with the first `head` bytes of k, and is it of the same length? */
static bool
same_head(const struct wh_walk *w, const struct wh_key *k, size_t head)
{
	return w->key.mv_size == k->n && memcmp(w->key.mv_data, k->b, head) == 0;
}

static bool
comes_before(const struct wh_due *a, const struct wh_due *b)
{
	return a->due_at != b->due_at ? a->due_at < b->due_at : a->seq < b->seq;
}

/* Puts it among the n that are there in order, and drops the last of max. */
static void
insert_due(struct wh_due *due, size_t max, size_t *inout_n, const struct wh_due *one)
{
	size_t i = *inout_n;

	if (i == max && !comes_before(one, &due[i - 1]))
		return;
	if (i == max)
		i--;
	else
		(*inout_n)++;
	for (; i > 0 && comes_before(one, &due[i - 1]); i--)
		due[i] = due[i - 1];
	due[i] = *one;
}

/* At most so many of the tail are in a state. Who has seen them all need not read on. */
static uint64_t
count_in_tail(const struct wh_view *v, uint8_t state)
{
	return state > 0 ? v->meta.ops_tail_moved : wh_meta_ops(&v->meta, state);
}

/* With those that are due at once, before which none of the tail can be, since it comes last.
 */
static bool
is_full(const struct wh_due *due, size_t max, size_t n)
{
	return n == max && (n == 0 || due[n - 1].due_at <= WH_DUE_AT_ONCE);
}

static int
due_in_tail(const struct wh_view *v, const struct wh_due *after, struct wh_due *ret, size_t max,
	    size_t *inout_n)
{
	uint64_t left = count_in_tail(v, after->state);
	struct wh_tail_scan s;
	int r = wh_tail_begin(v, WH_TAIL_ANY, 0, 0, &s);

	while (r == 0 && left > 0 && !is_full(ret, max, *inout_n)) {
		r = wh_tail_next(&s);
		if (r || (s.op.state > 0) != (after->state > 0))
			continue;

		const struct wh_due one = {s.op.state, s.op.due_at, s.op.seq};

		left--;
		if (one.state == after->state && one.due_at != WH_NOT_DUE &&
		    comes_before(after, &one))
			insert_due(ret, max, inout_n, &one);
	}
	wh_tail_end(&s);
	return r < 0 ? r : 0;
}

int
wh_ops_due(const struct wh_view *v, const struct wh_due *after, struct wh_due *ret, size_t max,
	   size_t *ret_n)
{
	struct wh_key k;
	struct wh_walk w;
	size_t n = 0;

	wh_index_by_due(&k, after->state, after->due_at, after->seq);
	int r = wh_walk_begin(v, WH_TABLE_OPS_INDEX, &w);

	if (r < 0)
		return r;
	struct wh_due from = *after; /* may be the place of the result */

	if (wh_meta_ops(&v->meta, after->state) == 0)
		max = 0;
	if (max > 0)
		r = wh_walk_after(&w, &k);
	while (r == 0 && n < max && same_head(&w, &k, DUE_HEAD)) {
		const uint8_t *p = w.key.mv_data;

		ret[n++] = (struct wh_due){
			.state = p[1],
			.due_at = wh_be_to_time(wh_be_get(p + DUE_HEAD, 8)),
			.seq = wh_be_get(p + DUE_HEAD + 8, 8),
		};
		if (n < max)
			r = wh_walk_next(&w);
	}
	wh_walk_end(&w);
	*ret_n = n;
	return r < 0 ? r : due_in_tail(v, &from, ret, max, ret_n);
}

/* The first one in the tail but `except`. */
static int
member_in_tail(struct wh_tail_scan *s, uint64_t except, struct wh_member *ret)
{
	int r = wh_tail_begin(s->view, s->kind, s->key, 0, s);

	if (r == 0)
		r = wh_tail_next(s);
	if (r == 0 && s->op.seq == except)
		r = wh_tail_next(s);
	if (r == 0)
		*ret = (struct wh_member){s->op.seq, s->op.in_hand};
	wh_tail_end(s);
	return r;
}

/* What the index knows, if `known` is 0, against the tail: there all come later. Whoever is in
 * hand is in the group, too. */
static int
group_in_tail(struct wh_tail_scan *group, uint64_t except, struct wh_member *inout, int known)
{
	int r = known == WH_ABSENT ? member_in_tail(group, except, inout) : known;

	if (r || inout->in_hand)
		return r;
	group->kind += WH_TAIL_IN_HAND - WH_TAIL_GROUP;
	r = member_in_tail(group, except, inout);
	return r == WH_ABSENT ? 0 : r;
}

static int
group_in_index(const struct wh_view *v, const struct wh_key *k, uint64_t except,
	       struct wh_member *ret)
{
	struct wh_walk w;

	if (!wh_sieve_may_have(v, k))
		return WH_ABSENT;
	int r = wh_walk_begin(v, WH_TABLE_OPS_INDEX, &w);

	if (r < 0)
		return r;
	r = wh_walk_from(&w, k);
	if (r == 0 && same_head(&w, k, WH_BY_GROUP_HEAD) && wh_walk_order(&w) == except)
		r = wh_walk_next(&w);
	if (r == 0 && !same_head(&w, k, WH_BY_GROUP_HEAD))
		r = WH_ABSENT;
	if (r == 0)
		*ret = (struct wh_member){
			.seq = wh_walk_order(&w),
			.in_hand = ((const uint8_t *)w.key.mv_data)[WH_BY_GROUP_HEAD] == 0,
		};
	wh_walk_end(&w);
	return r;
}

int
wh_ops_first_in_group(const struct wh_view *v, size_t which, uint64_t group, uint64_t except,
		      struct wh_member *ret)
{
	struct wh_tail_scan tail = {
		.view = v, .kind = WH_TAIL_GROUP + (unsigned)which, .key = group};
	struct wh_oprow first = {.in_hand = true};
	struct wh_key k;

	first.group[which] = group;
	wh_index_by_group(&k, &first, which);
	if (k.bad)
		return WH_ABSENT;
	int r = group_in_index(v, &k, except, ret);

	return r < 0 ? r : group_in_tail(&tail, except, ret, r);
}

static int
form_in_tail(const struct wh_view *v, uint64_t form, uint64_t *ret_seq)
{
	struct wh_tail_scan s;
	int r = wh_tail_begin(v, WH_TAIL_FORM, form, 0, &s);

	if (r == 0)
		r = wh_tail_next(&s);
	*ret_seq = s.op.seq;
	wh_tail_end(&s);
	return r;
}

static int
form_in_index(const struct wh_view *v, struct wh_key *k, uint64_t *ret_seq)
{
	struct wh_walk w;

	if (!wh_sieve_may_have(v, k))
		return WH_ABSENT;
	int r = wh_walk_begin(v, WH_TABLE_OPS_INDEX, &w);

	if (r < 0)
		return r;
	k->n = WH_BY_FORM_HEAD;
	r = wh_walk_from(&w, k);
	if (r == 0 && !wh_walk_has_prefix(&w, k))
		r = WH_ABSENT;
	if (r == 0)
		*ret_seq = wh_walk_order(&w);
	wh_walk_end(&w);
	return r;
}

int
wh_ops_first_of_form(const struct wh_view *v, uint64_t form, uint64_t *ret_seq)
{
	struct wh_key k;

	wh_index_by_form(&k, form, 0);
	if (k.bad)
		return WH_ABSENT;
	int r = form_in_index(v, &k, ret_seq);

	return r == WH_ABSENT ? form_in_tail(v, form, ret_seq) : r;
}

static int
state_in_tail(const struct wh_view *v, uint8_t state, uint64_t after, uint64_t *ret_seq)
{
	struct wh_tail_scan s;
	int r = count_in_tail(v, state) ? wh_tail_begin(v, WH_TAIL_ANY, 0, after + 1, &s)
					: WH_ABSENT;

	if (r)
		return r;
	r = wh_tail_next(&s);
	while (r == 0 && (s.op.state != state || s.op.seq <= after)) /* after + 1 may be 0 */
		r = wh_tail_next(&s);
	*ret_seq = s.op.seq;
	wh_tail_end(&s);
	return r;
}

int
wh_ops_next_in_state(const struct wh_view *v, uint8_t state, uint64_t after, uint64_t *ret_seq)
{
	struct wh_key k;
	struct wh_walk w;

	wh_index_by_state(&k, state, after);
	if (wh_meta_ops(&v->meta, state) == 0)
		return WH_ABSENT;
	int r = wh_walk_begin(v, WH_TABLE_OPS_INDEX, &w);

	if (r < 0)
		return r;
	r = wh_walk_after(&w, &k);
	k.n -= 8;
	if (r == 0 && wh_walk_has_prefix(&w, &k))
		*ret_seq = wh_walk_order(&w);
	else if (r == 0)
		r = WH_ABSENT;
	wh_walk_end(&w);
	return r == WH_ABSENT ? state_in_tail(v, state, after, ret_seq) : r;
}

int
wh_ops_next(const struct wh_view *v, uint64_t after, uint64_t *ret_seq)
{
	struct wh_key k;
	struct wh_walk w;

	wh_key_order(&k, after);
	int r = wh_walk_begin(v, WH_TABLE_OPS, &w);

	if (r < 0)
		return r;
	r = wh_walk_after(&w, &k);
	if (r == 0)
		*ret_seq = wh_walk_order(&w);
	wh_walk_end(&w);
	return r;
}
