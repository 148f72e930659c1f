/* SPDX-License-Identifier: MIT */
/*
 * The end of the data file, which is kept beyond the last page in use.
 *
 * LMDB lets the file grow page by page, and the flush of a commit that makes it
 * grow has to write the file system's books as well. So the file is made longer
 * ahead, when nobody waits for it; with zeros, since blocks that are only
 * reserved are booked when they are first written, which costs the same.
 *
 * How long it is is known from the last look at it: since files have fine
 * times, looking makes the next write change a time, which the flush of that
 * commit then has to write, too. It may be longer, never shorter.
 *
 * The thread that commits; nobody else does meanwhile.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "store/table.h"

#define BLOCK ((off_t)4096)
#define BLOCKS_MAX 256 /* kept ahead at most, */
#define SHARE 8        /* and this part of what is in use */
#define LEAST 4        /* made anew when this part of it is left */
#define OFTEN 16       /* if it lasts for so many commits */

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

/* If it fails, the disk is full or broken, as the next commit that needs a page will find.
 * Block by block: newer kernels keep what is written at once in one piece in memory, and go
 * through all of that for each page that is written to it later. */
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

void
wh_store_make_room(struct wh_store *s)
{
	struct ends e = ends_of(s);
	off_t grown = e.used - s->room.used;
	off_t share = e.used / SHARE / BLOCK;
	off_t ahead = (share < BLOCKS_MAX ? share : BLOCKS_MAX) * BLOCK;
	off_t there = s->room.size - e.used;

	s->room.used = e.used;
	/* A commit that takes much at once writes the books once, and would write all twice. */
	if (grown > 0 && grown <= ahead / OFTEN && there >= 0 && there <= ahead / LEAST &&
	    e.used + ahead <= e.most)
		append_zeros(s, (size_t)((ahead - there) / BLOCK));
}
