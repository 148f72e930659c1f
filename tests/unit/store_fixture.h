/* SPDX-License-Identifier: MIT */
/*
 * A real store in a folder of its own, for the tests of store/.
 *
 * Each test gets a new folder under $TMPDIR, which is removed afterwards. The
 * helpers fail the test at once when a step fails that is not its subject.
 * Included by tests only, before anything else.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store.h"

/* The states of operations, as daemon/core has them. */
enum { QUEUED, CHECKING, SENDING, UNKNOWN, CONFLICT, HELD, DEAD };

#define FX_SIZE ((uint64_t)64 << 20)

struct fixture {
	char dir[256];
	char path[300]; /* <dir>/store */
	char data[400]; /* <dir>/store/data.mdb */
	struct wh_store *s;
	wh_terms_of *terms; /* set these before opening */
	uint64_t sieve_from;
	uint64_t settle_from; /* 0: 1 */
	enum wh_store_why why;
	struct wh_buf text;
	unsigned findings;
	char finding[1024]; /* all of the last check, cut */
};

static inline int
fx_try_open(struct fixture *f, uint64_t size)
{
	const struct wh_store_options o = {.path = f->path,
					   .terms = f->terms,
					   .max_size = size,
					   .sieve_from = f->sieve_from,
					   .settle_from = f->settle_from ? f->settle_from : 1};

	f->why = WH_STORE_WHY_NONE;
	f->s = NULL;
	wh_buf_reset(&f->text);
	return wh_store_open(&f->s, &o, &f->why, &f->text);
}

static inline void
fx_assert_refused(struct fixture *f, int fault, enum wh_store_why why, const char *text)
{
	assert_int_equal(fx_try_open(f, FX_SIZE), fault);
	assert_null(f->s);
	assert_int_equal(f->why, why);
	wh_buf_byte(&f->text, '\0');
	if (!strstr(f->text.p, text) || !strstr(f->text.p, f->path))
		fail_msg("says: %s", f->text.p);
}

static inline void
fx_open_sized(struct fixture *f, uint64_t size)
{
	int r = fx_try_open(f, size);

	if (r != 0)
		fail_msg("open: %s: %.*s", wh_fault_str(r), WH_STR_FMT(wh_buf_view(&f->text)));
}

static inline void
fx_open(struct fixture *f)
{
	fx_open_sized(f, FX_SIZE);
}

static inline void
fx_close(struct fixture *f)
{
	f->s = wh_store_close(f->s);
}

static inline void
fx_reopen(struct fixture *f)
{
	fx_close(f);
	fx_open(f);
}

static inline struct fixture *
fx_new(void)
{
	struct fixture *f = wh_xcalloc(1, sizeof(*f));
	const char *tmp = getenv("TMPDIR");

	snprintf(f->dir, sizeof(f->dir), "%s/whd-store-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/store", f->dir);
	snprintf(f->data, sizeof(f->data), "%s/data.mdb", f->path);
	return f;
}

static inline int
fx_setup(void **state)
{
	struct fixture *f = fx_new();

	fx_open(f);
	*state = f;
	return 0;
}

/* For tests that open the store themselves. */
static inline int
fx_setup_closed(void **state)
{
	*state = fx_new();
	return 0;
}

static inline int
fx_remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static inline int
fx_teardown(void **state)
{
	struct fixture *f = *state;

	fx_close(f);
	nftw(f->dir, fx_remove_one, 16, FTW_DEPTH | FTW_PHYS);
	wh_buf_fini(&f->text);
	free(f);
	return 0;
}

#define fx_test(fn) cmocka_unit_test_setup_teardown(fn, fx_setup, fx_teardown)
#define fx_test_closed(fn) cmocka_unit_test_setup_teardown(fn, fx_setup_closed, fx_teardown)

static inline void
fx_begin(struct fixture *f, struct wh_txn *t)
{
	assert_int_equal(wh_txn_begin(f->s, t), 0);
}

static inline void
fx_commit(struct wh_txn *t)
{
	assert_int_equal(wh_txn_commit(t), 0);
}

static inline void
fx_view(struct fixture *f, struct wh_view *v)
{
	assert_int_equal(wh_view_begin(f->s, v), 0);
}

static inline void
fx_put_row(struct wh_txn *t, const char *whid, const char *body)
{
	const struct wh_row row = {.revision = 1, .body = wh_str_c(body)};

	assert_int_equal(wh_rows_put(t, wh_str_c(whid), &row), 0);
}

static inline void
fx_id(uint64_t n, uint8_t ret[WH_OP_ID])
{
	memset(ret, 0, WH_OP_ID);
	memcpy(ret, &n, sizeof(n));
	memcpy(ret + 8, &n, 7); /* half of an id is random */
	ret[15] = 7;
}

static inline struct wh_oprow
fx_op(uint64_t seq, const char *lane, uint8_t state, int64_t due_at)
{
	struct wh_oprow op = {
		.seq = seq,
		.lane = wh_str_c(lane),
		.state = state,
		.due_at = due_at,
		.body = WH_STR("op body"),
	};

	fx_id(seq, op.id);
	return op;
}

static inline void
fx_put_op(struct wh_txn *t, struct wh_oprow op)
{
	assert_int_equal(wh_ops_put(t, &op), 0);
}

static inline void
fx_on_finding(void *ctx, const char *table, const char *sentence)
{
	struct fixture *f = ctx;
	size_t n = strlen(f->finding);

	f->findings++;
	snprintf(f->finding + n, sizeof(f->finding) - n, "%s: %s\n", table, sentence);
}

static inline int
fx_check(struct fixture *f, bool deep)
{
	f->findings = 0;
	f->finding[0] = '\0';
	return wh_store_check(f->s, deep, fx_on_finding, f);
}

static inline void
fx_check_clean(struct fixture *f)
{
	if (fx_check(f, true) != 0)
		fail_msg("check:\n%s", f->finding);
}

/* True if the last check said this. */
static inline bool
fx_found(const struct fixture *f, const char *text)
{
	return strstr(f->finding, text) != NULL;
}

static inline off_t
fx_file_size(const char *file)
{
	struct stat st;

	assert_int_equal(stat(file, &st), 0);
	return st.st_size;
}

/* No file of this process can be written behind `most`, as on a full disk. Returns what to give
 * back for that to end. */
static inline rlim_t
fx_files_end_at(rlim_t most)
{
	const struct sigaction ignored = {.sa_handler = SIG_IGN};
	struct rlimit limit;

	assert_int_equal(sigaction(SIGXFSZ, &ignored, NULL), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	rlim_t was = limit.rlim_cur;

	limit.rlim_cur = most;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	return was;
}

/* Changes the first byte of `text` wherever the file holds it: pages that are no longer in use
 * may hold it, too. */
static inline void
fx_flip_bits(const char *file, struct wh_str text, char bits)
{
	size_t size = (size_t)fx_file_size(file);
	char *all = wh_xcalloc(1, size);
	unsigned places = 0;
	int fd = open(file, O_RDWR);

	assert_true(fd >= 0);
	assert_int_equal(read(fd, all, size), (ssize_t)size);
	for (char *at; (at = memmem(all, size, text.p, text.n));) {
		*at ^= bits;
		assert_int_equal(pwrite(fd, at, 1, at - all), 1);
		places++;
	}
	assert_true(places > 0);
	close(fd);
	free(all);
}

static inline void
fx_flip(const char *file, const char *text)
{
	fx_flip_bits(file, wh_str_c(text), 0x01);
}

/* A store with something in each table. */
static inline void
fx_furnish(struct fixture *f)
{
	const struct wh_overlay o = {.revision = 1, .pending = 1, .body = WH_STR("overlay-a")};
	const struct wh_overlay becomes = {.body = WH_STR("settled-4"), .newest = 5};
	const struct wh_row settled = {.revision = 2, .body = WH_STR("settled-4")};
	const struct wh_late late = {.seq = 1, .boot = 2, .since = 3};
	struct wh_request request = {.uid = 1, .request_id = WH_STR("request"), .at = 5};
	struct wh_txn t;
	char name[32];
	char body[32];
	char change[1700];
	uint64_t revision;

	fx_begin(f, &t);
	for (uint64_t i = 1; i <= 5; i++) {
		struct wh_oprow op = fx_op(i, "lane", (uint8_t)(i % 7), (int64_t)i * 100);
		struct wh_past past = {.ended_at = (int64_t)i, .state = 7, .lane = op.lane};

		snprintf(name, sizeof(name), "op-body-%" PRIu64, i);
		op.body = wh_str_c(name);
		op.form = i;
		assert_int_equal(wh_ops_put(&t, &op), 0);
		if (i == 3) /* the others stay in the tail */
			assert_int_equal(wh_ops_catch_up(&t, 0, SIZE_MAX), 0);
		fx_id(100 + i, past.id);
		snprintf(name, sizeof(name), "past-body-%" PRIu64, i);
		past.body = wh_str_c(name);
		assert_int_equal(wh_history_add(&t, &past), 0);
		if (i == 3)
			assert_int_equal(wh_history_catch_up(&t, 0, SIZE_MAX), 0);
		snprintf(change, sizeof(change),
			 i == 5 ? "change-%-1600" PRIu64 : "change-%" PRIu64,
			 i); /* so that they get a row */
		assert_int_equal(wh_changes_add(&t, wh_str_c(change), 100, &revision), 0);
		snprintf(name, sizeof(name), "row-%" PRIu64, i);
		snprintf(body, sizeof(body), "row-body-%" PRIu64, i);
		fx_put_row(&t, name, body);
	}
	assert_int_equal(wh_overlays_put(&t, WH_STR("row-1"), &o), 0);
	assert_int_equal(wh_overlays_put(&t, WH_STR("row-4"), &becomes), 0);
	assert_int_equal(wh_rows_settle(&t, WH_STR("row-4"), &settled), 0);
	assert_int_equal(wh_tombs_put(&t, WH_STR("gone"), 1), 0);
	assert_int_equal(wh_late_put(&t, WH_STR("row-2"), &late), 0);
	assert_int_equal(wh_aliases_put(&t, WH_STR("tmp-1"), WH_STR("target-of-1")), 0);
	assert_int_equal(wh_requests_put(&t, &request), 0);
	assert_int_equal(wh_meta_put_text(&t, "instance", WH_STR("the-instance")), 0);
	fx_commit(&t);
	fx_check_clean(f);
	assert_int_equal(fx_check(f, false), 0);
}

/* The same with a store that is open before and after. */
static inline void
fx_damage(struct fixture *f, const char *text)
{
	fx_close(f);
	fx_flip(f->data, text);
	fx_open(f);
}

static inline void
fx_assert_finds(struct fixture *f, bool deep, const char *text)
{
	assert_int_equal(fx_check(f, deep), WH_ECORRUPT);
	if (!fx_found(f, text))
		fail_msg("not found: %s; it said:\n%s", text, f->finding);
}
