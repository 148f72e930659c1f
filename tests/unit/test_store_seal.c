/* SPDX-License-Identifier: MIT */
/*
 * A commit that is not on disk as a whole is taken back by the next opening,
 * whichever of its pages is missing; one that is whole stays.
 */
#include "seal_fixture.h"

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
