/* SPDX-License-Identifier: MIT */
/*
 * The end of the data file, which is kept beyond the last page in use.
 *
 * LMDB lets the file grow page by page, and the flush of a commit that makes it
 * grow has to write the file system's books as well. So the file is made longer
 * ahead, when nobody waits for it; with zeros, since blocks that are only
 * reserved are booked when they are first written, which costs the same.
 *
 * How much: a part of what is in use, or as much as the last commit took. The
 * pages of a first list come by the hundred, and where LMDB writes many at the
 * end of the file at once, newer kernels keep them in one piece in memory, and
 * go through all of it for each page that is written to it later. Written block
 * by block ahead they are as many pieces. They go to the disk once all the
 * same: the next commit is made before they are flushed.
 *
 * How long it is is known from the last look at it: since files have fine
 * times, looking makes the next write change a time, which the flush of that
 * commit then has to write, too. It may be longer, never shorter.
 *
 * The thread that commits; nobody else does meanwhile.
 */
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/table.h"

#define BLOCK ((off_t)4096)
#define SHARE 8 /* of what is in use is kept ahead, */
#define SPARE_MAX ((off_t)1 << 20)
#define LEAST 4                     /* and made anew when this part of it is left; */
#define GROWTH_MAX ((off_t)4 << 20) /* or what the last commit took, if that was more */

/* Where the last page in use ends, and how far it may come; zeros if that cannot be told. */
struct ends {
	off_t used, most;
};

static struct ends
ends_of(const struct wh_store *s)
{
	MDB_envinfo info;
	MDB_stat stat;

	if (mdb_env_info(s->env, &info) != 0 || mdb_env_stat(s->env, &stat) != 0)
		return (struct ends){0, 0};
	return (struct ends){(off_t)((info.me_last_pgno + 1) * stat.ms_psize),
			     (off_t)info.me_mapsize};
}

/*
 * Pages that a transaction took and gave back are never written. If they were
 * the last ones the file stays shorter than its last page, which looks like a
 * truncated file. Growing it by a hole costs nothing; if it fails, opening
 * sorts it out.
 */
void
wh_room_cover(struct wh_store *s)
{
	struct stat st;
	off_t used = ends_of(s).used;
	int fd = -1;

	if (used <= s->room.size || mdb_env_get_fd(s->env, &fd) != 0 || fstat(fd, &st) != 0)
		return;
	if (st.st_size < used && ftruncate(fd, used) == 0)
		st.st_size = used;
	s->room.size = st.st_size;
}

/* Seeking tells the size and is no look at the times; LMDB seeks before each write. */
void
wh_room_look(const struct wh_store *s)
{
	int fd = -1;

	if (mdb_env_get_fd(s->env, &fd) == 0 && lseek(fd, 0, SEEK_END) < s->room.size)
		raise(SIGBUS);
}

/* If it fails, the disk is full or broken, as the next commit that needs a page will find. */
static void
append_zeros(struct wh_store *s, size_t blocks)
{
	wh_require(s->room.size >= s->room.used);

	static const char zeros[BLOCK];
	ssize_t n = sizeof(zeros);
	int fd = -1;

	if (mdb_env_get_fd(s->env, &fd) != 0)
		return;
	for (size_t i = 0; i < blocks && n == sizeof(zeros); i++) {
		n = pwrite(fd, zeros, sizeof(zeros), s->room.size);
		if (n > 0)
			s->room.size += n;
	}
}

static off_t
least(off_t a, off_t b)
{
	return a < b ? a : b;
}

void
wh_store_make_room(struct wh_store *s)
{
	struct ends e = ends_of(s);
	off_t there = s->room.size - e.used;
	off_t grown = s->room.used ? e.used - s->room.used : 0; /* unknown after a start */
	off_t spare = least(e.used / SHARE, SPARE_MAX);
	off_t ahead = grown > spare ? least(grown, GROWTH_MAX) : spare;

	s->room.used = e.used;
	if (grown > 0 && there >= 0 && (there < grown || there <= spare / LEAST) &&
	    there < ahead && e.used + ahead <= e.most)
		append_zeros(s, (size_t)((ahead - there) / BLOCK));
}
