/* SPDX-License-Identifier: MIT */
/*
 * store/closed.c: when a start may leave out the reading of all pages, and that
 * it does not in any other case. That it is left out is seen by damage that is
 * not found then: the note is written behind it.
 */
#include "store_fixture.h"

#include "store/table.h"

#define BOOT 1700000000000

static int
try_open(struct fixture *f, int64_t booted_at)
{
	const struct wh_store_options o = {
		.path = f->path, .max_size = FX_SIZE, .booted_at = booted_at};

	f->s = NULL;
	wh_buf_reset(&f->text);
	return wh_store_open(&f->s, &o, &f->why, &f->text);
}

static bool
has_note(const struct fixture *f)
{
	char note[400];

	snprintf(note, sizeof(note), "%s/" WH_CLOSED_FILE, f->path);
	return access(note, F_OK) == 0;
}

/* The root of a table becomes a page that is none. */
static void
damage_a_page(struct fixture *f)
{
	char wrong[2] = {0x7f, 0x7f};
	MDB_stat stat;
	MDB_txn *txn;

	assert_int_equal(mdb_txn_begin(f->s->env, NULL, MDB_RDONLY, &txn), 0);
	assert_int_equal(mdb_stat(txn, f->s->dbi[WH_TABLE_HISTORY], &stat), 0);
	mdb_txn_abort(txn);

	int fd = open(f->data, O_RDWR);
	off_t pages = fx_file_size(f->data) / (off_t)stat.ms_psize;

	assert_true(fd >= 0 && stat.ms_entries > 0);
	for (off_t i = 2; i < pages; i++) { /* flags of a leaf */
		off_t at = i * (off_t)stat.ms_psize;
		uint16_t flags;

		assert_int_equal(pread(fd, &flags, sizeof(flags), at + 10), sizeof(flags));
		if (flags == 2)
			assert_int_equal(pwrite(fd, wrong, sizeof(wrong), at + 10), 2);
	}
	close(fd);
}

static void
furnish(struct fixture *f)
{
	fx_close(f);
	assert_int_equal(try_open(f, BOOT), 0);
	fx_furnish(f);
}

static void
assert_all_read(struct fixture *f, int64_t booted_at)
{
	assert_int_equal(try_open(f, booted_at), WH_ECORRUPT);
	assert_int_equal(f->why, WH_STORE_WHY_DAMAGED);
	assert_false(has_note(f));
}

/* Nothing is read but what LMDB itself reads: it meets no damage, or only later. */
static void
assert_not_all_read(struct fixture *f, int64_t booted_at)
{
	int r = try_open(f, booted_at);

	assert_true(r == 0 || f->why != WH_STORE_WHY_DAMAGED);
	assert_false(has_note(f));
}

static void
test_same_file_same_boot(void **state)
{
	struct fixture *f = *state;

	furnish(f);
	assert_false(has_note(f));
	damage_a_page(f);
	wh_store_rest(f->s);
	assert_true(has_note(f));
	fx_close(f);
	assert_not_all_read(f, BOOT + 900);
}

static void
test_once(void **state)
{
	struct fixture *f = *state;

	furnish(f);
	damage_a_page(f);
	wh_store_rest(f->s);
	fx_close(f);
	assert_not_all_read(f, BOOT);
	fx_close(f); /* as if it had been killed */
	assert_all_read(f, BOOT);
}

static void
test_not_at_rest(void **state)
{
	struct fixture *f = *state;

	furnish(f);
	damage_a_page(f);
	fx_close(f);
	assert_all_read(f, BOOT);
}

static void
test_another_boot(void **state)
{
	static const int64_t boots[] = {0, BOOT - 2000, BOOT + 2000};
	struct fixture *f = *state;

	for (size_t i = 0; i < wh_array_len(boots); i++) {
		struct fixture *g = i ? fx_new() : f;

		if (i)
			fx_open(g);
		furnish(g);
		damage_a_page(g);
		wh_store_rest(g->s);
		fx_close(g);
		assert_all_read(g, boots[i]);
		if (i)
			fx_teardown((void **)&g);
	}
}

static void
test_written_since(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	furnish(f);
	wh_store_rest(f->s);
	assert_int_equal(stat(f->data, &st), 0);
	damage_a_page(f);

	const struct timespec times[2] = {st.st_atim, st.st_mtim};

	assert_int_equal(utimensat(AT_FDCWD, f->data, times, 0), 0);
	fx_close(f);
	assert_all_read(f, BOOT);
}

/* The same bytes, put there by somebody. */
static void
copy_over(const char *file)
{
	size_t size = (size_t)fx_file_size(file);
	char *all = wh_xcalloc(1, size);
	int fd = open(file, O_RDONLY);

	assert_int_equal(read(fd, all, size), (ssize_t)size);
	close(fd);
	assert_int_equal(unlink(file), 0);
	fd = open(file, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, all, size), (ssize_t)size);
	close(fd);
	free(all);
}

static void
test_another_file(void **state)
{
	struct fixture *f = *state;

	furnish(f);
	damage_a_page(f);
	wh_store_rest(f->s);
	fx_close(f);
	copy_over(f->data);
	assert_all_read(f, BOOT);
}

static void
test_note_is_garbage(void **state)
{
	static const char *const notes[] = {"", "whdclosed1", "whdclosed1 1700000000000 \n",
					    "whdclosed2 1700000000000 1 1.1 1.1 1.1 1\n"};
	struct fixture *f = *state;
	char note[400];

	furnish(f);
	damage_a_page(f);
	fx_close(f);
	snprintf(note, sizeof(note), "%s/" WH_CLOSED_FILE, f->path);
	for (size_t i = 0; i < wh_array_len(notes); i++) {
		FILE *file = fopen(note, "w");

		assert_non_null(file);
		fputs(notes[i], file);
		fclose(file);
		assert_int_equal(try_open(f, BOOT), WH_ECORRUPT);
		assert_int_equal(f->why, WH_STORE_WHY_DAMAGED);
	}
}

/* A check reads all, and leaves the note for the start. */
static void
test_check_reads_all(void **state)
{
	struct fixture *f = *state;
	const struct wh_store_options o = {
		.path = f->path, .read_only_check = true, .booted_at = BOOT};

	furnish(f);
	damage_a_page(f);
	wh_store_rest(f->s);
	fx_close(f);
	assert_int_equal(wh_store_open(&f->s, &o, &f->why, &f->text), WH_ECORRUPT);
	assert_int_equal(f->why, WH_STORE_WHY_DAMAGED);
	assert_true(has_note(f));
	f->s = NULL;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fx_test(test_same_file_same_boot), fx_test(test_once),
		fx_test(test_not_at_rest),         fx_test(test_another_boot),
		fx_test(test_written_since),       fx_test(test_another_file),
		fx_test(test_note_is_garbage),     fx_test(test_check_reads_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
