/* SPDX-License-Identifier: MIT */
/*
 * Webhooks of which a request may still be carried out: it was looked for in
 * vain, and what is sent next might be undone by it.
 *
 * Used by the transaction bodies on the commit thread. The table holds the
 * unanswered requests of the last minutes and is nearly always empty.
 */
#include "store/row.h"

void
wh_late_decode(const struct wh_value *v, struct wh_late *ret)
{
	const uint8_t *p = v->prefix;

	ret->seq = wh_be_take(&p, 8);
	ret->boot = wh_be_take(&p, 8);
	ret->since = (int64_t)wh_be_take(&p, 8);
	ret->answered = wh_be_take(&p, 1) != 0;
}

int
wh_late_get(const struct wh_view *v, struct wh_str whid, struct wh_late *ret)
{
	struct wh_value value;
	struct wh_key k;

	wh_key_id(&k, whid);
	int r = wh_table_get(v, WH_TABLE_LATE, &k, WH_LATE_PREFIX, &value);

	if (r == 0)
		wh_late_decode(&value, ret);
	return r;
}

int
wh_late_put(struct wh_txn *t, struct wh_str whid, const struct wh_late *late)
{
	struct wh_put_result res;
	struct wh_draft d;
	struct wh_key k;

	wh_key_id(&k, whid);
	wh_draft_init(&d);
	wh_draft_num(&d, late->seq, 8);
	wh_draft_num(&d, late->boot, 8);
	wh_draft_num(&d, (uint64_t)late->since, 8);
	wh_draft_num(&d, late->answered, 1);
	int r = wh_table_put(t, WH_TABLE_LATE, &k, &d, &res);

	if (r == 0 && res.how == WH_PUT_NEW)
		t->view.meta.late++;
	return r;
}

int
wh_late_del(struct wh_txn *t, struct wh_str whid)
{
	struct wh_key k;

	wh_key_id(&k, whid);
	int r = wh_table_del(t, WH_TABLE_LATE, &k);

	if (r == 0)
		wh_meta_sub(&t->view.meta.late, 1);
	return r;
}

int
wh_late_next(const struct wh_view *v, char room[WH_KEY_MAX], struct wh_str *whid)
{
	struct wh_walk w;
	struct wh_key k;
	int r = wh_walk_begin(v, WH_TABLE_LATE, &w);

	if (r)
		return r;
	wh_key_init(&k);
	wh_key_add(&k, *whid);
	r = whid->n ? wh_walk_after(&w, &k) : wh_walk_first(&w);
	if (r == 0 && wh_walk_key(&w).n > WH_KEY_MAX)
		r = WH_ECORRUPT;
	if (r == 0) {
		*whid = wh_walk_key(&w);
		memcpy(room, whid->p, whid->n);
		whid->p = room;
	}
	wh_walk_end(&w);
	return r;
}
