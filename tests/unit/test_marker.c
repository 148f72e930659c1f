/* SPDX-License-Identifier: MIT */
/* core/marker.c: marks put on, cut off, and compared. */
#include "daemon/core/marker.h"
#include "tests/unit/rows.h"

static const struct {
	const char *comment, *without;
} strips[] = {
	{"a comment [whd:0123456789ab]", "a comment"},
	{"a comment [whd:0123456789ab]  ", "a comment"},
	{"A COMMENT [WHD:0123456789AB]", "A COMMENT"},
	{" [whd:0123456789ab]", ""},
	{"[whd:0123456789ab]", ""},
	{"two [whd:aaaaaaaaaaaa] [whd:bbbbbbbbbbbb]", "two [whd:aaaaaaaaaaaa]"},
	{"a comment", "a comment"},
	{"", ""},
	{"]", "]"},
	{"[whd:]", "[whd:]"},
	{"x [whd:abc]", "x [whd:abc]"},                     /* too short to be one */
	{"x [whd:0123 456789ab]", "x [whd:0123 456789ab]"}, /* not one word */
	{"x[whd:0123456789ab]", "x[whd:0123456789ab]"},     /* a part of a word */
	{"x [whd:0123456789ab] y", "x [whd:0123456789ab] y"},
	{"x [whd:000000000000000000000000000000000000]",
	 "x [whd:000000000000000000000000000000000000]"},
};

static void
test_strip(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(strips); i++)
		check(strips[i].comment, wh_str_eq(wh_marker_strip(wh_str_c(strips[i].comment)),
						   wh_str_c(strips[i].without)));
}

static const struct {
	const char *what, *sent, *shown;
	enum wh_marker_match match;
} matches[] = {
	{"neither", "a", "b", WH_MARKER_NONE},
	{"the same", "a [whd:0123456789ab]", "b [whd:0123456789ab]", WH_MARKER_SAME},
	{"the same in upper case", "a [whd:0123456789ab]", "A [WHD:0123456789AB] ",
	 WH_MARKER_SAME},
	{"another's", "a [whd:0123456789ab]", "a [whd:ba9876543210]", WH_MARKER_OTHER},
	{"another's, ours has none", "a", "a [whd:ba9876543210]", WH_MARKER_OTHER},
	{"lost", "a [whd:0123456789ab]", "a", WH_MARKER_LOST},
	{"cut short", "a [whd:0123456789ab]", "a [whd:0123", WH_MARKER_LOST},
};

static void
test_match(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(matches); i++)
		check(matches[i].what,
		      wh_marker_match(wh_str_c(matches[i].sent), wh_str_c(matches[i].shown)) ==
			      matches[i].match);
}

static void
test_add(void **state)
{
	struct wh_buf b = WH_BUF_NULL;

	(void)state;
	wh_marker_add(&b, WH_STR("x"), WH_STR("0123456789ab"));
	assert_true(wh_str_is(wh_buf_view(&b), "x [whd:0123456789ab]"));
	assert_true(wh_str_is(wh_marker_strip(wh_buf_view(&b)), "x"));
	wh_buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strip),
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_add),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
