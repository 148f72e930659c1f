/* SPDX-License-Identifier: MIT */
/*
 * Overlays: the effective row of each webhook whose lane has live operations.
 *
 * Read by the loop for every get while any overlay exists, written by the
 * commit thread together with the operations. The body is opaque.
 */
#include "store/terms.h"

#define HIDDEN 1u /* the only flag so far */

int
wh_overlay_decode(const struct wh_value *v, struct wh_overlay *ret)
{
	const uint8_t *p = v->prefix;

	ret->revision = wh_be_take(&p, 8);
	ret->pending = (uint32_t)wh_be_take(&p, 4);
	ret->state = (uint8_t)wh_be_take(&p, 1);
	ret->hidden = (wh_be_take(&p, 1) & HIDDEN) != 0;
	return wh_value_split(v, (size_t)wh_be_take(&p, 2), &ret->tmp_id, &ret->body);
}

int
wh_overlays_get(const struct wh_view *v, struct wh_str whid, struct wh_overlay *ret)
{
	struct wh_value value;
	struct wh_key k;

	if (v->meta.overlays == 0)
		return WH_ABSENT;
	wh_key_id(&k, whid);
	int r = wh_table_get(v, WH_TABLE_OVERLAYS, &k, WH_OVERLAY_PREFIX, &value);

	return r == 0 ? wh_overlay_decode(&value, ret) : r;
}

int
wh_overlays_put(struct wh_txn *t, struct wh_str whid, const struct wh_overlay *o)
{
	struct wh_terms_plan plan;
	struct wh_put_result res;
	struct wh_draft d;
	struct wh_key k;

	if (o->tmp_id.n > WH_KEY_MAX)
		return wh_txn_fail(t, WH_EINVAL);
	wh_key_id(&k, whid);
	wh_draft_init(&d);
	wh_draft_num(&d, o->revision, 8);
	wh_draft_num(&d, o->pending, 4);
	wh_draft_num(&d, o->state, 1);
	wh_draft_num(&d, o->hidden ? HIDDEN : 0, 1);
	wh_draft_num(&d, o->tmp_id.n, 2);
	d.tail[0] = o->tmp_id;
	d.tail[1] = o->body;
	int r = wh_terms_plan(t, WH_SCAN_OVERLAYS, whid, wh_overlay_terms(o), &plan);

	if (r == 0)
		r = wh_table_put(t, WH_TABLE_OVERLAYS, &k, &d, &res);
	if (r == 0 && res.how == WH_PUT_NEW)
		t->view.meta.overlays++;
	return r ? r : wh_terms_follow(t, wh_key_view(&k), &plan);
}

int
wh_overlays_del(struct wh_txn *t, struct wh_str whid)
{
	struct wh_terms_plan plan;
	struct wh_key k;

	wh_key_id(&k, whid);
	int r = wh_terms_plan(t, WH_SCAN_OVERLAYS, whid, WH_STR_NULL, &plan);

	if (r == 0)
		r = wh_table_del(t, WH_TABLE_OVERLAYS, &k);
	if (r)
		return r;
	wh_meta_sub(&t->view.meta.overlays, 1);
	return wh_terms_follow(t, wh_key_view(&k), &plan);
}
