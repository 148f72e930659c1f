/* SPDX-License-Identifier: MIT */
/*
 * core/remote_find.c: the reply to a GET of one webhook, in every shape.
 */
#include "daemon/core/remote.h"
#include "tests/unit/rows.h"

#define GUID "8f14e45f-ceea-467f-a1d6-0f1e2d3c4b5a"
#define ROW(id) "{'whid':'" id "','whname':'n " id "'}"

static const struct {
	const char *what;
	const char *json; /* ' for " */
	const char *whid;
	int r;
	const char *name; /* whname of what was found */
} rows[] = {
	{"object", ROW("a"), "a", 0, "n a"},
	{"array of one", "[" ROW("a") "]", "a", 0, "n a"},
	{"the whole list", "[" ROW("b") "," ROW("a") "," ROW("c") "]", "a", 0, "n a"},
	{"wrapped list", "{'value':[" ROW("b") "," ROW("a") "]}", "a", 0, "n a"},
	{"wrapped object", "{'data':" ROW("a") "}", "a", 0, "n a"},
	{"object with lists of its own",
	 "{'links':[{'id':'b'}],'tags':[],'id':'a','whname':'n a'}", "a", 0, "n a"},
	{"any case of a GUID", "[{'ID':'8F14E45F-CEEA-467F-A1D6-0F1E2D3C4B5A','whname':'n'}]",
	 GUID, 0, "n"},
	{"the case of other ids matters", "[" ROW("A") "]", "a", 1, NULL},
	{"the first of two", "[{'id':'a','whname':'1'},{'id':'a','whname':'2'}]", "a", 0, "1"},
	{"found beside what cannot be read", "[7," ROW("a") ",]", "a", 0, "n a"},
	{"found in a cut list", "[" ROW("a") "," ROW("b"), "a", 0, "n a"},
	{"empty array", "[]", "a", 1, NULL},
	{"empty wrapped", "{'value':[],'count':0}", "a", 1, NULL},
	{"null", "null", "a", 1, NULL},
	{"nothing", "", "a", 1, NULL},
	{"another object", ROW("b"), "a", 1, NULL},
	{"the list without it", "[" ROW("b") "," ROW("c") "]", "a", 1, NULL},
	{"not there, but one cannot be read", "[" ROW("b") ",7]", "a", WH_EPROTO, NULL},
	{"not there, but cut", "[" ROW("b"), "a", WH_EPROTO, NULL},
	{"not there, but more were counted", "{'total':5,'value':[" ROW("b") "]}", "a",
	 WH_EPROTO, NULL},
	{"object without an id", "{'whname':'n'}", "a", WH_EPROTO, NULL},
	{"error report", "{'statusCode':404,'message':'no'}", "a", WH_EPROTO, NULL},
	{"HTML", "<html></html>", "a", WH_EPROTO, NULL},
	{"text", "'a'", "a", WH_EPROTO, NULL},
};

static void
test_find(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(rows); i++) {
		WH_CLEANUP(wh_buf_fini) struct wh_buf out = WH_BUF_NULL;
		struct wh_tree tree = {0};
		char *json = wh_xstrdup(wh_str_c(rows[i].json));
		const size_t n = strlen(json);

		for (char *p = json; *p; p++)
			*p = *p == '\'' ? '"' : *p;
		check(rows[i].what, wh_remote_find(&out, wh_str(json, n),
						   wh_str_c(rows[i].whid)) == rows[i].r);
		check(rows[i].what, (out.n > 0) == (rows[i].r == 0));
		if (rows[i].r == 0) {
			check(rows[i].what, wh_unpack(&tree, wh_buf_view(&out), NULL) == 0);
			check(rows[i].what,
			      wh_str_is(wh_obj_str_at(&tree.root, "whname"), rows[i].name));
			wh_tree_fini(&tree);
		}
		free(json);
	}
}

static void
test_no_room(void **state)
{
	WH_CLEANUP(wh_buf_fini) struct wh_buf out = wh_buf_capped(4);
	const struct wh_str json = WH_STR("{\"id\":\"abcdefgh\",\"whname\":\"n\"}");

	(void)state;
	assert_int_equal(wh_remote_find(&out, json, WH_STR("abcdefgh")), WH_ELIMIT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
