/* SPDX-License-Identifier: MIT */
/*
 * core/remote_split.c and core/remote_token.c: what is cut out of a body,
 * whatever wraps it and however it comes in. Each row is fed in pieces of
 * several sizes; the findings must be the same each time.
 */
#include "daemon/core/remote_split.h"
#include "tests/unit/rows.h"

#define ELEMENT_MAX 40
#define MALFORMED 1u
#define TRAILING 2u
#define CUT 4u
#define SECOND 8u
#define OVERLONG 16u
#define LOST 32u
#define ROW 64u

struct found {
	struct wh_buf elements; /* each followed by | */
};

static int
on_element(void *ctx, struct wh_str element)
{
	struct found *f = ctx;

	wh_buf_str(&f->elements, element);
	wh_buf_byte(&f->elements, '|');
	return 0;
}

/* What these tests take for a webhook: an object whose first member is w. */
static bool
is_row(void *ctx, struct wh_str object)
{
	(void)ctx;
	return object.n > 4 && memcmp(object.p, "{\"w\"", 4) == 0;
}

static const struct {
	const char *what;
	const char *body; /* ' for " */
	enum wh_split_shape shape;
	unsigned flags;
	const char *elements;
	const char *shell;
} rows[] = {
	{"nothing", "", WH_SPLIT_NOTHING, 0, "", ""},
	{"spaces", " \r\n\t ", WH_SPLIT_NOTHING, 0, "", ""},
	{"only a BOM", "\xef\xbb\xbf", WH_SPLIT_NOTHING, 0, "", ""},
	{"half a BOM", "\xef\xbb", WH_SPLIT_OTHER, 0, "", ""},
	{"broken BOM", "\xef\xbb[]", WH_SPLIT_OTHER, 0, "", ""},
	{"BOM not at the start", " \xef\xbb\xbf[]", WH_SPLIT_OTHER, 0, "", ""},
	{"null", " null\n", WH_SPLIT_NULL, 0, "", ""},
	{"null and more", "null x", WH_SPLIT_NULL, TRAILING, "", ""},
	{"nul", "nul", WH_SPLIT_OTHER, 0, "", ""},
	{"nulls", "nulls", WH_SPLIT_OTHER, 0, "", ""},
	{"a long word", "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn", WH_SPLIT_OTHER, 0, "", ""},
	{"HTML", "<!DOCTYPE html><p>[{}]", WH_SPLIT_OTHER, 0, "", ""},
	{"text", "'[{}]'", WH_SPLIT_OTHER, 0, "", ""},
	{"number", "17", WH_SPLIT_OTHER, 0, "", ""},

	{"empty array", "[]", WH_SPLIT_ARRAY, 0, "", ""},
	{"empty array with spaces and BOM", "\xef\xbb\xbf [ \n ] ", WH_SPLIT_ARRAY, 0, "", ""},
	{"one", "[{'a':1}]", WH_SPLIT_ARRAY, 0, "{'a':1}|", ""},
	{"two", "[ {'a':[1,{}]} ,\n{} ]", WH_SPLIT_ARRAY, 0, "{'a':[1,{}]}|{}|", ""},
	{"brackets and escapes in text", "[{'a':'}]\\'{\\\\'},{'\\'':'['}]", WH_SPLIT_ARRAY, 0,
	 "{'a':'}]\\'{\\\\'}|{'\\'':'['}|", ""},
	{"other values", "[1,'x,]',null,[2],-1.5e3 ]", WH_SPLIT_ARRAY, 0,
	 "1|'x,]'|null|[2]|-1.5e3|", ""},
	{"empty place", "[1,,2]", WH_SPLIT_ARRAY, MALFORMED, "1|2|", ""},
	{"comma first", "[,1]", WH_SPLIT_ARRAY, MALFORMED, "1|", ""},
	{"comma last", "[1,]", WH_SPLIT_ARRAY, MALFORMED, "1|", ""},
	{"comma missing", "[{}{}]", WH_SPLIT_ARRAY, MALFORMED, "{}|{}|", ""},
	{"comma missing, words", "[1 2'x']", WH_SPLIT_ARRAY, MALFORMED, "1|2|'x'|", ""},
	{"wrong bracket", "[{}}]", WH_SPLIT_ARRAY, MALFORMED, "{}|", ""},
	{"trailing bytes", "[{}] {}", WH_SPLIT_ARRAY, TRAILING, "{}|", ""},
	{"a NUL behind", "[{}]@", WH_SPLIT_ARRAY, TRAILING, "{}|", ""},
	{"an element that begins with NUL", "[@'a']", WH_SPLIT_ARRAY, MALFORMED, "@|'a'|", ""},
	{"cut behind a comma", "[{},", WH_SPLIT_ARRAY, CUT, "{}|", ""},
	{"cut in an element", "[{},{'a", WH_SPLIT_ARRAY, CUT, "{}|", ""},
	{"cut in a number", "[1,2", WH_SPLIT_ARRAY, CUT, "1|", ""},
	{"cut behind an element", "[{}", WH_SPLIT_ARRAY, CUT, "{}|", ""},
	{"longest element", "[{'a':'67890123456789012345678901234567'}]", WH_SPLIT_ARRAY, 0,
	 "{'a':'67890123456789012345678901234567'}|", ""},
	{"longer element", "[{},{'a':'678901234567890123456789012345678'},{}]", WH_SPLIT_ARRAY,
	 OVERLONG, "{}|{}|", ""},
	{"longer text with brackets", "[']]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]',{}]",
	 WH_SPLIT_ARRAY, OVERLONG, "{}|", ""},

	{"wrapped", "{'value':[{},{'a':1}]}", WH_SPLIT_WRAPPED, 0, "{}|{'a':1}|",
	 "{'value':[]}"},
	{"wrapped, longer than an element", "{'value':[{},{'a':1},{'b':2},{'c':3},{'d':4}]}",
	 WH_SPLIT_WRAPPED, 0, "{}|{'a':1}|{'b':2}|{'c':3}|{'d':4}|", "{'value':[]}"},
	{"what is around it", "{ 'n':'a]b', 'items' : [ {} ] , 't' : 1 } ", WH_SPLIT_WRAPPED, 0,
	 "{}|", "{ 'n':'a]b', 'items' : [ ] , 't' : 1 }"},
	{"wrapped, empty", "{'value':[ ]}", WH_SPLIT_WRAPPED, 0, "", "{'value':[ ]}"},
	{"wrapped twice", "{'a':{'b':{'c':[{}]}},'t':2}", WH_SPLIT_WRAPPED, 0, "{}|",
	 "{'a':{'b':{'c':[]}},'t':2}"},
	{"wrapped too deep", "{'a':{'b':{'c':{'d':[{}]}}}}", WH_SPLIT_OBJECT, 0, "", ""},
	{"an array of other things is no list", "{'a':[1,[{}]],'b':['{'],'v':[{}]}",
	 WH_SPLIT_WRAPPED, 0, "{}|", "{'a':[1,[{}]],'b':['{'],'v':[]}"},
	{"processes are no list", "{'Processes':[{'x':1}],'v':[{}]}", WH_SPLIT_WRAPPED, 0,
	 "{}|", "{'Processes':[{'x':1}],'v':[]}"},
	{"a list beside the processes of an inner object", "{'a':{'processes':[]},'v':[{}]}",
	 WH_SPLIT_WRAPPED, 0, "{}|", "{'a':{'processes':[]},'v':[]}"},
	{"an empty array before the list", "{'errors':[],'v':[{}]}", WH_SPLIT_WRAPPED, 0, "{}|",
	 "{'errors':[],'v':[]}"},
	{"an empty array behind the list", "{'v':[{}],'errors':[]}", WH_SPLIT_WRAPPED, 0, "{}|",
	 "{'v':[],'errors':[]}"},
	{"two lists", "{'v':[{'a':1}],'w':[{'b':1}]}", WH_SPLIT_WRAPPED, SECOND, "{'a':1}|",
	 "{'v':[],'w':[{'b':1}]}"},
	{"a list in an inner array is none", "{'v':[[{}]]}", WH_SPLIT_OBJECT, 0, "", ""},
	{"wrong separators in the list", "{'v':[{},,{}],'t':1}", WH_SPLIT_WRAPPED, MALFORMED,
	 "{}|{}|", "{'v':[],'t':1}"},
	{"wrong shell behind the list", "{'v':[{}] 't':1}", WH_SPLIT_WRAPPED, MALFORMED, "{}|",
	 "{'v':[] '"},
	{"wrong shell before the list", "{'t' 1,'v':[{}]}", WH_SPLIT_OBJECT, MALFORMED, "", ""},
	{"names are no text", "{v:[{}]}", WH_SPLIT_OBJECT, MALFORMED, "", ""},
	{"trailing bytes behind the shell", "{'v':[{}]}]", WH_SPLIT_WRAPPED, TRAILING, "{}|",
	 "{'v':[]}"},
	{"cut in the shell", "{'v':[{}],'t", WH_SPLIT_WRAPPED, CUT, "{}|", "{'v':[],'t"},
	{"cut in the wrapped list", "{'v':[{},{", WH_SPLIT_WRAPPED, CUT, "{}|", "{'v':["},
	{"cut before the list", "{'v':", WH_SPLIT_OBJECT, CUT, "", ""},
	{"a value left out", "{'a':,'v':[{}]}", WH_SPLIT_WRAPPED, 0, "{}|", "{'a':,'v':[]}"},
	{"an escaped name is not compared", "{'process\\u0065s':[{}]}", WH_SPLIT_WRAPPED, 0,
	 "{}|", "{'process\\u0065s':[]}"},
	{"a long name", "{'processesprocessesprocesses':[{}]}", WH_SPLIT_WRAPPED, 0, "{}|",
	 "{'processesprocessesprocesses':[]}"},

	{"no list", "{'a':1,'b':{}}", WH_SPLIT_OBJECT, 0, "", ""},
	{"empty object", "{}", WH_SPLIT_OBJECT, 0, "", ""},
	{"a row with an array of objects", "{'w':[{}]} ", WH_SPLIT_OBJECT, ROW, "", ""},
	{"a row and more", "{'w':1}{'w':2}", WH_SPLIT_OBJECT, ROW | TRAILING, "", ""},
	{"the longest row", "{'w':[{}],'x':'56789012345678901234567'}", WH_SPLIT_OBJECT, ROW,
	 "", ""},
	{"a row too long is taken for a shell", "{'w':[{}],'x':'45678901234567890123456789'}",
	 WH_SPLIT_WRAPPED, 0, "{}|", "{'w':[],'x':'45678901234567890123456789'}"},
};

static unsigned
flags_of(const struct wh_split *s)
{
	return (s->malformed ? MALFORMED : 0) | (s->trailing ? TRAILING : 0) |
	       (s->cut ? CUT : 0) | (s->second_list ? SECOND : 0) |
	       (s->overlong ? OVERLONG : 0) | (s->shell_lost ? LOST : 0) | (s->row ? ROW : 0);
}

/* What a character of the tables stands for. */
static char
meant(char c)
{
	if (c == '\'')
		return '"';
	return c == '@' ? '\0' : c;
}

/* Each piece in memory of its own size, so that a sanitizer sees all. */
static void
feed(struct wh_split *s, const char *body, size_t piece)
{
	const size_t n = strlen(body);

	for (size_t i = 0; i < n; i += piece) {
		const size_t len = n - i < piece ? n - i : piece;
		char *own = wh_xcalloc(1, len);

		for (size_t k = 0; k < len; k++)
			own[k] = meant(body[i + k]);
		struct wh_str bytes = wh_str(own, len);

		assert_int_equal(wh_split_feed(s, &bytes), 0);
		assert_int_equal(bytes.n, 0);
		free(own);
	}
	assert_int_equal(wh_split_end(s), 0);
}

static bool
same_quoted(struct wh_str got, const char *wanted)
{
	if (got.n != strlen(wanted))
		return false;
	for (size_t i = 0; i < got.n; i++)
		if (got.p[i] != meant(wanted[i]))
			return false;
	return true;
}

static void
test_rows(void **state)
{
	static const size_t pieces[] = {1, 2, 3, 5, 8, 13, 4096};
	struct found found = {0};
	const struct wh_split_ops ops = {on_element, is_row, &found};
	struct wh_split s;

	(void)state;
	wh_split_init(&s, ELEMENT_MAX, &ops);
	for (size_t i = 0; i < wh_array_len(rows) * wh_array_len(pieces); i++) {
		const size_t r = i / wh_array_len(pieces);
		wh_split_restart(&s);
		wh_buf_reset(&found.elements);
		feed(&s, rows[r].body, pieces[i % wh_array_len(pieces)]);
		check(rows[r].what, s.shape == rows[r].shape);
		if (flags_of(&s) != rows[r].flags)
			fail_msg("%s: flags %u", rows[r].what, flags_of(&s));
		check(rows[r].what,
		      same_quoted(wh_buf_view(&found.elements), rows[r].elements));
		if (!same_quoted(wh_split_shell(&s), rows[r].shell))
			fail_msg("%s: shell %.*s", rows[r].what,
				 WH_STR_FMT(wh_split_shell(&s)));
		if (s.shape == WH_SPLIT_OBJECT && !s.cut && !s.malformed)
			check(rows[r].what, wh_split_object(&s).n > 0);
	}
	wh_split_fini(&s);
	wh_buf_fini(&found.elements);
}

static void
test_shell_is_bounded(void **state)
{
	struct found found = {0};
	const struct wh_split_ops ops = {on_element, is_row, &found};
	struct wh_buf body = WH_BUF_NULL;
	struct wh_split s;

	(void)state;
	wh_buf_c(&body, "{\"a\":\"");
	for (size_t i = 0; i < WH_SPLIT_SHELL_MAX; i++)
		wh_buf_byte(&body, 'x');
	wh_buf_c(&body, "\",\"v\":[{}]}");
	struct wh_str bytes = wh_buf_view(&body);

	wh_split_init(&s, ELEMENT_MAX, &ops);
	assert_int_equal(wh_split_feed(&s, &bytes), 0);
	assert_int_equal(wh_split_end(&s), 0);
	assert_true(s.shell_lost);
	assert_true(s.shape == WH_SPLIT_WRAPPED);
	assert_true(wh_str_is(wh_buf_view(&found.elements), "{}|"));
	assert_true(s.shell.cap <= 2 * WH_SPLIT_SHELL_MAX &&
		    s.head.cap <= 2 * ELEMENT_MAX + 64);
	wh_split_fini(&s);
	wh_buf_fini(&body);
	wh_buf_fini(&found.elements);
}

static int
refuse(void *ctx, struct wh_str element)
{
	unsigned *left = ctx;

	(void)element;
	return --*left == 0 ? WH_EIO : 0;
}

static void
test_fault_of_the_callback(void **state)
{
	unsigned left = 2;
	const struct wh_split_ops ops = {refuse, is_row, &left};
	struct wh_split s;

	(void)state;
	struct wh_str bytes = WH_STR("[1,2,3]");

	wh_split_init(&s, ELEMENT_MAX, &ops);
	assert_int_equal(wh_split_feed(&s, &bytes), WH_EIO);
	assert_int_equal(left, 0);
	wh_split_fini(&s);
}

static int
stop(void *ctx, struct wh_str element)
{
	(void)on_element(ctx, element);
	return WH_SPLIT_STOP;
}

static void
test_stops_behind_each_element(void **state)
{
	struct found found = {0};
	const struct wh_split_ops ops = {stop, is_row, &found};
	struct wh_str bytes = WH_STR(" [ {\"a\":1} , 22,\"x\" ] ");
	const char *rest[] = {" , 22,\"x\" ] ", ",\"x\" ] ", " ] "};
	struct wh_split s;

	(void)state;
	wh_split_init(&s, ELEMENT_MAX, &ops);
	for (size_t i = 0; i < wh_array_len(rest); i++) {
		assert_int_equal(wh_split_feed(&s, &bytes), WH_SPLIT_STOP);
		check(rest[i], wh_str_is(bytes, rest[i]));
	}
	assert_int_equal(wh_split_feed(&s, &bytes), 0);
	assert_int_equal(wh_split_end(&s), 0);
	assert_true(s.shape == WH_SPLIT_ARRAY && !s.malformed && !s.cut);
	assert_true(wh_str_is(wh_buf_view(&found.elements), "{\"a\":1}|22|\"x\"|"));
	wh_split_fini(&s);
	wh_buf_fini(&found.elements);
}

/* What is held back and then turns out to be a list cannot stop. */
static void
test_wrapped_list_stops_once_it_streams(void **state)
{
	struct found found = {0};
	const struct wh_split_ops ops = {stop, is_row, &found};
	struct wh_str bytes = WH_STR("{\"v\":[{\"a\":1},{\"a\":2},{\"a\":3},{\"a\":4},"
				     "{\"a\":5},{\"a\":6}]}");
	unsigned stops = 0;
	struct wh_split s;

	(void)state;
	wh_split_init(&s, ELEMENT_MAX, &ops);
	for (size_t at = 0; at < bytes.n; at++) {
		struct wh_str one = wh_str(bytes.p + at, 1);
		int r = wh_split_feed(&s, &one);

		assert_true(r == 0 || r == WH_SPLIT_STOP);
		assert_int_equal(one.n, 0);
		stops += r == WH_SPLIT_STOP;
	}
	assert_int_equal(wh_split_end(&s), 0);
	assert_true(stops > 0 && stops < 6);
	assert_true(wh_str_is(wh_buf_view(&found.elements),
			      "{\"a\":1}|{\"a\":2}|{\"a\":3}|{\"a\":4}|{\"a\":5}|{\"a\":6}|"));
	wh_split_fini(&s);
	wh_buf_fini(&found.elements);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_shell_is_bounded),
		cmocka_unit_test(test_fault_of_the_callback),
		cmocka_unit_test(test_stops_behind_each_element),
		cmocka_unit_test(test_wrapped_list_stops_once_it_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
