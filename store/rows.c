/* SPDX-License-Identifier: MIT */
/*
 * Confirmed rows: what the upstream last said of each webhook.
 *
 * Read by the loop for every get, written by the commit thread. The body is
 * stored as it is served; nothing here looks into it.
 */
#include "store/settled.h"
#include "store/shortcut.h"
#include "store/terms.h"

void
wh_row_decode(const struct wh_value *v, struct wh_row *ret)
{
	const uint8_t *p = v->prefix;

	ret->revision = wh_be_take(&p, 8);
	ret->first_list = wh_be_take(&p, 8);
	ret->confirm = wh_be_take(&p, 8);
	ret->claim = wh_be_take(&p, 8);
	ret->confirmed_at = wh_be_to_time(wh_be_take(&p, 8));
	ret->body = v->tail;
}

int
wh_row_stored(const struct wh_view *v, struct wh_str id, struct wh_row *ret)
{
	struct wh_value value;
	struct wh_key k;

	wh_key_id(&k, id);
	int r = v->shortcuts ? wh_shortcuts_get(v, &k, WH_ROW_PREFIX, &value)
			     : wh_table_get(v, WH_TABLE_ROWS, &k, WH_ROW_PREFIX, &value);

	if (r == 0)
		wh_row_decode(&value, ret);
	return r;
}

int
wh_rows_get(const struct wh_view *v, struct wh_str whid, struct wh_row *ret)
{
	int r = wh_settled_get(v, whid, ret);

	return r == WH_ABSENT ? wh_row_stored(v, whid, ret) : r;
}

void
wh_row_draft(const struct wh_row *row, struct wh_draft *ret)
{
	wh_draft_init(ret);
	wh_draft_num(ret, row->revision, 8);
	wh_draft_num(ret, row->first_list, 8);
	wh_draft_num(ret, row->confirm, 8);
	wh_draft_num(ret, row->claim, 8);
	wh_draft_time(ret, row->confirmed_at);
	ret->tail[0] = row->body;
}

int
wh_row_store(struct wh_txn *t, struct wh_str id, const struct wh_row *row)
{
	struct wh_put_result res;
	struct wh_draft d;
	struct wh_key k;

	wh_key_id(&k, id);
	wh_row_draft(row, &d);
	int r = wh_table_put(t, WH_TABLE_ROWS, &k, &d, &res);

	if (r == 0 && res.how == WH_PUT_NEW)
		t->view.meta.rows++;
	return r;
}

int
wh_rows_put(struct wh_txn *t, struct wh_str whid, const struct wh_row *row)
{
	struct wh_terms_plan plan;
	struct wh_key k;

	wh_key_id(&k, whid);
	int r = wh_terms_plan(t, WH_SCAN_ROWS, whid, row->body, &plan);

	if (r == 0)
		r = wh_row_store(t, whid, row); /* before what it may borrow from is dropped */
	if (r == 0)
		r = wh_settled_drop(t, wh_key_view(&k));
	if (r == 0)
		r = wh_terms_follow(t, wh_key_view(&k), &plan);
	wh_touch_row(t, whid);
	return r;
}

int
wh_rows_del(struct wh_txn *t, struct wh_str whid)
{
	struct wh_terms_plan plan;
	struct wh_key k;

	wh_key_id(&k, whid);
	int r = wh_terms_plan(t, WH_SCAN_ROWS, whid, WH_STR_NULL, &plan);

	wh_touch_row(t, whid);
	if (r == 0)
		r = wh_settled_drop(t, wh_key_view(&k));
	if (r == 0)
		r = wh_table_del(t, WH_TABLE_ROWS, &k);
	if (r)
		return r;
	wh_meta_sub(&t->view.meta.rows, 1);
	return wh_terms_follow(t, wh_key_view(&k), &plan);
}
