/* SPDX-License-Identifier: MIT */
/*
 * Opening and closing the store.
 *
 * Called by the main thread before any other exists and after all are gone.
 * The environment is opened once and every table with it; its size never
 * changes while it is open. Writes are always flushed: no flag that trades
 * durability or safety for speed is ever set.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/opening.h"
#include "store/pages_ahead.h"
#include "store/seal.h"
#include "store/sieve.h"
#include "store/tail.h"

#define TABLES_MAX 32
#define PAGE_MULTIPLE ((uint64_t)64 << 10) /* of any page size there is */

static const struct {
	enum wh_table table;
	const char *name;
} tables[] = {
#define WH_TABLE(id, number, name) {WH_TABLE_##id, name},
#include "store/tables.def"
#undef WH_TABLE
};

char *
wh_path_join(const char *path, const char *name)
{
	size_t n = strlen(path) + strlen(name) + 2;
	char *joined = malloc(n);

	if (joined)
		snprintf(joined, n, "%s/%s", path, name);
	return joined;
}

int
wh_env_open(const char *path, uint64_t max_size, unsigned flags, MDB_env **ret)
{
	MDB_env *env = NULL;
	int rc = mdb_env_create(&env);

	if (rc != 0)
		return rc;
	rc = mdb_env_set_maxdbs(env, TABLES_MAX);
	if (rc == 0 && max_size > 0)
		rc = mdb_env_set_mapsize(env,
					 (size_t)(max_size / PAGE_MULTIPLE * PAGE_MULTIPLE));
	if (rc == 0)
		rc = mdb_env_open(env, path, MDB_NOTLS | flags, 0600);
	if (rc != 0) {
		mdb_env_close(env);
		return rc;
	}
	*ret = env;
	return 0;
}

int
wh_env_open_tables(struct wh_store *s, MDB_txn *txn, unsigned flags)
{
	int rc = mdb_dbi_open(txn, NULL, 0, &s->main);

	for (size_t i = 0; rc == 0 && i < wh_array_len(tables); i++) {
		MDB_dbi *dbi = &s->dbi[tables[i].table];

		rc = mdb_dbi_open(txn, tables[i].name, flags, dbi);

		if (rc == MDB_NOTFOUND && s->read_only) {
			*dbi = WH_NO_TABLE;
			rc = 0;
		}
	}
	return wh_mdb_fault(rc);
}

/* ------------------------------------------------------------- steps -- */

static int
open_env(struct wh_opening *op)
{
	const struct wh_store *s = op->s;
	unsigned flags = op->single_file ? MDB_NOSUBDIR : 0;

	if (s->read_only)
		flags |= MDB_RDONLY | (s->beside_writer ? 0 : MDB_NOLOCK);
	int rc = wh_env_open(op->o->path, op->o->max_size, flags, &op->s->env);

	if (rc == 0)
		rc = wh_trap_init(op->s);

	return rc ? wh_refuse_lmdb(op, rc, "open the store in") : 0;
}

/* LMDB leaves the descriptor of the data file open to child processes. */
static int
tighten(struct wh_opening *op)
{
	const size_t map_alignment = (size_t)sysconf(_SC_PAGESIZE);
	MDB_stat stat;
	struct stat st;
	int fd = -1;
	int rc = mdb_env_get_fd(op->s->env, &fd);

	if (rc == 0)
		rc = mdb_env_stat(op->s->env, &stat);
	if (rc != 0)
		return wh_refuse_lmdb(op, rc, "read");
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) != 0 || fstat(fd, &st) != 0)
		return wh_refuse_errno(op, errno, "look at the data file of");
	if (!op->s->read_only && (st.st_mode & 077) != 0 && fchmod(fd, 0600) != 0)
		return wh_refuse_errno(op, errno, "make private the data file of");
	if (stat.ms_psize <= map_alignment)
		op->s->page_size = stat.ms_psize;
	return 0;
}

static int
judge_format(struct wh_opening *op, MDB_txn *txn)
{
	uint32_t format = 0;
	MDB_dbi meta;
	int rc = mdb_dbi_open(txn, "meta", 0, &meta);
	int r = rc == 0 ? wh_format_get(op->s, txn, meta, &format) : WH_ABSENT;

	if (rc != 0 && rc != MDB_NOTFOUND)
		return wh_refuse_lmdb(op, rc, "read");
	if (r == 0 && format > WH_STORE_FORMAT)
		return wh_refuse(op, WH_STORE_WHY_FORMAT, WH_EVERSION,
				 "the store in %s has format %u, this whd knows up to %u; "
				 "install a newer whd, or restore a backup made by this one",
				 op->o->path, format, WH_STORE_FORMAT);
	if (r == 0 && format > 0)
		return 0;
	return wh_refuse(op, WH_STORE_WHY_LMDB, WH_ECORRUPT, "the data file of %s is %s; %s",
			 op->o->path,
			 r == WH_ABSENT ? "not a store of whd" : "damaged in its format stamp",
			 wh_refuse_advice(op));
}

/* Format 3 has the change log in a table of its own. Whoever follows it is told to begin anew.
 */
static int
begin_log(struct wh_store *s, MDB_txn *txn)
{
	struct wh_txn t = {.view = {.store = s, .mdb = txn, .writing = true}};
	int r = wh_meta_load(&t.view, &t.view.meta);

	if (r < 0)
		return 0; /* salvage makes them anew */
	t.was = t.view.meta;
	t.view.meta.change_tail = 0;
	r = wh_table_clear(&t, WH_TABLE_CHANGES);
	if (r == 0)
		r = wh_table_clear(&t, WH_TABLE_LOG);
	if (r == 0)
		r = wh_meta_put_text(&t, WH_META_LOG, WH_STR_NULL);
	return r ? r : wh_meta_flush(&t);
}

/* Format 1 found webhooks by forms, which the index by terms does since: its version says that
 * it is to be built. Creates were found by wants, and are by their index since. Until format 4
 * no overlay shared its body. Nothing is lost that could not be made again, so no copy is made.
 */
static int
bring_up(struct wh_store *s, MDB_txn *txn)
{
	MDB_dbi meta = s->dbi[WH_TABLE_META];
	uint32_t format = 0;
	int r = wh_format_get(s, txn, meta, &format);

	if (r || format == WH_STORE_FORMAT || s->read_only)
		return r;
	r = wh_mdb_fault(mdb_drop(txn, s->dbi[WH_TABLE_FORMS], 0));
	if (r == 0)
		r = wh_mdb_fault(mdb_drop(txn, s->dbi[WH_TABLE_WANTS], 0));
	if (r == 0 && format < WH_LOG_FORMAT)
		r = begin_log(s, txn);
	return r ? r : wh_format_put(txn, meta, WH_STORE_FORMAT);
}

static int
open_tables(struct wh_opening *op, MDB_txn *txn)
{
	int r = judge_format(op, txn);

	if (r < 0)
		return r;
	r = wh_env_open_tables(op->s, txn, op->s->read_only ? 0 : MDB_CREATE);
	if (r == 0)
		r = bring_up(op->s, txn);
	if (r == WH_ECORRUPT)
		return wh_refuse(op, WH_STORE_WHY_LMDB, r,
				 "cannot open the tables of %s: %s; %s", op->o->path,
				 wh_fault_str(r), wh_refuse_advice(op));
	if (r < 0)
		return wh_refuse(op, WH_STORE_WHY_SYSTEM, r,
				 "cannot open the tables of %s: %s; start again when that is "
				 "mended",
				 op->o->path, wh_fault_str(r));
	return 0;
}

static int
open_all_tables(struct wh_opening *op)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(op->s->env, NULL, op->s->read_only ? MDB_RDONLY : 0, &txn);

	if (rc != 0)
		return wh_refuse_lmdb(op, rc, "read");
	int r = open_tables(op, txn);

	if (r < 0) {
		mdb_txn_abort(txn);
		return r;
	}
	rc = mdb_txn_commit(txn);
	return rc ? wh_refuse_lmdb(op, rc, "open the tables of") : 0;
}

static int
look_ahead(struct wh_opening *op)
{
	wh_ahead_init(op->s);
	return 0;
}

int
wh_store_open(struct wh_store **ret, const struct wh_store_options *o,
	      enum wh_store_why *ret_why, struct wh_buf *text)
{
	static int (*const steps[])(struct wh_opening *) = {
		wh_place_open, wh_create_if_absent, wh_verify_head,
		wh_seal_judge, wh_verify_pages,     open_env,
		tighten,       wh_verify_size,      open_all_tables,
		look_ahead,    wh_seal_start,
	};
	struct wh_opening op = {.o = o, .text = text};
	int r = 0;

	op.s = calloc(1, sizeof(*op.s));
	if (!op.s)
		return wh_refuse_errno(&op, ENOMEM, "open");
	op.s->dir = -1;
	op.s->lock = -1;
	op.s->mark = -1;
	op.s->terms = o->terms;
	op.s->booted_at = o->booted_at;
	op.s->sieve_from = o->sieve_from;
	op.s->settle_from = o->settle_from;
	op.s->read_only = o->read_only_check;
	op.s->scratch = wh_buf_capped(WH_VALUE_MAX);
	op.s->log.entries = wh_buf_capped(WH_VALUE_MAX);
	for (size_t i = 0; i < wh_array_len(steps) && r == 0; i++)
		r = steps[i](&op);
	*ret_why = op.why;
	if (r < 0) {
		wh_store_close(op.s);
		return r;
	}
	if (!op.s->read_only) {
		wh_store_reap_readers(op.s);
		wh_mark_judge(op.s);
	}
	*ret = op.s;
	return 0;
}

int
wh_store_temp(const struct wh_store *s)
{
	return openat(s->dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

struct wh_store *
wh_store_close(struct wh_store *s)
{
	if (!s)
		return NULL;
	wh_seal_rest(s);
	wh_seal_stop(s);
	if (s->env)
		mdb_env_close(s->env);
	wh_trap_fini(s);
	if (s->lock >= 0)
		close(s->lock); /* and with it the lock */
	if (s->mark >= 0)
		close(s->mark);
	if (s->dir >= 0)
		close(s->dir);
	wh_buf_fini(&s->scratch);
	wh_buf_fini(&s->log.entries);
	wh_tail_free(s);
	wh_sieve_free(s);
	free(s);
	return NULL;
}
