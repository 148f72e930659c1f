/* SPDX-License-Identifier: MIT */
/*
 * daemon/core/norm.c: what counts as the same although the bytes differ, what
 * does not, near matches, keys of creates, and equality of stored rows.
 */
#include "tests/unit/rows.h"

#include "daemon/core/norm.h"

struct text_row {
	const char *what;
	enum wh_field field;
	const char *value;
	const char *normal;
};

#define GUID "0b7c51a2-0000-4aaa-9bbb-abcdefabcdef"
#define GUID_UP "0B7C51A2-0000-4AAA-9BBB-ABCDEFABCDEF"

static const struct text_row text_rows[] = {
	{"plain", WH_F_WHNAME, "Name", "Name"},
	{"nothing", WH_F_WHNAME, "", ""},
	{"spaces only", WH_F_WHCOMMENT, " \t\r\n", ""},
	{"trimmed", WH_F_WHNAME, "  a b\n", "a b"},
	{"case of a name stays", WH_F_WHNAME, "ABC", "ABC"},
	{"a guid loses its case", WH_F_APPLICATION, GUID_UP, GUID},
	{"a guid with spaces around", WH_F_MUNICIPALITY, " " GUID_UP " ", GUID},
	{"nearly a guid stays", WH_F_APPLICATION, GUID_UP "0", GUID_UP "0"},
	{"a url", WH_F_CALLBACK, "https://host/path", "https://host/path"},
	{"scheme and host", WH_F_CALLBACK, "HTTPS://Host.Example/Path",
	 "https://host.example/Path"},
	{"default port of https", WH_F_CALLBACK, "https://h:443/a", "https://h/a"},
	{"default port of http", WH_F_CALLBACK, "http://h:80/a", "http://h/a"},
	{"the other's default port", WH_F_CALLBACK, "http://h:443/a", "http://h:443/a"},
	{"port that begins alike", WH_F_CALLBACK, "https://h:4430/a", "https://h:4430/a"},
	{"empty port", WH_F_CALLBACK, "https://h:/a", "https://h/a"},
	{"lone slash", WH_F_CALLBACK, "https://h/", "https://h"},
	{"port and slash", WH_F_CALLBACK, "HTTP://H:80/", "http://h"},
	{"slash before a query", WH_F_CALLBACK, "https://h/?q=A", "https://h?q=A"},
	{"slash at the end of a path", WH_F_CALLBACK, "https://h/a/", "https://h/a/"},
	{"two slashes", WH_F_CALLBACK, "https://h//", "https://h//"},
	{"query keeps its case", WH_F_CALLBACK, "https://H?Q=A:443/", "https://h?Q=A:443/"},
	{"fragment", WH_F_CALLBACK, "https://H#F", "https://h#F"},
	{"user keeps its case", WH_F_CALLBACK, "https://Me:Pw@Host/", "https://Me:Pw@host"},
	{"ipv6", WH_F_CALLBACK, "https://[FE80::1]:443/", "https://[fe80::1]"},
	{"ipv6 without port", WH_F_CALLBACK, "https://[::443]/x", "https://[::443]/x"},
	{"trimmed url", WH_F_CALLBACK, " https://h/ ", "https://h"},
	{"no url at all", WH_F_CALLBACK, "Not A Url/", "Not A Url/"},
	{"no scheme", WH_F_CALLBACK, "://H/", "://H/"},
	{"scheme alone", WH_F_CALLBACK, "HTTPS://", "https://"},
	{"scheme cut", WH_F_CALLBACK, "HTTPS:/", "HTTPS:/"},
	{"a url elsewhere stays", WH_F_WHCOMMENT, "HTTPS://H/", "HTTPS://H/"},
};

static void
test_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(text_rows); i++) {
		const struct text_row *r = &text_rows[i];
		struct wh_buf b = WH_BUF_NULL;
		struct wh_record value = {.seen = 1u << r->field};
		struct wh_record normal = value;

		wh_norm_text(&b, r->field, wh_str_c(r->value));
		if (!holds(&b, r->normal, strlen(r->normal)))
			fail_msg("%s: %.*s", r->what, WH_STR_FMT(wh_buf_view(&b)));
		value.text[r->field] = wh_str_c(r->value);
		normal.text[r->field] = wh_str_c(r->normal);
		check(r->what, wh_norm_field_eq(r->field, &value, &normal));
		check(r->what, wh_norm_field_eq(r->field, &normal, &value));
		wh_buf_fini(&b);
	}
}

/* Two webhooks and the members that differ, by name. */
struct diff_row {
	const char *what, *a, *b;
	uint32_t diff;
};

#define BIT(f) (1u << WH_F_##f)

static const struct diff_row diff_rows[] = {
	{"both empty", "{}", "{}", 0},
	{"the same", "{'whname':'A','processes':['1']}", "{'whname':'A','processes':['1']}", 0},
	{"absent is empty text", "{}", "{'whcomment':''}", 0},
	{"null is empty text", "{'whcomment':null}", "{'whcomment':'  '}", 0},
	{"absent is the empty set", "{'processes':[]}", "{}", 0},
	{"null is the empty set", "{'processes':null}", "{'processes':[]}", 0},
	{"name", "{'whname':'A'}", "{'whname':'a'}", BIT(WHNAME)},
	{"name gone", "{'whname':'A'}", "{}", BIT(WHNAME)},
	{"guid in any case", "{'applicationId':'" GUID "'}", "{'applicationId':'" GUID_UP "'}",
	 0},
	{"other guid", "{'applicationId':'" GUID "'}",
	 "{'applicationId':'1b7c51a2-0000-4aaa-9bbb-abcdefabcdef'}", BIT(APPLICATION)},
	{"url as it may come back", "{'callbackUrl':'https://h'}",
	 "{'callbackUrl':'HTTPS://H:443/'}", 0},
	{"other scheme", "{'callbackUrl':'https://h'}", "{'callbackUrl':'http://h'}",
	 BIT(CALLBACK)},
	{"other user", "{'callbackUrl':'https://a@h'}", "{'callbackUrl':'https://A@h'}",
	 BIT(CALLBACK)},
	{"other path", "{'callbackUrl':'https://h/a'}", "{'callbackUrl':'https://h/A'}",
	 BIT(CALLBACK)},
	{"set in another order", "{'processes':['1','2','3']}", "{'processes':['3','1','2']}",
	 0},
	{"set with a repeated item", "{'processes':['1','2','1']}", "{'processes':['2','1']}",
	 0},
	{"as many, but others", "{'processes':['1','2','1']}", "{'processes':['1','2','3']}",
	 BIT(PROCESSES)},
	{"set of guids in any case", "{'processes':['" GUID "']}",
	 "{'processes':[' " GUID_UP "']}", 0},
	{"one item more", "{'processes':['1']}", "{'processes':['1','2']}", BIT(PROCESSES)},
	{"one item other", "{'processes':['1']}", "{'processes':['2']}", BIT(PROCESSES)},
	{"a set of no text is no set", "{'processes':[1,null]}", "{}", BIT(PROCESSES)},
	{"no set of text, the same", "{'processes':[1,null]}", "{'processes':[1,null]}", 0},
	{"another type", "{'municipalityId':true}", "{'municipalityId':'true'}",
	 BIT(MUNICIPALITY)},
	{"another type, another value", "{'municipalityId':true}", "{'municipalityId':false}",
	 BIT(MUNICIPALITY)},
	{"null is absent", "{'municipalityId':null}", "{}", 0},
	{"unknown members do not count", "{'x':1}", "{'x':2}", 0},
	{"several", "{'whname':'A','whcomment':'c','municipalityId':'m'}",
	 "{'whname':'B','whcomment':'c','municipalityId':'n'}",
	 BIT(WHNAME) | BIT(MUNICIPALITY)},
};

static void
test_diff(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(diff_rows); i++) {
		const struct diff_row *r = &diff_rows[i];
		struct row_tree left = row_tree(r->a), right = row_tree(r->b);
		struct wh_record a, b;

		wh_record_view(&left.tree.root, &a);
		wh_record_view(&right.tree.root, &b);
		check(r->what, wh_norm_diff(&a, &b) == r->diff);
		check(r->what, wh_norm_diff(&b, &a) == r->diff);
		row_tree_fini(&left);
		row_tree_fini(&right);
	}
}

/* A set as large as an element of the upstream's list allows, reversed: quadratic code shows.
 */
static void
test_large_set(void **state)
{
	enum { N = 60000 };
	struct wh_buf up = WH_BUF_NULL, down = WH_BUF_NULL;
	struct wh_tree a, b;
	struct wh_record left = {.seen = BIT(PROCESSES)}, right = left;
	char text[16];

	(void)state;
	wh_pack_array(&up, N);
	wh_pack_array(&down, N);
	for (int i = 0; i < N; i++) {
		snprintf(text, sizeof(text), "%d", i);
		wh_pack_c(&up, text);
		snprintf(text, sizeof(text), "%d", N - 1 - i);
		wh_pack_c(&down, text);
	}
	assert_int_equal(wh_unpack(&a, wh_buf_view(&up), NULL), 0);
	assert_int_equal(wh_unpack(&b, wh_buf_view(&down), NULL), 0);
	left.set[WH_F_PROCESSES] = &a.root;
	right.set[WH_F_PROCESSES] = &b.root;
	assert_int_equal(wh_norm_diff(&left, &right), 0);
	wh_tree_fini(&a);
	wh_tree_fini(&b);
	wh_buf_fini(&up);
	wh_buf_fini(&down);
}

struct near_row {
	const char *what, *a, *b;
	bool near;
};

#define SIX(name, comment, app, mun, url)                                                      \
	"{'whname':'" name "','whcomment':'" comment "','applicationId':'" app                 \
	"','municipalityId':'" mun "','callbackUrl':'" url "','processes':['p']}"

static const struct near_row near_rows[] = {
	{"equal is not near", SIX("n", "c", "a", "m", "https://h/"),
	 SIX("n", "c", "a", "m", "https://h"), false},
	{"same name", SIX("n", "c", "a", "m", "https://h"),
	 SIX("n", "d", "b", "o", "https://i"), true},
	{"same name, trimmed", SIX("n", "c", "a", "m", "https://h"),
	 SIX(" n ", "d", "b", "o", "https://i"), true},
	{"same url, application and municipality", SIX("n", "c", "a", "m", "https://h"),
	 SIX("o", "c", "a", "m", "HTTPS://h/"), true},
	{"same url, other application", SIX("n", "c", "a", "m", "https://h"),
	 SIX("o", "c", "b", "m", "https://h"), false},
	{"same url, other municipality", SIX("n", "c", "a", "m", "https://h"),
	 SIX("o", "c", "a", "o", "https://h"), false},
	{"same application and municipality only", SIX("n", "c", "a", "m", "https://h"),
	 SIX("o", "c", "a", "m", "https://i"), false},
	{"nothing in common", SIX("n", "c", "a", "m", "https://h"),
	 SIX("o", "d", "b", "o", "https://i"), false},
	{"two without a name are not near", "{'whcomment':'c'}", "{'whcomment':'d'}", false},
};

static void
test_near(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(near_rows); i++) {
		const struct near_row *r = &near_rows[i];
		struct row_tree left = row_tree(r->a), right = row_tree(r->b);
		struct wh_record a, b;

		wh_record_view(&left.tree.root, &a);
		wh_record_view(&right.tree.root, &b);
		check(r->what, wh_norm_near(&a, &b) == r->near);
		check(r->what, wh_norm_near(&b, &a) == r->near);
		row_tree_fini(&left);
		row_tree_fini(&right);
	}
}

static struct wh_create_keys
keys_of(const char *json)
{
	struct row_tree t = row_tree(json);
	struct wh_create_keys keys;
	struct wh_record r;

	wh_record_view(&t.tree.root, &r);
	keys = wh_norm_create_keys(r.text[WH_F_CALLBACK], r.text[WH_F_WHNAME]);
	row_tree_fini(&t);
	return keys;
}

static void
test_create_keys(void **state)
{
	struct wh_create_keys a = keys_of("{'whname':'n','callbackUrl':'https://h:443/'}");
	struct wh_create_keys b = keys_of("{'whname':' n','callbackUrl':'HTTPS://H'}");
	struct wh_create_keys c = keys_of("{'whname':'N','callbackUrl':'https://h/x'}");
	struct wh_create_keys none = keys_of("{}");

	(void)state;
	assert_true(a.url == b.url && a.name == b.name);
	assert_true(a.url != c.url && a.name != c.name);
	assert_true(a.url != a.name);
	assert_true(a.url && a.name && none.url && none.name);
}

struct row_row {
	const char *what, *a, *b;
	const char *ignore;
	bool same;
};

static const struct row_row row_rows[] = {
	{"empty", "{}", "{}", NULL, true},
	{"the same", "{'whid':'1','x':{'y':[1,2]}}", "{'whid':'1','x':{'y':[1,2]}}", NULL,
	 true},
	{"members in another order", "{'a':1,'b':2,'c':3}", "{'c':3,'a':1,'b':2}", NULL, true},
	{"inner members in another order", "{'a':{'b':1,'c':2}}", "{'a':{'c':2,'b':1}}", NULL,
	 true},
	{"unknown member differs", "{'a':1}", "{'a':2}", NULL, false},
	{"a member more", "{'a':1}", "{'a':1,'b':2}", NULL, false},
	{"a member renamed", "{'a':1,'b':2}", "{'a':1,'c':2}", NULL, false},
	{"null is not absent here", "{'a':null}", "{}", NULL, false},
	{"null is not empty here", "{'whcomment':null}", "{'whcomment':''}", NULL, false},
	{"case of a guid is a change to serve", "{'applicationId':'" GUID "'}",
	 "{'applicationId':'" GUID_UP "'}", NULL, false},
	{"space around is a change to serve", "{'whname':'a'}", "{'whname':'a '}", NULL, false},
	{"order of a documented set", "{'processes':['1','2']}", "{'processes':['2','1']}",
	 NULL, true},
	{"case in a documented set", "{'processes':['" GUID "']}",
	 "{'processes':['" GUID_UP "']}", NULL, false},
	{"set against null", "{'processes':[]}", "{'processes':null}", NULL, false},
	{"order of another list", "{'x':['1','2']}", "{'x':['2','1']}", NULL, false},
	{"ignored member differs", "{'a':1,'etag':1}", "{'etag':2,'a':1}", "etag", true},
	{"ignored member absent", "{'a':1,'etag':1}", "{'a':1}", "etag", true},
	{"ignoring hides no other", "{'a':1,'etag':1}", "{'a':2,'etag':1}", "etag", false},
	{"ignoring evens no count", "{'a':1,'etag':1}", "{'a':1,'b':1}", "etag", false},
	{"a list is no row", "[]", "[]", NULL, false},
	{"a list and a row", "{}", "[]", NULL, false},
};

static void
test_same_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(row_rows); i++) {
		const struct row_row *r = &row_rows[i];
		struct row_tree a = row_tree(r->a), b = row_tree(r->b);
		struct wh_str ignore[2] = {wh_str_c(r->ignore), WH_STR("other")};
		const struct wh_str *list = r->ignore ? ignore : NULL;
		size_t n = r->ignore ? 2 : 0;

		check(r->what,
		      wh_norm_same_row(&a.tree.root, &b.tree.root, list, n) == r->same);
		check(r->what,
		      wh_norm_same_row(&b.tree.root, &a.tree.root, list, n) == r->same);
		row_tree_fini(&a);
		row_tree_fini(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),        cmocka_unit_test(test_diff),
		cmocka_unit_test(test_large_set),   cmocka_unit_test(test_near),
		cmocka_unit_test(test_create_keys), cmocka_unit_test(test_same_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
