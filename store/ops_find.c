/* SPDX-License-Identifier: MIT */
/*
 * Finding operations: by id, by lane, by state, by due time, in order.
 *
 * Called by the loop and the pump with a view, and by transaction bodies. It
 * only reads indexes; the rows themselves are read by wh_ops_get.
 */
#include "store/index.h"

#define DUE_KEY 17 /* kind, time, seq */

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

/* A damaged index row is no reason to forget its operation, nor those behind
 * it: the row of the operation knows the state, too. */
static int
read_due(const struct wh_view *v, const struct wh_walk *w, struct wh_due *ret)
{
	const uint8_t *p = w->key.mv_data;
	struct wh_value value;
	struct wh_oprow op = {.state = 0};

	ret->due_at = wh_be_to_time(wh_be_get(p + 1, 8));
	ret->seq = wh_be_get(p + 9, 8);
	if (wh_walk_value(w, WH_BY_DUE_PREFIX, &value) == 0) {
		ret->state = value.prefix[0];
		return 0;
	}
	int r = wh_ops_get(v, ret->seq, &op);

	ret->state = op.state;
	return r;
}

static bool
is_due(const struct wh_walk *w)
{
	const char *p = w->key.mv_data;

	return w->key.mv_size == DUE_KEY && p[0] == WH_BY_DUE;
}

int
wh_ops_due(const struct wh_view *v, const struct wh_due *after, struct wh_due *ret, size_t max,
	   size_t *ret_n)
{
	struct wh_key k;
	struct wh_walk w;
	size_t n = 0;

	if (after)
		wh_index_by_due(&k, after->due_at, after->seq);
	else
		wh_index_by_due(&k, INT64_MIN, 0);
	int r = wh_walk_begin(v, WH_TABLE_OPS_INDEX, &w);

	if (r < 0)
		return r;
	if (max > 0)
		r = wh_walk_after(&w, &k);
	while (r == 0 && n < max && is_due(&w)) {
		if (read_due(v, &w, &ret[n]) == 0)
			n++;
		if (n < max)
			r = wh_walk_next(&w);
	}
	wh_walk_end(&w);
	*ret_n = n;
	return r < 0 ? r : 0;
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
