/* SPDX-License-Identifier: MIT */
/*
 * proto/buf.c: growth, the hard cap, sticky faults, printing, and foreign text
 * made fit for people.
 */
#include "tests/unit/rows.h"

static void
test_grows(void **state)
{
	struct wh_buf b = WH_BUF_NULL;

	(void)state;
	for (int i = 0; i < 10000; i++)
		wh_buf_byte(&b, (char)('a' + i % 26));
	wh_buf_c(&b, "end");
	wh_buf_str(&b, WH_STR_NULL);
	wh_buf_c(&b, NULL);
	assert_int_equal(b.fault, 0);
	assert_int_equal(b.n, 10003);
	assert_memory_equal(b.p + 10000, "end", 3);
	wh_buf_fini(&b);
	assert_null(b.p);
}

static void
test_cap(void **state)
{
	struct wh_buf b = wh_buf_capped(300);
	char text[301] = {0};

	(void)state;
	wh_buf_add(&b, text, 299);
	assert_int_equal(b.fault, 0);
	wh_buf_add(&b, text, 2);
	assert_int_equal(b.fault, WH_ELIMIT);
	assert_int_equal(b.n, 299);
	wh_buf_byte(&b, 'x'); /* would fit, but the fault is sticky */
	assert_int_equal(b.n, 299);
	assert_null(wh_buf_room(&b, 1));

	wh_buf_reset(&b);
	assert_int_equal(b.n, 0);
	assert_int_equal(b.fault, 0);
	wh_buf_add(&b, text, 300);
	assert_int_equal(b.fault, 0);
	assert_true(b.cap <= 300);
	assert_null(wh_buf_room(&b, SIZE_MAX));
	assert_int_equal(b.fault, WH_ELIMIT);
	wh_buf_fini(&b);
	assert_int_equal(b.max, 300);
}

static void
test_default_cap(void **state)
{
	struct wh_buf b = WH_BUF_NULL;

	(void)state;
	assert_null(wh_buf_room(&b, ((size_t)1 << 30) + 1));
	assert_int_equal(b.fault, WH_ELIMIT);
	wh_buf_fini(&b);
}

static void
test_printf(void **state)
{
	struct wh_buf b = wh_buf_capped(8);

	(void)state;
	wh_buf_printf(&b, "%s", "");
	assert_int_equal(b.n, 0);
	wh_buf_printf(&b, "%d-%s", 12, "ab");
	assert_true(holds(&b, "12-ab", 5));
	wh_buf_printf(&b, "%s", "xyz"); /* fills the cap to the last byte */
	assert_int_equal(b.fault, 0);
	assert_true(holds(&b, "12-abxyz", 8));
	wh_buf_printf(&b, "%d", 1);
	assert_int_equal(b.fault, WH_ELIMIT);
	wh_buf_printf(&b, "%d", 1);
	assert_true(holds(&b, "12-abxyz", 8));
	wh_buf_fini(&b);
}

static void
test_room_and_consume(void **state)
{
	struct wh_buf b = WH_BUF_NULL;
	char *to = wh_buf_room(&b, 4);

	(void)state;
	assert_non_null(to);
	memcpy(to, "abcd", 4);
	b.n += 4;
	wh_buf_consume(&b, 0);
	assert_true(holds(&b, "abcd", 4));
	wh_buf_consume(&b, 3);
	assert_true(holds(&b, "d", 1));
	wh_buf_consume(&b, 1);
	assert_int_equal(b.n, 0);
	assert_true(wh_buf_view(&b).n == 0);
	wh_buf_fini(&b);
}

struct printable_row {
	const char *what;
	struct wh_str in;
	size_t max;
	const char *out;
};

#define BAD "\xef\xbf\xbd"

static const struct printable_row printable_rows[] = {
	{"plain", {"abc", 3}, 10, "abc"},
	{"wide", {"\xc3\xa5", 2}, 10, "\xc3\xa5"},
	{"control and C1",
	 {"a\x1b"
	  "b\xc2\x9b"
	  "c",
	  6},
	 10,
	 "a" BAD "b" BAD "c"},
	{"NUL", {"a\0b", 3}, 10, "a" BAD "b"},
	{"not UTF-8", {"a\xff\xc3", 3}, 10, "a" BAD BAD},
	{"exactly as long as allowed", {"abc", 3}, 3, "abc"},
	{"too long", {"abcd", 4}, 3, "abc..."},
	{"cut between characters", {"a\xc3\xa5z", 4}, 2, "a..."},
	{"replacements count in full", {"a\xff\xff", 3}, 6, "a" BAD "..."},
	{"nothing", {NULL, 0}, 0, ""},
	{"no room at all", {"a", 1}, 0, "..."},
};

static void
test_printable(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(printable_rows); i++) {
		const struct printable_row *row = &printable_rows[i];
		struct wh_buf b = WH_BUF_NULL;

		wh_buf_printable(&b, row->in, row->max);
		check(row->what, holds(&b, row->out, strlen(row->out)));
		wh_buf_fini(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_cap),
		cmocka_unit_test(test_default_cap),
		cmocka_unit_test(test_printf),
		cmocka_unit_test(test_room_and_consume),
		cmocka_unit_test(test_printable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
