/* SPDX-License-Identifier: MIT */
/*
 * What LMDB itself does not look at when it opens a file.
 *
 * Called by wh_store_open, before and right after the environment is opened.
 * A shorter file than its last page opens fine, and the first read behind its
 * end kills the process; a page size of 0 divides by it, and a damaged page may
 * end the process or be written over what is whole. Nothing here reads a page
 * through LMDB's map.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/opening.h"
#include "store/pages.h"

#define LMDB_MAGIC 0xBEEFC0DEu
#define PAGE_SIZE_MIN 256u
#define PAGE_SIZE_MAX 65536u

/* How both meta pages of LMDB's format 1 begin. */
struct meta_head {
	size_t page_number;
	uint16_t pad;
	uint16_t flags;
	uint32_t bounds;
	uint32_t magic;
	uint32_t version;
	void *address;
	size_t map_size;
	uint32_t page_size;
};

static int
refuse_short(struct wh_opening *op, off_t size, off_t need)
{
	return wh_refuse(op, WH_STORE_WHY_TRUNCATED, WH_ECORRUPT,
			 "the data file of %s was cut off: it has %lld bytes and needs %lld; "
			 "%s",
			 op->o->path, (long long)size, (long long)need, wh_refuse_advice(op));
}

static bool
page_size_is_sane(uint32_t n)
{
	return n >= PAGE_SIZE_MIN && n <= PAGE_SIZE_MAX && (n & (n - 1)) == 0;
}

static int
refuse_foreign(struct wh_opening *op)
{
	return wh_refuse(op, WH_STORE_WHY_LMDB, WH_ECORRUPT,
			 "the data file of %s is damaged at its beginning, or not a store at "
			 "all; %s",
			 op->o->path, wh_refuse_advice(op));
}

static int
judge_head(struct wh_opening *op, int fd)
{
	struct meta_head first, second;
	struct stat st;

	if (fstat(fd, &st) != 0)
		return wh_refuse_errno(op, errno, "look at the data file of");
	if (pread(fd, &first, sizeof(first), 0) != (ssize_t)sizeof(first))
		return refuse_short(op, st.st_size, 2 * (off_t)PAGE_SIZE_MIN);
	if (first.magic != LMDB_MAGIC || !page_size_is_sane(first.page_size))
		return refuse_foreign(op);
	if (st.st_size < 2 * (off_t)first.page_size)
		return refuse_short(op, st.st_size, 2 * (off_t)first.page_size);
	if (pread(fd, &second, sizeof(second), first.page_size) != (ssize_t)sizeof(second))
		return wh_refuse_errno(op, errno, "read the data file of");
	if (second.magic != LMDB_MAGIC || second.page_size != first.page_size)
		return refuse_foreign(op);
	return 0;
}

/* A row that is damaged in its key is found by nobody who asks for it: that must be known. */
static int
judge_row(void *ctx, const MDB_val *key, const MDB_val *data)
{
	struct wh_store *s = ctx;
	struct wh_value v;

	s->bad_rows += wh_value_open(WH_TABLE_ROWS, key, data, 0, &v) < 0;
	return 0;
}

static int
judge_pages(struct wh_opening *op, int fd)
{
	struct wh_pages p;

	if (wh_closed_take(op, fd))
		return 0;

	int r = wh_pages_open(&p, fd);

	if (r == 0)
		r = wh_pages_verify(&p, "rows", judge_row, op->s);
	if (r == WH_ECORRUPT && p.cut)
		r = refuse_short(op, (off_t)(p.n * p.size), (off_t)((p.last + 1) * p.size));
	else if (r == WH_ECORRUPT)
		r = wh_refuse(op, WH_STORE_WHY_DAMAGED, r,
			      "the data file of %s is damaged (page %llu %s); %s", op->o->path,
			      (unsigned long long)p.first_bad, p.what, wh_refuse_advice(op));
	else if (r < 0)
		r = wh_refuse_errno(op, r == WH_ENOMEM ? ENOMEM : EIO, "read");
	wh_pages_close(&p);
	return r;
}

int
wh_with_data_file(struct wh_opening *op, int access,
		  int (*judge)(struct wh_opening *op, int file))
{
	const int flags = access | O_CLOEXEC | O_NOFOLLOW;
	int fd = op->single_file ? dup(op->s->dir) : openat(op->s->dir, WH_DATA_FILE, flags);

	if (fd < 0)
		return wh_refuse_errno(op, errno, "open the data file of");
	int r = judge(op, fd);

	close(fd);
	return r;
}

int
wh_verify_head(struct wh_opening *op)
{
	return wh_with_data_file(op, O_RDONLY, judge_head);
}

uint64_t
wh_store_bad_rows(const struct wh_store *s)
{
	return s->bad_rows;
}

/* Beside a whd that writes, pages change while they are read. */
int
wh_verify_pages(struct wh_opening *op)
{
	return op->s->beside_writer ? 0 : wh_with_data_file(op, O_RDONLY, judge_pages);
}

/* ------------------------------------------------- a short file, and why -- */

struct missing {
	size_t first;  /* the first page that is not in the file */
	size_t last;   /* the last page there should be */
	size_t unused; /* of these, how many are listed as free */
};

/* A row of LMDB's table of free pages: a count, then so many page numbers. */
static void
note_free(struct missing *m, const MDB_val *row)
{
	size_t listed = row->mv_size / sizeof(size_t);
	size_t page, n = 0;

	if (listed > 0)
		memcpy(&n, row->mv_data, sizeof(n));
	for (size_t i = 1; i < listed && i <= n; i++) {
		memcpy(&page, (const char *)row->mv_data + i * sizeof(page), sizeof(page));
		if (page >= m->first && page <= m->last)
			m->unused++;
	}
}

static int
read_free_list(const struct wh_store *s, struct missing *m)
{
	MDB_cursor *c = NULL;
	MDB_txn *txn;
	MDB_val key, row;
	int rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);

	if (rc != 0)
		return rc;
	rc = wh_trap_cursor_open(s, txn, 0, &c);
	while (rc == 0) {
		rc = wh_trap_cursor_get(s, c, &key, &row, MDB_NEXT);
		if (rc == 0)
			note_free(m, &row);
	}
	if (c)
		mdb_cursor_close(c);
	mdb_txn_abort(txn);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/*
 * LMDB does not write pages that a transaction took and gave back, so after a
 * crash a healthy file may end before its last page. Then all missing pages
 * are on the list of free ones. The list may itself lie behind the end, so the
 * file is first grown by a hole, which reads as zeros that LMDB refuses.
 */
static int
cover_or_refuse(struct wh_opening *op, int fd, off_t size, const struct missing *gap)
{
	struct missing m = *gap;
	MDB_stat stat;
	int rc = mdb_env_stat(op->s->env, &stat);

	if (rc != 0)
		return wh_refuse_lmdb(op, rc, "read");
	off_t need = (off_t)((m.last + 1) * stat.ms_psize);

	if (op->s->read_only)
		return refuse_short(op, size, need);
	if (ftruncate(fd, need) != 0)
		return wh_refuse_errno(op, errno, "grow the data file of");
	rc = read_free_list(op->s, &m);
	if (rc == 0 && m.unused == m.last - m.first + 1)
		return 0;
	if (ftruncate(fd, size) != 0)
		return wh_refuse_errno(op, errno, "cut the data file back of");
	return refuse_short(op, size, need);
}

int
wh_verify_size(struct wh_opening *op)
{
	MDB_envinfo info;
	MDB_stat stat;
	struct stat st;
	int fd = -1;
	int rc = mdb_env_info(op->s->env, &info);

	if (rc == 0)
		rc = mdb_env_stat(op->s->env, &stat);
	if (rc == 0)
		rc = mdb_env_get_fd(op->s->env, &fd);
	if (rc != 0)
		return wh_refuse_lmdb(op, rc, "read");
	if (fstat(fd, &st) != 0)
		return wh_refuse_errno(op, errno, "look at the data file of");
	struct missing m = {
		.first = (size_t)st.st_size / stat.ms_psize,
		.last = info.me_last_pgno,
	};

	op->s->room.size = st.st_size;
	return m.first > m.last ? 0 : cover_or_refuse(op, fd, st.st_size, &m);
}
