/* SPDX-License-Identifier: MIT */
/*
 * The first data file of a store.
 *
 * Called once, by wh_store_open, with the folder locked. The file is built
 * under another name and renamed when it is whole and flushed, because a data
 * file that a crash left half made could never be opened again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/opening.h"

#define LMDB_LOCK_SUFFIX "-lock"
#define CREATE "create the data file in"

static int
fill(struct wh_store *s, MDB_txn *txn)
{
	struct wh_txn t = {.view = {.store = s, .mdb = txn, .writing = true}};
	int r = wh_env_open_tables(s, txn, MDB_CREATE);

	if (r == 0)
		r = wh_format_put(txn, s->dbi[WH_TABLE_META], WH_STORE_FORMAT);
	if (r == 0)
		r = wh_meta_create(&t);
	return r;
}

static int
commit_first(struct wh_opening *op, struct wh_store *s)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(s->env, NULL, 0, &txn);

	if (rc != 0)
		return wh_refuse_lmdb(op, rc, CREATE);
	int r = fill(s, txn);

	if (r != 0) {
		mdb_txn_abort(txn);
		return wh_refuse(op, WH_STORE_WHY_LMDB, r, "cannot " CREATE " %s: %s",
				 op->o->path, wh_fault_str(r));
	}
	rc = mdb_txn_commit(txn);
	return rc ? wh_refuse_lmdb(op, rc, CREATE) : 0;
}

int
wh_create_file(struct wh_opening *op, const char *file)
{
	struct wh_store s = {.dir = -1, .lock = -1, .mark = -1};
	int rc = wh_env_open(file, op->o->max_size, MDB_NOSUBDIR, &s.env);

	if (rc != 0)
		return wh_refuse_lmdb(op, rc, CREATE);
	rc = wh_trap_init(&s);
	int r = rc ? wh_refuse_lmdb(op, rc, CREATE) : commit_first(op, &s);

	wh_buf_fini(&s.scratch);
	mdb_env_close(s.env);
	wh_trap_fini(&s);
	return r;
}

static int
flush_file(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return errno;
	int err = fsync(fd) == 0 ? 0 : errno;

	close(fd);
	return err;
}

static int
put_in_place(struct wh_opening *op)
{
	int dir = op->s->dir;
	int err = flush_file(dir, WH_DATA_FILE_NEW);

	if (err == 0 && renameat(dir, WH_DATA_FILE_NEW, dir, WH_DATA_FILE) != 0)
		err = errno;
	if (err == 0 && fsync(dir) != 0)
		err = errno;
	return err ? wh_refuse_errno(op, err, CREATE) : 0;
}

/* What a crash in the middle of an earlier creation may have left. */
void
wh_create_remove_leftovers(int dir)
{
	(void)unlinkat(dir, WH_DATA_FILE_NEW, 0);
	(void)unlinkat(dir, WH_DATA_FILE_NEW LMDB_LOCK_SUFFIX, 0);
}

static int
create(struct wh_opening *op)
{
	int dir = op->s->dir;
	char *file = wh_path_join(op->o->path, WH_DATA_FILE_NEW);

	if (!file)
		return wh_refuse_errno(op, ENOMEM, CREATE);
	wh_create_remove_leftovers(dir);
	int r = wh_create_file(op, file);

	if (r == 0)
		r = put_in_place(op);
	op->s->created = r == 0;
	wh_create_remove_leftovers(dir);
	free(file);
	return r;
}

int
wh_create_if_absent(struct wh_opening *op)
{
	struct stat st;

	if (op->single_file)
		return 0;
	if (fstatat(op->s->dir, WH_DATA_FILE, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		if (S_ISREG(st.st_mode))
			return 0;
		return wh_refuse(op, WH_STORE_WHY_SYSTEM, WH_ESYS,
				 "%s in %s is not a regular file; move it away", WH_DATA_FILE,
				 op->o->path);
	}
	if (errno != ENOENT)
		return wh_refuse_errno(op, errno, "look at " WH_DATA_FILE " in");
	if (op->o->read_only_check)
		return wh_refuse(op, WH_STORE_WHY_SYSTEM, WH_ESYS,
				 "there is no store in %s: it holds no file %s; correct the "
				 "path",
				 op->o->path, WH_DATA_FILE);
	return create(op);
}
