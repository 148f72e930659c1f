/* SPDX-License-Identifier: MIT */
/*
 * Rows, overlays, tombs and aliases: what is put is got, and the
 * counters follow.
 */
#include "tests/unit/store_fixture.h"

static void
test_row(void **state)
{
	const struct wh_row row = {
		.revision = 1,
		.first_list = UINT64_MAX,
		.confirm = 3,
		.claim = 4,
		.confirmed_at = -5,
		.body = wh_str("\x81\x00\xff", 3),
	};
	struct fixture *f = *state;
	struct wh_row got;
	struct wh_txn t;

	fx_begin(f, &t);
	assert_int_equal(wh_rows_get(&t.view, WH_STR("a"), &got), WH_ABSENT);
	assert_int_equal(wh_rows_put(&t, WH_STR("a"), &row), 0);
	assert_int_equal(t.view.meta.rows, 1);
	assert_int_equal(wh_rows_get(&t.view, WH_STR("a"), &got), 0);
	assert_true(got.revision == 1 && got.first_list == UINT64_MAX);
	assert_true(got.confirm == 3 && got.claim == 4 && got.confirmed_at == -5);
	assert_true(wh_str_eq(got.body, row.body));
	assert_int_equal(wh_rows_put(&t, WH_STR("a"), &row), 0);
	assert_int_equal(t.view.meta.rows, 1);
	assert_int_equal(wh_rows_del(&t, WH_STR("b")), WH_ABSENT);
	assert_int_equal(wh_rows_del(&t, WH_STR("a")), 0);
	assert_int_equal(wh_rows_del(&t, WH_STR("a")), WH_ABSENT);
	assert_int_equal(t.view.meta.rows, 0);
	fx_commit(&t);
	fx_check_clean(f);
}

/* A body that was read is put back with other fields, in one transaction. */
static void
test_put_what_was_read(void **state)
{
	struct fixture *f = *state;
	struct wh_row row;
	struct wh_txn t;
	char whid[16];

	fx_begin(f, &t);
	for (int i = 0; i < 200; i++) {
		snprintf(whid, sizeof(whid), "id-%03d", i);
		fx_put_row(&t, whid, whid);
	}
	fx_commit(&t);
	fx_begin(f, &t);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 200; i++) {
			snprintf(whid, sizeof(whid), "id-%03d", i);
			assert_int_equal(wh_rows_get(&t.view, wh_str_c(whid), &row), 0);
			row.confirm++;
			assert_int_equal(wh_rows_put(&t, wh_str_c(whid), &row), 0);
		}
	}
	fx_commit(&t);
	fx_begin(f, &t);
	for (int i = 0; i < 200; i++) {
		snprintf(whid, sizeof(whid), "id-%03d", i);
		assert_int_equal(wh_rows_get(&t.view, wh_str_c(whid), &row), 0);
		assert_true(wh_str_is(row.body, whid));
		assert_int_equal(row.confirm, 3);
	}
	wh_txn_abort(&t);
	fx_check_clean(f);
}

static void
test_bodies_of_any_size(void **state)
{
	static const size_t sizes[] = {0, 1, 600, 2000, 4096, 70000, 300000, 1 << 20};
	struct fixture *f = *state;
	char *bytes = wh_xcalloc(1, 1 << 20);
	struct wh_view v;
	struct wh_row got;
	struct wh_txn t;
	char whid[16];

	for (size_t i = 0; i < 1 << 20; i++)
		bytes[i] = (char)(i * 31 >> 3);
	fx_begin(f, &t);
	for (size_t i = 0; i < wh_array_len(sizes); i++) {
		const struct wh_row row = {.body = {bytes, sizes[i]}};

		snprintf(whid, sizeof(whid), "id-%zu", i);
		assert_int_equal(wh_rows_put(&t, wh_str_c(whid), &row), 0);
	}
	fx_commit(&t);
	fx_view(f, &v);
	for (size_t i = 0; i < wh_array_len(sizes); i++) {
		snprintf(whid, sizeof(whid), "id-%zu", i);
		assert_int_equal(wh_rows_get(&v, wh_str_c(whid), &got), 0);
		assert_true(wh_str_eq(got.body, wh_str(bytes, sizes[i])));
	}
	wh_view_end(&v);
	free(bytes);
	fx_check_clean(f);
}

static void
test_impossible_ids(void **state)
{
	const struct wh_row row = {.body = WH_STR("x")};
	struct fixture *f = *state;
	struct wh_view v;
	struct wh_row got;
	struct wh_txn t;
	char id[257];

	memset(id, 'x', sizeof(id));
	fx_view(f, &v);
	assert_int_equal(wh_rows_get(&v, WH_STR_NULL, &got), WH_ABSENT);
	assert_int_equal(wh_rows_get(&v, wh_str(id, 257), &got), WH_ABSENT);
	wh_view_end(&v);
	fx_begin(f, &t);
	assert_int_equal(wh_rows_del(&t, WH_STR_NULL), WH_ABSENT);
	assert_int_equal(wh_rows_put(&t, wh_str(id, 256), &row), 0);
	assert_int_equal(wh_rows_put(&t, wh_str(id, 257), &row), WH_EINVAL);
	wh_txn_abort(&t);
	fx_begin(f, &t);
	assert_int_equal(wh_rows_put(&t, WH_STR_NULL, &row), WH_EINVAL);
	wh_txn_abort(&t);
}

static void
test_overlay(void **state)
{
	const struct wh_overlay o = {
		.revision = 9,
		.pending = UINT32_MAX,
		.state = 3,
		.tmp_id = WH_STR("tmp-1"),
		.body = WH_STR("effective"),
	};
	const struct wh_overlay hidden = {.revision = 10, .pending = 1, .hidden = true};
	struct fixture *f = *state;
	struct wh_overlay got;
	struct wh_txn t;

	fx_begin(f, &t);
	assert_int_equal(wh_overlays_get(&t.view, WH_STR("a"), NULL, &got), WH_ABSENT);
	assert_int_equal(wh_overlays_put(&t, WH_STR("a"), &o), 0);
	assert_int_equal(wh_overlays_put(&t, WH_STR("b"), &hidden), 0);
	assert_int_equal(t.view.meta.overlays, 2);
	assert_int_equal(wh_overlays_get(&t.view, WH_STR("a"), NULL, &got), 0);
	assert_true(got.revision == 9 && got.pending == UINT32_MAX && got.state == 3);
	assert_false(got.hidden);
	assert_true(wh_str_is(got.tmp_id, "tmp-1") && wh_str_is(got.body, "effective"));
	assert_int_equal(wh_overlays_get(&t.view, WH_STR("b"), NULL, &got), 0);
	assert_true(got.hidden && got.tmp_id.n == 0 && got.body.n == 0);
	assert_int_equal(wh_overlays_put(&t, WH_STR("a"), &got), 0);
	assert_int_equal(wh_overlays_get(&t.view, WH_STR("a"), NULL, &got), 0);
	assert_true(got.hidden);
	assert_int_equal(wh_overlays_del(&t, WH_STR("a")), 0);
	assert_int_equal(wh_overlays_del(&t, WH_STR("a")), WH_ABSENT);
	assert_int_equal(t.view.meta.overlays, 1);
	fx_commit(&t);
	fx_check_clean(f);
}

static void
test_tombs(void **state)
{
	struct fixture *f = *state;
	uint64_t confirm;
	struct wh_txn t;
	char whid[16];

	fx_begin(f, &t);
	for (unsigned i = 0; i < 100; i++) {
		snprintf(whid, sizeof(whid), "id-%u", i);
		assert_int_equal(wh_tombs_put(&t, wh_str_c(whid), i), 0);
	}
	assert_int_equal(wh_tombs_put(&t, WH_STR("id-7"), 1000), 0);
	assert_int_equal(t.view.meta.tombs, 100);
	assert_int_equal(wh_tombs_trim(&t, 50), 0);
	assert_int_equal(t.view.meta.tombs, 51);
	assert_int_equal(wh_tombs_get(&t.view, WH_STR("id-49"), &confirm), WH_ABSENT);
	assert_int_equal(wh_tombs_get(&t.view, WH_STR("id-50"), &confirm), 0);
	assert_int_equal(confirm, 50);
	assert_int_equal(wh_tombs_get(&t.view, WH_STR("id-7"), &confirm), 0);
	assert_int_equal(confirm, 1000);
	assert_int_equal(wh_tombs_trim(&t, UINT64_MAX), 0);
	assert_int_equal(t.view.meta.tombs, 0);
	assert_int_equal(wh_tombs_trim(&t, UINT64_MAX), 0);
	fx_commit(&t);
	fx_check_clean(f);
}

static void
test_aliases(void **state)
{
	struct fixture *f = *state;
	struct wh_str whid;
	struct wh_txn t;

	fx_begin(f, &t);
	assert_int_equal(wh_aliases_get(&t.view, WH_STR("tmp-1"), &whid), WH_ABSENT);
	assert_int_equal(wh_aliases_put(&t, WH_STR("tmp-1"), WH_STR("real")), 0);
	assert_int_equal(wh_aliases_put(&t, WH_STR("tmp-1"), WH_STR("real")), 0);
	assert_int_equal(t.view.meta.aliases, 1);
	assert_int_equal(wh_aliases_get(&t.view, WH_STR("tmp-1"), &whid), 0);
	assert_true(wh_str_is(whid, "real"));
	fx_commit(&t);
	fx_check_clean(f);
}

static void
test_impossible_aliases(void **state)
{
	static const struct {
		const char *what;
		struct wh_str from, to;
	} bad[] = {
		{"to itself", {"tmp-1", 5}, {"tmp-1", 5}},
		{"to nothing", {"tmp-1", 5}, {NULL, 0}},
		{"from nothing", {NULL, 0}, {"real", 4}},
		{"to a separator", {"tmp-1", 5}, {"re\0al", 5}},
	};
	struct fixture *f = *state;
	struct wh_txn t;

	for (size_t i = 0; i < wh_array_len(bad); i++) {
		fx_begin(f, &t);
		if (wh_aliases_put(&t, bad[i].from, bad[i].to) != WH_EINVAL)
			fail_msg("%s was taken", bad[i].what);
		wh_txn_abort(&t);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fx_test(test_row),
		fx_test(test_put_what_was_read),
		fx_test(test_bodies_of_any_size),
		fx_test(test_impossible_ids),
		fx_test(test_overlay),
		fx_test(test_tombs),
		fx_test(test_aliases),
		fx_test(test_impossible_aliases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
