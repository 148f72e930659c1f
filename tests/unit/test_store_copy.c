/* SPDX-License-Identifier: MIT */
/*
 * Copies of a store: whole, private, made by rename, and usable as a store; and
 * another file in the place of the store.
 */
#include "tests/unit/store_fixture.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>

static void
fill(struct fixture *f, unsigned rows, char letter)
{
	struct wh_txn t;
	char whid[32];
	char body[600];
	uint64_t revision;

	memset(body, letter, sizeof(body));
	body[sizeof(body) - 1] = '\0';
	fx_begin(f, &t);
	for (unsigned i = 0; i < rows; i++) {
		const struct wh_oprow op = fx_op(i + 1, "lane", (uint8_t)(i % 7), i);

		snprintf(whid, sizeof(whid), "id-%u", i);
		fx_put_row(&t, whid, body);
		assert_int_equal(wh_ops_put(&t, &op), 0);
		assert_int_equal(wh_changes_add(&t, wh_str_c(whid), 50, &revision), 0);
	}
	fx_commit(&t);
}

static void
copy_name(const struct fixture *f, char *ret, size_t n)
{
	snprintf(ret, n, "%s/copy.mdb", f->dir);
}

/* Opens a copy the way whd --check does, and leaves it in f->s. */
static void
open_copy(struct fixture *f, const char *file)
{
	const struct wh_store_options o = {.path = file, .read_only_check = true};

	wh_buf_reset(&f->text);
	assert_int_equal(wh_store_open(&f->s, &o, &f->why, &f->text), 0);
}

static void
test_copy(void **state)
{
	struct fixture *f = *state;
	struct wh_view v;
	struct wh_row row;
	struct stat st;
	char file[400];
	char made[420];

	fill(f, 500, 'x');
	copy_name(f, file, sizeof(file));
	snprintf(made, sizeof(made), "%s.whd-new", file);
	assert_int_equal(wh_store_copy(f->s, file, &f->text), 0);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_not_equal(access(made, F_OK), 0);
	fx_close(f);
	open_copy(f, file);
	fx_check_clean(f);
	fx_view(f, &v);
	assert_int_equal(v.meta.rows, 500);
	assert_int_equal(wh_rows_get(&v, WH_STR("id-499"), &row), 0);
	wh_view_end(&v);
}

static void
test_copy_becomes_a_store(void **state)
{
	struct fixture *f = *state;

	fill(f, 500, 'x');
	char file[400];

	copy_name(f, file, sizeof(file));
	assert_int_equal(wh_store_copy(f->s, file, &f->text), 0);
	fill(f, 600, 'y');
	fx_close(f);
	assert_int_equal(rename(file, f->data), 0);
	fx_open(f);
	fx_check_clean(f);
	fill(f, 700, 'z');
	fx_check_clean(f);
}

/* What a copy that was cut short left is in nobody's way; a file that is there is. */
static void
test_copy_replaces_nothing(void **state)
{
	struct fixture *f = *state;
	char file[400];
	char made[420];
	FILE *left;

	copy_name(f, file, sizeof(file));
	snprintf(made, sizeof(made), "%s.whd-new", file);
	left = fopen(made, "w");
	assert_non_null(left);
	fclose(left);
	assert_int_equal(wh_store_copy(f->s, file, &f->text), 0);
	off_t before = fx_file_size(file);

	fill(f, 100, 'x');
	assert_int_equal(wh_store_copy(f->s, file, &f->text), WH_ESYS);
	wh_buf_byte(&f->text, '\0');
	assert_non_null(strstr(f->text.p, "File exists; name a file that does not exist"));
	assert_int_equal(fx_file_size(file), before);
}

/* The name under which it is built is not followed anywhere. */
static void
test_copy_follows_no_link(void **state)
{
	struct fixture *f = *state;
	char file[400];
	char made[420];
	char target[400];
	FILE *victim;

	copy_name(f, file, sizeof(file));
	snprintf(made, sizeof(made), "%s.whd-new", file);
	snprintf(target, sizeof(target), "%s/victim", f->dir);
	victim = fopen(target, "w");
	assert_non_null(victim);
	fputs("mine", victim);
	fclose(victim);
	assert_int_equal(symlink(target, made), 0);
	assert_int_equal(wh_store_copy(f->s, file, &f->text), 0);
	assert_int_equal(fx_file_size(target), 4);
}

static void
test_copy_nowhere(void **state)
{
	struct fixture *f = *state;
	char file[400];

	snprintf(file, sizeof(file), "%s/none/copy.mdb", f->dir);
	assert_int_equal(wh_store_copy(f->s, file, &f->text), WH_ESYS);
	snprintf(file, sizeof(file), "%s", f->path); /* a folder is in the way */
	assert_int_equal(wh_store_copy(f->s, file, &f->text), WH_ESYS);
	fx_check_clean(f);
}

/* A copy that did not fit leaves nothing. */
static void
test_copy_does_not_fit(void **state)
{
	struct fixture *f = *state;
	char file[400];
	char made[420];

	copy_name(f, file, sizeof(file));
	snprintf(made, sizeof(made), "%s.whd-new", file);
	fill(f, 2000, 'x');
	rlim_t was = fx_files_end_at(300000);
	int r = wh_store_copy(f->s, file, &f->text);

	fx_files_end_at(was);
	assert_int_equal(r, WH_ENOSPACE);
	assert_int_not_equal(access(file, F_OK), 0);
	assert_int_not_equal(access(made, F_OK), 0);
}

struct copier {
	struct fixture *f;
	const char *file;
	atomic_bool done;
	int fault;
};

static void *
copy_often(void *arg)
{
	struct copier *me = arg;

	struct wh_buf why = WH_BUF_NULL;

	for (int i = 0; i < 10 && me->fault == 0; i++) {
		(void)unlink(me->file);
		me->fault = wh_store_copy(me->f->s, me->file, &why);
	}
	wh_buf_fini(&why);
	me->done = true;
	return NULL;
}

static void
test_copy_while_writing(void **state)
{
	struct fixture *f = *state;
	char file[400];
	pthread_t thread;

	copy_name(f, file, sizeof(file));
	struct copier c = {.f = f, .file = file};

	fill(f, 200, 'a');
	assert_int_equal(pthread_create(&thread, NULL, copy_often, &c), 0);
	for (unsigned i = 0; !c.done; i++)
		fill(f, 20, (char)('a' + i % 26));
	pthread_join(thread, NULL);
	assert_int_equal(c.fault, 0);
	fx_close(f);
	open_copy(f, file);
	fx_check_clean(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fx_test(test_copy),
		fx_test(test_copy_becomes_a_store),
		fx_test(test_copy_replaces_nothing),
		fx_test(test_copy_follows_no_link),
		fx_test(test_copy_nowhere),
		fx_test(test_copy_does_not_fit),
		fx_test(test_copy_while_writing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
