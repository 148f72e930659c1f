/* SPDX-License-Identifier: MIT */
/*
 * ctl/layout.c: who gives way on a narrow terminal and how far, and what is
 * left of a text there.
 */
#include "tests/unit/rows.h"

#include <locale.h>

#include "ctl/layout.h"

static void
check_cut(const char *text, size_t width, const char *expected)
{
	struct wh_buf b = WH_BUF_NULL;

	wh_buf_add(&b, text, strlen(text) + 1);
	wh_text_cut(&b, width);
	assert_string_equal(b.p, expected);
	assert_int_equal(b.n, strlen(expected) + 1);
	wh_buf_fini(&b);
}

static void
test_cut_texts_end_with_an_ellipsis(void **state)
{
	(void)state;
	check_cut("Permits", 7, "Permits");
	check_cut("Permits", 6, "Permi\u2026");
	check_cut("Permits", 1, "\u2026");
	check_cut("Permits", 0, "Permits");
	check_cut("", 3, "");
	check_cut("Gr\u00fc\u00dfe", 4, "Gr\u00fc\u2026");
}

static void
test_wide_characters_are_not_halved(void **state)
{
	(void)state;
	assert_int_equal(wh_text_width("\u6f22\u5b57"), 4);
	check_cut("\u6f22\u5b57\u6f22\u5b57", 8, "\u6f22\u5b57\u6f22\u5b57");
	check_cut("\u6f22\u5b57\u6f22\u5b57", 6, "\u6f22\u5b57\u2026");
	check_cut("\u6f22\u5b57\u6f22\u5b57", 5, "\u6f22\u5b57\u2026");
}

static void
test_columns_give_way_in_turn(void **state)
{
	struct wh_column columns[] = {
		{.width = 0, .turn = 0}, {.width = 8, .turn = 2}, {.width = 3, .turn = 1}};
	struct wh_columns c = {columns, 3};
	const size_t natural[] = {36, 20, 30};
	static const size_t rows[][4] = {
		/* total, and the room of each */
		{88, 36, 20, 30}, {87, 36, 20, 29}, {61, 36, 20, 3},
		{60, 36, 19, 3},  {49, 36, 8, 3},   {20, 36, 8, 3},
	};

	(void)state;
	for (size_t i = 0; i < wh_array_len(rows); i++) {
		wh_layout(&c, natural, rows[i][0]);
		for (size_t k = 0; k < 3; k++)
			assert_int_equal(columns[k].room, rows[i][k + 1]);
	}
}

static int
speak_utf8(void **state)
{
	(void)state;
	return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_texts_end_with_an_ellipsis),
		cmocka_unit_test(test_wide_characters_are_not_halved),
		cmocka_unit_test(test_columns_give_way_in_turn),
	};

	return cmocka_run_group_tests(tests, speak_utf8, NULL);
}
