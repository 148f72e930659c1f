/* SPDX-License-Identifier: MIT */
/*
 * The mark: which data file belongs into the folder, and how far it had come.
 *
 * A copy that is put back in place of the store looks like the store itself,
 * only that it forgot what was sent since. The mark tells them apart: it names
 * the data file by its inode and its time of birth, which no copy has, and the
 * last transaction, below which the right file cannot be. It is written
 * behind each commit, and flushed when it names another file than before: the
 * mark may lag behind, never lead.
 *
 * Judged once by wh_store_open; written by the commit thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "store/opening.h"

#define MARK_FILE_NEW WH_MARK_FILE ".new"
#define MARK_FORM "whdmark1 %016llx %016llx %016llx %016llx"
#define MARK_SUMMED (8 + 4 * 17)
#define MARK_SIZE (MARK_SUMMED + 18) /* and " sum\n" */

typedef unsigned long long hex;

struct mark {
	hex inode, born; /* of the data file */
	hex instance;    /* hash of the text */
	hex txn;         /* the last one committed */
};

static void
spell(const struct mark *m, char ret[MARK_SIZE + 1])
{
	snprintf(ret, MARK_SIZE + 1, MARK_FORM, m->inode, m->born, m->instance, m->txn);
	snprintf(ret + MARK_SUMMED, MARK_SIZE + 1 - MARK_SUMMED, " %016llx\n",
		 (hex)XXH3_64bits(ret, MARK_SUMMED));
}

static bool
read_spelt(const char *text, struct mark *ret)
{
	char again[MARK_SIZE + 1];

	if (sscanf(text, MARK_FORM, &ret->inode, &ret->born, &ret->instance, &ret->txn) != 4)
		return false;
	spell(ret, again);
	return memcmp(text, again, MARK_SIZE) == 0;
}

/* ---------------------------------------------------- the file as it is -- */

static bool
identify(int fd, struct mark *m)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &st) != 0)
		return false;
	m->inode = st.stx_ino;
	m->born = 0;
	if (st.stx_mask & STATX_BTIME)
		m->born = (hex)st.stx_btime.tv_sec * 1000000000 + st.stx_btime.tv_nsec;
	return true;
}

static hex
last_txn(const struct wh_store *s)
{
	MDB_envinfo info;

	return mdb_env_info(s->env, &info) == 0 ? info.me_last_txnid : 0;
}

static bool
look_at_file(struct wh_store *s, struct mark *m)
{
	struct wh_str instance = WH_STR_NULL;
	struct wh_view v;
	int fd = -1;

	if (mdb_env_get_fd(s->env, &fd) != 0 || !identify(fd, m) || wh_view_begin(s, &v) != 0)
		return false;
	int r = wh_meta_text(&v, WH_META_INSTANCE, &instance);

	m->instance = r == 0 ? XXH3_64bits(instance.p, instance.n) : 0;
	m->txn = last_txn(s);
	wh_view_end(&v);
	return r == 0;
}

/* -------------------------------------------------------------- judging -- */

static bool
read_mark(int dir, struct mark *ret)
{
	char text[MARK_SIZE + 1] = "";
	int fd = openat(dir, WH_MARK_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return false;
	bool whole = pread(fd, text, MARK_SIZE, 0) == MARK_SIZE && read_spelt(text, ret);

	close(fd);
	return whole;
}

static bool
names_same(const struct mark *a, const struct mark *b)
{
	return a->inode == b->inode && a->born == b->born && a->instance == b->instance;
}

uint64_t
wh_mark_txn(int dir, int file)
{
	struct mark should, is;

	if (!read_mark(dir, &should) || !identify(file, &is) || is.inode != should.inode ||
	    is.born != should.born)
		return 0;
	return should.txn;
}

void
wh_mark_judge(struct wh_store *s)
{
	struct mark should, is;

	s->put_back = !s->created && (!read_mark(s->dir, &should) || !look_at_file(s, &is) ||
				      !names_same(&is, &should) || is.txn < should.txn);
}

bool
wh_store_was_put_back(const struct wh_store *s)
{
	return s->put_back;
}

/* -------------------------------------------------------------- writing -- */

/* A new mark is made whole; an old one is overwritten, which needs no room on a full disk. */
static int
open_mark(int dir)
{
	const int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW;
	char empty[MARK_SIZE] = {0};
	int fd = openat(dir, WH_MARK_FILE, flags);

	if (fd >= 0 || errno != ENOENT)
		return fd;
	fd = openat(dir, MARK_FILE_NEW, flags | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		return -1;
	if (pwrite(fd, empty, MARK_SIZE, 0) != MARK_SIZE || fsync(fd) != 0 ||
	    renameat(dir, MARK_FILE_NEW, dir, WH_MARK_FILE) != 0 || fsync(dir) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool
write_mark(const struct wh_store *s, const struct mark *m)
{
	char text[MARK_SIZE + 1];

	spell(m, text);
	return pwrite(s->mark, text, MARK_SIZE, 0) == MARK_SIZE;
}

static bool
begin_mark(struct wh_store *s, struct mark *m)
{
	struct mark was = {0};
	bool had = read_mark(s->dir, &was);

	if (s->mark < 0)
		s->mark = open_mark(s->dir);
	if (s->mark < 0 || !look_at_file(s, m) || !write_mark(s, m))
		return false;
	/* One that only has come further may lag, and its flush can take long. */
	return (had && names_same(m, &was)) || fdatasync(s->mark) == 0;
}

int
wh_store_mark(struct wh_store *s)
{
	struct mark m;

	if (!begin_mark(s, &m)) {
		if (s->mark >= 0)
			close(s->mark);
		s->mark = -1; /* the one that is there is not followed */
		return WH_ESYS;
	}
	s->marked[0] = m.inode;
	s->marked[1] = m.born;
	s->marked[2] = m.instance;
	s->put_back = false;
	return 0;
}

void
wh_mark_follow(struct wh_store *s)
{
	const struct mark m = {s->marked[0], s->marked[1], s->marked[2], last_txn(s)};

	if (s->mark >= 0 && !s->put_back)
		(void)write_mark(s, &m);
}
