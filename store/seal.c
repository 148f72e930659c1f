/* SPDX-License-Identifier: MIT */
/*
 * Sealing and judging. Transaction n has its meta page in place n mod 2, the
 * seal stands behind it on the same page, which LMDB leaves alone.
 *
 * A commit that wrote so much that hashing it would cost more than a flush is
 * flushed first and then sealed without a hash.
 *
 * Steps of wh_store_open, and the commit thread.
 */
#include "store/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
#include <xxhash.h>

#include "store/fresh.h"

#define MAGIC "whdseal1"
#define PLACE 192 /* in the meta page; LMDB uses the first 152 bytes */
#define SUMMED (8 + 3 * 8)
#define SIZE (SUMMED + 8)

_Static_assert(PLACE >= sizeof(struct meta) && PLACE + SIZE <= PAGE_SIZE_MIN,
	       "behind the meta page, and on the smallest page");

struct seal {
	uint64_t txn;
	struct wh_fresh_result wrote; /* 0 pages: it was flushed before it was sealed */
};

struct wh_seal {
	struct wh_fresh *fresh;
	struct wh_fresh_file file;
	uint64_t txn; /* the last one that was committed */
	bool sealed;  /* and it has a seal, which is on disk */
	bool begun;   /* there was a commit since it was opened */
	bool broken;  /* nobody knows what is on disk */
};

static off_t
place_of(const struct wh_fresh_file *file, uint64_t txn)
{
	return (off_t)(txn % META_PAGES * file->page_size);
}

/* ------------------------------------------------------------------ the form -- */

static bool
write_seal(const struct wh_fresh_file *file, const struct seal *seal)
{
	uint8_t b[SIZE] = MAGIC;

	wh_be_put(b + 8, seal->txn, 8);
	wh_be_put(b + 16, seal->wrote.pages, 8);
	wh_be_put(b + 24, seal->wrote.sum, 8);
	wh_be_put(b + SUMMED, XXH3_64bits(b, SUMMED), 8);
	return pwrite(file->fd, b, SIZE, place_of(file, seal->txn) + PLACE) == SIZE;
}

/* The seal of this transaction. False if it has none. */
static bool
read_seal(const struct wh_fresh_file *file, uint64_t txn, struct seal *ret)
{
	uint8_t b[SIZE];

	if (pread(file->fd, b, SIZE, place_of(file, txn) + PLACE) != SIZE ||
	    memcmp(b, MAGIC, 8) != 0 || wh_be_get(b + SUMMED, 8) != XXH3_64bits(b, SUMMED))
		return false;
	*ret = (struct seal){wh_be_get(b + 8, 8), {wh_be_get(b + 16, 8), wh_be_get(b + 24, 8)}};
	return ret->txn == txn;
}

static bool
read_page_size(int fd, size_t *ret)
{
	struct meta first;

	if (pread(fd, &first, sizeof(first), 0) != (ssize_t)sizeof(first))
		return false;
	*ret = first.free.pad;
	return true;
}

static bool
read_states(const struct wh_fresh_file *file, struct wh_states *ret)
{
	struct meta *first = &ret->was, *second = &ret->is;

	if (pread(file->fd, first, sizeof(*first), 0) != (ssize_t)sizeof(*first) ||
	    pread(file->fd, second, sizeof(*second), (off_t)file->page_size) !=
		    (ssize_t)sizeof(*second))
		return false;
	if (first->txn > second->txn) {
		struct meta newer = *first;

		*first = *second;
		*second = newer;
	}
	return true;
}

/* ------------------------------------------------------------------ judging -- */

static bool
is_whole(const struct wh_fresh_file *file, const struct wh_states *s, const struct seal *seal)
{
	struct wh_fresh *fresh = wh_fresh_new();
	struct wh_fresh_result found;
	int r = fresh ? wh_fresh_sum(fresh, file, s, &found) : WH_ENOMEM;

	wh_fresh_free(fresh);
	return r == 0 && found.sum == seal->wrote.sum && found.pages == seal->wrote.pages;
}

/* True if the newer state is none: those before it were sealed, and it is not, or is not what
 * its seal says. */
static bool
is_torn(const struct wh_fresh_file *file, const struct wh_states *s)
{
	struct seal seal;

	if (s->is.txn != s->was.txn + 1)
		return false;
	if (!read_seal(file, s->is.txn, &seal))
		return read_seal(file, s->was.txn, &seal);
	return seal.wrote.pages > 0 && !is_whole(file, s, &seal);
}

/* The older state stands in both places then, so LMDB goes on from there. */
static int
take_back(struct wh_opening *op, const struct wh_fresh_file *file, const struct wh_states *s)
{
	struct meta again = s->was;
	off_t at = place_of(file, s->is.txn);
	const size_t from = offsetof(struct meta, magic);
	const ssize_t n = (ssize_t)(sizeof(again) - from);

	if (op->s->read_only)
		return wh_refuse(op, WH_STORE_WHY_LMDB, WH_EBUSY,
				 "the last commit to the data file of %s was cut off; nothing "
				 "of it was acknowledged, and a start of whd takes it back: "
				 "check again after that",
				 op->o->path);
	again.txn = s->is.txn >= META_PAGES ? s->is.txn - META_PAGES : 0;
	if (pwrite(file->fd, (const char *)&again + from, (size_t)n, at + (off_t)from) != n)
		return wh_refuse_errno(op, errno, "take back a commit that was cut off in");
	op->s->took_back = true;
	return 0;
}

bool
wh_store_took_back(const struct wh_store *s)
{
	return s->took_back;
}

/*
 * The mark is written behind the flush: what it knows of is on disk, and if it
 * is not what its seal says it was damaged since, which is for others to find.
 */
static int
judge(struct wh_opening *op, int fd)
{
	struct wh_fresh_file file = {.fd = fd};
	struct wh_states s;
	int r = 0;

	if (!read_page_size(fd, &file.page_size) || !read_states(&file, &s))
		return wh_refuse_errno(op, errno, "read the data file of");
	if (wh_mark_txn(op->s->dir, fd) >= s.is.txn)
		return 0;
	if (is_torn(&file, &s))
		r = take_back(op, &file, &s);
	/* After a mere crash of whd it may be in memory as a whole, and on no disk. */
	if (r == 0 && !op->s->read_only && fdatasync(fd) != 0)
		r = wh_refuse_errno(op, errno, "flush the data file of");
	return r;
}

int
wh_seal_judge(struct wh_opening *op)
{
	if (op->s->beside_writer)
		return 0;
	return wh_with_data_file(op, op->s->read_only ? O_RDONLY : O_RDWR, judge);
}

/* ------------------------------------------------------------------ sealing -- */

static bool
flush_seal(const struct wh_fresh_file *file, const struct seal *seal)
{
	return write_seal(file, seal) && fdatasync(file->fd) == 0;
}

static bool
remove_seal(const struct wh_fresh_file *file, uint64_t txn)
{
	const uint8_t none[SIZE] = {0};

	return pwrite(file->fd, none, SIZE, place_of(file, txn) + PLACE) == SIZE;
}

static bool
seal_it(struct wh_seal *s, const struct wh_states *states)
{
	struct seal seal = {.txn = states->is.txn};
	int r = s->file.map && states->is.txn == states->was.txn + 1
			? wh_fresh_sum(s->fresh, &s->file, states, &seal.wrote)
			: WH_ABSENT;

	if (r == 0 && seal.wrote.pages > 0)
		return flush_seal(&s->file, &seal);
	seal.wrote = (struct wh_fresh_result){0};
	return fdatasync(s->file.fd) == 0 && flush_seal(&s->file, &seal);
}

/*
 * The first ones are flushed by LMDB, as none before them has a seal that would tell. That of a
 * start is left at that, since somebody waits for it; the seals begin with the next one.
 */
static bool
seal_first(struct wh_store *store)
{
	struct wh_seal *s = store->seal;

	s->sealed = s->begun;
	s->begun = true;
	if (!s->sealed)
		return true;
	return flush_seal(&s->file, &(struct seal){.txn = s->txn}) &&
	       mdb_env_set_flags(store->env, MDB_NOSYNC, 1) == 0;
}

int
wh_seal_commit(struct wh_store *store)
{
	struct wh_seal *s = store->seal;
	struct wh_states states;

	if (!read_states(&s->file, &states))
		return WH_EIO;
	if (states.is.txn == s->txn)
		return 0; /* it changed nothing */
	s->txn = states.is.txn;
	if (s->sealed ? seal_it(s, &states) : seal_first(store))
		return 0;
	/* A start must not take it for one that is on disk. */
	s->broken = true;
	(void)!(remove_seal(&s->file, s->txn) && fdatasync(s->file.fd) == 0);
	return WH_EIO;
}

/* The older one first, and for certain: a newer one alone without a seal would be taken back.
 */
void
wh_seal_rest(const struct wh_store *store)
{
	struct wh_seal *s = store->seal;

	if (!s || !s->sealed || s->broken)
		return;
	s->sealed = !(remove_seal(&s->file, s->txn - 1) && fdatasync(s->file.fd) == 0 &&
		      remove_seal(&s->file, s->txn));
}

static int
begin(struct wh_opening *op, struct wh_seal *s)
{
	struct wh_states states;
	struct seal seal;

	s->fresh = wh_fresh_new();
	if (!s->fresh)
		return wh_refuse_errno(op, ENOMEM, "open");
	s->file.map = op->s->map;
	s->file.page_size = op->s->page_size;
	if (mdb_env_get_fd(op->s->env, &s->file.fd) != 0 || !read_states(&s->file, &states))
		return wh_refuse_errno(op, errno, "read the data file of");
	s->txn = states.is.txn;
	s->sealed = read_seal(&s->file, s->txn, &seal);
	int rc = s->sealed ? mdb_env_set_flags(op->s->env, MDB_NOSYNC, 1) : 0;

	return rc ? wh_refuse_lmdb(op, rc, "open the store in") : 0;
}

int
wh_seal_start(struct wh_opening *op)
{
	if (op->s->read_only || op->s->page_size == 0)
		return 0;
	op->s->seal = calloc(1, sizeof(*op->s->seal));
	return op->s->seal ? begin(op, op->s->seal) : wh_refuse_errno(op, ENOMEM, "open");
}

void
wh_seal_stop(struct wh_store *s)
{
	if (s->seal)
		wh_fresh_free(s->seal->fresh);
	free(s->seal);
	s->seal = NULL;
}
