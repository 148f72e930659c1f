/* SPDX-License-Identifier: MIT */
/* Overlays that share the end of their body with the operation that made them
 * (store/overlays.c).
 */
#include "tests/unit/store_fixture.h"

#include "store/row.h"

#define LANE "tmp-1"
#define HEAD "head of "
#define WANTED "what the create wants"
#define OP_BODY "before " WANTED " behind"

/* Who looks for the whole body finds all of it. */
static void
by_length(enum wh_scan_table table, struct wh_str body, struct wh_terms *ret)
{
	(void)table;
	ret->term[ret->n++] = body.n;
}

static const struct wh_overlay shares = {
	.pending = 1,
	.tmp_id = {LANE, sizeof(LANE) - 1},
	.body = {HEAD WANTED, sizeof(HEAD WANTED) - 1},
	.newest = 1,
	.shared = sizeof(WANTED) - 1,
	.shared_at = sizeof("before ") - 1,
};

static void
put_op(struct wh_txn *t, const char *body)
{
	struct wh_oprow op = fx_op(1, LANE, 0, 0);

	op.body = wh_str_c(body);
	fx_put_op(t, op);
}

/* Bytes of its value in the table. */
static size_t
stored(const struct wh_view *v)
{
	struct wh_value value;
	struct wh_key k;

	wh_key_id(&k, WH_STR(LANE));
	assert_int_equal(wh_table_get(v, WH_TABLE_OVERLAYS, &k, WH_OVERLAY_PREFIX, &value), 0);
	return value.size;
}

static size_t
whole_size(void)
{
	return WH_VALUE_HEAD + WH_OVERLAY_PREFIX_NEWEST + shares.tmp_id.n + shares.body.n;
}

static void
assert_seen_whole(const struct wh_view *v)
{
	struct wh_buf room = WH_BUF_NULL;
	struct wh_overlay got;
	struct wh_scan scan;
	struct wh_str key;

	assert_int_equal(wh_overlays_get(v, WH_STR(LANE), &room, &got), 0);
	assert_true(wh_str_eq(got.body, shares.body) && wh_str_eq(got.tmp_id, shares.tmp_id));
	wh_buf_fini(&room);
	assert_int_equal(wh_scan_begin(v, WH_SCAN_OVERLAYS, WH_STR_NULL, &scan), 0);
	assert_int_equal(wh_scan_next(&scan, &key, NULL, &got), 0);
	assert_true(wh_str_is(key, LANE) && wh_str_eq(got.body, shares.body));
	wh_scan_end(&scan);
}

static struct fixture *
begin(void **state, struct wh_txn *t)
{
	struct fixture *f = *state;

	f->terms = by_length;
	fx_reopen(f);
	fx_begin(f, t);
	put_op(t, OP_BODY);
	return f;
}

static void
test_until_the_tail_is_left(void **state)
{
	struct wh_txn t;
	struct fixture *f = begin(state, &t);
	const size_t saved = shares.shared - 8; /* how much, and where */

	assert_int_equal(wh_overlays_add(&t, WH_STR(LANE), &shares), 0);
	assert_int_equal(stored(&t.view), whole_size() - saved);
	assert_seen_whole(&t.view);
	fx_commit(&t);
	fx_check_clean(f);
	fx_reopen(f);
	fx_begin(f, &t);
	assert_seen_whole(&t.view);
	assert_int_equal(wh_overlays_put(&t, WH_STR(LANE), &shares), 0);
	assert_int_equal(stored(&t.view), whole_size() - saved);
	assert_int_equal(wh_ops_catch_up(&t, 0, SIZE_MAX), 0);
	assert_int_equal(stored(&t.view), whole_size());
	assert_seen_whole(&t.view);
	put_op(&t, "something else");
	assert_int_equal(wh_overlays_put(&t, WH_STR(LANE), &shares), 0);
	assert_int_equal(stored(&t.view), whole_size());
	fx_commit(&t);
	fx_check_clean(f);
}

/* What is not there is not shared, whatever the caller says. */
static void
test_what_is_not_there(void **state)
{
	struct wh_overlay others[4];
	struct wh_txn t;
	struct fixture *f = begin(state, &t);

	for (size_t i = 0; i < wh_array_len(others); i++)
		others[i] = shares;
	others[0].newest = 7;
	others[1].shared_at = UINT32_MAX;
	others[2].shared = UINT32_MAX;
	others[3].shared_at++;
	for (size_t i = 0; i < wh_array_len(others); i++) {
		assert_int_equal(wh_overlays_put(&t, WH_STR(LANE), &others[i]), 0);
		assert_int_equal(stored(&t.view), whole_size());
		assert_seen_whole(&t.view);
	}
	fx_commit(&t);
	fx_check_clean(f);
}

/* Its operation is lost, or is another one: who asks is told, and may put it anew. */
static void
test_operation_is_gone(void **state)
{
	struct wh_buf room = WH_BUF_NULL;
	struct wh_overlay got;
	struct wh_scan scan;
	struct wh_str key;
	struct wh_txn t;

	(void)begin(state, &t);
	assert_int_equal(wh_overlays_add(&t, WH_STR(LANE), &shares), 0);
	put_op(&t, "short");
	assert_int_equal(wh_overlays_get(&t.view, WH_STR(LANE), &room, &got), WH_ECORRUPT);
	assert_int_equal(wh_ops_del(&t, 1), 0);
	assert_int_equal(wh_overlays_get(&t.view, WH_STR(LANE), &room, &got), WH_ECORRUPT);
	assert_int_equal(wh_scan_begin(&t.view, WH_SCAN_OVERLAYS, WH_STR_NULL, &scan), 0);
	assert_int_equal(wh_scan_next(&scan, &key, NULL, &got), WH_ECORRUPT);
	assert_true(wh_str_is(key, LANE));
	assert_int_equal(wh_scan_next(&scan, &key, NULL, &got), WH_STORE_END);
	wh_scan_end(&scan);
	assert_int_equal(wh_overlays_get(&t.view, WH_STR(LANE), NULL, &got), 0);
	assert_int_equal(got.pending, 1);
	put_op(&t, OP_BODY);
	assert_int_equal(wh_overlays_put(&t, WH_STR(LANE), &shares), 0);
	assert_seen_whole(&t.view);
	assert_int_equal(wh_overlays_del(&t, WH_STR(LANE)), 0);
	wh_buf_fini(&room);
	wh_txn_abort(&t);
}

/* The tail is said to have ended, though the overlay was not made whole; or the operation was
 * put without it. */
static void
test_check_tells(void **state)
{
	struct wh_txn t;
	struct fixture *f = begin(state, &t);

	assert_int_equal(wh_overlays_add(&t, WH_STR(LANE), &shares), 0);
	t.view.meta.ops_tail = 0;
	fx_commit(&t);
	fx_assert_finds(f, true,
			"overlays: row " LANE ": operation 1 has its body, but is none");
	fx_begin(f, &t);
	t.view.meta.ops_tail = 1;
	put_op(&t, "short");
	fx_commit(&t);
	fx_assert_finds(f, true, "overlays: row " LANE ": operation 1 is too short");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fx_test(test_until_the_tail_is_left),
		fx_test(test_what_is_not_there),
		fx_test(test_operation_is_gone),
		fx_test(test_check_tells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
