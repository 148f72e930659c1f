/* SPDX-License-Identifier: MIT */
/*
 * A machine that went down is an image of the data file, taken while the store
 * is open, in a folder of its own. Commits of many kinds, each numbered.
 */
#pragma once

#include "store_fixture.h"

#include "store/pages_form.h"

#define PAGE ((size_t)4096)
#define SEAL 192
#define SEAL_SIZE 40

struct image {
	char *p;
	size_t n;
};

static inline struct image
take_image(const struct fixture *f)
{
	struct image im = {.n = (size_t)fx_file_size(f->data)};
	int fd = open(f->data, O_RDONLY);

	im.p = wh_xcalloc(1, im.n);
	assert_int_equal(pread(fd, im.p, im.n, 0), (ssize_t)im.n);
	close(fd);
	return im;
}

/* Where an image is opened; it has no mark. */
static inline struct fixture *
put_image(const struct image *im)
{
	struct fixture *g = fx_new();

	assert_int_equal(mkdir(g->path, 0700), 0);
	int fd = open(g->data, O_WRONLY | O_CREAT, 0600);

	assert_int_equal(pwrite(fd, im->p, im->n, 0), (ssize_t)im->n);
	close(fd);
	return g;
}

static inline void
drop(struct fixture *g)
{
	void *state = g;

	fx_teardown(&state);
}

static inline void
number(struct wh_txn *t, unsigned n)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", n);
	assert_int_equal(wh_meta_put_text(t, "number", wh_str_c(text)), 0);
}

static inline unsigned
number_in(struct fixture *f)
{
	struct wh_str text;
	struct wh_view v;
	int64_t n = -1;

	fx_view(f, &v);
	assert_int_equal(wh_meta_text(&v, "number", &text), 0);
	assert_true(wh_parse_i64(text, 0, UINT32_MAX, &n));
	wh_view_end(&v);
	return (unsigned)n;
}

/* The number of the last commit that an opening of the image finds, with all in order. */
static inline unsigned
number_after(const struct image *im)
{
	struct fixture *g = put_image(im);

	fx_open(g);
	unsigned n = number_in(g);

	fx_check_clean(g);
	drop(g);
	return n;
}

/* A row by its number, with a body of so many bytes. */
static inline void
put_row(struct wh_txn *t, unsigned n, size_t size)
{
	char name[32], *body = wh_xcalloc(1, size + 1);

	memset(body, 'a' + (int)(n % 26), size);
	snprintf(name, sizeof(name), "row-%05u", n);
	fx_put_row(t, name, body);
	free(body);
}

static inline void
del_row(struct wh_txn *t, unsigned n)
{
	char name[32];

	snprintf(name, sizeof(name), "row-%05u", n);
	assert_int_equal(wh_rows_del(t, wh_str_c(name)), 0);
}

/* ------------------------------------------------- whatever a commit does -- */

static inline void
first_rows(struct wh_txn *t)
{
	for (unsigned i = 0; i < 3; i++)
		put_row(t, i, 100);
}

static inline void
many_rows(struct wh_txn *t)
{
	for (unsigned i = 100; i < 900; i++)
		put_row(t, i, 500);
}

static inline void
rows_all_over(struct wh_txn *t)
{
	for (unsigned i = 100; i < 900; i += 97)
		put_row(t, i, 480);
}

static inline void
large_rows(struct wh_txn *t)
{
	put_row(t, 50, 9000);
	put_row(t, 51, 30000);
}

static inline void
beside_a_large_row(struct wh_txn *t)
{
	put_row(t, 51, 20000);
	put_row(t, 52, 10);
}

static inline void
fewer_rows(struct wh_txn *t)
{
	for (unsigned i = 150; i < 880; i++)
		del_row(t, i);
}

static inline void
changes(struct wh_txn *t)
{
	uint64_t revision;

	for (unsigned i = 0; i < 400; i++)
		assert_int_equal(wh_changes_add(t, WH_STR("a change"), 1000, &revision), 0);
}

/* A whole table is emptied. */
static inline void
no_changes_before(struct wh_txn *t)
{
	uint64_t revision;

	assert_int_equal(wh_changes_jump(t, 7), 0);
	assert_int_equal(wh_changes_add(t, WH_STR("a change"), 1000, &revision), 0);
}

static inline void
operations(struct wh_txn *t)
{
	for (uint64_t i = 1; i < 300; i++)
		fx_put_op(t, fx_op(i, "lane", QUEUED, (int64_t)i));
}

static inline void
index_rows(struct wh_txn *t)
{
	assert_int_equal(wh_ops_catch_up(t, 0, SIZE_MAX), 0);
}

static inline void
next_to_nothing(struct wh_txn *t)
{
	(void)t;
}

static void (*const commits[])(struct wh_txn *) = {
	first_rows,      next_to_nothing,    many_rows,  rows_all_over,
	large_rows,      beside_a_large_row, operations, index_rows,
	next_to_nothing, fewer_rows,         changes,    no_changes_before,
	first_rows,      many_rows,
};

static inline void
commit_numbered(struct fixture *f, unsigned n)
{
	struct wh_txn t;

	fx_begin(f, &t);
	number(&t, n);
	commits[n](&t);
	fx_commit(&t);
}

/* The first two commits are flushed by LMDB, and the second has a seal. */
static inline void
begin(struct fixture *f)
{
	struct wh_txn t;

	commit_numbered(f, 0);
	fx_begin(f, &t);
	put_row(&t, 7, 10);
	fx_commit(&t);
}

static inline bool
differs(const struct image *was, const struct image *is, size_t at, size_t bytes)
{
	static const char zeros[PAGE];
	const char *old = at + bytes <= was->n ? was->p + at : zeros;

	return memcmp(is->p + at, old, bytes) != 0;
}

/* The same for what means something of the page at `at`. */
static inline bool
matters(const struct image *was, const struct image *is, size_t at, size_t bytes)
{
	struct head h;

	memcpy(&h, is->p + at, sizeof(h));
	if (h.number != at / PAGE || (h.flags & KIND) == OVERFLOW)
		return differs(was, is, at, bytes);
	size_t listed = h.lower < bytes ? h.lower : bytes;

	return differs(was, is, at, listed) ||
	       (h.upper < bytes && differs(was, is, at + h.upper, bytes - h.upper));
}

/* The image of a store with two commits that are sealed. */
static inline struct image
two_sealed(struct fixture *f)
{
	begin(f);
	commit_numbered(f, 1);
	commit_numbered(f, 2);
	return take_image(f);
}

static inline uint64_t
txn_at(const struct image *im, size_t place)
{
	uint64_t txn;

	memcpy(&txn, im->p + place * PAGE + offsetof(struct meta, txn), sizeof(txn));
	return txn;
}

static inline size_t
newer(const struct image *im)
{
	return txn_at(im, 1) > txn_at(im, 0) ? 1 : 0;
}

static inline char *
seal_at(const struct image *im, size_t place)
{
	return im->p + place * PAGE + SEAL;
}
