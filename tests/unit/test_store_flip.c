/* SPDX-License-Identifier: MIT */
/*
 * A flipped byte anywhere in the file: never a wrong answer, and never a lost
 * one that the check does not tell of.
 *
 * Each flip is tried in a process of its own, because LMDB trusts its pages
 * and some damage to them would end the process. None does: the pages are
 * looked at before LMDB is let near them.
 */
#include "tests/unit/store_fixture.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#define ROWS 60
#define STEP 101 /* bytes from flip to flip */

enum result { FINE, WRONG, LOST };

static struct wh_str
row_body(unsigned i, char buf[400])
{
	int n = snprintf(buf, 400, "body %u %0*u", i, 100 + (int)(i * 37 % 250), i);

	return wh_str(buf, (size_t)n);
}

static void
fill(struct fixture *f)
{
	char large[9000];
	const struct wh_row row = {.body = {large, sizeof(large)}};
	struct wh_txn t;
	char whid[32];
	char body[400];

	memset(large, 'L', sizeof(large));
	fx_furnish(f);
	fx_begin(f, &t);
	for (unsigned i = 0; i < ROWS; i++) {
		snprintf(whid, sizeof(whid), "id-%03u", i);
		row_body(i, body);
		fx_put_row(&t, whid, body);
	}
	assert_int_equal(wh_rows_put(&t, WH_STR("large"), &row), 0);
	fx_commit(&t);
	/* A damaged meta page may bring back the commit before: it holds the same. */
	for (int i = 0; i < 2; i++) {
		fx_begin(f, &t);
		t.view.meta.confirm++;
		fx_commit(&t);
	}
}

static int
judge_rows(struct fixture *f, bool clean)
{
	struct wh_view v;
	struct wh_row row;
	char whid[32];
	char body[400];

	for (unsigned i = 0; i < ROWS; i++) {
		if (wh_view_begin(f->s, &v) != 0)
			return FINE;
		snprintf(whid, sizeof(whid), "id-%03u", i);
		int r = wh_rows_get(&v, wh_str_c(whid), &row);
		bool right = r == 0 && wh_str_eq(row.body, row_body(i, body));

		wh_view_end(&v);
		if (r == 0 && !right)
			return WRONG;
		if (!right && clean)
			return LOST;
	}
	return FINE;
}

static void
try_it(struct fixture *f)
{
	static const int caught[] = {SIGSEGV, SIGBUS, SIGABRT}; /* by cmocka */
	const struct sigaction by_default = {.sa_handler = SIG_DFL};
	const struct rlimit no_core = {0, 0};
	int null = open("/dev/null", O_WRONLY);

	setrlimit(RLIMIT_CORE, &no_core);
	dup2(null, STDERR_FILENO);
	for (size_t i = 0; i < wh_array_len(caught); i++)
		sigaction(caught[i], &by_default, NULL);
	if (fx_try_open(f, FX_SIZE) != 0)
		_exit(FINE);
	bool clean = fx_check(f, true) == 0;

	_exit(judge_rows(f, clean));
}

/* True if the process was ended by LMDB's trust in its pages. */
static bool
try_apart(struct fixture *f, off_t at)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0)
		try_it(f);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFSIGNALED(status)) {
		if (WTERMSIG(status) != SIGSEGV && WTERMSIG(status) != SIGBUS)
			fail_msg("byte %lld: signal %d", (long long)at, WTERMSIG(status));
		return true;
	}
	if (WEXITSTATUS(status) != FINE)
		fail_msg("byte %lld: a row is %s", (long long)at,
			 WEXITSTATUS(status) == WRONG ? "wrong" : "lost");
	return false;
}

static void
test_flips(void **state)
{
	struct fixture *f = *state;
	unsigned tried = 0, ended = 0;

	fill(f);
	fx_close(f);
	off_t size = fx_file_size(f->data);
	char *whole = wh_xcalloc(1, (size_t)size);
	int fd = open(f->data, O_RDWR | O_CLOEXEC);

	assert_int_equal(pread(fd, whole, (size_t)size, 0), size);
	for (off_t at = 0; at < size; at += STEP) {
		char flipped = (char)(whole[at] ^ 1 << (at / STEP % 8));

		assert_int_equal(pwrite(fd, whole, (size_t)size, 0), size);
		assert_int_equal(pwrite(fd, &flipped, 1, at), 1);
		ended += try_apart(f, at);
		tried++;
	}
	close(fd);
	free(whole);
	assert_true(tried > 100);
	if (ended > 0)
		fail_msg("%u of %u ended the process", ended, tried);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fx_test(test_flips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
