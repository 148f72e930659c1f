/* SPDX-License-Identifier: MIT */
/*
 * proto/frame.c: what the scanner accepts and refuses, fed at once and one
 * byte at a time, with the limits just met and just missed.
 */
#include "tests/unit/rows.h"

#define LIMITS                                                                                 \
	{                                                                                      \
		64, 4, 20                                                                      \
	}

struct frame_row {
	const char *what;
	struct wh_str in;
	struct wh_frame_limits limits;
	int r;
	enum wh_frame_why why; /* when refused */
	size_t len;            /* when complete */
};

#define S(literal)                                                                             \
	{                                                                                      \
		literal, sizeof(literal) - 1                                                   \
	}

static const struct frame_row rows[] = {
	{"nothing", S(""), LIMITS, WH_FRAME_MORE, WH_FRAME_OK, 0},
	{"small int", S("\x07"), LIMITS, 0, WH_FRAME_OK, 1},
	{"negative small int", S("\xe0"), LIMITS, 0, WH_FRAME_OK, 1},
	{"nil", S("\xc0"), LIMITS, 0, WH_FRAME_OK, 1},
	{"bools", S("\x92\xc2\xc3"), LIMITS, 0, WH_FRAME_OK, 3},
	{"uint 8", S("\xcc\xff"), LIMITS, 0, WH_FRAME_OK, 2},
	{"uint 64", S("\xcf\1\2\3\4\5\6\7\x08"), LIMITS, 0, WH_FRAME_OK, 9},
	{"int 16", S("\xd1\xff\xff"), LIMITS, 0, WH_FRAME_OK, 3},
	{"int 32 cut", S("\xd2\xff\xff\xff"), LIMITS, WH_FRAME_MORE, WH_FRAME_OK, 0},
	{"float 32", S("\xca\0\0\0\0"), LIMITS, 0, WH_FRAME_OK, 5},
	{"float 64", S("\xcb\0\0\0\0\0\0\0\0"), LIMITS, 0, WH_FRAME_OK, 9},
	{"empty text", S("\xa0"), LIMITS, 0, WH_FRAME_OK, 1},
	{"text",
	 S("\xa3"
	   "abc"),
	 LIMITS, 0, WH_FRAME_OK, 4},
	{"text cut",
	 S("\xa3"
	   "ab"),
	 LIMITS, WH_FRAME_MORE, WH_FRAME_OK, 0},
	{"str 8", S("\xd9\2ab"), LIMITS, 0, WH_FRAME_OK, 4},
	{"str 16", S("\xda\0\2ab"), LIMITS, 0, WH_FRAME_OK, 5},
	{"str 32", S("\xdb\0\0\0\2ab"), LIMITS, 0, WH_FRAME_OK, 7},
	{"bin 8", S("\xc4\2ab"), LIMITS, 0, WH_FRAME_OK, 4},
	{"bin 16", S("\xc5\0\2ab"), LIMITS, 0, WH_FRAME_OK, 5},
	{"bin 32", S("\xc6\0\0\0\2ab"), LIMITS, 0, WH_FRAME_OK, 7},
	{"empty array", S("\x90"), LIMITS, 0, WH_FRAME_OK, 1},
	{"empty map", S("\x80"), LIMITS, 0, WH_FRAME_OK, 1},
	{"map",
	 S("\x81\xa1"
	   "a\x01"),
	 LIMITS, 0, WH_FRAME_OK, 4},
	{"map without its value",
	 S("\x81\xa1"
	   "a"),
	 LIMITS, WH_FRAME_MORE, WH_FRAME_OK, 0},
	{"array 16", S("\xdc\0\2\1\2"), LIMITS, 0, WH_FRAME_OK, 5},
	{"array 32", S("\xdd\0\0\0\2\1\2"), LIMITS, 0, WH_FRAME_OK, 7},
	{"map 16", S("\xde\0\1\1\2"), LIMITS, 0, WH_FRAME_OK, 5},
	{"map 32", S("\xdf\0\0\0\1\1\2"), LIMITS, 0, WH_FRAME_OK, 7},
	{"a second object follows", S("\x91\x01\x02"), LIMITS, 0, WH_FRAME_OK, 2},
	{"siblings after nesting", S("\x93\x91\x91\x01\x80\x02"), LIMITS, 0, WH_FRAME_OK, 6},
	{"head of array 32 cut", S("\xdd\0\0\0"), LIMITS, WH_FRAME_MORE, WH_FRAME_OK, 0},

	{"5 bytes that claim 4 GB", S("\xdd\x0a\x22\x22\x22"), LIMITS, WH_ELIMIT,
	 WH_FRAME_TOO_MANY, 0},
	{"map 32 of all", S("\xdf\xff\xff\xff\xff"), LIMITS, WH_ELIMIT, WH_FRAME_TOO_MANY, 0},
	{"str 32 of all", S("\xdb\xff\xff\xff\xff"), LIMITS, WH_ELIMIT, WH_FRAME_TOO_LONG, 0},
	{"bin 32 of all", S("\xc6\xff\xff\xff\xff"), LIMITS, WH_ELIMIT, WH_FRAME_TOO_LONG, 0},
	{"nested claims share one budget", S("\x9f\x9f\x01"), LIMITS, WH_ELIMIT,
	 WH_FRAME_TOO_MANY, 0},
	{"elements just met", S("\x93\1\2\3"), {64, 4, 4}, 0, WH_FRAME_OK, 4},
	{"elements just missed", S("\x93\1\2\3"), {64, 4, 3}, WH_ELIMIT, WH_FRAME_TOO_MANY, 0},
	{"map keys count", S("\x82\1\2\3\4"), {64, 4, 4}, WH_ELIMIT, WH_FRAME_TOO_MANY, 0},
	{"no elements at all", S("\x01"), {64, 4, 0}, WH_ELIMIT, WH_FRAME_TOO_MANY, 0},
	{"length just met",
	 S("\xa3"
	   "abc"),
	 {4, 4, 20},
	 0,
	 WH_FRAME_OK,
	 4},
	{"length just missed",
	 S("\xa3"
	   "abc"),
	 {3, 4, 20},
	 WH_ELIMIT,
	 WH_FRAME_TOO_LONG,
	 0},
	{"length missed by a scalar",
	 S("\xcd\0\1"),
	 {2, 4, 20},
	 WH_ELIMIT,
	 WH_FRAME_TOO_LONG,
	 0},
	{"length missed by a head",
	 S("\x92\xa1"
	   "a\xd9"),
	 {4, 4, 20},
	 WH_ELIMIT,
	 WH_FRAME_TOO_LONG,
	 0},
	{"never asks for more than the limit",
	 S("\x92\xa2"
	   "ab"),
	 {4, 4, 20},
	 WH_ELIMIT,
	 WH_FRAME_TOO_LONG,
	 0},
	{"a bad byte past the limit is too long first",
	 S("\x92\xa2"
	   "ab\xc1"),
	 {4, 4, 20},
	 WH_ELIMIT,
	 WH_FRAME_TOO_LONG,
	 0},
	{"no bytes at all", S("\xc1"), {0, 4, 20}, WH_ELIMIT, WH_FRAME_TOO_LONG, 0},
	{"claims more items than bytes",
	 S("\xdc\0\x10"),
	 {18, 4, 20},
	 WH_ELIMIT,
	 WH_FRAME_TOO_LONG,
	 0},
	{"depth just met", S("\x91\x91\x91\x91\x01"), LIMITS, 0, WH_FRAME_OK, 5},
	{"depth just missed", S("\x91\x91\x91\x91\x91\x01"), LIMITS, WH_ELIMIT,
	 WH_FRAME_TOO_DEEP, 0},
	{"depth missed by an empty map", S("\x91\x91\x91\x91\x80"), LIMITS, WH_ELIMIT,
	 WH_FRAME_TOO_DEEP, 0},
	{"no nesting at all", S("\x90"), {64, 0, 20}, WH_ELIMIT, WH_FRAME_TOO_DEEP, 0},
	{"0xc1", S("\xc1"), LIMITS, WH_EPROTO, WH_FRAME_BAD_BYTE, 0},
	{"0xc1 inside", S("\x92\x01\xc1"), LIMITS, WH_EPROTO, WH_FRAME_BAD_BYTE, 0},
	{"ext 8", S("\xc7\x01\x01\x00"), LIMITS, WH_EPROTO, WH_FRAME_BAD_BYTE, 0},
	{"ext 32", S("\xc9\0\0\0\1\1\1"), LIMITS, WH_EPROTO, WH_FRAME_BAD_BYTE, 0},
	{"fixext 1", S("\xd4\1\1"), LIMITS, WH_EPROTO, WH_FRAME_BAD_BYTE, 0},
	{"fixext 16", S("\xd8\1"), LIMITS, WH_EPROTO, WH_FRAME_BAD_BYTE, 0},
};

static void
check_outcome(const struct frame_row *row, const struct wh_frame *f, int r, size_t len)
{
	check(row->what, r == row->r);
	if (r < 0)
		check(row->what, f->why == row->why);
	if (r == 0)
		check(row->what, len == row->len);
}

static void
test_at_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(rows); i++) {
		struct wh_frame f;
		size_t len = 0;

		wh_frame_init(&f, &rows[i].limits);
		int r = wh_frame_scan(&f, rows[i].in.p, rows[i].in.n, &len);
		check_outcome(&rows[i], &f, r, len);
	}
}

/* Each feed sees a copy that ends where the bytes end, so that ASan and
 * valgrind catch a look past them. */
static int
feed(struct wh_frame *f, struct wh_str in, size_t n, size_t *ret_len)
{
	char *exact = wh_xstrdup(wh_str(in.p, n));
	char *tight = malloc(n ? n : 1);

	memcpy(tight, exact, n);
	int r = wh_frame_scan(f, tight, n, ret_len);
	free(exact);
	free(tight);
	return r;
}

static void
test_dribbled(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(rows); i++) {
		struct wh_frame f;
		size_t len = 0;
		int r = WH_FRAME_MORE;

		wh_frame_init(&f, &rows[i].limits);
		for (size_t n = 0; n <= rows[i].in.n && r == WH_FRAME_MORE; n++)
			r = feed(&f, rows[i].in, n, &len);
		check_outcome(&rows[i], &f, r, len);
	}
}

static void
test_stream(void **state)
{
	static const char stream[] = "\x93\x01\xa2hi\x80\xc0\x82\x01\x91\x02\x03\xcc\x04";
	static const size_t lengths[] = {6, 1, 7};
	static const uint32_t elements[] = {4, 1, 6};
	const struct wh_frame_limits limits = LIMITS;
	struct wh_frame f;
	const char *at = stream;
	size_t left = sizeof(stream) - 1;

	(void)state;
	wh_frame_init(&f, &limits);
	for (size_t i = 0; i < wh_array_len(lengths); i++) {
		size_t len = 0;

		assert_int_equal(wh_frame_scan(&f, at, left, &len), 0);
		assert_int_equal(len, lengths[i]);
		assert_int_equal(f.elements, elements[i]);
		at += len;
		left -= len;
	}
	assert_int_equal(left, 0);
}

static void
test_check(void **state)
{
	const struct wh_frame_limits limits = LIMITS;

	(void)state;
	assert_int_equal(wh_frame_check(WH_STR("\x91\x01"), &limits), 0);
	assert_int_equal(wh_frame_check(WH_STR("\x91"), &limits), WH_EPROTO);
	assert_int_equal(wh_frame_check(WH_STR("\x91\x01\x01"), &limits), WH_EPROTO);
	assert_int_equal(wh_frame_check(WH_STR_NULL, &limits), WH_EPROTO);
	assert_int_equal(wh_frame_check(WH_STR("\xdd\xff\xff\xff\xff"), &limits), WH_ELIMIT);
}

/* msgpack-c takes 32 levels and calls a 33rd "out of memory". */
static void
test_deepest(void **state)
{
	const struct wh_frame_limits limits = {64, 1000, 64};
	char deep[33];
	struct wh_tree tree;

	(void)state;
	memset(deep, '\x91', sizeof(deep));
	deep[32] = '\xc0';
	assert_int_equal(wh_frame_check(wh_str(deep, 33), &limits), 0);
	assert_int_equal(wh_unpack(&tree, wh_str(deep, 33), &limits), 0);
	wh_tree_fini(&tree);
	deep[32] = '\x90';
	assert_int_equal(wh_unpack(&tree, wh_str(deep, 33), &limits), WH_ELIMIT);
}

static void
test_why(void **state)
{
	(void)state;
	for (unsigned why = WH_FRAME_OK; why <= WH_FRAME_BAD_BYTE; why++)
		assert_true(strlen(wh_frame_why_str((enum wh_frame_why)why)) > 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_at_once), cmocka_unit_test(test_dribbled),
		cmocka_unit_test(test_stream),  cmocka_unit_test(test_check),
		cmocka_unit_test(test_deepest), cmocka_unit_test(test_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
