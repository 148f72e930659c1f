/* SPDX-License-Identifier: MIT */
/*
 * proto/json.c and proto/json_out.c: strictness on the way in, valid and
 * stable text on the way out, whatever the locale.
 */
#include <locale.h>
#include <math.h>

#include "tests/unit/rows.h"

#define S(literal)                                                                             \
	{                                                                                      \
		literal, sizeof(literal) - 1                                                   \
	}

struct in_row {
	const char *what;
	struct wh_str json;
	int r;
	struct wh_str out; /* as msgpack */
};

#define NONE                                                                                   \
	{                                                                                      \
		NULL, 0                                                                        \
	}

static const struct in_row in_rows[] = {
	{"null", S("null"), 0, S("\xc0")},
	{"bools and space", S(" [true,\nfalse ] \n"), 0, S("\x92\xc3\xc2")},
	{"text", S("\"a\\u00e5\""), 0,
	 S("\xa3"
	   "a\xc3\xa5")},
	{"pair of surrogates", S("\"\\ud83d\\ude00\""), 0, S("\xa4\xf0\x9f\x98\x80")},
	{"NUL in a value", S("\"a\\u0000b\""), 0,
	 S("\xa3"
	   "a\0b")},
	{"order is kept", S("{\"z\":1,\"a\":2,\"m\":3}"), 0,
	 S("\x83\xa1z\x01\xa1"
	   "a\x02\xa1m\x03")},
	{"empty key", S("{\"\":1}"), 0, S("\x81\xa0\x01")},
	{"real", S("1.0"), 0, S("\xcb\x3f\xf0\0\0\0\0\0\0")},
	{"exponent is real", S("1e0"), 0, S("\xcb\x3f\xf0\0\0\0\0\0\0")},
	{"2^53 + 1 is exact", S("9007199254740993"), 0, S("\xcf\0\x20\0\0\0\0\0\1")},
	{"2^63 - 1", S("9223372036854775807"), 0, S("\xcf\x7f\xff\xff\xff\xff\xff\xff\xff")},
	{"-2^63", S("-9223372036854775808"), 0, S("\xd3\x80\0\0\0\0\0\0\0")},
	{"2^63", S("9223372036854775808"), WH_EPROTO, NONE},
	{"-2^63 - 1", S("-9223372036854775809"), WH_EPROTO, NONE},
	{"10^30", S("1000000000000000000000000000000"), WH_EPROTO, NONE},
	{"real overflow", S("1e999"), WH_EPROTO, NONE},
	{"NaN", S("NaN"), WH_EPROTO, NONE},
	{"Infinity", S("-Infinity"), WH_EPROTO, NONE},
	{"leading zero", S("01"), WH_EPROTO, NONE},
	{"same key twice", S("{\"a\":1,\"a\":1}"), WH_EPROTO, NONE},
	{"same key, spelt otherwise", S("{\"a\":1,\"\\u0061\":1}"), WH_EPROTO, NONE},
	{"NUL in a key", S("{\"a\\u0000\":1}"), WH_EPROTO, NONE},
	{"lone high surrogate", S("\"\\ud83d\""), WH_EPROTO, NONE},
	{"lone low surrogate", S("\"\\ude00\""), WH_EPROTO, NONE},
	{"surrogate as UTF-8", S("\"\xed\xa0\x80\""), WH_EPROTO, NONE},
	{"overlong UTF-8", S("\"\xc0\xaf\""), WH_EPROTO, NONE},
	{"invalid UTF-8", S("\"\xff\""), WH_EPROTO, NONE},
	{"raw control byte", S("\"\x01\""), WH_EPROTO, NONE},
	{"raw NUL", S("\"\0\""), WH_EPROTO, NONE},
	{"NUL after it", S("1\0"), WH_EPROTO, NONE},
	{"NUL between tokens", S("[1\0,true\0]"), WH_EPROTO, NONE},
	{"trailing text", S("1 2"), WH_EPROTO, NONE},
	{"trailing comma", S("[1,]"), WH_EPROTO, NONE},
	{"comment", S("/* */ 1"), WH_EPROTO, NONE},
	{"byte order mark",
	 S("\xef\xbb\xbf"
	   "1"),
	 WH_EPROTO, NONE},
	{"single quotes", S("'a'"), WH_EPROTO, NONE},
	{"nothing", S(""), WH_EPROTO, NONE},
	{"no pointer", NONE, WH_EPROTO, NONE},
	{"blank", S("  \n"), WH_EPROTO, NONE},
	{"cut", S("{\"a\":"), WH_EPROTO, NONE},
	{"closes too much", S("[1]]"), WH_EPROTO, NONE},
	{"depth just met", S("[[[[1]]]]"), 0, S("\x91\x91\x91\x91\x01")},
	{"depth just missed", S("[[[[[1]]]]]"), WH_ELIMIT, NONE},
	{"maps count too", S("{\"a\":[{\"b\":[[]]}]}"), WH_ELIMIT, NONE},
	{"brackets in text are text", S("\"[[[[[[[\\\"[[[\""), 0, S("\xab[[[[[[[\"[[[")},
	{"backslash before the quote", S("[\"\\\\\",[[[[1]]]]]"), WH_ELIMIT, NONE},
	{"siblings are not deeper", S("[[],[],[],[[[]]]]"), 0,
	 S("\x94\x90\x90\x90\x91\x91\x90")},
};

static void
test_in(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(in_rows); i++) {
		const struct in_row *row = &in_rows[i];
		struct wh_buf b = WH_BUF_NULL;
		struct wh_json_error err;

		check(row->what, wh_json_to_pack(row->json, 4, &b, &err) == row->r);
		if (row->r == 0)
			check(row->what, holds(&b, row->out.p, row->out.n));
		else
			check(row->what, err.text[0] != '\0');
		wh_buf_fini(&b);
	}
}

static void
test_hostile_depth(void **state)
{
	size_t n = 1000000;
	char *deep = malloc(n);
	struct wh_buf b = WH_BUF_NULL;
	struct wh_json_error err;

	(void)state;
	memset(deep, '[', n);
	assert_int_equal(wh_json_to_pack(wh_str(deep, n), 1000, &b, &err), WH_ELIMIT);
	assert_int_equal(err.line, 1);
	assert_int_equal(err.column, 33);
	assert_int_equal(b.n, 0);
	free(deep);
	wh_buf_fini(&b);
}

static void
test_errors(void **state)
{
	struct wh_buf b = WH_BUF_NULL;
	struct wh_json_error err;

	(void)state;
	assert_int_equal(wh_json_to_pack(WH_STR("{\n  \"a\": tru\x1b[2J}"), 9, &b, &err),
			 WH_EPROTO);
	assert_int_equal(err.line, 2);
	assert_true(err.column > 0);
	assert_false(wh_str_has_control(wh_str_c(err.text)));
	assert_int_equal(wh_json_to_pack(WH_STR("[\n[[1]]]"), 2, &b, &err), WH_ELIMIT);
	assert_string_equal(err.text, "nested deeper than 2 levels");
	assert_int_equal(err.line, 2);
	assert_int_equal(err.column, 2);
	wh_buf_fini(&b);

	b = wh_buf_capped(4);
	assert_int_equal(wh_json_to_pack(WH_STR("\"longer\""), 2, &b, &err), WH_ELIMIT);
	assert_true(err.text[0] != '\0');
	wh_buf_fini(&b);
}

struct out_row {
	const char *what;
	struct wh_str in; /* msgpack */
	const char *json;
};

static const struct out_row out_rows[] = {
	{"nil", S("\xc0"), "null"},
	{"bools", S("\x92\xc3\xc2"), "[true,false]"},
	{"2^64 - 1", S("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), "18446744073709551615"},
	{"-2^63", S("\xd3\x80\0\0\0\0\0\0\0"), "-9223372036854775808"},
	{"NaN", S("\xcb\x7f\xf8\0\0\0\0\0\0"), "null"},
	{"infinity", S("\xcb\xff\xf0\0\0\0\0\0\0"), "null"},
	{"float 32", S("\xca\x3f\x00\0\0"), "0.5"},
	{"escapes", S("\xa9\"\\/\b\f\n\r\t\x01"), "\"\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\""},
	{"NUL, DEL, C1", S("\xa5\0\x7f\xc2\x9bz"), "\"\\u0000\\u007f\\u009bz\""},
	{"wide", S("\xa5\xc3\xa5\xe2\x82\xac"), "\"\xc3\xa5\xe2\x82\xac\""},
	{"bin", S("\xc4\2hi"), "\"hi\""},
	{"not UTF-8",
	 S("\xc4\3"
	   "a\xff\xc3"),
	 "\"a\xef\xbf\xbd\xef\xbf\xbd\""},
	{"cut character", S("\xc4\2\xe2\x82"), "\"\xef\xbf\xbd\xef\xbf\xbd\""},
	{"empty", S("\x93\x80\x90\xa0"), "[{},[],\"\"]"},
	{"map",
	 S("\x82\xa1z\x01\xa1"
	   "a\x91\x02"),
	 "{\"z\":1,\"a\":[2]}"},
	{"escaped key", S("\x81\xa1\n\x01"), "{\"\\n\":1}"},
};

static void
test_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(out_rows); i++) {
		const struct out_row *row = &out_rows[i];
		struct wh_buf b = WH_BUF_NULL;

		check(row->what, wh_json_from_pack(&b, row->in, 0) == 0);
		check(row->what, holds(&b, row->json, strlen(row->json)));
		wh_buf_fini(&b);
	}
}

static void
test_indent(void **state)
{
	struct row_tree t = row_tree("{'a': [1, {'b': {}}], 'c': []}");
	struct wh_buf b = WH_BUF_NULL;

	(void)state;
	wh_json_from_obj(&b, &t.tree.root, 2);
	wh_buf_byte(&b, '\0');
	assert_string_equal(b.p, "{\n  \"a\": [\n    1,\n    {\n      \"b\": {}\n    }\n  ],\n"
				 "  \"c\": []\n}");
	wh_buf_reset(&b);
	wh_json_from_obj(&b, NULL, 2);
	assert_true(holds(&b, "null", 4));
	wh_buf_fini(&b);
	row_tree_fini(&t);
}

/* Only a tree that did not come from outside can hold such keys. */
static void
test_odd_keys(void **state)
{
	msgpack_object one = {.type = MSGPACK_OBJECT_POSITIVE_INTEGER, .via.u64 = 1};
	msgpack_object ext = {.type = MSGPACK_OBJECT_EXT};
	msgpack_object_kv pair = {.key = one, .val = ext};
	msgpack_object map = {.type = MSGPACK_OBJECT_MAP, .via.map = {1, &pair}};
	struct wh_buf b = WH_BUF_NULL;

	(void)state;
	wh_json_from_obj(&b, &map, 0);
	assert_true(holds(&b, "{\"1\":null}", 10));
	wh_buf_fini(&b);
}

static void
test_from_pack_refuses(void **state)
{
	struct wh_buf b = WH_BUF_NULL;

	(void)state;
	assert_int_equal(wh_json_from_pack(&b, WH_STR("\x92\x01"), 0), WH_EPROTO);
	assert_int_equal(wh_json_from_pack(&b, WH_STR("\xdd\xff\xff\xff\xff"), 0), WH_ELIMIT);
	assert_int_equal(wh_json_from_pack(&b, WH_STR_NULL, 0), WH_EPROTO);
	assert_int_equal(b.n, 0);
	b = wh_buf_capped(3);
	assert_int_equal(wh_json_from_pack(&b,
					   WH_STR("\xa3"
						  "abc"),
					   0),
			 WH_ELIMIT);
	wh_buf_fini(&b);
}

struct double_row {
	double v;
	const char *text;
};

static const struct double_row double_rows[] = {
	{0.0, "0.0"},
	{-0.0, "-0.0"},
	{1.0, "1.0"},
	{-1.5, "-1.5"},
	{0.1, "0.1"},
	{0.001, "0.001"},
	{0.0001, "0.0001"},
	{0.00001, "1e-5"},
	{0.000012345, "1.2345e-5"},
	{123456.789, "123456.789"},
	{100.0, "100.0"},
	{1e15, "1000000000000000.0"},
	{1234567890123456.0, "1234567890123456.0"},
	{1e16, "1e16"},
	{1.5e300, "1.5e300"},
	{9007199254740993.0, "9007199254740992.0"},
	{0.1 + 0.2, "0.30000000000000004"},
	{1.0 / 3, "0.3333333333333333"},
	{5e-324, "5e-324"},
	{2.2250738585072014e-308, "2.2250738585072014e-308"},
	{1.7976931348623157e308, "1.7976931348623157e308"},
};

static void
check_doubles(void)
{
	for (size_t i = 0; i < wh_array_len(double_rows); i++) {
		const struct double_row *row = &double_rows[i];
		struct wh_buf packed = WH_BUF_NULL, json = WH_BUF_NULL, again = WH_BUF_NULL;
		struct wh_json_error err;

		wh_pack_double(&packed, row->v);
		check(row->text, wh_json_from_pack(&json, wh_buf_view(&packed), 0) == 0);
		check(row->text, holds(&json, row->text, strlen(row->text)));
		check(row->text, wh_json_to_pack(wh_buf_view(&json), 1, &again, &err) == 0);
		check(row->text, holds(&again, packed.p, packed.n));
		wh_buf_fini(&packed);
		wh_buf_fini(&json);
		wh_buf_fini(&again);
	}
}

static void
test_doubles(void **state)
{
	(void)state;
	check_doubles();
}

/* Random bit patterns survive the way to JSON and back. */
static void
test_doubles_round_trip(void **state)
{
	uint64_t seed = 0x9e3779b97f4a7c15;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct wh_buf packed = WH_BUF_NULL, json = WH_BUF_NULL, again = WH_BUF_NULL;
		struct wh_json_error err;
		double v;

		seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
		memcpy(&v, &seed, sizeof(v));
		if (!isfinite(v))
			continue;
		wh_pack_double(&packed, v);
		assert_int_equal(wh_json_from_pack(&json, wh_buf_view(&packed), 0), 0);
		assert_int_equal(wh_json_to_pack(wh_buf_view(&json), 1, &again, &err), 0);
		assert_true(holds(&again, packed.p, packed.n));
		wh_buf_fini(&packed);
		wh_buf_fini(&json);
		wh_buf_fini(&again);
	}
}

/* Any installed locale whose decimal point is no point will do. */
static void
test_locale(void **state)
{
	static const char *const names[] = {"de_DE.UTF-8", "sv_SE.UTF-8", "fr_FR.UTF-8",
					    "de_DE", "sv_SE"};
	bool found = false;

	(void)state;
	for (size_t i = 0; i < wh_array_len(names) && !found; i++)
		found = setlocale(LC_ALL, names[i]) && strcmp(localeconv()->decimal_point, ".");
	if (!found)
		skip();
	check_doubles();
	setlocale(LC_ALL, "C");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in),
		cmocka_unit_test(test_hostile_depth),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_out),
		cmocka_unit_test(test_indent),
		cmocka_unit_test(test_odd_keys),
		cmocka_unit_test(test_from_pack_refuses),
		cmocka_unit_test(test_doubles),
		cmocka_unit_test(test_doubles_round_trip),
		cmocka_unit_test(test_locale),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
