/* SPDX-License-Identifier: MIT */
/*
 * Noting that an overlay is a row, and writing the rows behind it.
 *
 * Read by any view. Written by the commit thread: rows are moved when nobody
 * brings a change, or one by one by whoever changes the webhook again.
 */
#include "store/settled.h"

#include <stdlib.h>

#include "store/index.h"
#include "store/terms.h"

int
wh_settled_of(const struct wh_view *v, struct wh_str id, const struct wh_overlay *o,
	      struct wh_row *ret)
{
	struct wh_value value;
	struct wh_key k;

	if (v->meta.settled == 0 || o->newest == 0)
		return WH_ABSENT;
	wh_key_order(&k, o->newest);
	int r = wh_table_get(v, WH_TABLE_SETTLED, &k, WH_SETTLED_PREFIX, &value);

	if (r)
		return r;
	wh_row_decode(&value, ret);
	if (!wh_str_eq(ret->body, id))
		return WH_ABSENT;
	ret->body = o->body;
	return 0;
}

int
wh_settled_see(const struct wh_view *v, struct wh_str id, const struct wh_overlay *o)
{
	struct wh_row row;
	int r = wh_settled_of(v, id, o, &row);

	if (r == WH_ABSENT)
		return 0;
	return r == 0 || r == WH_ECORRUPT ? WH_ABSENT : r;
}

static bool
has_operation(const struct wh_view *v, struct wh_str id)
{
	uint64_t seq;
	size_t n = 0;

	return wh_ops_lane(v, id, &seq, 1, &n) == 0 && n > 0;
}

int
wh_settled_get(const struct wh_view *v, struct wh_str id, struct wh_row *ret)
{
	struct wh_overlay o;

	if (v->meta.settled == 0)
		return WH_ABSENT;
	int r = wh_overlay_stored(v, id, &o);

	if (r == WH_ECORRUPT)
		return has_operation(v, id) ? WH_ABSENT : r;
	return r ? r : wh_settled_of(v, id, &o, ret);
}

/* ------------------------------------------------------- commit thread -- */

int
wh_settled_put(struct wh_txn *t, uint64_t newest, struct wh_str id, const struct wh_row *row)
{
	struct wh_row as_noted = *row;
	struct wh_put_result res;
	struct wh_draft d;
	struct wh_key k;

	as_noted.body = id;
	wh_key_order(&k, newest);
	wh_row_draft(&as_noted, &d);
	int r = wh_table_put(t, WH_TABLE_SETTLED, &k, &d, &res);

	if (r == 0 && res.how == WH_PUT_NEW)
		t->view.meta.settled++;
	return r;
}

int
wh_settled_forget(struct wh_txn *t, uint64_t newest)
{
	struct wh_key k;

	wh_key_order(&k, newest);
	int r = wh_table_del(t, WH_TABLE_SETTLED, &k);

	if (r == 0)
		wh_meta_sub(&t->view.meta.settled, 1);
	return r == WH_ABSENT ? 0 : r;
}

static int
forget(struct wh_txn *t, struct wh_str id, uint64_t newest)
{
	int r = wh_settled_forget(t, newest);

	return r ? r : wh_overlay_remove(t, id);
}

/* Of a damaged overlay it is not known which note is its own; who writes the rows drops it. */
int
wh_settled_drop(struct wh_txn *t, struct wh_str id)
{
	struct wh_overlay o = {.newest = 0};
	struct wh_row row;

	if (t->fault || t->view.meta.settled == 0)
		return t->fault;
	int r = wh_overlay_stored(&t->view, id, &o);

	if (r == WH_ECORRUPT)
		return has_operation(&t->view, id) ? 0 : wh_overlay_remove(t, id);
	if (r == 0)
		r = wh_settled_of(&t->view, id, &o, &row);
	if (r == 0 || r == WH_ECORRUPT)
		return forget(t, id, o.newest);
	return r == WH_ABSENT ? 0 : wh_txn_fail(t, r);
}

int
wh_settled_write(struct wh_txn *t, struct wh_str id)
{
	struct wh_row row;

	if (t->fault || t->view.meta.settled == 0)
		return t->fault;
	int r = wh_settled_get(&t->view, id, &row);

	if (r == WH_ABSENT)
		return 0;
	if (r == 0)
		r = wh_row_store(t, id, &row);
	else if (r == WH_ECORRUPT)
		r = 0; /* the row that is there is the older one: the next list tells */
	return r ? wh_txn_fail(t, r) : wh_settled_drop(t, id);
}

/* -------------------------------------------------------------- settling -- */

/* With fewer little is saved, and until the rows are written it costs those who read. */
#define MANY 256u

static bool
many_wait(const struct wh_txn *t)
{
	const struct wh_meta *m = &t->view.meta;
	uint64_t from = t->view.store->settle_from ? t->view.store->settle_from : MANY;

	return m->ops_queued + m->ops_sending >= from;
}

/* By another webhook: operations are handed over from one to another. */
static bool
is_noted(const struct wh_txn *t, uint64_t newest)
{
	struct wh_value value;
	struct wh_key k;

	wh_key_order(&k, newest);
	return wh_table_get(&t->view, WH_TABLE_SETTLED, &k, WH_SETTLED_PREFIX, &value) !=
	       WH_ABSENT;
}

/* Is there a row that will be replaced by just what the overlay shows? */
static bool
can_settle(const struct wh_txn *t, struct wh_str id, const struct wh_row *row,
	   struct wh_overlay *ret)
{
	struct wh_row there;

	return many_wait(t) && wh_overlay_stored(&t->view, id, ret) == 0 && ret->newest > 0 &&
	       ret->shared == 0 && !ret->hidden && wh_str_eq(ret->body, row->body) &&
	       !is_noted(t, ret->newest) && wh_row_stored(&t->view, id, &there) == 0;
}

static int
settle(struct wh_txn *t, struct wh_str id, uint64_t newest, const struct wh_row *row)
{
	struct wh_terms_plan plan;
	int r = wh_terms_plan(t, WH_SCAN_ROWS, id, row->body, &plan);

	if (r == 0)
		r = wh_settled_put(t, newest, id, row);
	if (r == 0)
		r = wh_terms_follow(t, id, &plan);
	if (r == 0)
		wh_touch_row(t, id);
	return r;
}

int
wh_rows_settle(struct wh_txn *t, struct wh_str whid, const struct wh_row *row)
{
	struct wh_overlay o;
	int r = t->fault;

	if (r == 0)
		r = can_settle(t, whid, row, &o) ? settle(t, whid, o.newest, row) : WH_ABSENT;
	if (r != WH_ABSENT)
		return r;
	r = wh_rows_put(t, whid, row);
	if (r == 0)
		r = wh_overlays_del(t, whid);
	return r == WH_ABSENT ? 0 : r;
}

/* -------------------------------------------------------------- catch-up -- */

struct noted {
	uint64_t seq;
	struct wh_key lane;
};

static int
by_lane(const void *a, const void *b)
{
	const struct noted *x = a, *y = b;

	return wh_str_cmp(wh_key_view(&x->lane), wh_key_view(&y->lane));
}

/* The oldest ones. A damaged note leads nowhere. */
static int
gather(const struct wh_view *v, struct noted *ret, size_t max, size_t *ret_n)
{
	struct wh_value value;
	struct wh_row row;
	struct wh_walk w;
	int r = wh_walk_begin(v, WH_TABLE_SETTLED, &w);

	*ret_n = 0;
	if (r < 0)
		return r;
	for (r = wh_walk_first(&w); r == 0 && *ret_n < max; r = wh_walk_next(&w)) {
		struct noted *n = &ret[(*ret_n)++];

		n->seq = wh_walk_order(&w);
		n->lane.n = 0;
		if (wh_walk_value(&w, WH_SETTLED_PREFIX, &value))
			continue;
		wh_row_decode(&value, &row);
		wh_key_id(&n->lane, row.body);
	}
	wh_walk_end(&w);
	return r == WH_ABSENT ? 0 : r;
}

/* What damage hides stays, so that who asks is told; the next list replaces it. */
static int
move(struct wh_txn *t, const struct noted *n, size_t *damaged)
{
	struct wh_row row;
	struct wh_str id = wh_key_view(&n->lane);
	int r = id.n > 0 ? wh_settled_get(&t->view, id, &row) : WH_ECORRUPT;

	if (r == WH_ABSENT)
		return wh_settled_forget(t, n->seq);
	if (r == WH_ECORRUPT) {
		++*damaged;
		return 0;
	}
	r = r == 0 ? wh_row_store(t, id, &row) : wh_txn_fail(t, r);
	return r ? r : forget(t, id, n->seq);
}

static int
move_all(struct wh_txn *t, struct noted *noted, size_t max)
{
	size_t n = 0, damaged = 0;
	int r = wh_txn_fail(t, gather(&t->view, noted, max, &n));

	qsort(noted, n, sizeof(*noted), by_lane);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = move(t, &noted[i], &damaged);
	return r == 0 && damaged == n ? WH_ECORRUPT : r;
}

int
wh_settled_catch_up(struct wh_txn *t, size_t max)
{
	if (t->fault || t->view.meta.settled == 0)
		return t->fault;
	if (max > t->view.meta.settled)
		max = (size_t)t->view.meta.settled;
	struct noted *noted = calloc(max, sizeof(*noted));
	int r = noted ? move_all(t, noted, max) : wh_txn_fail(t, WH_ENOMEM);

	free(noted);
	return r;
}
