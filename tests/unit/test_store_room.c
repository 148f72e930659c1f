/* SPDX-License-Identifier: MIT */
/*
 * store/room.c: a file that grows little by little is made longer ahead, and
 * nothing depends on whether it was.
 */
#include "store_fixture.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/table.h"

#define PAGE ((off_t)4096)
#define MIB ((off_t)1 << 20)

static off_t
used(struct fixture *f)
{
	MDB_envinfo info;

	assert_int_equal(mdb_env_info(f->s->env, &info), 0);
	return (off_t)(info.me_last_pgno + 1) * PAGE;
}

static off_t
spare(struct fixture *f)
{
	return fx_file_size(f->data) - used(f);
}

static void
commit_rows(struct fixture *f, unsigned from, unsigned n)
{
	char body[500], name[32];
	struct wh_txn t;

	memset(body, 'x', sizeof(body));
	body[sizeof(body) - 1] = '\0';
	fx_begin(f, &t);
	for (unsigned i = from; i < from + n; i++) {
		snprintf(name, sizeof(name), "row-%08u", i);
		fx_put_row(&t, name, body);
	}
	fx_commit(&t);
	wh_store_make_room(f->s);
}

/* Commits of one row each. How many found no page left behind what was in use? */
static unsigned
grow_slowly(struct fixture *f, unsigned from, unsigned n)
{
	unsigned without = 0;

	for (unsigned i = from; i < from + n; i++) {
		off_t before = fx_file_size(f->data);

		commit_rows(f, i, 1);
		without += used(f) > before;
	}
	return without;
}

static void
test_room_ahead(void **state)
{
	struct fixture *f = *state;

	commit_rows(f, 0, 4000);
	off_t before = used(f);

	assert_in_range(grow_slowly(f, 4000, 400), 0, 5);
	assert_true(used(f) - before > 30 * PAGE); /* or it tests nothing */
	assert_in_range(spare(f), PAGE, used(f) / 8);
	fx_reopen(f);
	fx_check_clean(f);
	assert_in_range(grow_slowly(f, 4400, 400), 0, 5);
	fx_check_clean(f);
}

static void
test_bounded(void **state)
{
	struct fixture *f = *state;

	commit_rows(f, 0, 40000); /* an eighth of it would be more than is kept ahead */
	assert_true(used(f) / 8 > MIB);
	grow_slowly(f, 40000, 100);
	assert_in_range(spare(f), PAGE, MIB);
}

/* As much as it took: the next one finds its pages there, */
static void
test_as_much_as_a_large_commit(void **state)
{
	struct fixture *f = *state;

	commit_rows(f, 0, 1000);
	for (unsigned i = 1000; i < 10000; i += 1000) {
		off_t size = fx_file_size(f->data), before = used(f);

		commit_rows(f, i, 1000);
		off_t grown = used(f) - before;

		/* They take more and more by little, as what leads to them grows. */
		if (i > 1000)
			assert_true(used(f) - size < grown / 16);
		assert_in_range(spare(f), grown, grown + MIB);
	}
	fx_check_clean(f);
}

/* but not without bounds, */
static void
test_bounded_behind_a_large_commit(void **state)
{
	struct fixture *f = *state;

	commit_rows(f, 0, 4000);
	off_t before = used(f);

	commit_rows(f, 4000, 20000);
	assert_true(used(f) - before > 8 * MIB);
	assert_in_range(spare(f), PAGE, 4 * MIB);
}

/* and the first one after a start says nothing about the next. */
static void
test_nothing_for_a_start(void **state)
{
	struct fixture *f = *state;

	commit_rows(f, 0, 4000);
	fx_reopen(f);
	off_t size = fx_file_size(f->data);

	commit_rows(f, 4000, 1);
	assert_in_range(fx_file_size(f->data), size, size + 16 * PAGE);
}

static void
test_none_without_growth(void **state)
{
	struct fixture *f = *state;

	commit_rows(f, 0, 4000);
	off_t before = fx_file_size(f->data);

	for (unsigned i = 0; i < 50; i++)
		commit_rows(f, 7, 1); /* pages that it gave back are taken again */
	assert_true(fx_file_size(f->data) - before < 16 * PAGE);
}

/* The file is never longer than it may become by what is in it. */
static void
test_within_the_limit(void **state)
{
	struct fixture *f = *state;
	struct wh_txn t;
	int r = 0;

	commit_rows(f, 0, 4000);
	off_t limit = used(f) + 100 * PAGE;

	fx_close(f);
	fx_open_sized(f, (uint64_t)limit);
	limit = limit / 65536 * 65536; /* as LMDB is told */
	for (unsigned i = 4000; r == 0; i++) {
		const struct wh_row row = {.body = WH_STR("not much")};
		char name[32];

		snprintf(name, sizeof(name), "row-%08u", i);
		fx_begin(f, &t);
		r = wh_rows_put(&t, wh_str_c(name), &row);
		if (r == 0)
			r = wh_txn_commit(&t);
		else
			wh_txn_abort(&t);
		wh_store_make_room(f->s);
		assert_true(fx_file_size(f->data) <= limit);
	}
	assert_true(used(f) > limit - 8 * PAGE); /* or it tests nothing */
	fx_check_clean(f);
}

static void
test_no_room_to_be_had(void **state)
{
	struct fixture *f = *state;

	commit_rows(f, 0, 4000);
	off_t size = fx_file_size(f->data);
	/* A few pages more. */
	rlim_t was = fx_files_end_at((rlim_t)(size + 20 * PAGE));

	for (unsigned i = 4000; used(f) < size + 10 * PAGE; i++)
		commit_rows(f, i, 1);
	assert_true(fx_file_size(f->data) <= size + 20 * PAGE);
	fx_check_clean(f);
	fx_files_end_at(was);
	assert_in_range(grow_slowly(f, 5000, 200), 0, 5);
	fx_check_clean(f);
}

static void
on_sigbus(int number)
{
	(void)number;
	_exit(70);
}

static void
commit_counter(struct fixture *f)
{
	struct wh_txn t;

	fx_begin(f, &t);
	t.view.meta.list_last++;
	fx_commit(&t);
}

static void
drop_rows(struct fixture *f, unsigned n)
{
	struct wh_txn t;
	char name[32];

	fx_begin(f, &t);
	for (unsigned i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "row-%08u", i);
		assert_int_equal(wh_rows_del(&t, wh_str_c(name)), 0);
	}
	fx_commit(&t);
}

/* What is missing of a file that somebody cut off is not filled with zeros by the next commit,
 * even if that reads nothing of it. */
static void
cut_and_commit(struct fixture *f)
{
	sigaction(SIGBUS, &(struct sigaction){.sa_handler = on_sigbus}, NULL);
	if (truncate(f->data, used(f) - PAGE) == 0)
		commit_counter(f);
	_exit(0);
}

static void
test_cut_off(void **state)
{
	struct fixture *f = *state;
	int status;

	commit_rows(f, 0, 4000);
	drop_rows(f, 2000);
	for (unsigned i = 0; i < 20; i++) /* which take pages far from the end */
		commit_counter(f);
	fx_close(f);
	pid_t child = fork();

	if (child == 0) {
		fx_open(f);
		cut_and_commit(f);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 70);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fx_test(test_room_ahead),
		fx_test(test_bounded),
		fx_test(test_as_much_as_a_large_commit),
		fx_test(test_bounded_behind_a_large_commit),
		fx_test(test_nothing_for_a_start),
		fx_test(test_none_without_growth),
		fx_test(test_within_the_limit),
		fx_test(test_no_room_to_be_had),
		fx_test(test_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
