/* SPDX-License-Identifier: MIT */
/*
 * Opening a store: creation, locking, and everything that is refused.
 */
#include "tests/unit/store_fixture.h"

#include <lmdb.h>

#include "store/opening.h"

static void
write_file(const char *file, const void *p, size_t n, off_t at)
{
	int fd = open(file, O_RDWR | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, p, n, at), (ssize_t)n);
	close(fd);
}

static unsigned
count_files(const char *dir)
{
	unsigned n = 0;
	DIR *d = opendir(dir);

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void
test_creates(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	fx_open(f);
	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(stat(f->data, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(count_files(f->path), 3); /* data, LMDB's lock, ours */
	fx_check_clean(f);
}

static void
test_leftovers_of_a_crash(void **state)
{
	struct fixture *f = *state;
	char file[400];

	assert_int_equal(mkdir(f->path, 0700), 0);
	snprintf(file, sizeof(file), "%s/data.mdb.new", f->path);
	write_file(file, "half a file", 11, 0);
	snprintf(file, sizeof(file), "%s/data.mdb.new-lock", f->path);
	write_file(file, "lock", 4, 0);
	fx_open(f);
	assert_int_equal(count_files(f->path), 3);
	fx_check_clean(f);
}

static void
test_reopens(void **state)
{
	struct fixture *f = *state;
	struct wh_txn t;
	struct wh_view v;
	struct wh_row row;

	fx_open(f);
	fx_begin(f, &t);
	fx_put_row(&t, "a", "body of a");
	t.view.meta.confirm = 77;
	fx_commit(&t);
	fx_reopen(f);
	fx_view(f, &v);
	assert_int_equal(wh_rows_get(&v, WH_STR("a"), &row), 0);
	assert_true(wh_str_is(row.body, "body of a"));
	assert_int_equal(v.meta.confirm, 77);
	assert_int_equal(v.meta.rows, 1);
	wh_view_end(&v);
}

static void
test_second_opener(void **state)
{
	struct fixture *f = *state;
	struct wh_store *first;

	fx_open(f);
	first = f->s;
	fx_assert_refused(f, WH_EBUSY, WH_STORE_WHY_LOCKED, "another whd");
	wh_store_close(first);
	fx_open(f);
}

static void
test_close_nothing(void **state)
{
	(void)state;
	assert_null(wh_store_close(NULL));
}

static void
test_missing_parent(void **state)
{
	struct fixture *f = *state;

	snprintf(f->path, sizeof(f->path), "%s/no/store", f->dir);
	fx_assert_refused(f, WH_ESYS, WH_STORE_WHY_SYSTEM, "No such file");
}

static void
test_path_is_a_file(void **state)
{
	struct fixture *f = *state;

	write_file(f->path, "x", 1, 0);
	fx_assert_refused(f, WH_ESYS, WH_STORE_WHY_SYSTEM, "Not a directory");
}

static void
test_others_may_write(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mkdir(f->path, 0700), 0);
	assert_int_equal(chmod(f->path, 0770), 0);
	fx_assert_refused(f, WH_ESYS, WH_STORE_WHY_SYSTEM, "chmod 0700");
}

static void
test_data_is_a_link(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mkdir(f->path, 0700), 0);
	assert_int_equal(symlink("/etc/passwd", f->data), 0);
	fx_assert_refused(f, WH_ESYS, WH_STORE_WHY_SYSTEM, "not a regular file");
}

static void
test_lock_is_a_link(void **state)
{
	struct fixture *f = *state;
	char file[400];
	char target[400];

	assert_int_equal(mkdir(f->path, 0700), 0);
	snprintf(file, sizeof(file), "%s/whd.lock", f->path);
	snprintf(target, sizeof(target), "%s/target", f->dir);
	assert_int_equal(symlink(target, file), 0);
	fx_assert_refused(f, WH_ESYS, WH_STORE_WHY_SYSTEM, "whd.lock");
	assert_int_not_equal(access(target, F_OK), 0);
}

static void
test_makes_private(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	fx_open(f);
	fx_close(f);
	assert_int_equal(chmod(f->data, 0644), 0);
	fx_open(f);
	assert_int_equal(stat(f->data, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void
test_no_descriptor_leaks_to_children(void **state)
{
	struct fixture *f = *state;
	char link[64];
	char target[512];
	unsigned seen = 0;

	fx_open(f);
	for (int fd = 3; fd < 64; fd++) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		ssize_t n = readlink(link, target, sizeof(target) - 1);

		if (n < 0 || strncmp(target, f->dir, strlen(f->dir)) != 0)
			continue;
		seen++;
		assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	}
	assert_true(seen >= 4); /* data twice, two locks, the folder */
}

/* ---------------------------------------------------------- damaged files -- */

static void
fill(struct fixture *f, unsigned rows, char letter)
{
	struct wh_txn t;
	char whid[32];
	char body[600];

	memset(body, letter, sizeof(body));
	body[sizeof(body) - 1] = '\0';
	fx_begin(f, &t);
	for (unsigned i = 0; i < rows; i++) {
		snprintf(whid, sizeof(whid), "id-%u", i);
		fx_put_row(&t, whid, body);
	}
	fx_commit(&t);
}

static void
test_truncated(void **state)
{
	struct fixture *f = *state;

	fx_open(f);
	fill(f, 500, 'x');
	fx_close(f);
	off_t size = fx_file_size(f->data);

	for (off_t cut = 4096; cut < size - 4096; cut += size / 7) {
		assert_int_equal(truncate(f->data, size - cut), 0);
		fx_assert_refused(f, WH_ECORRUPT, WH_STORE_WHY_TRUNCATED, "cut off");
		/* The evidence is left as it was found. */
		assert_int_equal(fx_file_size(f->data), size - cut);
	}
}

static void
test_truncated_to_nothing(void **state)
{
	static const off_t sizes[] = {0, 1, 100, 4096, 5000, 8191};
	struct fixture *f = *state;

	fx_open(f);
	fill(f, 500, 'x');
	fx_close(f);
	for (size_t i = wh_array_len(sizes); i-- > 0;) {
		assert_int_equal(truncate(f->data, sizes[i]), 0);
		fx_assert_refused(f, WH_ECORRUPT, WH_STORE_WHY_TRUNCATED, "cut off");
		assert_int_equal(fx_file_size(f->data), sizes[i]);
	}
}

/* Takes many pages at the end of the file, and may give them back. */
static void
take_pages(struct fixture *f, bool give_back)
{
	const size_t n = (size_t)2 << 20;
	char *body = wh_xcalloc(1, n);
	const struct wh_row row = {.body = {body, n}};
	struct wh_txn t;

	fx_begin(f, &t);
	assert_int_equal(wh_rows_put(&t, WH_STR("large"), &row), 0);
	if (give_back)
		assert_int_equal(wh_rows_del(&t, WH_STR("large")), 0);
	fx_put_row(&t, "small", "x");
	fx_commit(&t);
	free(body);
}

/* The pages that are missing hold a row; the list of free pages is still there. */
static void
test_truncated_behind_the_free_list(void **state)
{
	struct fixture *f = *state;

	fx_open(f);
	for (char letter = 'a'; letter < 'd'; letter++)
		fill(f, 300, letter);
	take_pages(f, false);
	fx_close(f);
	off_t size = fx_file_size(f->data);

	for (off_t pages = 1; pages <= 40; pages++) {
		assert_int_equal(truncate(f->data, size - pages * 4096), 0);
		fx_assert_refused(f, WH_ECORRUPT, WH_STORE_WHY_TRUNCATED, "cut off");
	}
}

static off_t
written_size(const char *file)
{
	int fd = open(file, O_RDONLY);
	off_t hole = lseek(fd, 0, SEEK_HOLE);

	close(fd);
	return hole;
}

static void
test_short_but_whole(void **state)
{
	struct fixture *f = *state;

	fx_open(f);
	for (char letter = 'a'; letter < 'd'; letter++)
		fill(f, 300, letter); /* gives LMDB free pages to use for its own */
	take_pages(f, true);
	fx_close(f);
	/* As a crash right after the commit would have left it. */
	off_t size = fx_file_size(f->data);
	off_t written = written_size(f->data);

	assert_true(written < size - (1 << 20)); /* or it tests nothing */
	assert_int_equal(truncate(f->data, written), 0);
	fx_open(f);
	assert_int_equal(fx_file_size(f->data), size);
	fx_check_clean(f);
	fill(f, 2000, 'x');
	fx_check_clean(f);
}

static void
test_commit_covers_last_page(void **state)
{
	struct fixture *f = *state;
	MDB_envinfo info;

	fx_open(f);
	for (char letter = 'a'; letter < 'd'; letter++)
		fill(f, 300, letter);
	take_pages(f, true);
	assert_int_equal(mdb_env_info(f->s->env, &info), 0);
	assert_true(fx_file_size(f->data) >= (off_t)((info.me_last_pgno + 1) * 4096));
}

static void
test_garbage(void **state)
{
	struct fixture *f = *state;
	char junk[16384];

	memset(junk, 0x5a, sizeof(junk));
	assert_int_equal(mkdir(f->path, 0700), 0);
	write_file(f->data, junk, sizeof(junk), 0);
	fx_assert_refused(f, WH_ECORRUPT, WH_STORE_WHY_LMDB, "damaged at its beginning");
	assert_int_equal(fx_file_size(f->data), sizeof(junk));
}

static void
test_meta_pages_lost(void **state)
{
	const char zeros[4096] = {0};
	struct fixture *f = *state;

	for (off_t page = 0; page < 2; page++) {
		fx_open(f);
		fx_close(f);
		write_file(f->data, zeros, sizeof(zeros), page * 4096);
		fx_assert_refused(f, WH_ECORRUPT, WH_STORE_WHY_LMDB, "--restore");
		assert_int_equal(unlink(f->data), 0);
	}
}

static void
test_impossible_page_size(void **state)
{
	static const uint32_t sizes[] = {0, 1, 12, 4097, 1u << 20, UINT32_MAX};
	struct fixture *f = *state;

	fx_open(f);
	fx_close(f);
	for (size_t i = 0; i < wh_array_len(sizes); i++) {
		write_file(f->data, &sizes[i], sizeof(sizes[i]), 40);
		write_file(f->data, &sizes[i], sizeof(sizes[i]), 4096 + 40);
		fx_assert_refused(f, WH_ECORRUPT, WH_STORE_WHY_LMDB, "damaged");
	}
}

/* ------------------------------------------------------------ read only -- */

static int
open_to_check(struct fixture *f, const char *path, struct wh_store **ret)
{
	const struct wh_store_options o = {.path = path, .read_only_check = true};

	wh_buf_reset(&f->text);
	return wh_store_open(ret, &o, &f->why, &f->text);
}

static void
test_check_alone(void **state)
{
	struct fixture *f = *state;
	struct wh_store *check;

	fx_open(f);
	fill(f, 100, 'x');
	fx_close(f);
	assert_int_equal(open_to_check(f, f->path, &check), 0);
	/* It takes part in no lock of LMDB, so no writer may come in. */
	fx_assert_refused(f, WH_EBUSY, WH_STORE_WHY_SYSTEM, "whd --check");
	f->s = check;
	fx_check_clean(f);
	fx_reopen(f);
}

static void
test_check_beside_a_writer(void **state)
{
	struct fixture *f = *state;
	struct wh_store *check;

	fx_open(f);
	fill(f, 100, 'x');
	assert_int_equal(open_to_check(f, f->path, &check), 0);
	fill(f, 200, 'y');
	assert_int_equal(wh_store_check(check, true, fx_on_finding, f), 0);
	wh_store_close(check);
	fill(f, 300, 'z');
}

static void
test_check_of_nothing(void **state)
{
	struct fixture *f = *state;
	struct wh_store *check;

	assert_int_equal(open_to_check(f, f->path, &check), WH_ESYS);
	assert_int_not_equal(access(f->path, F_OK), 0);
	assert_int_equal(mkdir(f->path, 0700), 0);
	assert_int_equal(open_to_check(f, f->path, &check), WH_ESYS);
	assert_int_equal(count_files(f->path), 0);
}

static void
test_remote_types(void **state)
{
	(void)state;
	assert_true(wh_place_is_remote(0x6969));      /* NFS */
	assert_true(wh_place_is_remote(0xff534d42));  /* CIFS */
	assert_true(wh_place_is_remote(0x65735546));  /* FUSE */
	assert_true(wh_place_is_remote(0x01021997));  /* 9p */
	assert_false(wh_place_is_remote(0xef53));     /* ext4 */
	assert_false(wh_place_is_remote(0x58465342)); /* XFS */
	assert_false(wh_place_is_remote(0x9123683e)); /* btrfs */
	assert_false(wh_place_is_remote(0x01021994)); /* tmpfs */
	assert_false(wh_place_is_remote(0x794c7630)); /* overlayfs */
	assert_false(wh_place_is_remote(0x2fc12fc1)); /* ZFS */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fx_test_closed(test_creates),
		fx_test_closed(test_leftovers_of_a_crash),
		fx_test_closed(test_reopens),
		fx_test_closed(test_second_opener),
		cmocka_unit_test(test_close_nothing),
		fx_test_closed(test_missing_parent),
		fx_test_closed(test_path_is_a_file),
		fx_test_closed(test_others_may_write),
		fx_test_closed(test_data_is_a_link),
		fx_test_closed(test_lock_is_a_link),
		fx_test_closed(test_makes_private),
		fx_test_closed(test_no_descriptor_leaks_to_children),
		fx_test_closed(test_truncated),
		fx_test_closed(test_truncated_behind_the_free_list),
		fx_test_closed(test_truncated_to_nothing),
		fx_test_closed(test_short_but_whole),
		fx_test_closed(test_commit_covers_last_page),
		fx_test_closed(test_garbage),
		fx_test_closed(test_meta_pages_lost),
		fx_test_closed(test_impossible_page_size),
		fx_test_closed(test_check_alone),
		fx_test_closed(test_check_beside_a_writer),
		fx_test_closed(test_check_of_nothing),
		cmocka_unit_test(test_remote_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
