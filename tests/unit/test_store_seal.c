/* SPDX-License-Identifier: MIT */
/*
 * A commit that is not on disk as a whole is taken back by the next opening,
 * whichever of its pages is missing; one that is whole stays.
 *
 * A machine that went down is an image of the data file, taken while the store
 * is open, in a folder of its own.
 */
#include "store_fixture.h"

#include "store/fresh.h"
#include "store/pages_form.h"

#define PAGE ((size_t)4096)
#define SEAL 192
#define SEAL_SIZE 40

struct image {
	char *p;
	size_t n;
};

static struct image
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
static struct fixture *
put_image(const struct image *im)
{
	struct fixture *g = fx_new();

	assert_int_equal(mkdir(g->path, 0700), 0);
	int fd = open(g->data, O_WRONLY | O_CREAT, 0600);

	assert_int_equal(pwrite(fd, im->p, im->n, 0), (ssize_t)im->n);
	close(fd);
	return g;
}

static void
drop(struct fixture *g)
{
	void *state = g;

	fx_teardown(&state);
}

static void
number(struct wh_txn *t, unsigned n)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", n);
	assert_int_equal(wh_meta_put_text(t, "number", wh_str_c(text)), 0);
}

static unsigned
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
static unsigned
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
static void
put_row(struct wh_txn *t, unsigned n, size_t size)
{
	char name[32], *body = wh_xcalloc(1, size + 1);

	memset(body, 'a' + (int)(n % 26), size);
	snprintf(name, sizeof(name), "row-%05u", n);
	fx_put_row(t, name, body);
	free(body);
}

static void
del_row(struct wh_txn *t, unsigned n)
{
	char name[32];

	snprintf(name, sizeof(name), "row-%05u", n);
	assert_int_equal(wh_rows_del(t, wh_str_c(name)), 0);
}

/* ------------------------------------------------- whatever a commit does -- */

static void
first_rows(struct wh_txn *t)
{
	for (unsigned i = 0; i < 3; i++)
		put_row(t, i, 100);
}

static void
many_rows(struct wh_txn *t)
{
	for (unsigned i = 100; i < 900; i++)
		put_row(t, i, 500);
}

static void
rows_all_over(struct wh_txn *t)
{
	for (unsigned i = 100; i < 900; i += 97)
		put_row(t, i, 480);
}

static void
large_rows(struct wh_txn *t)
{
	put_row(t, 50, 9000);
	put_row(t, 51, 30000);
}

static void
beside_a_large_row(struct wh_txn *t)
{
	put_row(t, 51, 20000);
	put_row(t, 52, 10);
}

static void
fewer_rows(struct wh_txn *t)
{
	for (unsigned i = 150; i < 880; i++)
		del_row(t, i);
}

static void
changes(struct wh_txn *t)
{
	uint64_t revision;

	for (unsigned i = 0; i < 400; i++)
		assert_int_equal(wh_changes_add(t, WH_STR("a change"), 1000, &revision), 0);
}

/* A whole table is emptied. */
static void
no_changes_before(struct wh_txn *t)
{
	uint64_t revision;

	assert_int_equal(wh_changes_jump(t, 7), 0);
	assert_int_equal(wh_changes_add(t, WH_STR("a change"), 1000, &revision), 0);
}

static void
operations(struct wh_txn *t)
{
	for (uint64_t i = 1; i < 300; i++)
		fx_put_op(t, fx_op(i, "lane", QUEUED, (int64_t)i));
}

static void
index_rows(struct wh_txn *t)
{
	assert_int_equal(wh_ops_catch_up(t, 0, SIZE_MAX), 0);
}

static void
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

static void
commit_numbered(struct fixture *f, unsigned n)
{
	struct wh_txn t;

	fx_begin(f, &t);
	number(&t, n);
	commits[n](&t);
	fx_commit(&t);
}

/* The first two commits are flushed by LMDB, and the second has a seal. */
static void
begin(struct fixture *f)
{
	struct wh_txn t;

	commit_numbered(f, 0);
	fx_begin(f, &t);
	put_row(&t, 7, 10);
	fx_commit(&t);
}

/* The image as it is if one page of the commit never came to the disk, or half of it. */
static void
assert_taken_back_without(const struct image *was, struct image *is, size_t at, size_t bytes,
			  unsigned n)
{
	char kept[PAGE];

	memcpy(kept, is->p + at, bytes);
	if (at + bytes <= was->n)
		memcpy(is->p + at, was->p + at, bytes);
	else
		memset(is->p + at, 0, bytes);
	unsigned found = number_after(is);

	if (found != n - 1)
		fail_msg("commit %u without its page %zu: %u", n, at / PAGE, found);
	memcpy(is->p + at, kept, bytes);
}

static bool
differs(const struct image *was, const struct image *is, size_t at, size_t bytes)
{
	static const char zeros[PAGE];
	const char *old = at + bytes <= was->n ? was->p + at : zeros;

	return memcmp(is->p + at, old, bytes) != 0;
}

/* The same for what means something of the page at `at`. */
static bool
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

/* Of the many pages of a large commit some are enough. */
static unsigned
lose_each_page(const struct image *was, struct image *is, unsigned n)
{
	unsigned pages = 0, lost = 0;

	for (size_t at = META_PAGES * PAGE; at + PAGE <= is->n; at += PAGE) {
		size_t half = pages % 2 ? PAGE : PAGE / 2;

		if (!matters(was, is, at, PAGE) || (pages++ > 20 && pages % 13))
			continue;
		if (!matters(was, is, at, half))
			half = PAGE;
		assert_taken_back_without(was, is, at, half, n);
		lost++;
	}
	return lost;
}

static void
test_each_page(void **state)
{
	struct fixture *f = *state;
	unsigned lost = 0;

	begin(f);
	struct image was = take_image(f);

	for (unsigned n = 1; n < wh_array_len(commits); n++) {
		commit_numbered(f, n);
		struct image is = take_image(f);

		assert_int_equal(number_after(&is), n);
		lost += lose_each_page(&was, &is, n);
		free(was.p);
		was = is;
	}
	free(was.p);
	assert_true(lost > 100);
}

/* ------------------------------------------------------------- other ways -- */

/* The image of a store with two commits that are sealed. */
static struct image
two_sealed(struct fixture *f)
{
	begin(f);
	commit_numbered(f, 1);
	commit_numbered(f, 2);
	return take_image(f);
}

static uint64_t
txn_at(const struct image *im, size_t place)
{
	uint64_t txn;

	memcpy(&txn, im->p + place * PAGE + offsetof(struct meta, txn), sizeof(txn));
	return txn;
}

static size_t
newer(const struct image *im)
{
	return txn_at(im, 1) > txn_at(im, 0) ? 1 : 0;
}

static char *
seal_at(const struct image *im, size_t place)
{
	return im->p + place * PAGE + SEAL;
}

static void
test_seal_missing(void **state)
{
	struct image im = two_sealed(*state);

	assert_int_equal(number_after(&im), 2);
	memset(seal_at(&im, newer(&im)), 0, SEAL_SIZE);
	assert_int_equal(number_after(&im), 1);
	/* With none on either, somebody else commits, and flushes before. */
	memset(seal_at(&im, 1 - newer(&im)), 0, SEAL_SIZE);
	assert_int_equal(number_after(&im), 2);
	free(im.p);
}

static void
test_any_bit_of_a_seal(void **state)
{
	struct image im = two_sealed(*state);

	for (size_t i = 0; i < SEAL_SIZE; i += 3) {
		seal_at(&im, newer(&im))[i] ^= 0x10;
		assert_int_equal(number_after(&im), 1);
		seal_at(&im, newer(&im))[i] ^= 0x10;
	}
	free(im.p);
}

/* It is there as before, and goes on, and a second time as well. */
static void
test_goes_on(void **state)
{
	struct image im = two_sealed(*state);

	memset(seal_at(&im, newer(&im)), 0, SEAL_SIZE);
	struct fixture *g = put_image(&im);

	for (unsigned n = 2; n < 5; n++) {
		fx_open(g);
		assert_int_equal(wh_store_took_back(g->s), n == 2);
		assert_int_equal(number_in(g), n - 1);
		commit_numbered(g, n);
		struct image again = take_image(g);
		struct fixture *h = put_image(&again);

		fx_close(g);
		drop(g);
		free(again.p);
		g = h;
	}
	drop(g);
	free(im.p);
}

static void
test_closed_has_none(void **state)
{
	struct fixture *f = *state;
	struct image im = two_sealed(f);

	assert_memory_equal(seal_at(&im, 0), "whdseal1", 8);
	assert_memory_equal(seal_at(&im, 1), "whdseal1", 8);
	free(im.p);
	fx_close(f);
	im = take_image(f);
	for (size_t i = 0; i < SEAL_SIZE; i++)
		assert_true(seal_at(&im, 0)[i] == 0 && seal_at(&im, 1)[i] == 0);
	assert_int_equal(number_after(&im), 2);
	free(im.p);
}

/* What the mark knows of was flushed. */
static void
test_damage_is_no_tear(void **state)
{
	struct fixture *f = *state;
	struct wh_txn t;

	fx_begin(f, &t);
	assert_int_equal(wh_meta_put_text(&t, "instance", WH_STR("the-instance")), 0);
	fx_commit(&t);
	assert_int_equal(wh_store_mark(f->s), 0);
	struct image im = two_sealed(f);
	int fd = open(f->data, O_RDWR);

	fx_close(f);
	assert_int_equal(pwrite(fd, im.p, im.n, 0), (ssize_t)im.n);
	close(fd);
	fx_flip(f->data, "whdseal1");
	fx_open(f);
	assert_int_equal(number_in(f), 2);
	free(im.p);
}

static void
test_check_leaves_it_alone(void **state)
{
	struct image im = two_sealed(*state);

	memset(seal_at(&im, newer(&im)), 0, SEAL_SIZE);
	struct fixture *g = put_image(&im);
	const struct wh_store_options o = {
		.path = g->path, .max_size = FX_SIZE, .read_only_check = true};

	assert_int_equal(wh_store_open(&g->s, &o, &g->why, &g->text), WH_EBUSY);
	wh_buf_byte(&g->text, '\0');
	assert_non_null(strstr(g->text.p, "check again after that"));
	struct image still = take_image(g);

	assert_int_equal(still.n, im.n);
	assert_memory_equal(still.p, im.p, im.n);
	fx_open(g);
	assert_int_equal(number_in(g), 1);
	drop(g);
	free(still.p);
	free(im.p);
}

/* One that writes very much is flushed first, and has no hash that could be wrong. */
static void
test_very_large(void **state)
{
	struct fixture *f = *state;
	struct wh_txn t;

	begin(f);
	commit_numbered(f, 1);
	fx_begin(f, &t);
	number(&t, 2);
	for (unsigned i = 1000; i < 12000; i++)
		put_row(&t, i, 500);
	fx_commit(&t);
	struct image im = take_image(f);

	assert_memory_equal(seal_at(&im, newer(&im)), "whdseal1", 8);
	assert_memory_equal(seal_at(&im, newer(&im)) + 16, "\0\0\0\0\0\0\0\0", 8);
	assert_int_equal(number_after(&im), 2);
	free(im.p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fx_test(test_each_page),
		fx_test(test_seal_missing),
		fx_test(test_any_bit_of_a_seal),
		fx_test(test_goes_on),
		fx_test(test_closed_has_none),
		fx_test(test_damage_is_no_tear),
		fx_test(test_check_leaves_it_alone),
		fx_test(test_very_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
