/* SPDX-License-Identifier: MIT */
/*
 * pages_ahead.c: while a scan is on one page the next one is asked for. That
 * scans find what they should, also on damaged pages, is shown elsewhere.
 */
#include "store/table.h"
#include "tests/unit/store_fixture.h"

#define ROWS 5000

static void
put_rows(struct fixture *f, int from, int step)
{
	char name[32], body[200];
	struct wh_txn t;

	memset(body, 'b', sizeof(body));
	body[sizeof(body) - 1] = '\0';
	fx_begin(f, &t);
	for (int i = from; i < ROWS; i += step) {
		snprintf(name, sizeof(name), "%08x-row", (unsigned)i * 2654435761u);
		fx_put_row(&t, name, body);
	}
	fx_commit(&t);
}

struct tally {
	unsigned rows, pages, foreseen, whole;
};

/* The page a row is on is found by LMDB, which one comes next by the page above. */
static struct tally
scan_all(const struct wh_view *v, struct wh_str after)
{
	struct tally n = {0};
	struct wh_scan s;
	struct wh_str key;
	struct wh_row row;
	const char *leaf = NULL, *coming = NULL;
	size_t left = 0;

	assert_int_equal(wh_scan_begin(v, WH_SCAN_ROWS, after, &s), 0);
	for (; wh_scan_next(&s, &key, &row, NULL) == 0; n.rows++) {
		const char *page = key.p - ((uintptr_t)key.p & (v->store->page_size - 1));

		if (page != leaf) {
			n.pages++;
			n.foreseen += page == coming;
			n.whole += page == coming && left < 64;
			assert_ptr_equal(s.ahead.leaf, page);
		}
		leaf = page;
		coming = s.ahead.coming;
		left = s.ahead.left;
	}
	assert_null(coming);
	wh_scan_end(&s);
	return n;
}

static void
test_next_page_is_asked_for(void **state)
{
	struct fixture *f = *state;
	struct wh_view v;
	struct tally n;

	for (int step = 3; step > 0; step--)
		put_rows(f, step % 3, 3);
	assert_int_equal(wh_view_begin(f->s, &v), 0);
	n = scan_all(&v, WH_STR_NULL);
	assert_int_equal(n.rows, ROWS);
	/* but the first, and one for each page of pages */
	assert_in_range(n.pages, 200, 1000);
	assert_in_range(n.foreseen, n.pages - n.pages / 20, n.pages - 1);
	assert_in_range(n.whole, n.foreseen - n.foreseen / 4, n.foreseen);
	n = scan_all(&v, WH_STR("80000000-row"));
	assert_in_range(n.rows, ROWS / 3, ROWS * 2 / 3);
	assert_in_range(n.foreseen, n.pages - n.pages / 20 - 1, n.pages - 1);
	wh_view_end(&v);
}

static void
test_one_page_and_none(void **state)
{
	struct fixture *f = *state;
	struct wh_view v;
	struct wh_txn t;

	assert_int_equal(wh_view_begin(f->s, &v), 0);
	assert_int_equal(scan_all(&v, WH_STR_NULL).rows, 0);
	wh_view_end(&v);
	fx_begin(f, &t);
	fx_put_row(&t, "one", "body");
	fx_commit(&t);
	assert_int_equal(wh_view_begin(f->s, &v), 0);
	assert_int_equal(scan_all(&v, WH_STR_NULL).rows, 1);
	wh_view_end(&v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fx_test(test_next_page_is_asked_for),
		fx_test(test_one_page_and_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
