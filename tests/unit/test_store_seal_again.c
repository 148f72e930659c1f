/* SPDX-License-Identifier: MIT */
/*
 * Seals when more than one thing goes wrong: a start that is cut off as well,
 * reads and flushes that fail, another process that has the file open.
 */
#undef _FORTIFY_SOURCE /* with it calls that are replaced here are inline functions */
#include "seal_fixture.h"

#include <errno.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* ----------------------------------------------- calls that fail, or are noted -- */

#define NOTED 4096 /* pages */

static struct {
	off_t unreadable; /* the next read there fails; 0 = none */
	int flushes;      /* so many of the next ones fail */
	bool note;
	bool written[NOTED];
} disk;

static ssize_t
read_at(int fd, void *b, size_t n, off_t at)
{
	if (disk.unreadable > 0 && at == disk.unreadable) {
		disk.unreadable = 0;
		errno = EIO;
		return -1;
	}
	return syscall(SYS_pread64, fd, b, n, at);
}

ssize_t
pread(int fd, void *b, size_t n, off_t at)
{
	return read_at(fd, b, n, at);
}

ssize_t __pread_chk(int fd, void *b, size_t n, off_t at, size_t room);
ssize_t
__pread_chk(int fd, void *b, size_t n, off_t at, size_t room)
{
	assert_true(n <= room);
	return read_at(fd, b, n, at);
}

ssize_t
pwrite(int fd, const void *b, size_t n, off_t at)
{
	for (size_t page = (size_t)at / PAGE; disk.note && page * PAGE < (size_t)at + n; page++)
		if (page < NOTED)
			disk.written[page] = true;
	return syscall(SYS_pwrite64, fd, b, n, at);
}

int
fdatasync(int fd)
{
	if (disk.flushes > 0) {
		disk.flushes--;
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_fdatasync, fd);
}

/* --------------------------------------------------------------------- tests -- */

/* The image of a store with two commits, and in *ret_was with the first of them. */
static struct image
one_and_two(struct fixture *f, struct image *ret_was)
{
	begin(f);
	commit_numbered(f, 1);
	*ret_was = take_image(f);
	commit_numbered(f, 2);
	return take_image(f);
}

static struct fixture *
reopen_image(struct fixture *f)
{
	struct image im = take_image(f);
	struct fixture *g = put_image(&im);

	free(im.p);
	fx_open(g);
	return g;
}

/* The power goes again before anything is committed, and once more behind the next commit. */
static void
test_start_cut_off_again(void **state)
{
	struct image im = two_sealed(*state);

	memset(seal_at(&im, newer(&im)), 0, SEAL_SIZE);
	struct fixture *first = put_image(&im);

	fx_open(first);
	assert_true(wh_store_took_back(first->s));
	struct fixture *second = reopen_image(first);

	assert_false(wh_store_took_back(second->s));
	assert_int_equal(number_in(second), 1);
	commit_numbered(second, 2);
	struct fixture *third = reopen_image(second);

	assert_int_equal(number_in(third), 2);
	fx_check_clean(third);
	drop(third);
	drop(second);
	drop(first);
	free(im.p);
}

/* That of the commit that was taken back must not be taken for one of the next, which has its
 * number. */
static void
test_no_seal_is_left(void **state)
{
	struct image im = two_sealed(*state);
	size_t place = newer(&im);

	im.p[place * PAGE + offsetof(struct meta, last)] ^= 1;
	struct fixture *g = put_image(&im);

	fx_open(g);
	assert_true(wh_store_took_back(g->s));
	free(im.p);
	im = take_image(g);
	for (size_t i = 0; i < SEAL_SIZE; i++)
		assert_int_equal(seal_at(&im, place)[i], 0);
	drop(g);
	free(im.p);
}

/* The first page behind the meta pages that the last commit wrote. */
static size_t
first_written(const struct image *was, const struct image *is)
{
	size_t at = META_PAGES * PAGE;

	while (!matters(was, is, at, PAGE))
		at += PAGE;
	return at;
}

static void
test_what_cannot_be_read_tells_nothing(void **state)
{
	struct fixture *f = *state;

	struct image was, is = one_and_two(f, &was);
	const off_t places[] = {(off_t)first_written(&was, &is),
				(off_t)(newer(&is) * PAGE + SEAL)};

	for (size_t i = 0; i < wh_array_len(places); i++) {
		struct fixture *g = put_image(&is);

		disk.unreadable = places[i];
		fx_assert_refused(g, WH_EIO, WH_STORE_WHY_SYSTEM, "read the last commit");
		assert_int_equal(disk.unreadable, 0);
		fx_open(g);
		assert_int_equal(number_in(g), 2);
		drop(g);
	}
	free(was.p);
	free(is.p);
}

/* The kernel forgets what it could not write, and the next flush succeeds. */
static void
test_nothing_stands_on_what_was_not_flushed(void **state)
{
	struct fixture *f = *state;
	struct wh_txn t;

	begin(f);
	commit_numbered(f, 1);
	fx_begin(f, &t);
	number(&t, 2);
	disk.flushes = 1;
	assert_int_equal(wh_txn_commit(&t), WH_EIO);
	assert_int_equal(wh_txn_begin(f->s, &t), WH_EIO);
	struct image im = take_image(f);

	assert_int_equal(number_after(&im), 1);
	free(im.p);
}

/* Killed in its flush: it is in memory, and what a failed flush of that left unwritten the
 * kernel takes for written. */
static void
test_what_is_accepted_is_written_again(void **state)
{
	struct fixture *f = *state;

	struct image was, is = one_and_two(f, &was);
	struct fixture *g = put_image(&is);

	assert_true(is.n <= NOTED * PAGE);
	disk.flushes = 1;
	fx_assert_refused(g, WH_EIO, WH_STORE_WHY_SYSTEM, "flush the data file");
	disk.note = true;
	fx_open(g);
	disk.note = false;
	assert_int_equal(number_in(g), 2);
	assert_true(disk.written[newer(&is)]);
	for (size_t at = META_PAGES * PAGE; at + PAGE <= is.n; at += PAGE)
		if (matters(&was, &is, at, PAGE))
			assert_true(disk.written[at / PAGE]);
	drop(g);
	free(was.p);
	free(is.p);
}

/* Ends when the other end of the pipe is closed. */
static pid_t
check_beside(struct fixture *g, int ready, const int end[2])
{
	const struct wh_store_options o = {
		.path = g->path, .max_size = FX_SIZE, .read_only_check = true};
	pid_t pid = fork();
	char c = 0;

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	close(end[1]);
	if (wh_store_open(&g->s, &o, &g->why, &g->text) || write(ready, &c, 1) != 1 ||
	    read(end[0], &c, 1) != 0)
		_exit(1);
	_exit(0);
}

/* Dies between LMDB's commit and its seal. */
static pid_t
write_and_die(struct fixture *g, int ready, int go)
{
	pid_t pid = fork();
	char c = 0;

	assert_true(pid >= 0);
	if (pid > 0)
		return pid;
	fx_open(g);
	begin(g);
	commit_numbered(g, 1);
	if (write(ready, &c, 1) != 1 || read(go, &c, 1) != 1)
		_exit(1);
	commit_numbered(g, 2);
	struct image im = take_image(g);
	const char none[SEAL_SIZE] = {0};
	int fd = open(g->data, O_RDWR);

	_exit(pwrite(fd, none, SEAL_SIZE, (off_t)(newer(&im) * PAGE + SEAL)) != SEAL_SIZE);
}

static void
assert_ends(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* A process that has the file open tells LMDB of a commit that is not there any more. */
static void
test_beside_a_check(void **state)
{
	struct fixture *g = fx_new();
	int ready[2], go[2], end[2];
	char c = 0;

	(void)state;
	assert_int_equal(pipe(ready) | pipe(go) | pipe(end), 0);
	pid_t writer = write_and_die(g, ready[1], go[0]);

	assert_int_equal(read(ready[0], &c, 1), 1);
	pid_t checker = check_beside(g, ready[1], end);

	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(write(go[1], &c, 1), 1);
	assert_ends(writer);
	fx_assert_refused(g, WH_EBUSY, WH_STORE_WHY_SYSTEM, "another process has the store");
	close(end[1]);
	assert_ends(checker);
	fx_open(g);
	assert_int_equal(number_in(g), 1);
	fx_check_clean(g);
	drop(g);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fx_test(test_start_cut_off_again),
		fx_test(test_no_seal_is_left),
		fx_test(test_what_cannot_be_read_tells_nothing),
		fx_test(test_nothing_stands_on_what_was_not_flushed),
		fx_test(test_what_is_accepted_is_written_again),
		fx_test(test_beside_a_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
