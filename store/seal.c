/* SPDX-License-Identifier: MIT */
/*
 * Sealing and judging. Transaction n has its meta page in place n mod 2, the
 * seal stands behind it on the same page, which LMDB leaves alone.
 *
 * A commit that wrote so much that hashing it would cost more than a flush is
 * flushed first and then sealed without a hash.
 *
 * Steps of wh_store_open, and the thread that commits.
 */
#include "store/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>
#include <xxhash.h>

#include "store/fresh.h"
#include "store/table.h"

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
	/* Nobody knows what is on disk; the next transaction may be under way by then. */
	atomic_bool broken;
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

/* The seal of this transaction. 0, WH_ABSENT if it has none, or a fault: then all zeros. */
static int
read_seal(const struct wh_fresh_file *file, uint64_t txn, struct seal *ret)
{
	uint8_t b[SIZE];
	ssize_t n = pread(file->fd, b, SIZE, place_of(file, txn) + PLACE);

	*ret = (struct seal){0};
	if (n < 0)
		return WH_EIO;
	if (n != SIZE || memcmp(b, MAGIC, 8) != 0 || wh_be_get(b + 8, 8) != txn ||
	    wh_be_get(b + SUMMED, 8) != XXH3_64bits(b, SUMMED))
		return WH_ABSENT;
	*ret = (struct seal){txn, {wh_be_get(b + 16, 8), wh_be_get(b + 24, 8)}};
	return 0;
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

/* 0, WH_ABSENT if it is not what its seal says, or a fault. */
static int
judge_pages(const struct wh_fresh_file *file, const struct wh_states *s,
	    const struct seal *seal)
{
	struct wh_fresh *fresh = wh_fresh_new();
	struct wh_fresh_result found = {0};
	int r = fresh ? wh_fresh_sum(fresh, file, s, &found) : WH_ENOMEM;

	wh_fresh_free(fresh);
	if (r == 0 && (found.sum != seal->wrote.sum || found.pages != seal->wrote.pages))
		r = WH_ABSENT;
	return r;
}

/*
 * 0: the newer state is whole, for all that its seal tells. WH_ABSENT: it is none, those before
 * it were sealed, and it is not, or is not what its seal says. Or a fault: what cannot be read
 * tells nothing. *ret: its seal; txn 0 if it has none.
 */
static int
judge_newer(const struct wh_fresh_file *file, const struct wh_states *s, struct seal *ret)
{
	struct seal before;

	*ret = (struct seal){0};
	if (s->was.txn == 0 || s->is.txn != s->was.txn + 1)
		return 0;
	int r = read_seal(file, s->is.txn, ret);

	if (r == 0)
		return ret->wrote.pages > 0 ? judge_pages(file, s, ret) : 0;
	if (r == WH_ABSENT)
		r = read_seal(file, s->was.txn, &before);
	if (r == WH_ABSENT)
		return 0;
	return r < 0 ? r : WH_ABSENT;
}

/*
 * The older state stands in both places then, so LMDB goes on from there. The copy has a number
 * that none comes behind, so that the state itself is judged no more: what it wrote cannot be
 * told from its own copy. It keeps its seal; that of the newer one goes, as the next commit
 * will have its number.
 */
static int
take_back(struct wh_opening *op, const struct wh_fresh_file *file, const struct wh_states *s)
{
	const size_t from = offsetof(struct meta, magic);
	char page[PLACE + SIZE] = {0};
	struct meta again = s->was;
	const size_t n = sizeof(page) - from;

	if (op->s->read_only)
		return wh_refuse(op, WH_STORE_WHY_LMDB, WH_EBUSY,
				 "the last commit to the data file of %s was cut off; nothing "
				 "of it was acknowledged, and a start of whd takes it back: "
				 "check again after that",
				 op->o->path);
	again.txn = 0;
	memcpy(page, &again, sizeof(again));
	if (pwrite(file->fd, page + from, n, place_of(file, s->is.txn) + (off_t)from) !=
	    (ssize_t)n)
		return wh_refuse_errno(op, errno, "take back a commit that was cut off in");
	op->s->took_back = true;
	return 0;
}

bool
wh_store_took_back(const struct wh_store *s)
{
	return s->took_back;
}

static int
write_meta_again(const struct wh_fresh_file *file, uint64_t txn)
{
	char page[PLACE + SIZE];
	const ssize_t n = sizeof(page);
	ssize_t done = pread(file->fd, page, sizeof(page), place_of(file, txn));

	if (done == n)
		done = pwrite(file->fd, page, sizeof(page), place_of(file, txn));
	if (done == n)
		return 0;
	return wh_write_fault(done);
}

/*
 * After a mere crash of whd a commit may be in memory as a whole, and on no
 * disk; if a flush of it has failed the kernel takes it for written, and would
 * not try again. So what it wrote is written once more; which may need room where a file system
 * never writes over what it has.
 */
static int
accept(struct wh_opening *op, const struct wh_fresh_file *file, const struct wh_states *s,
       const struct seal *seal)
{
	struct wh_fresh_file again = *file;
	int r = 0;

	if (op->s->read_only || seal->txn == 0)
		return 0;
	again.rewrites = true;
	if (seal->wrote.pages > 0)
		r = judge_pages(&again, s, seal);
	if (r == 0)
		r = write_meta_again(file, s->is.txn);
	if (r)
		return wh_refuse_errno(op, r == WH_ENOSPACE ? ENOSPC : EIO,
				       "write the last commit again to");
	return 0;
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
	struct seal seal;

	if (!read_page_size(fd, &file.page_size) || !read_states(&file, &s))
		return wh_refuse_errno(op, errno, "read the data file of");
	if (wh_mark_txn(op->s->dir, fd) >= s.is.txn)
		return 0;
	int r = judge_newer(&file, &s, &seal);

	if (r < 0)
		return wh_refuse_errno(op, r == WH_ENOMEM ? ENOMEM : EIO,
				       "read the last commit in");
	r = r == WH_ABSENT ? take_back(op, &file, &s) : accept(op, &file, &s, &seal);
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

	if (!read_states(&s->file, &states)) {
		s->broken = true;
		return WH_EIO; /* it has no seal */
	}
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

/* The transaction that LMDB goes on from: processes that have the file open tell each other. */
static uint64_t
shown(MDB_env *env)
{
	MDB_txn *txn;
	uint64_t id = 0;

	if (mdb_txn_begin(env, NULL, MDB_RDONLY, &txn) == 0) {
		id = mdb_txn_id(txn);
		mdb_txn_abort(txn);
	}
	return id;
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
	if (shown(op->s->env) != s->txn)
		return wh_refuse(
			op, WH_STORE_WHY_SYSTEM, WH_EBUSY,
			"another process has the store in %s open, and has seen a commit "
			"that was cut off: end it (is a whd --check running?), then start "
			"whd",
			op->o->path);
	s->sealed = read_seal(&s->file, s->txn, &seal) == 0;
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

bool
wh_seal_begun(const struct wh_store *s)
{
	return s->seal && s->seal->sealed;
}

bool
wh_seal_broken(const struct wh_store *s)
{
	return s->seal && s->seal->broken;
}

void
wh_seal_stop(struct wh_store *s)
{
	if (s->seal)
		wh_fresh_free(s->seal->fresh);
	free(s->seal);
	s->seal = NULL;
}
