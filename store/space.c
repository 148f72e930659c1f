/* SPDX-License-Identifier: MIT */
/*
 * How full the store is, and the reader slots of dead processes.
 *
 * Any thread. The file never shrinks, so its size says nothing: in use is what
 * lies below the last page and is not on the list of free pages.
 */
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "store/table.h"

#define FREE_PAGES 0 /* the handle of LMDB's own table of free pages */

/* Each row of that table begins with the number of pages it lists. */
static int
count_free(const struct wh_store *s, MDB_txn *txn, uint64_t *ret)
{
	MDB_cursor *c;
	MDB_val key, data;
	uint64_t sum = 0;
	int rc = wh_trap_cursor_open(s, txn, FREE_PAGES, &c);

	if (rc != 0)
		return wh_mdb_fault(rc);
	while ((rc = wh_trap_cursor_get(s, c, &key, &data, MDB_NEXT)) == 0) {
		size_t pages = 0;

		if (data.mv_size >= sizeof(pages))
			memcpy(&pages, data.mv_data, sizeof(pages));
		sum += pages;
	}
	mdb_cursor_close(c);
	*ret = sum;
	return rc == MDB_NOTFOUND ? 0 : wh_mdb_fault(rc);
}

static int
free_pages(struct wh_store *s, uint64_t *ret)
{
	MDB_txn *txn;
	int rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);

	if (rc != 0)
		return wh_mdb_fault(rc);
	int r = count_free(s, txn, ret);

	mdb_txn_abort(txn);
	return r;
}

/* Called once a line: a heading, then one for each slot. */
static int
count_line(const char *line, void *ctx)
{
	unsigned *lines = ctx;

	(void)line;
	++*lines;
	return 0;
}

static unsigned
readers_in_use(struct wh_store *s)
{
	unsigned lines = 0;

	if (mdb_reader_list(s->env, count_line, &lines) < 0 || lines == 0)
		return 0;
	return lines - 1;
}

int
wh_store_space(struct wh_store *s, struct wh_store_space *ret)
{
	MDB_envinfo info;
	MDB_stat stat;
	struct statvfs vfs;
	struct stat st;
	uint64_t unused = 0;
	int fd = -1;
	int rc = mdb_env_info(s->env, &info);

	if (rc == 0)
		rc = mdb_env_stat(s->env, &stat);
	if (rc == 0)
		rc = mdb_env_get_fd(s->env, &fd);
	if (rc != 0)
		return wh_mdb_fault(rc);
	if (fstat(fd, &st) != 0 || fstatvfs(fd, &vfs) != 0)
		return WH_ESYS;
	int r = free_pages(s, &unused);

	if (r < 0)
		return r;
	uint64_t pages = (uint64_t)info.me_last_pgno + 1;

	*ret = (struct wh_store_space){
		.map_size = info.me_mapsize,
		.used = (pages - (unused < pages ? unused : pages)) * stat.ms_psize,
		.file_size = (uint64_t)st.st_size,
		.disk_free = (uint64_t)vfs.f_bavail * vfs.f_frsize,
		.readers = readers_in_use(s),
	};
	return 0;
}

void
wh_store_reap_readers(struct wh_store *s)
{
	int dead;

	/* It fails only if the table of readers is not there: nothing to reap. */
	(void)mdb_reader_check(s->env, &dead);
}
