/* SPDX-License-Identifier: MIT */
/*
 * Operations that could not be read when the store was made anew: what is
 * known of each, until it was turned into one that a person can see.
 *
 * Written by the salvage, read and emptied by the daemon's start.
 */
#include "store/row.h"

void
wh_damaged_decode(uint64_t seq, const struct wh_value *v, struct wh_damaged *ret)
{
	*ret = (struct wh_damaged){.seq = seq, .lane = v->tail};
	memcpy(ret->id, v->prefix, WH_OP_ID);
	ret->has_id = v->prefix[WH_OP_ID] != 0;
}

int
wh_damaged_next(const struct wh_view *v, uint64_t after, struct wh_damaged *ret)
{
	struct wh_value value;
	struct wh_key k;
	struct wh_walk w;

	wh_key_order(&k, after);
	int r = wh_walk_begin(v, WH_TABLE_DAMAGED, &w);

	if (r < 0)
		return r;
	r = wh_walk_after(&w, &k);
	if (r == 0)
		r = wh_walk_value(&w, WH_DAMAGED_PREFIX, &value);
	if (r == 0)
		wh_damaged_decode(wh_walk_order(&w), &value, ret);
	wh_walk_end(&w);
	return r;
}

int
wh_damaged_put(struct wh_txn *t, const struct wh_damaged *d)
{
	struct wh_draft draft;
	struct wh_key k;

	wh_key_order(&k, d->seq);
	wh_draft_init(&draft);
	wh_draft_bytes(&draft, d->id, WH_OP_ID);
	wh_draft_num(&draft, d->has_id, 1);
	draft.tail[0] = d->lane;
	return wh_table_put(t, WH_TABLE_DAMAGED, &k, &draft, NULL);
}

int
wh_damaged_forget(struct wh_txn *t)
{
	return wh_table_clear(t, WH_TABLE_DAMAGED);
}
