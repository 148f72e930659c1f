/* SPDX-License-Identifier: MIT */
/*
 * Reading, writing and walking one table by key.
 *
 * Used by every table file of the store; reads on any thread with a view of
 * its own, writes on the commit thread. A read is one mdb_get and allocates
 * nothing. It knows nothing of what the fields of a table mean.
 */
#include "store/table.h"

static MDB_val
key_val(const struct wh_key *key)
{
	/* LMDB takes a writable pointer, but only reads what it points to. */
	return (MDB_val){key->n, (void *)(uintptr_t)key->b};
}

/*
 * A damaged length in a page makes LMDB hand out memory far behind the end of
 * the file. A small value lies within its page, a large one begins right
 * behind the header of its own run of pages, which tells how many there are.
 */
static bool
lies_in_page(const struct wh_view *v, const MDB_val *val)
{
	const size_t page = v->store->page_size;
	const size_t header = sizeof(size_t) + 8;
	size_t at = (uintptr_t)val->mv_data & (page - 1);
	uint32_t pages;

	if (v->writing || page == 0)
		return true; /* pages are not aligned to their size */
	if (at != header)
		return val->mv_size <= page - at;
	memcpy(&pages, (const char *)val->mv_data - sizeof(pages), sizeof(pages));
	return val->mv_size <= pages * page - header;
}

static int
get_bytes(const struct wh_view *v, enum wh_table table, const struct wh_key *key, MDB_val *ret)
{
	MDB_val k = key_val(key);
	MDB_dbi dbi = v->store->dbi[table];

	if (key->bad || dbi == WH_NO_TABLE)
		return WH_ABSENT;
	int rc = wh_trap_get(v->store, wh_view_txn(v), dbi, &k, ret);

	if (rc == MDB_NOTFOUND)
		return WH_ABSENT;
	if (rc != 0)
		return wh_mdb_fault(rc);
	return lies_in_page(v, ret) ? 0 : WH_ECORRUPT;
}

int
wh_table_get(const struct wh_view *v, enum wh_table table, const struct wh_key *key,
	     size_t min_prefix, struct wh_value *ret)
{
	MDB_val k = key_val(key);
	MDB_val data;
	int r = get_bytes(v, table, key, &data);

	return r ? r : wh_value_open(table, &k, &data, min_prefix, ret);
}

int
wh_table_peek(const struct wh_view *v, enum wh_table table, const struct wh_key *key,
	      size_t min_prefix, struct wh_value *ret)
{
	MDB_val data;
	int r = get_bytes(v, table, key, &data);

	return r ? r : wh_value_peek(&data, min_prefix, ret);
}

static int
put_bytes(struct wh_txn *t, enum wh_table table, const struct wh_key *key, unsigned flags)
{
	struct wh_store *s = t->view.store;
	MDB_val k = key_val(key);
	MDB_val data = {s->scratch.n, s->scratch.p};

	return mdb_put(wh_view_txn(&t->view), s->dbi[table], &k, &data, flags);
}

/* What stands under the key now: 0, WH_ABSENT or a fault. */
static int
stored_bytes(const struct wh_txn *t, enum wh_table table, const struct wh_key *key,
	     MDB_val *ret)
{
	MDB_val k = key_val(key);
	const struct wh_store *s = t->view.store;
	int rc = wh_trap_get(s, wh_view_txn(&t->view), s->dbi[table], &k, ret);

	return rc == MDB_NOTFOUND ? WH_ABSENT : wh_mdb_fault(rc);
}

static int
build(struct wh_txn *t, enum wh_table table, const struct wh_key *key, const struct wh_draft *d)
{
	if (t->fault)
		return t->fault;
	if (key->bad || key->n == 0)
		return wh_txn_fail(t, WH_EINVAL);
	return wh_txn_fail(t, wh_value_build(table, key, d, &t->view.store->scratch));
}

int
wh_table_put(struct wh_txn *t, enum wh_table table, const struct wh_key *key,
	     const struct wh_draft *d, struct wh_put_result *ret)
{
	const struct wh_buf *made = &t->view.store->scratch;
	struct wh_put_result res = {.how = WH_PUT_NEW};
	MDB_val old = {0, NULL};
	int r = build(t, table, key, d);

	if (r == 0)
		r = wh_txn_fail(t, stored_bytes(t, table, key, &old));
	if (r < 0)
		return r;
	if (r == 0) {
		bool same =
			old.mv_size == made->n && memcmp(old.mv_data, made->p, made->n) == 0;

		res.how = same ? WH_PUT_SAME : WH_PUT_CHANGED;
		res.old_size = old.mv_size;
	}
	res.new_size = made->n;
	if (ret)
		*ret = res;
	if (res.how == WH_PUT_SAME)
		return 0;
	return wh_txn_fail(t, wh_mdb_fault(put_bytes(t, table, key, 0)));
}

int
wh_table_append(struct wh_txn *t, enum wh_table table, const struct wh_key *key,
		const struct wh_draft *d)
{
	int r = build(t, table, key, d);

	if (r < 0)
		return r;
	int rc = put_bytes(t, table, key, MDB_APPEND);

	if (rc == MDB_KEYEXIST)
		return wh_txn_fail(t, WH_ECORRUPT);
	return wh_txn_fail(t, wh_mdb_fault(rc));
}

int
wh_table_add(struct wh_txn *t, enum wh_table table, const struct wh_key *key,
	     const struct wh_draft *d, struct wh_put_result *ret)
{
	int r = build(t, table, key, d);

	if (r < 0)
		return r;
	if (ret)
		*ret = (struct wh_put_result){WH_PUT_NEW, 0, t->view.store->scratch.n};
	int rc = put_bytes(t, table, key, MDB_APPEND);

	if (rc == MDB_KEYEXIST)
		rc = put_bytes(t, table, key, MDB_NOOVERWRITE);
	return wh_txn_fail(t, rc == MDB_KEYEXIST ? WH_EBUG : wh_mdb_fault(rc));
}

int
wh_table_del(struct wh_txn *t, enum wh_table table, const struct wh_key *key)
{
	MDB_val k = key_val(key);

	if (t->fault)
		return t->fault;
	if (key->bad)
		return WH_ABSENT;
	int rc = mdb_del(wh_view_txn(&t->view), t->view.store->dbi[table], &k, NULL);

	if (rc == MDB_NOTFOUND)
		return WH_ABSENT;
	return wh_txn_fail(t, wh_mdb_fault(rc));
}

int
wh_table_drop(struct wh_txn *t, enum wh_table table, const struct wh_key *key)
{
	int r = wh_table_del(t, table, key);

	return r == WH_ABSENT ? 0 : r;
}

int
wh_table_set(struct wh_txn *t, enum wh_table table, const struct wh_key *key)
{
	struct wh_draft d;

	wh_draft_init(&d);
	int r = build(t, table, key, &d);

	return r < 0 ? r : wh_txn_fail(t, wh_mdb_fault(put_bytes(t, table, key, 0)));
}

int
wh_table_clear(struct wh_txn *t, enum wh_table table)
{
	if (t->fault)
		return t->fault;
	return wh_txn_fail(
		t, wh_mdb_fault(mdb_drop(wh_view_txn(&t->view), t->view.store->dbi[table], 0)));
}

int
wh_walk_begin(const struct wh_view *v, enum wh_table table, struct wh_walk *ret)
{
	MDB_dbi dbi = v->store->dbi[table];

	*ret = (struct wh_walk){.view = v, .table = table};
	if (dbi == WH_NO_TABLE)
		return 0;
	return wh_mdb_fault(wh_trap_cursor_open(v->store, wh_view_txn(v), dbi, &ret->cursor));
}

void
wh_walk_end(struct wh_walk *w)
{
	if (w->cursor)
		mdb_cursor_close(w->cursor);
	w->cursor = NULL;
}

static int
walk(struct wh_walk *w, MDB_cursor_op op)
{
	if (!w->cursor)
		return WH_ABSENT;
	int rc = wh_trap_cursor_get(w->view->store, w->cursor, &w->key, &w->data, op);

	if (rc == MDB_NOTFOUND)
		return WH_ABSENT;
	if (rc != 0)
		return wh_mdb_fault(rc);
	/* A key that is not one: the page itself is damaged, so the walk ends. */
	if (w->key.mv_size > WH_KEY_ROOM || !lies_in_page(w->view, &w->key))
		return WH_ECORRUPT;
	return 0;
}

int
wh_walk_first(struct wh_walk *w)
{
	return walk(w, MDB_FIRST);
}

int
wh_walk_next(struct wh_walk *w)
{
	return walk(w, MDB_NEXT);
}

int
wh_walk_prev(struct wh_walk *w)
{
	return walk(w, MDB_PREV);
}

int
wh_walk_current(struct wh_walk *w)
{
	return walk(w, MDB_GET_CURRENT);
}

int
wh_walk_from(struct wh_walk *w, const struct wh_key *key)
{
	if (key->bad)
		return WH_ABSENT;
	w->key = key_val(key);
	return walk(w, MDB_SET_RANGE);
}

int
wh_walk_after(struct wh_walk *w, const struct wh_key *key)
{
	int r = wh_walk_from(w, key);

	if (r == 0 && wh_str_eq(wh_walk_key(w), wh_key_view(key)))
		r = walk(w, MDB_NEXT);
	return r;
}

int
wh_walk_before(struct wh_walk *w, const struct wh_key *key)
{
	int r = wh_walk_from(w, key);

	if (r == WH_ABSENT && !key->bad)
		return walk(w, MDB_LAST);
	return r == 0 ? walk(w, MDB_PREV) : r;
}

int
wh_walk_put(struct wh_txn *t, struct wh_walk *w, const struct wh_key *key,
	    const struct wh_draft *d)
{
	const struct wh_buf *made = &t->view.store->scratch;
	MDB_val k = key_val(key);
	int r = build(t, w->table, key, d);
	MDB_val data = {made->n, made->p};

	return r < 0 ? r
		     : wh_txn_fail(t, wh_mdb_fault(mdb_cursor_put(w->cursor, &k, &data, 0)));
}

int
wh_walk_peek(const struct wh_walk *w, size_t min_prefix, struct wh_value *ret)
{
	if (!lies_in_page(w->view, &w->data))
		return WH_ECORRUPT;
	return wh_value_peek(&w->data, min_prefix, ret);
}

int
wh_walk_value(const struct wh_walk *w, size_t min_prefix, struct wh_value *ret)
{
	if (!lies_in_page(w->view, &w->data))
		return WH_ECORRUPT;
	return wh_value_open(w->table, &w->key, &w->data, min_prefix, ret);
}
