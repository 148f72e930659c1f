/* SPDX-License-Identifier: MIT */
/*
 * From the pages of a damaged file to the rows of a new one.
 *
 * Each value carries a checksum over its table and key: one that fits is what
 * whd wrote, wherever it is found. First each table is read by its tree; if
 * that does not lead to all of it, pages that no tree led to are searched for
 * rows that are missing. They may be some commits old; that is why every
 * operation of a store made anew counts as one in doubt. Indexes and the change
 * log are made anew from the rest and not read, and neither are overlays but
 * those that are rows by now.
 */
#include "store/salvage.h"
#include "store/settled.h"

#define ROWS_A_TXN 20000

static int
commit(struct wh_salvage *x)
{
	int r = wh_txn_commit(&x->t);

	x->in_txn = 0;
	return r ? r : wh_txn_begin(&x->into, &x->t);
}

/* --------------------------------------------------------------- one row -- */

static void
count_row(struct wh_salvage *x, const struct wh_row *row)
{
	x->counters.confirm = wh_higher(x->counters.confirm, row->confirm);
	x->counters.list_last = wh_higher(x->counters.list_last, row->first_list);
	x->counters.revision = wh_higher(x->counters.revision, row->revision);
}

static int
put_row(struct wh_salvage *x, struct wh_str key, const struct wh_value *v)
{
	struct wh_row row;

	wh_row_decode(v, &row);
	count_row(x, &row);
	return wh_rows_put(&x->t, key, &row);
}

/* It waits for its overlay. */
static int
put_settled(struct wh_salvage *x, struct wh_str key, const struct wh_value *v)
{
	struct wh_row row;

	if (key.n != 8)
		return WH_ECORRUPT;
	wh_row_decode(v, &row);
	count_row(x, &row);
	return wh_settled_put(&x->t, wh_be_get((const uint8_t *)key.p, 8), row.body, &row);
}

static int
put_overlay(struct wh_salvage *x, struct wh_str key, const struct wh_value *v)
{
	struct wh_overlay o;
	struct wh_row row;
	int r = wh_overlay_decode(v, &o);

	if (r == 0)
		r = wh_settled_of(&x->t.view, key, &o, &row);
	if (r == 0)
		r = wh_rows_put(&x->t, key, &row);
	return r == 0 ? wh_settled_forget(&x->t, o.newest) : r;
}

static int
put_tomb(struct wh_salvage *x, struct wh_str key, const struct wh_value *v)
{
	return wh_tombs_put(&x->t, key, wh_be_get(v->prefix, 8));
}

static int
put_late(struct wh_salvage *x, struct wh_str key, const struct wh_value *v)
{
	struct wh_late late;

	wh_late_decode(v, &late);
	return wh_late_put(&x->t, key, &late);
}

static int
put_alias(struct wh_salvage *x, struct wh_str key, const struct wh_value *v)
{
	if (!wh_lane_valid(v->tail) || wh_str_eq(key, v->tail))
		return WH_ECORRUPT;
	return wh_aliases_put(&x->t, key, v->tail);
}

static int
put_past(struct wh_salvage *x, struct wh_str key, const struct wh_value *v)
{
	struct wh_past past, there;

	if (key.n != 8 || wh_past_decode(1, v, &past) < 0)
		return WH_ECORRUPT;
	int r = wh_history_find(&x->t.view, past.id, &there);

	return r == WH_ABSENT ? wh_history_add(&x->t, &past) : r;
}

static int
put_request(struct wh_salvage *x, struct wh_str key, const struct wh_value *v)
{
	const uint8_t *p = (const uint8_t *)key.p;
	struct wh_request row;

	if (key.n <= 6)
		return WH_ECORRUPT;
	row.uid = (uint32_t)wh_be_take(&p, 4);
	row.method = (uint16_t)wh_be_take(&p, 2);
	row.request_id = wh_str((const char *)p, key.n - 6);
	wh_request_decode(v, &row);
	return wh_requests_put(&x->t, &row);
}

/* It may not be, or not be as it was: a person is to look at it. */
static int
mark_op(struct wh_salvage *x, uint64_t seq)
{
	const struct wh_damaged d = {.seq = seq};

	x->highest = wh_higher(x->highest, seq);
	return seq > 0 ? wh_damaged_put(&x->t, &d) : 0;
}

/* Of a salvage before this one, which nobody has heard of yet. */
static int
put_damaged(struct wh_salvage *x, struct wh_str key, const struct wh_value *v)
{
	struct wh_damaged d;

	if (key.n != 8)
		return WH_ECORRUPT;
	wh_damaged_decode(wh_be_get((const uint8_t *)key.p, 8), v, &d);
	x->highest = wh_higher(x->highest, d.seq);
	return d.seq > 0 ? wh_damaged_put(&x->t, &d) : 0;
}

/* Its index, if it has one, tells more surely who it is; until then it is who it says. */
static int
mark_damaged_op(struct wh_salvage *x, uint64_t seq, const MDB_val *data)
{
	struct wh_damaged d = {.seq = seq};
	struct wh_value value;
	struct wh_oprow op;

	x->highest = wh_higher(x->highest, seq);
	if (wh_value_peek(data, WH_OP_PREFIX, &value) == 0 &&
	    wh_oprow_decode(seq, &value, &op) == 0) {
		d.has_id = true;
		memcpy(d.id, op.id, sizeof(d.id));
		d.lane = op.lane;
	}
	return seq > 0 ? wh_damaged_put(&x->t, &d) : 0;
}

/* One that has ended is in the history; an older state of it is not one that waits. */
static int
put_op(struct wh_salvage *x, struct wh_str key, const struct wh_value *v)
{
	struct wh_oprow op;
	struct wh_past past;
	uint64_t seq;

	if (key.n != 8 || wh_oprow_decode(wh_be_get((const uint8_t *)key.p, 8), v, &op) < 0)
		return WH_ECORRUPT;
	x->highest = wh_higher(x->highest, op.seq);
	int r = wh_history_find(&x->t.view, op.id, &past);

	if (r == WH_ABSENT)
		r = wh_ops_find(&x->t.view, op.id, &seq);
	if (r != WH_ABSENT)
		return r;
	r = wh_ops_put(&x->t, &op);
	return r == 0 && (x->strays || x->behind) ? mark_op(x, op.seq) : r;
}

/* Of counters that are found twice the higher ones are right: none ever goes down that matters.
 */
static int
take_counters(struct wh_salvage *x, const struct wh_value *v)
{
	struct wh_meta m;
	int r = wh_meta_decode(v, &m);

	if (r < 0)
		return r;
	if (!x->has_counters || m.revision > x->counters.revision) {
		m.confirm = wh_higher(m.confirm, x->counters.confirm);
		m.list_last = wh_higher(m.list_last, x->counters.list_last);
		x->counters = m;
	}
	x->has_counters = true;
	return 0;
}

static int
put_meta(struct wh_salvage *x, struct wh_str key, const struct wh_value *v)
{
	struct wh_str name = wh_str_c(WH_META_TEXT_KEY), there;
	char text[128];

	if (wh_str_is(key, WH_META_COUNTERS_KEY))
		return take_counters(x, v);
	if (key.n <= name.n || key.n - name.n >= sizeof(text) ||
	    memcmp(key.p, name.p, name.n) != 0)
		return 0;
	memcpy(text, key.p + name.n, key.n - name.n);
	text[key.n - name.n] = '\0';
	if (strcmp(text, WH_META_REPAIR) == 0 || strcmp(text, WH_META_LOG) == 0)
		return 0; /* it is being done; the log begins anew */
	int r = wh_meta_text(&x->t.view, text, &there);

	return r == WH_ABSENT ? wh_meta_put_text(&x->t, text, v->tail) : r;
}

static const struct salvaged_table {
	enum wh_table table;
	const char *name;
	size_t min_prefix;
	bool strays; /* old ones are better than none: the API has nothing like it */
	int (*put)(struct wh_salvage *, struct wh_str, const struct wh_value *);
} salvaged[] = {
	{WH_TABLE_META, "meta", 0, true, put_meta},
	{WH_TABLE_ROWS, "rows", WH_ROW_PREFIX, false, put_row},
	{WH_TABLE_SETTLED, "settled", WH_SETTLED_PREFIX, false, put_settled},
	{WH_TABLE_OVERLAYS, "overlays", WH_OVERLAY_PREFIX, false, put_overlay},
	{WH_TABLE_TOMBS, "tombs", WH_TOMB_PREFIX, false, put_tomb},
	{WH_TABLE_LATE, "late", WH_LATE_PREFIX, false, put_late},
	{WH_TABLE_ALIASES, "aliases", 0, true, put_alias},
	{WH_TABLE_HISTORY, "history", WH_PAST_PREFIX, true, put_past},
	{WH_TABLE_OPS, "ops", WH_OP_PREFIX, true, put_op},
	{WH_TABLE_DAMAGED, "damaged", WH_DAMAGED_PREFIX, false, put_damaged},
	{WH_TABLE_REQUESTS, "requests", WH_REQUEST_PREFIX, true, put_request},
};

/* ------------------------------------------------------------- by the tree -- */

static int
on_row(void *ctx, const MDB_val *key, const MDB_val *data)
{
	struct wh_salvage *x = ctx;
	struct wh_str k = wh_str(key->mv_data, key->mv_size);
	struct wh_value v;
	size_t i = 0;

	while (salvaged[i].table != x->table)
		i++;
	if (x->table == WH_TABLE_META && wh_str_is(k, WH_META_FORMAT_KEY))
		return 0;
	int r = wh_value_open(x->table, key, data, salvaged[i].min_prefix, &v);

	if (r == 0)
		r = salvaged[i].put(x, k, &v);
	if (r == WH_ECORRUPT) {
		x->cut[x->table] = true; /* an older state of it may be found */
		r = x->table == WH_TABLE_OPS && k.n == 8
			    ? mark_damaged_op(x, wh_be_get(key->mv_data, 8), data)
			    : 0;
		return r ? r : x->t.fault;
	}
	if (r == 0 && ++x->in_txn >= ROWS_A_TXN)
		r = commit(x);
	x->ret->rows += r == 0;
	return r < 0 ? r : 0;
}

static int
by_tree(struct wh_salvage *x)
{
	for (size_t i = 0; i < wh_array_len(salvaged); i++) {
		x->table = salvaged[i].table;
		int r = wh_pages_table(&x->pages, salvaged[i].name, on_row, x);

		if (r < 0 && r != WH_ECORRUPT)
			return r;
		if (r || x->behind)
			x->cut[x->table] = true;
	}
	return 0;
}

/* Whose overlay was not found is a webhook that is older than it was. */
static int
leave_settled(struct wh_salvage *x)
{
	bool had = x->counters.settled > 0 || !x->has_counters;

	if ((had && x->cut[WH_TABLE_SETTLED]) || x->t.view.meta.settled > 0)
		x->cut[WH_TABLE_ROWS] = true;
	x->t.view.meta.settled = 0;
	return wh_table_clear(&x->t, WH_TABLE_SETTLED);
}

/* --------------------------------------------------------- by what is left -- */

/* Which table a row is of, its own checksum says. */
static int
on_stray(void *ctx, const MDB_val *key, const MDB_val *data)
{
	struct wh_salvage *x = ctx;
	struct wh_value v;

	for (size_t i = 0; i < wh_array_len(salvaged); i++) {
		if (!x->cut[salvaged[i].table] || !salvaged[i].strays ||
		    wh_value_open(salvaged[i].table, key, data, salvaged[i].min_prefix, &v) < 0)
			continue;
		int r = salvaged[i].put(x, wh_str(key->mv_data, key->mv_size), &v);

		if (r == WH_ECORRUPT)
			return x->t.fault;
		x->ret->rows++;
		if (r == 0 && ++x->in_txn >= ROWS_A_TXN)
			r = commit(x);
		return r < 0 ? r : 0;
	}
	return 0;
}

/* They come in no order, and are looked up one by one: none may stand in the tail, which is
 * read through for that. */
static int
leave_no_tail(struct wh_salvage *x)
{
	int r = wh_ops_catch_up(&x->t, 0, SIZE_MAX);

	x->t.view.meta.op_seq = UINT64_MAX;
	return r;
}

/* Twice: an operation that has ended is known by its history, which may be found later. */
static int
by_what_is_left(struct wh_salvage *x)
{
	const bool ops = x->cut[WH_TABLE_OPS], history = x->cut[WH_TABLE_HISTORY];
	bool any = false;

	for (size_t i = 0; i < wh_array_len(salvaged); i++)
		any |= x->cut[salvaged[i].table];
	if (!any)
		return 0;
	x->strays = true;
	x->cut[WH_TABLE_OPS] = false;
	x->cut[WH_TABLE_HISTORY] |= ops;
	int r = leave_no_tail(x);

	if (r == 0)
		r = wh_pages_strays(&x->pages, on_stray, x);
	x->cut[WH_TABLE_OPS] = ops;
	x->cut[WH_TABLE_HISTORY] = history;
	return r == 0 && ops ? wh_pages_strays(&x->pages, on_stray, x) : r;
}

int
wh_salvage_rows(struct wh_salvage *x)
{
	int r = by_tree(x);

	if (r == 0)
		r = leave_settled(x);
	return r ? r : by_what_is_left(x);
}
