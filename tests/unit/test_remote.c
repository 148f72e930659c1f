/* SPDX-License-Identifier: MIT */
/*
 * core/remote.c: queries that can name one webhook only, and bodies that
 * always hold the six documented members.
 */
#include "daemon/core/remote.h"
#include "tests/unit/rows.h"

#define S(literal)                                                                             \
	{                                                                                      \
		literal, sizeof(literal) - 1                                                   \
	}

static const struct {
	struct wh_str whid;
	const char *query;
} queries[] = {
	{S(""), ""},
	{S("8f14e45f-ceea-467f-a1d6-0f1e2d3c4b5a"),
	 "?whid=8f14e45f-ceea-467f-a1d6-0f1e2d3c4b5a"},
	{S("AZaz09-._~"), "?whid=AZaz09-._~"},
	{S("a b&c=d#e?f/g%h+i"), "?whid=a%20b%26c%3Dd%23e%3Ff%2Fg%25h%2Bi"},
	{S("\xc3\xb6\"'<>\\\r\n\0x"), "?whid=%C3%B6%22%27%3C%3E%5C%0D%0A%00x"},
	{S(" "), "?whid=%20"},
};

static void
test_queries(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(queries); i++) {
		WH_CLEANUP(wh_buf_fini) struct wh_buf b = WH_BUF_NULL;

		wh_remote_query(&b, queries[i].whid);
		check(queries[i].query, wh_str_is(wh_buf_view(&b), queries[i].query));
	}
}

#define MARK                                                                                   \
	{                                                                                      \
		"Ab12", 4                                                                      \
	}

static const struct {
	const char *what;
	const char *doc; /* ' for " */
	struct wh_body_form form;
	const char *body;
} bodies[] = {
	{"all six, in order",
	 "{'processes':['p'],'callbackUrl':'https://"
	 "c','municipalityId':'m','applicationId':'a',"
	 "'whcomment':'c','whname':'n'}",
	 {0},
	 "{'whname':'n','whcomment':'c','applicationId':'a','municipalityId':'m','callbackUrl':"
	 "'https://c','processes':['p']}"},
	{"missing ones stay out", "{'whname':'n'}", {0}, "{'whname':'n'}"},
	{"of a new one they go out empty",
	 "{'whname':'n'}",
	 {.create = true},
	 "{'whname':'n','whcomment':'','applicationId':'','municipalityId':'','callbackUrl':'',"
	 "'processes':[]}"},
	{"null ones go out empty, unknown ones and the id stay out",
	 "{'whid':'x','whname':'n','whcomment':null,'processes':null,'extra':{'a':[1]}}",
	 {0},
	 "{'whname':'n','whcomment':'','processes':[]}"},
	{"full sends unknown ones, never the id",
	 "{'whid':'x','extra':{'a':[1.5,true,null]},'whname':'n','more':'m'}",
	 {.full = true},
	 "{'whname':'n','extra':{'a':[1.5,true,null]},'more':'m'}"},
	{"a value of no known form goes back as it came",
	 "{'whname':{'de':'n'},'whcomment':7,'processes':[{'x':1}]}",
	 {0},
	 "{'whname':{'de':'n'},'whcomment':7,'processes':[{'x':1}]}"},
	{"marker behind the comment",
	 "{'whname':'n','whcomment':'c'}",
	 {.marker = MARK},
	 "{'whname':'n','whcomment':'c [whd:Ab12]'}"},
	{"marker without a comment",
	 "{'whname':'n'}",
	 {.create = true, .marker = MARK},
	 "{'whname':'n','whcomment':' [whd:Ab12]','applicationId':'','municipalityId':'',"
	 "'callbackUrl':'','processes':[]}"},
	{"no marker on what is no text",
	 "{'whcomment':7}",
	 {.marker = MARK},
	 "{'whcomment':7}"},
};

static void
test_bodies(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(bodies); i++) {
		WH_CLEANUP(wh_buf_fini) struct wh_buf b = WH_BUF_NULL;
		struct row_tree doc = row_tree(bodies[i].doc);

		check(bodies[i].what, wh_remote_body(&b, &doc.tree.root, bodies[i].form) == 0);
		for (size_t k = 0; k < b.n; k++)
			if (b.p[k] == '"')
				b.p[k] = '\'';
		if (!wh_str_is(wh_buf_view(&b), bodies[i].body))
			fail_msg("%s: %.*s", bodies[i].what, WH_STR_FMT(wh_buf_view(&b)));
		row_tree_fini(&doc);
	}
}

static void
test_refusals(void **state)
{
	WH_CLEANUP(wh_buf_fini) struct wh_buf small = wh_buf_capped(10);
	struct row_tree list = row_tree("['whname']");
	struct row_tree doc = row_tree("{'whname':'n'}");

	(void)state;
	assert_int_equal(wh_remote_body(&small, &list.tree.root, (struct wh_body_form){0}),
			 WH_EINVAL);
	assert_int_equal(wh_remote_body(&small, &doc.tree.root, (struct wh_body_form){0}),
			 WH_ELIMIT);
	row_tree_fini(&list);
	row_tree_fini(&doc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queries),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
