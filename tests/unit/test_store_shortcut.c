/* SPDX-License-Identifier: MIT */
/*
 * A view that remembers where its rows lie reads what any other view reads:
 * through commits and removals, with more rows than it can remember, and from
 * a file that was damaged behind its back.
 */
#include "tests/unit/store_fixture.h"

#define ROWS 3000
#define ROUNDS 5

static void
name_of(char out[32], int i)
{
	snprintf(out, 32, "row-%d", i);
}

static void
put(struct fixture *f, int i, const char *body)
{
	struct wh_txn t;
	char name[32];

	name_of(name, i);
	fx_begin(f, &t);
	fx_put_row(&t, name, body);
	fx_commit(&t);
}

static void
want(const struct wh_view *v, const char *name, const char *body)
{
	struct wh_row row;

	for (int twice = 0; twice < 2; twice++) {
		wh_rows_expect(v, wh_str_c(name)); /* changes nothing */
		wh_rows_expect(v, WH_STR_NULL);
		int r = wh_rows_get(v, wh_str_c(name), &row);

		assert_int_equal(r, body ? 0 : WH_ABSENT);
		assert_true(!body || wh_str_is(row.body, body));
	}
}

static void
test_moves_with_the_view(void **state)
{
	struct fixture *f = *state;
	struct wh_view v;
	struct wh_txn t;

	put(f, 1, "first");
	assert_int_equal(wh_view_begin(f->s, &v), 0);
	wh_view_remember(&v);
	want(&v, "row-1", "first");
	want(&v, "row-2", NULL);
	put(f, 1, "second");
	put(f, 2, "other");
	want(&v, "row-1", "first");
	want(&v, "row-2", NULL);
	assert_int_equal(wh_view_renew(&v), 0);
	want(&v, "row-1", "second");
	want(&v, "row-2", "other");
	fx_begin(f, &t);
	assert_int_equal(wh_rows_del(&t, WH_STR("row-1")), 0);
	fx_commit(&t);
	want(&v, "row-1", "second");
	assert_int_equal(wh_view_renew(&v), 0);
	want(&v, "row-1", NULL);
	want(&v, "row-2", "other");
	wh_view_end(&v);
	wh_view_end(&v);
}

/* Each round changes every third row; pages are given back and used anew. */
static void
test_many_rows(void **state)
{
	struct fixture *f = *state;
	struct wh_view v;
	struct wh_txn t;
	char name[32], body[64];

	assert_int_equal(wh_view_begin(f->s, &v), 0);
	wh_view_remember(&v);
	for (int round = 0; round < ROUNDS; round++) {
		fx_begin(f, &t);
		for (int i = 0; i < ROWS; i++) {
			name_of(name, i);
			snprintf(body, sizeof(body), "%d in %d", i,
				 i % 3 == round % 3 ? round : 0);
			fx_put_row(&t, name, body);
		}
		fx_commit(&t);
		assert_int_equal(wh_view_renew(&v), 0);
		for (int i = 0; i < 2 * ROWS; i++) {
			name_of(name, i % ROWS);
			snprintf(body, sizeof(body), "%d in %d", i % ROWS,
				 i % ROWS % 3 == round % 3 ? round : 0);
			want(&v, name, body);
		}
	}
	wh_view_end(&v);
}

/* What was found before is checked each time it is read. */
static void
test_damage(void **state)
{
	struct fixture *f = *state;
	struct wh_view v;
	struct wh_row row;

	put(f, 1, "body-to-damage");
	put(f, 2, "body-that-stays");
	assert_int_equal(wh_view_begin(f->s, &v), 0);
	wh_view_remember(&v);
	want(&v, "row-1", "body-to-damage");
	fx_flip(f->data, "body-to-damage");
	assert_int_equal(wh_rows_get(&v, WH_STR("row-1"), &row), WH_ECORRUPT);
	want(&v, "row-2", "body-that-stays");
	wh_view_end(&v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fx_test(test_moves_with_the_view),
		fx_test(test_many_rows),
		fx_test(test_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
