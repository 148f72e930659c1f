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

static const struct {
	const char *what;
	const char *doc; /* ' for " */
	bool full;
	const char *marker;
	const char *body;
} bodies[] = {
	{"all six, in order",
	 "{'processes':['p'],'callbackUrl':'https://"
	 "c','municipalityId':'m','applicationId':'a',"
	 "'whcomment':'c','whname':'n'}",
	 false, "",
	 "{'whname':'n','whcomment':'c','applicationId':'a','municipalityId':'m','callbackUrl':"
	 "'https://c','processes':['p']}"},
	{"missing ones go out empty", "{'whname':'n'}", false, "",
	 "{'whname':'n','whcomment':'','applicationId':'','municipalityId':'','callbackUrl':'',"
	 "'processes':[]}"},
	{"null ones too, unknown ones and the id stay out",
	 "{'whid':'x','whname':'n','whcomment':null,'processes':null,'extra':{'a':[1]}}", false,
	 "",
	 "{'whname':'n','whcomment':'','applicationId':'','municipalityId':'','callbackUrl':'',"
	 "'processes':[]}"},
	{"full sends unknown ones, never the id",
	 "{'whid':'x','extra':{'a':[1.5,true,null]},'whname':'n','more':'m'}", true, "",
	 "{'whname':'n','whcomment':'','applicationId':'','municipalityId':'','callbackUrl':'',"
	 "'processes':[],'extra':{'a':[1.5,true,null]},'more':'m'}"},
	{"a value of no known form goes back as it came",
	 "{'whname':{'de':'n'},'whcomment':7,'processes':[{'x':1}]}", false, "",
	 "{'whname':{'de':'n'},'whcomment':7,'applicationId':'','municipalityId':'',"
	 "'callbackUrl':'','processes':[{'x':1}]}"},
	{"marker behind the comment", "{'whname':'n','whcomment':'c'}", false, "Ab12",
	 "{'whname':'n','whcomment':'c [whd:Ab12]','applicationId':'','municipalityId':'',"
	 "'callbackUrl':'','processes':[]}"},
	{"marker without a comment", "{'whname':'n'}", false, "Ab12",
	 "{'whname':'n','whcomment':' [whd:Ab12]','applicationId':'','municipalityId':'',"
	 "'callbackUrl':'','processes':[]}"},
	{"no marker on what is no text", "{'whcomment':7}", false, "Ab12",
	 "{'whname':'','whcomment':7,'applicationId':'','municipalityId':'','callbackUrl':'',"
	 "'processes':[]}"},
};

static void
test_bodies(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(bodies); i++) {
		WH_CLEANUP(wh_buf_fini) struct wh_buf b = WH_BUF_NULL;
		struct row_tree doc = row_tree(bodies[i].doc);

		check(bodies[i].what, wh_remote_body(&b, &doc.tree.root, bodies[i].full,
						     wh_str_c(bodies[i].marker)) == 0);
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
	WH_CLEANUP(wh_buf_fini) struct wh_buf small = wh_buf_capped(20);
	struct row_tree list = row_tree("['whname']");
	struct row_tree doc = row_tree("{'whname':'n'}");

	(void)state;
	assert_int_equal(wh_remote_body(&small, &list.tree.root, false, WH_STR_NULL),
			 WH_EINVAL);
	assert_int_equal(wh_remote_body(&small, &doc.tree.root, false, WH_STR_NULL), WH_ELIMIT);
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
