/* SPDX-License-Identifier: MIT */
/*
 * Finding operations: by id, by lane, by state, by due time, in order.
 *
 * Called by the loop and the pump with a view, and by transaction bodies. It
 * only reads indexes; the rows themselves are read by wh_ops_get.
 */
#include "store/index.h"

#define DUE_HEAD 2    /* kind, state; time and seq follow */
#define GROUP_HEAD 10 /* kind, which, group; in hand and seq follow */

int
wh_ops_find(const struct wh_view *v, const uint8_t id[WH_OP_ID], uint64_t *ret_seq)
{
	struct wh_key k;

	wh_index_by_id(&k, id);
	return wh_index_find(v, WH_TABLE_OPS_INDEX, &k, ret_seq);
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
	return r < 0 ? r : 0;
}

/* Does the key begin with the first `head` bytes of k, and is it of the same length? */
static bool
same_head(const struct wh_walk *w, const struct wh_key *k, size_t head)
{
	return w->key.mv_size == k->n && memcmp(w->key.mv_data, k->b, head) == 0;
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
	return r < 0 ? r : 0;
}

int
wh_ops_first_in_group(const struct wh_view *v, size_t which, uint64_t group, uint64_t except,
		      struct wh_member *ret)
{
	const struct wh_oprow first = {.group[0] = 0, .in_hand = true};
	struct wh_oprow from = first;
	struct wh_key k;
	struct wh_walk w;

	from.group[which] = group;
	wh_index_by_group(&k, &from, which);
	if (k.bad)
		return WH_ABSENT;
	int r = wh_walk_begin(v, WH_TABLE_OPS_INDEX, &w);

	if (r < 0)
		return r;
	r = wh_walk_from(&w, &k);
	if (r == 0 && same_head(&w, &k, GROUP_HEAD) && wh_walk_order(&w) == except)
		r = wh_walk_next(&w);
	if (r == 0 && !same_head(&w, &k, GROUP_HEAD))
		r = WH_ABSENT;
	if (r == 0)
		*ret = (struct wh_member){
			.seq = wh_walk_order(&w),
			.in_hand = ((const uint8_t *)w.key.mv_data)[GROUP_HEAD] == 0,
		};
	wh_walk_end(&w);
	return r;
}

int
wh_ops_next_in_state(const struct wh_view *v, uint8_t state, uint64_t after, uint64_t *ret_seq)
{
	struct wh_key k;
	struct wh_walk w;

	wh_index_by_state(&k, state, after);
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
	return r;
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
