/* SPDX-License-Identifier: MIT */
/*
 * Read snapshots and write transactions.
 *
 * A view belongs to one thread at a time; a transaction to the commit thread.
 * Renewing a view is on the path of every commit: it reuses its reader slot
 * and reads the counters, which are one value. A transaction remembers its
 * first fault, refuses everything after it, and then only aborts.
 */
#include <stdlib.h>

#include "store/commit.h"
#include "store/seal.h"
#include "store/shortcut.h"
#include "store/sieve.h"
#include "store/tail.h"

#define SCRATCH_KEEP ((size_t)256 << 10)

static int
begin_reader(struct wh_store *s, MDB_txn **ret)
{
	int rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, ret);

	if (rc == MDB_READERS_FULL) {
		wh_store_reap_readers(s);
		rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, ret);
	}
	return wh_mdb_fault(rc);
}

int
wh_view_begin(struct wh_store *s, struct wh_view *ret)
{
	struct wh_view v = {.store = s};
	MDB_txn *txn = NULL;
	int r = begin_reader(s, &txn);

	v.mdb = txn;
	if (r == 0)
		r = wh_meta_load(&v, &v.meta);
	if (r < 0) {
		wh_view_end(&v);
		return r;
	}
	*ret = v;
	return 0;
}

/* What it remembers is of the snapshot before. */
static int
look_around(struct wh_view *v, int moved)
{
	int r = moved ? moved : wh_meta_load(v, &v->meta);

	v->renewals++;
	if (v->shortcuts)
		wh_shortcuts_forget(v->shortcuts, v->meta.rows);
	if (v->ids)
		wh_tail_ids_follow(&v->ids, &v->meta);
	return r;
}

static int
move_reader(MDB_txn *txn)
{
	mdb_txn_reset(txn);
	return wh_mdb_fault(mdb_txn_renew(txn));
}

int
wh_view_renew(struct wh_view *v)
{
	return look_around(v, move_reader(wh_view_txn(v)));
}

void
wh_view_remember(struct wh_view *v)
{
	if (!v->shortcuts)
		v->shortcuts = wh_shortcuts_new();
	if (!v->ids)
		v->ids = wh_tail_ids_new();
	if (v->shortcuts)
		wh_shortcuts_forget(v->shortcuts, v->meta.rows);
}

void
wh_view_end(struct wh_view *v)
{
	wh_shortcuts_free(v->shortcuts);
	v->shortcuts = NULL;
	free(v->ids);
	v->ids = NULL;
	if (v->mdb)
		mdb_txn_abort(wh_view_txn(v));
	v->mdb = NULL;
}

/* ------------------------------------------------------------ on its way -- */

int
wh_ready_begin(struct wh_store *s, struct wh_ready *ret)
{
	MDB_txn *txn = NULL;
	int r = begin_reader(s, &txn);

	if (txn)
		mdb_txn_reset(txn);
	ret->mdb = txn;
	return r;
}

int
wh_ready_move(struct wh_ready *r)
{
	return move_reader(r->mdb);
}

void
wh_ready_end(struct wh_ready *r)
{
	if (r->mdb)
		mdb_txn_abort(r->mdb);
	r->mdb = NULL;
}

int
wh_view_take(struct wh_view *v, struct wh_ready *r)
{
	void *was = v->mdb;

	v->mdb = r->mdb;
	r->mdb = was;
	mdb_txn_reset(was);
	return look_around(v, 0);
}

/* ---------------------------------------------------------- transactions -- */

int
wh_txn_begin(struct wh_store *s, struct wh_txn *ret)
{
	MDB_txn *txn = NULL;

	if (wh_seal_broken(s))
		return WH_EIO;
	int rc = mdb_txn_begin(s->env, NULL, 0, &txn);

	if (rc != 0)
		return wh_mdb_fault(rc);
	*ret = (struct wh_txn){.view = {.store = s, .mdb = txn, .writing = true}};
	wh_changes_forget(s);
	int r = wh_meta_load(&ret->view, &ret->view.meta);

	if (r < 0) {
		wh_txn_abort(ret);
		return r;
	}
	ret->was = ret->view.meta;
	return 0;
}

static void
txn_done(struct wh_txn *t)
{
	struct wh_buf *scratch = &t->view.store->scratch;

	t->view.mdb = NULL;
	if (scratch->cap > SCRATCH_KEEP)
		wh_buf_fini(scratch);
}

int
wh_txn_make(struct wh_txn *t)
{
	struct wh_store *s = t->view.store;
	int r = t->fault ? t->fault : wh_changes_flush(t);

	if (r == 0)
		r = wh_meta_flush(t);
	if (r == 0 && wh_seal_broken(s)) /* since it was begun */
		r = WH_EIO;
	if (r < 0) {
		wh_txn_abort(t);
		return r;
	}
	wh_room_look(s);
	int rc = mdb_txn_commit(wh_view_txn(&t->view)); /* frees it, failed or not */

	txn_done(t);
	t->fault = wh_commit_fault(s, rc);
	if (t->fault) {
		wh_tail_forget(s);
		wh_sieve_forget(s);
	} else {
		wh_sieve_keep(s);
	}
	return t->fault;
}

int
wh_store_flush(struct wh_store *s)
{
	int r = s->seal ? wh_seal_commit(s) : 0;

	if (r == 0) {
		wh_room_cover(s);
		wh_mark_follow(s);
	}
	return r;
}

bool
wh_store_flushes_apart(const struct wh_store *s)
{
	return wh_seal_begun(s);
}

int
wh_txn_commit(struct wh_txn *t)
{
	int r = wh_txn_make(t);

	return r ? r : wh_store_flush(t->view.store);
}

void
wh_txn_abort(struct wh_txn *t)
{
	if (!t->view.mdb)
		return;
	mdb_txn_abort(wh_view_txn(&t->view));
	wh_tail_forget(t->view.store);
	wh_sieve_forget(t->view.store);
	txn_done(t);
}
