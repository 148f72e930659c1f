/* SPDX-License-Identifier: MIT */
/*
 * ctl/escape.c: nothing that could act on a terminal, reorder what is read or
 * hide in it comes through, and what is harmless is left alone.
 */
#include "tests/unit/rows.h"

#include "ctl/escape.h"

struct escape_row {
	const char *what;
	const char *in;
	size_t n;
	const char *line, *text, *tsv, *json;
};

#define ROW(what, in, line, text, tsv, json)                                                   \
	{                                                                                      \
		what, in, sizeof(in) - 1, line, text, tsv, json                                \
	}
#define SAME(what, in)                                                                         \
	{                                                                                      \
		what, in, sizeof(in) - 1, in, in, in, in                                       \
	}

static const struct escape_row rows[] = {
	SAME("nothing", ""),
	SAME("plain", "Fundb\xc3\xbcro \"a\" & b~"),
	SAME("wide and beyond the first plane", "\xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80"),
	ROW("NUL", "a\0b", "a\\x00b", "a\\x00b", "a\\x00b", "a\\u0000b"),
	ROW("title of a terminal", "\033]0;x\007", "\\x1b]0;x\\x07", "\\x1b]0;x\\x07",
	    "\\x1b]0;x\\x07", "\\u001b]0;x\\u0007"),
	ROW("carriage return", "safe\revil", "safe\\revil", "safe\\revil", "safe\\revil",
	    "safe\\u000devil"),
	ROW("lines and tabs", "a\nb\tc", "a\\nb\\tc", "a\nb\tc", "a\\nb\\tc", "a\nb\tc"),
	ROW("DEL", "\x7f", "\\x7f", "\\x7f", "\\x7f", "\\u007f"),
	ROW("C1 as UTF-8",
	    "\xc2\x9b"
	    "31m",
	    "\\u009b31m", "\\u009b31m", "\\u009b31m", "\\u009b31m"),
	ROW("C1 as a byte",
	    "\x9b"
	    "31m",
	    "\\x9b31m", "\\x9b31m", "\\x9b31m", "\\x9b31m"),
	ROW("right-to-left override",
	    "a\xe2\x80\xae"
	    "b",
	    "a\\u202eb", "a\\u202eb", "a\\u202eb", "a\\u202eb"),
	ROW("isolate", "\xe2\x81\xa6", "\\u2066", "\\u2066", "\\u2066", "\\u2066"),
	ROW("Arabic letter mark", "\xd8\x9c", "\\u061c", "\\u061c", "\\u061c", "\\u061c"),
	ROW("zero width", "a\xe2\x80\x8b\xef\xbb\xbf", "a\\u200b\\ufeff", "a\\u200b\\ufeff",
	    "a\\u200b\\ufeff", "a\\u200b\\ufeff"),
	ROW("line separator", "\xe2\x80\xa8", "\\u2028", "\\u2028", "\\u2028", "\\u2028"),
	ROW("tag", "\xf3\xa0\x81\x81", "\\U000e0041", "\\U000e0041", "\\U000e0041",
	    "\\udb40\\udc41"),
	ROW("cut sequence", "a\xe2\x80", "a\\xe2\\x80", "a\\xe2\\x80", "a\\xe2\\x80",
	    "a\\xe2\\x80"),
	ROW("overlong", "\xc0\xaf", "\\xc0\\xaf", "\\xc0\\xaf", "\\xc0\\xaf", "\\xc0\\xaf"),
	ROW("surrogate", "\xed\xa0\x80", "\\xed\\xa0\\x80", "\\xed\\xa0\\x80",
	    "\\xed\\xa0\\x80", "\\xed\\xa0\\x80"),
	ROW("backslash", "C:\\n", "C:\\n", "C:\\n", "C:\\\\n", "C:\\n"),
};

static bool
gives(const struct escape_row *row, enum wh_escape_mode mode, const char *want)
{
	struct wh_buf b = WH_BUF_NULL;

	wh_escape(&b, wh_str(row->in, row->n), mode);
	bool same = wh_str_is(wh_buf_view(&b), want);

	wh_buf_fini(&b);
	return same;
}

static void
each_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(rows); i++) {
		check(rows[i].what, gives(&rows[i], WH_ESCAPE_LINE, rows[i].line));
		check(rows[i].what, gives(&rows[i], WH_ESCAPE_TEXT, rows[i].text));
		check(rows[i].what, gives(&rows[i], WH_ESCAPE_TSV, rows[i].tsv));
		check(rows[i].what, gives(&rows[i], WH_ESCAPE_JSON, rows[i].json));
	}
}

/* Every pair of bytes: what comes out is UTF-8 without a control character. */
static void
no_bytes_come_through(void **state)
{
	(void)state;
	for (unsigned first = 0; first < 256; first++) {
		for (unsigned second = 0; second < 256; second++) {
			const char in[2] = {(char)first, (char)second};
			struct wh_buf b = WH_BUF_NULL;

			wh_escape(&b, wh_str(in, 2), WH_ESCAPE_LINE);
			check("UTF-8", wh_utf8_valid(wh_buf_view(&b)));
			check("no control", !wh_str_has_control(wh_buf_view(&b)));
			wh_buf_fini(&b);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row),
		cmocka_unit_test(no_bytes_come_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
