/* SPDX-License-Identifier: MIT */
/*
 * Tombs: ids whose deletion was confirmed, with the confirm counter of then.
 *
 * Used by the transaction bodies that apply a list, on the commit thread.
 * The table holds the deletions since the last complete list and is small.
 */
#include "store/row.h"

int
wh_tombs_get(const struct wh_view *v, struct wh_str whid, uint64_t *ret_confirm)
{
	struct wh_value value;
	struct wh_key k;

	wh_key_id(&k, whid);
	int r = wh_table_get(v, WH_TABLE_TOMBS, &k, WH_TOMB_PREFIX, &value);

	if (r == 0)
		*ret_confirm = wh_be_get(value.prefix, 8);
	return r;
}

int
wh_tombs_put(struct wh_txn *t, struct wh_str whid, uint64_t confirm)
{
	struct wh_put_result res;
	struct wh_draft d;
	struct wh_key k;

	wh_key_id(&k, whid);
	wh_draft_init(&d);
	wh_draft_num(&d, confirm, 8);
	int r = wh_table_put(t, WH_TABLE_TOMBS, &k, &d, &res);

	if (r == 0 && res.how == WH_PUT_NEW)
		t->view.meta.tombs++;
	return r;
}

/* The first id at or after *k whose tomb is below `before` or unreadable; in *k. */
static int
next_expired(const struct wh_txn *t, uint64_t before, struct wh_key *k)
{
	struct wh_value value;
	struct wh_walk w;
	int r = wh_walk_begin(&t->view, WH_TABLE_TOMBS, &w);

	if (r < 0)
		return r;
	for (r = k->n ? wh_walk_after(&w, k) : wh_walk_first(&w); r == 0;
	     r = wh_walk_next(&w)) {
		int bad = wh_walk_value(&w, WH_TOMB_PREFIX, &value);

		if (bad || wh_be_get(value.prefix, 8) < before)
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
wh_tombs_trim(struct wh_txn *t, uint64_t before)
{
	struct wh_key k;
	int r = 0;

	wh_key_init(&k);
	while (t->fault == 0) {
		r = next_expired(t, before, &k);
		if (r != 0)
			break;
		r = wh_table_del(t, WH_TABLE_TOMBS, &k);
		if (r < 0)
			break;
		wh_meta_sub(&t->view.meta.tombs, 1);
	}
	return r == WH_ABSENT ? 0 : wh_txn_fail(t, t->fault ? t->fault : r);
}
