/* SPDX-License-Identifier: MIT */
/*
 * Ordered scans over rows and overlays.
 */
#include "tests/unit/store_fixture.h"

static void
fill(struct fixture *f, unsigned rows)
{
	struct wh_txn t;
	char whid[32];

	fx_begin(f, &t);
	for (unsigned i = 0; i < rows; i++) {
		snprintf(whid, sizeof(whid), "id-%05u", i);
		fx_put_row(&t, whid, whid);
	}
	fx_commit(&t);
}

static void
test_empty(void **state)
{
	struct fixture *f = *state;
	struct wh_scan scan;
	struct wh_str key;
	struct wh_view v;

	fx_view(f, &v);
	assert_int_equal(wh_scan_begin(&v, WH_SCAN_OVERLAYS, WH_STR_NULL, &scan), 0);
	assert_int_equal(wh_scan_next(&scan, &key, NULL, NULL), WH_STORE_END);
	assert_int_equal(wh_scan_next(&scan, &key, NULL, NULL), WH_STORE_END);
	wh_scan_end(&scan);
	wh_scan_end(&scan);
	wh_view_end(&v);
}

static void
test_all_in_order(void **state)
{
	struct fixture *f = *state;
	struct wh_scan scan;
	struct wh_row row;
	struct wh_str key;
	struct wh_view v;
	char expected[32];

	fill(f, 3000);
	fx_view(f, &v);
	assert_int_equal(wh_scan_begin(&v, WH_SCAN_ROWS, WH_STR_NULL, &scan), 0);
	for (unsigned i = 0; i < 3000; i++) {
		snprintf(expected, sizeof(expected), "id-%05u", i);
		assert_int_equal(wh_scan_next(&scan, &key, &row, NULL), 0);
		assert_true(wh_str_is(key, expected) && wh_str_is(row.body, expected));
	}
	assert_int_equal(wh_scan_next(&scan, &key, &row, NULL), WH_STORE_END);
	assert_int_equal(wh_scan_next(&scan, &key, &row, NULL), WH_STORE_END);
	wh_scan_end(&scan);
	wh_view_end(&v);
}

static void
assert_first_after(const struct wh_view *v, const char *after, const char *expected)
{
	struct wh_scan scan;
	struct wh_str key;

	assert_int_equal(wh_scan_begin(v, WH_SCAN_ROWS, wh_str_c(after), &scan), 0);
	int r = wh_scan_next(&scan, &key, NULL, NULL);

	if (!expected)
		assert_int_equal(r, WH_STORE_END);
	else if (r != 0 || !wh_str_is(key, expected))
		fail_msg("after %s: %d %.*s", after, r, WH_STR_FMT(key));
	wh_scan_end(&scan);
}

static void
test_after(void **state)
{
	struct fixture *f = *state;
	struct wh_view v;

	fill(f, 100);
	fx_view(f, &v);
	assert_first_after(&v, "a", "id-00000");
	assert_first_after(&v, "id-00000", "id-00001");
	assert_first_after(&v, "id-000005", "id-00001");
	assert_first_after(&v, "id-00041x", "id-00042");
	assert_first_after(&v, "id-00098", "id-00099");
	assert_first_after(&v, "id-00099", NULL);
	assert_first_after(&v, "z", NULL);
	wh_view_end(&v);
}

static void
test_overlays(void **state)
{
	const struct wh_overlay o = {.pending = 2, .body = WH_STR("effective")};
	struct fixture *f = *state;
	struct wh_overlay got;
	struct wh_scan scan;
	struct wh_str key;
	struct wh_txn t;

	fx_begin(f, &t);
	fx_put_row(&t, "a", "row");
	assert_int_equal(wh_overlays_put(&t, WH_STR("b"), &o), 0);
	assert_int_equal(wh_scan_begin(&t.view, WH_SCAN_OVERLAYS, WH_STR_NULL, &scan), 0);
	assert_int_equal(wh_scan_next(&scan, &key, NULL, &got), 0);
	assert_true(wh_str_is(key, "b") && wh_str_is(got.body, "effective"));
	assert_int_equal(got.pending, 2);
	assert_int_equal(wh_scan_next(&scan, &key, NULL, &got), WH_STORE_END);
	wh_scan_end(&scan);
	wh_txn_abort(&t);
}

static void
test_impossible_start(void **state)
{
	struct fixture *f = *state;
	struct wh_scan scan;
	struct wh_view v;
	char id[257];

	memset(id, 'x', sizeof(id));
	fx_view(f, &v);
	assert_int_equal(wh_scan_begin(&v, WH_SCAN_ROWS, wh_str(id, 257), &scan), WH_EINVAL);
	wh_view_end(&v);
}

static void
test_passes_over_damage(void **state)
{
	struct fixture *f = *state;
	struct wh_scan scan;
	struct wh_row row;
	struct wh_str key;
	struct wh_txn t;
	struct wh_view v;

	fx_begin(f, &t);
	fx_put_row(&t, "a", "body-of-a");
	fx_put_row(&t, "b", "body-of-b");
	fx_put_row(&t, "c", "body-of-c");
	fx_commit(&t);
	fx_close(f);
	fx_flip(f->data, "body-of-b");
	fx_open(f);
	fx_view(f, &v);
	assert_int_equal(wh_scan_begin(&v, WH_SCAN_ROWS, WH_STR_NULL, &scan), 0);
	assert_int_equal(wh_scan_next(&scan, &key, &row, NULL), 0);
	assert_int_equal(wh_scan_next(&scan, &key, &row, NULL), WH_ECORRUPT);
	assert_true(wh_str_is(key, "b"));
	assert_int_equal(wh_scan_next(&scan, &key, &row, NULL), 0);
	assert_true(wh_str_is(key, "c") && wh_str_is(row.body, "body-of-c"));
	assert_int_equal(wh_scan_next(&scan, &key, &row, NULL), WH_STORE_END);
	wh_scan_end(&scan);
	wh_view_end(&v);
}

/* Overwrites the page that holds the text, header and all. */
static void
wreck_page(const char *file, const char *text)
{
	size_t size = (size_t)fx_file_size(file);
	char *all = wh_xcalloc(1, size);
	char zeros[4096] = {0};
	int fd = open(file, O_RDWR);

	assert_int_equal(read(fd, all, size), (ssize_t)size);
	char *at = memmem(all, size, text, strlen(text));

	assert_non_null(at);
	off_t page = (at - all) / 4096 * 4096;

	assert_int_equal(pwrite(fd, zeros, sizeof(zeros), page), sizeof(zeros));
	close(fd);
	free(all);
}

static void
test_ends_at_a_lost_page(void **state)
{
	struct fixture *f = *state;
	struct wh_scan scan;
	struct wh_row row;
	struct wh_str key = WH_STR("set");
	struct wh_view v;
	unsigned seen = 0;
	int r;

	fill(f, 3000);
	wreck_page(f->data, "id-02000"); /* under the eyes of LMDB */
	fx_view(f, &v);
	assert_int_equal(wh_scan_begin(&v, WH_SCAN_ROWS, WH_STR_NULL, &scan), 0);
	while ((r = wh_scan_next(&scan, &key, &row, NULL)) == 0)
		seen++;
	assert_int_equal(r, WH_ECORRUPT);
	assert_int_equal(key.n, 0);
	assert_true(seen > 1000 && seen < 2000);
	assert_int_equal(wh_scan_next(&scan, &key, &row, NULL), WH_STORE_END);
	wh_scan_end(&scan);
	/* The view is of use again once it is renewed. */
	assert_int_equal(wh_view_renew(&v), 0);
	assert_int_equal(wh_rows_get(&v, WH_STR("id-00001"), &row), 0);
	assert_int_equal(wh_rows_get(&v, WH_STR("id-02000"), &row), WH_ECORRUPT);
	assert_int_equal(wh_rows_get(&v, WH_STR("id-00001"), &row), WH_ECORRUPT);
	assert_int_equal(wh_view_renew(&v), 0);
	assert_int_equal(wh_rows_get(&v, WH_STR("id-00001"), &row), 0);
	wh_view_end(&v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fx_test(test_empty),
		fx_test(test_all_in_order),
		fx_test(test_after),
		fx_test(test_overlays),
		fx_test(test_impossible_start),
		fx_test(test_passes_over_damage),
		fx_test(test_ends_at_a_lost_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
