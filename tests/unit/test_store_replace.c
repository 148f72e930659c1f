/* SPDX-License-Identifier: MIT */
/*
 * A store that is not the one the folder had: how it is told, and how another
 * file is put in its place.
 */
#include "tests/unit/store_fixture.h"

static void
put_text(struct fixture *f, const char *name, const char *value)
{
	struct wh_txn t;

	fx_begin(f, &t);
	assert_int_equal(wh_meta_put_text(&t, name, wh_str_c(value)), 0);
	fx_commit(&t);
}

/* As whd starts and ends: the mark is made, something is written, it closes. */
static void
live(struct fixture *f, const char *what)
{
	assert_int_equal(wh_store_mark(f->s), 0);
	put_text(f, "what", what);
	fx_close(f);
}

/* Overwrites the bytes of `to` if it is there, as cp does. */
static void
copy_file(const char *from, const char *to)
{
	size_t n = (size_t)fx_file_size(from);
	char *all = wh_xcalloc(1, n);
	int in = open(from, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(read(in, all, n), (ssize_t)n);
	assert_int_equal(write(out, all, n), (ssize_t)n);
	close(in);
	close(out);
	free(all);
}

static bool
put_back(struct fixture *f)
{
	fx_open(f);
	return wh_store_was_put_back(f->s);
}

static void
test_its_own(void **state)
{
	struct fixture *f = *state;

	assert_false(wh_store_was_put_back(f->s));
	put_text(f, WH_META_INSTANCE, "one");
	live(f, "a");
	assert_false(put_back(f));
	live(f, "b");
	assert_false(put_back(f));
	put_text(f, "what", "written before it is marked again");
	fx_close(f);
	assert_false(put_back(f));
}

static void
test_a_new_file(void **state)
{
	struct fixture *f = *state;
	char copy[400];

	snprintf(copy, sizeof(copy), "%s/copy.mdb", f->dir);
	put_text(f, WH_META_INSTANCE, "one");
	live(f, "a");
	copy_file(f->data, copy);
	assert_int_equal(unlink(f->data), 0);
	copy_file(copy, f->data);
	assert_true(put_back(f));
	live(f, "b"); /* from here on it is the store's own */
	assert_false(put_back(f));
}

/* The same file, filled with what it held some commits ago. */
static void
test_old_bytes_in_the_same_file(void **state)
{
	struct fixture *f = *state;
	char copy[400];

	snprintf(copy, sizeof(copy), "%s/copy.mdb", f->dir);
	put_text(f, WH_META_INSTANCE, "one");
	live(f, "a");
	copy_file(f->data, copy);
	assert_false(put_back(f));
	live(f, "b");
	copy_file(copy, f->data);
	assert_true(put_back(f));
}

static void
test_another_store_in_the_same_file(void **state)
{
	struct fixture *f = *state;
	char copy[400];

	snprintf(copy, sizeof(copy), "%s/copy.mdb", f->dir);
	put_text(f, WH_META_INSTANCE, "two");
	for (int i = 0; i < 9; i++)
		put_text(f, "more", "commits than the other one");
	fx_close(f);
	copy_file(f->data, copy);
	fx_open(f);
	put_text(f, WH_META_INSTANCE, "one");
	live(f, "a");
	assert_false(put_back(f));
	fx_close(f);
	copy_file(copy, f->data);
	assert_true(put_back(f));
}

static void
test_marks_that_tell_nothing(void **state)
{
	struct fixture *f = *state;
	char mark[400];

	snprintf(mark, sizeof(mark), "%s/whd.mark", f->path);
	put_text(f, WH_META_INSTANCE, "one");
	live(f, "a");
	assert_int_equal(unlink(mark), 0);
	assert_true(put_back(f));
	live(f, "b");
	for (off_t at = 0; at < fx_file_size(mark); at += 7) {
		int fd = open(mark, O_RDWR);
		char was = 0;

		assert_int_equal(pread(fd, &was, 1, at), 1);
		assert_int_equal(pwrite(fd, "?", 1, at), 1);
		assert_true(put_back(f));
		fx_close(f);
		assert_int_equal(pwrite(fd, &was, 1, at), 1);
		close(fd);
		assert_false(put_back(f));
		fx_close(f);
	}
	assert_int_equal(truncate(mark, 20), 0);
	assert_true(put_back(f));
}

/* ------------------------------------------------------------- replacing -- */

static int
replace(struct fixture *f, const char *file, struct wh_replacement *ret)
{
	const struct wh_store_options o = {.path = f->path, .max_size = FX_SIZE};

	*ret = (struct wh_replacement){.file = file, .label = "replaced"};
	int r = wh_store_replace(&o, ret, &f->text);

	wh_buf_byte(&f->text, '\0');
	return r;
}

static void
make_copy(struct fixture *f, char ret[400])
{
	snprintf(ret, 400, "%s/copy.mdb", f->dir);
	assert_int_equal(wh_store_copy(f->s, ret, &f->text), 0);
}

static void
test_replace(void **state)
{
	struct fixture *f = *state;
	struct wh_replacement ret;
	struct wh_str what;
	struct wh_view v;
	char copy[400], aside[500];

	fx_furnish(f);
	put_text(f, "what", "then");
	make_copy(f, copy);
	live(f, "now");
	off_t size = fx_file_size(f->data);

	assert_int_equal(replace(f, copy, &ret), 0);
	assert_int_equal(ret.meta.rows, 5);
	snprintf(aside, sizeof(aside), "%s/%s", f->path, ret.aside);
	assert_int_equal(fx_file_size(aside), size);
	assert_true(put_back(f));
	fx_check_clean(f);
	fx_view(f, &v);
	assert_int_equal(wh_meta_text(&v, "what", &what), 0);
	assert_true(wh_str_is(what, "then"));
	wh_view_end(&v);
	fx_close(f);
	assert_int_equal(replace(f, aside, &ret), 0); /* and back; names do not collide */
	assert_true(put_back(f));
	fx_view(f, &v);
	assert_int_equal(wh_meta_text(&v, "what", &what), 0);
	assert_true(wh_str_is(what, "now"));
	wh_view_end(&v);
}

static void
test_replace_by_nothing(void **state)
{
	struct fixture *f = *state;
	struct wh_replacement ret;
	char aside[500];

	fx_furnish(f);
	live(f, "a");
	assert_int_equal(replace(f, NULL, &ret), 0);
	snprintf(aside, sizeof(aside), "%s/%s", f->path, ret.aside);
	assert_int_equal(access(aside, F_OK), 0);
	assert_int_not_equal(access(f->data, F_OK), 0);
	assert_false(put_back(f));
	fx_close(f);
}

/* Nothing is touched by what cannot become a store. */
static void
assert_refused(struct fixture *f, const char *file, const char *sentence)
{
	struct wh_replacement ret;
	char made[500];
	struct stat before, after;

	assert_int_equal(stat(f->data, &before), 0);
	assert_true(replace(f, file, &ret) < 0);
	if (!strstr(f->text.p, sentence))
		fail_msg("not said: %s; but: %s", sentence, f->text.p);
	assert_int_equal(stat(f->data, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(before.st_nlink, after.st_nlink);
	snprintf(made, sizeof(made), "%s.new", f->data);
	assert_int_not_equal(access(made, F_OK), 0);
}

static void
test_replace_refuses(void **state)
{
	struct fixture *f = *state;
	char copy[400], other[420];

	fx_furnish(f);
	make_copy(f, copy);
	assert_refused(f, copy, "another whd has");
	live(f, "a");
	snprintf(other, sizeof(other), "%s.other", copy);
	assert_refused(f, other, "No such file");
	copy_file(copy, other);
	fx_flip(other, "row-body-3");
	assert_refused(f, other, "is damaged (rows: ");
	copy_file(copy, other);
	assert_int_equal(truncate(other, fx_file_size(copy) / 2), 0);
	assert_refused(f, other, "was cut off");
	copy_file("/etc/passwd", other);
	assert_refused(f, other, "not a store at all; take another copy");
	assert_false(put_back(f));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fx_test(test_its_own),
		fx_test(test_a_new_file),
		fx_test(test_old_bytes_in_the_same_file),
		fx_test(test_another_store_in_the_same_file),
		fx_test(test_marks_that_tell_nothing),
		fx_test(test_replace),
		fx_test(test_replace_by_nothing),
		fx_test(test_replace_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
