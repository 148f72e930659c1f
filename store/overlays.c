/* SPDX-License-Identifier: MIT */
/*
 * Overlays: the effective row of each webhook whose lane has live operations.
 *
 * Read by the loop for every get while any overlay exists, written by the
 * commit thread together with the operations. The body is opaque.
 */
#include "store/settled.h"
#include "store/tail.h"
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
	size_t tmp_n = (size_t)wh_be_take(&p, 2);

	ret->newest = v->prefix_n >= WH_OVERLAY_PREFIX_NEWEST ? wh_be_take(&p, 8) : 0;
	bool shares = v->prefix_n >= WH_OVERLAY_PREFIX_SHARED;

	ret->shared = shares ? (uint32_t)wh_be_take(&p, 4) : 0;
	ret->shared_at = shares ? (uint32_t)wh_be_take(&p, 4) : 0;
	return wh_value_split(v, tmp_n, &ret->tmp_id, &ret->body);
}

bool
wh_overlay_fits(const struct wh_overlay *o, struct wh_str op_body)
{
	return o->shared_at <= op_body.n && o->shared <= op_body.n - o->shared_at;
}

/* What it shares, in the body of its newest operation. 0, WH_ECORRUPT or a fault. */
static int
find_shared(const struct wh_view *v, const struct wh_overlay *o, struct wh_str *ret)
{
	struct wh_oprow op;
	int r = wh_ops_get(v, o->newest, &op);

	if (r)
		return r == WH_ABSENT ? WH_ECORRUPT : r;
	if (!wh_overlay_fits(o, op.body))
		return WH_ECORRUPT;
	*ret = wh_str(op.body.p + o->shared_at, o->shared);
	return 0;
}

int
wh_overlay_join(const struct wh_view *v, struct wh_buf *room, struct wh_overlay *inout)
{
	struct wh_str rest;

	if (inout->shared == 0)
		return 0;
	int r = find_shared(v, inout, &rest);

	if (r)
		return r;
	wh_buf_reset(room);
	wh_buf_str(room, inout->body);
	wh_buf_str(room, rest);
	inout->body = wh_buf_view(room);
	return room->fault;
}

int
wh_overlay_stored(const struct wh_view *v, struct wh_str id, struct wh_overlay *ret)
{
	struct wh_value value;
	struct wh_key k;

	if (v->meta.overlays == 0)
		return WH_ABSENT;
	wh_key_id(&k, id);
	int r = wh_table_get(v, WH_TABLE_OVERLAYS, &k, WH_OVERLAY_PREFIX, &value);

	return r == 0 ? wh_overlay_decode(&value, ret) : r;
}

int
wh_overlays_get(const struct wh_view *v, struct wh_str whid, struct wh_buf *room,
		struct wh_overlay *ret)
{
	int r = wh_overlay_stored(v, whid, ret);

	if (r == 0)
		r = wh_settled_see(v, whid, ret);
	return r == 0 && room ? wh_overlay_join(v, room, ret) : r;
}

/*
 * The index rows of a new overlay are written with those of the newest
 * operation of its lane. One that has its own keeps them right from then on,
 * and what it says of itself: then it is not written again for nothing.
 */
static int
find_newest(const struct wh_txn *t, struct wh_str whid, uint64_t newest, uint64_t *ret)
{
	const struct wh_meta *m = &t->view.meta;
	struct wh_overlay old;
	int r = wh_overlays_get(&t->view, whid, NULL, &old);

	if (r == 0 && !wh_tail_has(m, old.newest))
		*ret = old.newest;
	else
		*ret = r != WH_ECORRUPT && wh_tail_has(m, newest) ? newest : 0;
	return r == WH_ECORRUPT ? 0 : r < 0 ? r : 0;
}

/* While its index rows wait nobody asks for its terms, so that nothing leads to the body but
 * itself; and until then the operation is mostly as it came. */
static void
share(const struct wh_txn *t, struct wh_overlay *o)
{
	struct wh_str rest;

	if (o->shared == 0)
		return;
	if (!wh_tail_has(&t->view.meta, o->newest) || o->shared > o->body.n ||
	    find_shared(&t->view, o, &rest) ||
	    !wh_str_eq(rest, wh_str(o->body.p + o->body.n - o->shared, o->shared)))
		o->shared = 0;
}

static void
draft(const struct wh_overlay *o, struct wh_draft *d)
{
	wh_draft_init(d);
	wh_draft_num(d, o->revision, 8);
	wh_draft_num(d, o->pending, 4);
	wh_draft_num(d, o->state, 1);
	wh_draft_num(d, o->hidden ? HIDDEN : 0, 1);
	wh_draft_num(d, o->tmp_id.n, 2);
	wh_draft_num(d, o->newest, 8);
	if (o->shared > 0) {
		wh_draft_num(d, o->shared, 4);
		wh_draft_num(d, o->shared_at, 4);
	}
	d->tail[0] = o->tmp_id;
	d->tail[1] = wh_str(o->body.p, o->body.n - o->shared);
}

int
wh_overlays_put(struct wh_txn *t, struct wh_str whid, const struct wh_overlay *o)
{
	struct wh_terms_plan plan;
	struct wh_put_result res;
	struct wh_overlay is = *o;
	struct wh_draft d;
	struct wh_key k;

	if (o->tmp_id.n > WH_KEY_MAX)
		return wh_txn_fail(t, WH_EINVAL);
	wh_key_id(&k, whid);
	int r = wh_settled_write(t, wh_key_view(&k));

	if (r == 0)
		r = wh_txn_fail(t, find_newest(t, whid, o->newest, &is.newest));
	if (r)
		return r;
	share(t, &is);
	draft(&is, &d);
	r = wh_terms_plan(t, WH_SCAN_OVERLAYS, whid, wh_overlay_terms(&t->view.meta, &is),
			  &plan);
	if (r == 0)
		r = wh_table_put(t, WH_TABLE_OVERLAYS, &k, &d, &res);
	if (r == 0 && res.how == WH_PUT_NEW)
		t->view.meta.overlays++;
	return r ? r : wh_terms_follow(t, wh_key_view(&k), &plan);
}

int
wh_overlays_add(struct wh_txn *t, struct wh_str tmp_id, const struct wh_overlay *o)
{
	struct wh_overlay is = *o;
	struct wh_draft d;
	struct wh_key k;

	if (!wh_tail_has(&t->view.meta, o->newest)) /* its index rows do not wait */
		return wh_overlays_put(t, tmp_id, o);
	if (o->tmp_id.n > WH_KEY_MAX)
		return wh_txn_fail(t, WH_EINVAL);
	wh_key_id(&k, tmp_id);
	share(t, &is);
	draft(&is, &d);
	int r = wh_table_add(t, WH_TABLE_OVERLAYS, &k, &d, NULL);

	if (r == 0)
		t->view.meta.overlays++;
	return r;
}

int
wh_overlay_remove(struct wh_txn *t, struct wh_str id)
{
	struct wh_key k;

	wh_key_id(&k, id);
	int r = wh_table_del(t, WH_TABLE_OVERLAYS, &k);

	if (r == 0)
		wh_meta_sub(&t->view.meta.overlays, 1);
	return r;
}

int
wh_overlays_del(struct wh_txn *t, struct wh_str whid)
{
	struct wh_terms_plan plan;
	struct wh_overlay o;
	struct wh_key k;

	wh_key_id(&k, whid);
	int r = wh_terms_plan(t, WH_SCAN_OVERLAYS, whid, WH_STR_NULL, &plan);

	if (r == 0 && t->view.meta.settled > 0 &&
	    wh_overlays_get(&t->view, whid, NULL, &o) == WH_ABSENT)
		return WH_ABSENT; /* what is there is a row */
	if (r == 0)
		r = wh_overlay_remove(t, wh_key_view(&k));
	return r ? r : wh_terms_follow(t, wh_key_view(&k), &plan);
}

/* From here on it is found by its terms, and stands for itself. */
static int
make_whole(struct wh_txn *t, const struct wh_key *k, struct wh_overlay *o)
{
	struct wh_draft d;

	if (o->shared == 0)
		return 0;
	o->shared = 0;
	draft(o, &d);
	return wh_table_put(t, WH_TABLE_OVERLAYS, k, &d, NULL);
}

static int
catch_up(struct wh_txn *t, const struct wh_key *k, struct wh_overlay *o, struct wh_batch *out)
{
	int r = make_whole(t, k, o);

	return r ? r
		 : wh_terms_gather(t, wh_key_view(k), o->hidden ? WH_STR_NULL : o->body, out);
}

int
wh_overlay_catch_up(struct wh_txn *t, struct wh_str whid, uint64_t end, struct wh_batch *out)
{
	struct wh_buf room = WH_BUF_NULL;
	struct wh_overlay o;
	struct wh_key k;
	int r = wh_overlays_get(&t->view, whid, &room, &o);

	wh_key_id(&k, whid);
	if (r == WH_ABSENT || r == WH_ECORRUPT)
		r = 0; /* who asks for a damaged one is told */
	else if (r == 0 && wh_tail_has(&t->view.meta, o.newest) && o.newest < end)
		r = catch_up(t, &k, &o, out);
	wh_buf_fini(&room);
	return r;
}
