/* SPDX-License-Identifier: MIT */
/*
 * proto/text.c and proto/fault.c: UTF-8, control characters, GUIDs, numbers,
 * fault texts and the allocations that may not fail.
 */
#include <ctype.h>

#include "tests/unit/rows.h"

struct utf8_row {
	const char *what;
	struct wh_str s;
	bool valid;
};

static const struct utf8_row utf8_rows[] = {
	{"nothing", {NULL, 0}, true},
	{"ascii", {"abc", 3}, true},
	{"NUL is a character", {"a\0b", 3}, true},
	{"long ascii", {"0123456789abcdefghij", 20}, true},
	{"two bytes", {"\xc3\xa5", 2}, true},
	{"three bytes", {"\xe2\x82\xac", 3}, true},
	{"four bytes", {"\xf0\x9f\x98\x80", 4}, true},
	{"last code point", {"\xf4\x8f\xbf\xbf", 4}, true},
	{"before the surrogates", {"\xed\x9f\xbf", 3}, true},
	{"after the surrogates", {"\xee\x80\x80", 3}, true},
	{"ascii after wide", {"\xc3\xa5 01234567890", 14}, true},
	{"overlong slash of 2", {"\xc0\xaf", 2}, false},
	{"overlong 0x7f", {"\xc1\xbf", 2}, false},
	{"overlong of 3", {"\xe0\x9f\xbf", 3}, false},
	{"overlong of 4", {"\xf0\x8f\xbf\xbf", 4}, false},
	{"low surrogate", {"\xed\xa0\x80", 3}, false},
	{"high surrogate", {"\xed\xbf\xbf", 3}, false},
	{"beyond U+10FFFF", {"\xf4\x90\x80\x80", 4}, false},
	{"first byte f5", {"\xf5\x80\x80\x80", 4}, false},
	{"first byte ff", {"\xff", 1}, false},
	{"lone continuation", {"\x80", 1}, false},
	{"cut after 1 of 2", {"\xc3", 1}, false},
	{"cut after 2 of 3", {"\xe2\x82", 2}, false},
	{"cut after 3 of 4", {"\xf0\x9f\x98", 3}, false},
	{"second byte no continuation", {"\xc3(", 2}, false},
	{"third byte no continuation", {"\xe2\x82(", 3}, false},
	{"bad byte after 8 good ones", {"01234567\xff", 9}, false},
	{"bad byte within 8",
	 {"0123\xff"
	  "567",
	  8},
	 false},
};

static void
test_utf8(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(utf8_rows); i++)
		check(utf8_rows[i].what, wh_utf8_valid(utf8_rows[i].s) == utf8_rows[i].valid);
}

struct control_row {
	const char *what;
	struct wh_str s;
	bool has;
};

static const struct control_row control_rows[] = {
	{"nothing", {NULL, 0}, false},
	{"plain", {"abc", 3}, false},
	{"space and tilde", {" ~", 2}, false},
	{"NUL", {"a\0", 2}, true},
	{"newline", {"a\n", 2}, true},
	{"escape", {"\x1b[2J", 4}, true},
	{"unit separator", {"\x1f", 1}, true},
	{"DEL", {"\x7f", 1}, true},
	{"C1 CSI", {"x\xc2\x9b", 3}, true},
	{"first C1", {"\xc2\x80", 2}, true},
	{"last C1", {"\xc2\x9f", 2}, true},
	{"no-break space is none", {"\xc2\xa0", 2}, false},
	{"other lead, same second byte", {"\xc3\x9b", 2}, false},
	{"cut lead byte", {"\xc2", 1}, false},
};

static void
test_control(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(control_rows); i++) {
		const struct control_row *row = &control_rows[i];

		check(row->what, wh_str_has_control(row->s) == row->has);
	}
}

/* Any byte at any place of a longer text is judged as it is alone. */
static void
test_control_anywhere(void **state)
{
	char text[40];

	(void)state;
	for (size_t at = 0; at < sizeof(text); at++)
		for (int byte = 0; byte < 256; byte++) {
			memset(text, at % 2 ? '~' : ' ', sizeof(text));
			text[at] = (char)byte;
			assert_int_equal(wh_str_has_control(wh_str(text, sizeof(text))),
					 wh_control_len(wh_str(text + at, 1)) > 0);
			memset(text, '\xe9', at);
			assert_int_equal(wh_str_has_control(wh_str(text, sizeof(text))),
					 wh_control_len(wh_str(text + at, 1)) > 0);
		}
}

struct guid_row {
	const char *text;
	bool is;
};

static const struct guid_row guid_rows[] = {
	{"01234567-89ab-cdef-ABCD-0123456789AB", true},
	{"01234567-89ab-cdef-ABCD-0123456789A", false},
	{"01234567-89ab-cdef-ABCD-0123456789ABC", false},
	{"01234567x89ab-cdef-ABCD-0123456789AB", false},
	{"0123456g-89ab-cdef-ABCD-0123456789AB", false},
	{"0123456-789ab-cdef-ABCD-0123456789AB", false},
	{"", false},
};

static void
test_guid(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(guid_rows); i++)
		check(guid_rows[i].text,
		      wh_str_is_guid(wh_str_c(guid_rows[i].text)) == guid_rows[i].is);
}

/* Each byte at each place. */
static void
test_guid_bytes(void **state)
{
	(void)state;
	for (size_t at = 0; at < WH_GUID; at++)
		for (int c = 0; c < 256; c++) {
			char text[] = "0f1e2d3c-4b5a-6978-8796-A5B4C3D2E1F0";
			bool dash = text[at] == '-';
			bool is = dash ? c == '-' : c < 128 && isxdigit(c) != 0;

			text[at] = (char)c;
			check(text, wh_str_is_guid(wh_str(text, WH_GUID)) == is);
		}
}

static void
test_compare(void **state)
{
	(void)state;
	assert_true(wh_str_ieq(WH_STR("aBc-1"), WH_STR("AbC-1")));
	assert_false(wh_str_ieq(WH_STR("abc"), WH_STR("abd")));
	assert_false(wh_str_ieq(WH_STR("abc"), WH_STR("ab")));
	assert_false(wh_str_ieq(WH_STR("\xc3\xa5"), WH_STR("\xc3\x85")));
	assert_false(wh_str_ieq(WH_STR("@"), WH_STR("`")));
	assert_true(wh_str_ieq(WH_STR_NULL, WH_STR("")));
	assert_true(wh_str_cmp(WH_STR("a"), WH_STR("ab")) < 0);
	assert_true(wh_str_cmp(WH_STR("b"), WH_STR("ab")) > 0);
	assert_true(wh_str_cmp(WH_STR_NULL, WH_STR("")) == 0);
	assert_true(wh_str_is(WH_STR("x"), "x"));
}

struct number_row {
	const char *text;
	int64_t min, max;
	bool ok;
	int64_t value;
};

static const struct number_row number_rows[] = {
	{"0", 0, 10, true, 0},
	{"-0", 0, 10, true, 0},
	{"10", 0, 10, true, 10},
	{"11", 0, 10, false, 0},
	{"-1", 0, 10, false, 0},
	{"-5", -5, 10, true, -5},
	{"0301", 0, 1000, true, 301},
	{"9223372036854775807", INT64_MIN, INT64_MAX, true, INT64_MAX},
	{"9223372036854775808", INT64_MIN, INT64_MAX, false, 0},
	{"-9223372036854775808", INT64_MIN, INT64_MAX, true, INT64_MIN},
	{"-9223372036854775809", INT64_MIN, INT64_MAX, false, 0},
	{"99999999999999999999999999", INT64_MIN, INT64_MAX, false, 0},
	{"", INT64_MIN, INT64_MAX, false, 0},
	{"-", INT64_MIN, INT64_MAX, false, 0},
	{"+1", INT64_MIN, INT64_MAX, false, 0},
	{" 1", INT64_MIN, INT64_MAX, false, 0},
	{"1 ", INT64_MIN, INT64_MAX, false, 0},
	{"1.0", INT64_MIN, INT64_MAX, false, 0},
	{"0x10", INT64_MIN, INT64_MAX, false, 0},
	{"--1", INT64_MIN, INT64_MAX, false, 0},
};

static void
test_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(number_rows); i++) {
		const struct number_row *row = &number_rows[i];
		int64_t v = 77;

		check(row->text,
		      wh_parse_i64(wh_str_c(row->text), row->min, row->max, &v) == row->ok);
		check(row->text, v == (row->ok ? row->value : 77));
	}
	int64_t v;

	assert_false(wh_parse_i64(WH_STR("1\0"), 0, 10, &v));
}

static void
test_faults(void **state)
{
	(void)state;
	assert_string_equal(wh_fault_str(WH_ENOMEM), "out of memory");
	assert_string_equal(wh_fault_str(WH_EPROTO), "malformed message");
	assert_string_equal(wh_fault_str(0), "no fault");
	assert_string_equal(wh_fault_str(-9999), "unknown fault");
	assert_string_equal(wh_fault_str(5), "not a fault");
}

static void
test_memory(void **state)
{
	char *copy = wh_xstrdup(WH_STR("a\0b"));
	char *empty = wh_xstrdup(WH_STR_NULL);
	char *zeros = wh_xcalloc(3, 2);
	char *owned = copy;
	char *taken = wh_steal(&owned);

	(void)state;
	assert_memory_equal(copy, "a\0b", 4);
	assert_string_equal(empty, "");
	assert_memory_equal(zeros, "\0\0\0\0\0\0", 6);
	assert_null(owned);
	assert_ptr_equal(taken, copy);
	free(copy);
	free(empty);
	free(zeros);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_control),
		cmocka_unit_test(test_control_anywhere),
		cmocka_unit_test(test_guid),
		cmocka_unit_test(test_guid_bytes),
		cmocka_unit_test(test_compare),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
