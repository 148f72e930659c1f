/* SPDX-License-Identifier: MIT */
/*
 * core/remote_list.c and core/remote_page.c: which rows a list yields, and
 * whether it may be believed to be complete. Each row of the tables is fed
 * whole and byte by byte.
 */
#include "daemon/core/remote_list.h"
#include "tests/unit/rows.h"

#define USABLE 1u
#define COMPLETE 2u
#define FINE (USABLE | COMPLETE)
#define A "{'whid':'a','whname':'n'}"
#define B "{'whid':'b','whname':'n'}"

static const struct wh_list_limits limits = {.element = 200, .json_depth = 6};

/* The ids of the rows, each followed by a space. */
static int
on_row(void *ctx, const struct wh_list_row *row)
{
	struct wh_buf *ids = ctx;
	struct wh_tree tree = {0};

	check("row decodes", wh_unpack(&tree, row->body, NULL) == 0);
	check("row holds its id", wh_str_eq(wh_obj_str_at(&tree.root, "whid"), row->whid));
	wh_tree_fini(&tree);
	wh_buf_str(ids, row->whid);
	wh_buf_byte(ids, ' ');
	return 0;
}

static void
feed(struct wh_list_reader *r, const char *quoted, size_t piece, bool whole)
{
	char *body = wh_xstrdup(wh_str_c(quoted));
	const size_t n = strlen(body);

	for (char *p = body; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	for (size_t i = 0; i < n; i += piece)
		assert_int_equal(
			wh_list_reader_feed(r, wh_str(body + i, n - i < piece ? n - i : piece)),
			0);
	assert_int_equal(wh_list_reader_end_page(r, whole), 0);
	free(body);
}

struct row {
	const char *what;
	const char *body; /* ' for " */
	unsigned flags;
	const char *ids;
	uint64_t elements, unreadable;
	const char *next;
	const char *why; /* part of the reason; NULL = none */
};

static const struct row rows[] = {
	/* shapes */
	{"bare array", "[" A "," B "]", FINE, "a b ", 2, 0, "", NULL},
	{"any spelling", "[{'Id':7,'CallbackURL':'u'}]", FINE, "7 ", 1, 0, "", NULL},
	{"value", "{'value':[" A "]}", FINE, "a ", 1, 0, "", NULL},
	{"data.items", "{'data':{'items':[" A "," B "]},'ok':true}", FINE, "a b ", 2, 0, "",
	 NULL},
	{"one bare object", A, FINE, "a ", 1, 0, "", NULL},
	{"one bare object with lists",
	 "{'events':[{'id':9}],'whid':'a','whname':'n','tags':[],'processes':[{'id':1}]}", FINE,
	 "a ", 1, 0, "", NULL},
	{"one wrapped object", "{'data':" A "}", FINE, "a ", 1, 0, "", NULL},
	{"an object with little in it", "{'id':'a','applicationId':'x'}", FINE, "a ", 1, 0, "",
	 NULL},
	{"null", "null", FINE, "", 0, 0, "", NULL},
	{"nothing", "", FINE, "", 0, 0, "", NULL},
	{"empty", "[]", FINE, "", 0, 0, "", NULL},
	{"empty wrapped", "{'value':[]}", FINE, "", 0, 0, "", NULL},
	{"BOM", "\xef\xbb\xbf[" A "]", FINE, "a ", 1, 0, "", NULL},
	{"a list for one application", "{'id':'x','applicationId':'y','webhooks':[" A "]}",
	 FINE, "a ", 1, 0, "", NULL},

	/* no list at all */
	{"HTML", "<html>[" A "]</html>", 0, "", 0, 0, "", "no JSON list"},
	{"text", "'" A "'", 0, "", 0, 0, "", "no JSON list"},
	{"error object", "{'statusCode':500,'message':'x'}", 0, "", 0, 0, "", "neither a list"},
	{"error object with an empty list", "{'statusCode':500,'errors':[]}", 0, "", 0, 0, "",
	 "error report"},
	{"the smallest status of an error", "{'statusCode':400,'errors':[]}", 0, "", 0, 0, "",
	 "error report"},
	{"a total of nothing", "{'items':[" A "],'total':0}", USABLE, "a ", 1, 0, "",
	 "has 0 elements"},
	{"no success", "{'success':false,'data':[]}", 0, "", 0, 0, "", "error report"},
	{"an error beside an empty list", "{'data':[],'error':'db'}", 0, "", 0, 0, "",
	 "error report"},
	{"errors beside a list", "{'data':[" A "],'errors':[{'message':'x'}]}", 0, "a ", 1, 0,
	 "", "more than one list"},
	{"a status beside a list", "{'value':[],'meta':{'status':500}}", 0, "", 0, 0, "",
	 "error report"},
	{"a code beside a list", "{'code':'503','items':[]}", 0, "", 0, 0, "", "error report"},
	{"signs of success",
	 "{'data':[" A "],'success':true,'error':null,'status':'OK','code':0}", FINE, "a ", 1,
	 0, "", NULL},
	{"a code of another kind", "{'data':[" A "],'code':1000}", FINE, "a ", 1, 0, "", NULL},
	{"a status of success is none", "{'statusCode':200,'data':[" A "]}", FINE, "a ", 1, 0,
	 "", NULL},
	{"object without an id", "{'whname':'n'}", 0, "", 1, 1, "", "no usable id"},
	{"two wrapped objects", "{'x':" A ",'y':" B "}", 0, "", 0, 0, "", "neither a list"},
	{"broken object", "{'whid':'a','whname':}", 0, "", 0, 0, "", "cannot be read"},

	/* elements that cannot be read */
	{"a number", "[" A ",7]", USABLE, "a ", 2, 1, "", "element 2 of the list"},
	{"null element", "[null," A "]", USABLE, "a ", 2, 1, "", "element 1"},
	{"no id", "[{'whname':'n'}," A "]", USABLE, "a ", 2, 1, "", "no usable id"},
	{"same key twice", "[{'id':'x','id':'y'}," A "]", USABLE, "a ", 2, 1, "", "element 1"},
	{"number beyond 64 bits", "[{'id':'x','n':99999999999999999999}," A "]", USABLE, "a ",
	 2, 1, "", "element 1"},
	{"too deep", "[{'id':'x','n':[[[[[[1]]]]]]}," A "]", USABLE, "a ", 2, 1, "", "deeper"},
	{"deep enough", "[{'id':'x','n':[[[[[1]]]]]}]", FINE, "x ", 1, 0, "", NULL},
	{"brackets do not match", "[{'id':'x','n':[1}]," A "]", USABLE, "a ", 2, 1, "",
	 "element 1"},
	{"bad UTF-8", "[{'id':'\xff'}," A "]", USABLE, "a ", 2, 1, "", "element 1"},
	{"control byte in text", "[{'id':'x\n'}," A "]", USABLE, "a ", 2, 1, "", "element 1"},
	{"wrapped things that are no webhooks", "{'errors':[{'id':1,'text':'x'}]}", USABLE, "",
	 1, 1, "", "no member of a webhook"},
	{"over-long",
	 "[" A
	 ",{'id':'x','whcomment':'0123456789012345678901234567890123456789012345678901234567"
	 "8901234567890123456789012345678901234567890123456789012345678901234567890123456789012"
	 "345"
	 "678901234567890123456789012345678901234567890123456789'}," B "]",
	 USABLE, "a b ", 3, 1, "", "longer than 200 bytes"},

	/* flaws around them */
	{"comma missing", "[" A B "]", USABLE, "a b ", 2, 0, "", "commas"},
	{"comma last", "[" A ",]", USABLE, "a ", 1, 0, "", "commas"},
	{"cut", "[" A ",{'wh", USABLE, "a ", 1, 0, "", "in the middle"},
	{"cut before anything", "[", USABLE, "", 0, 0, "", "in the middle"},
	{"lines of objects", A "\n" B, USABLE, "a ", 1, 0, "", "follows the list"},
	{"lines of lists", "[" A "]\n[" B "]", USABLE, "a ", 1, 0, "", "follows the list"},
	{"two lists", "{'v':[" A "],'w':[" B "]}", USABLE, "a ", 1, 0, "",
	 "more than one list"},
	{"malformed around", "{'v':[" A "],'w':}", USABLE, "a ", 1, 0, "",
	 "around the list is malformed"},
	{"same key twice around", "{'v':[" A "],'w':1,'w':2}", USABLE, "a ", 1, 0, "",
	 "around the list is malformed"},

	/* pages and totals */
	{"nextLink", "{'value':[" A "],'nextLink':'https://h/w?p=2'}", FINE, "a ", 1, 0,
	 "https://h/w?p=2", NULL},
	{"@odata.nextLink before the list", "{'@odata.nextLink':'/w?p=2','value':[" A "]}",
	 FINE, "a ", 1, 0, "/w?p=2", NULL},
	{"links.next.href", "{'items':[" A "],'_links':{'next':{'href':'/2'}}}", FINE, "a ", 1,
	 0, "/2", NULL},
	{"no next",
	 "{'items':[" A "],'next':null,'nextLink':'','_links':{'next':{'href':null}}}", FINE,
	 "a ", 1, 0, "", NULL},
	{"next is a number", "{'items':[" A "],'next':2}", USABLE, "a ", 1, 0, "",
	 "more follows"},
	{"hasMore", "{'items':[" A "],'hasMore':true}", USABLE, "a ", 1, 0, "", "more follows"},
	{"hasMore with a link", "{'items':[" A "],'hasMore':true,'next':'/2'}", FINE, "a ", 1,
	 0, "/2", NULL},
	{"not hasMore", "{'items':[" A "],'hasMore':false,'nextCursor':null}", FINE, "a ", 1, 0,
	 "", NULL},
	{"token", "{'items':[" A "],'continuationToken':'x'}", USABLE, "a ", 1, 0, "",
	 "more follows"},
	{"total_count", "{'items':[" A "],'pagination':{'total_count':10}}", USABLE, "a ", 1, 0,
	 "", "10 elements"},
	{"totalElements", "{'content':[" A "],'totalElements':2}", USABLE, "a ", 1, 0, "",
	 "2 elements"},
	{"recordsTotal", "{'data':[" A "],'recordsTotal':'2'}", USABLE, "a ", 1, 0, "",
	 "2 elements"},
	{"not the last", "{'content':[" A "],'last':false}", USABLE, "a ", 1, 0, "",
	 "more follows"},
	{"the last", "{'content':[" A "],'last':true,'isLastPage':true,'truncated':false}",
	 FINE, "a ", 1, 0, "", NULL},
	{"a link to the last", "{'items':[" A "],'links':{'last':'/9'}}", FINE, "a ", 1, 0, "",
	 NULL},
	{"not the last page", "{'values':[" A "],'isLastPage':false}", USABLE, "a ", 1, 0, "",
	 "more follows"},
	{"truncated", "{'items':[" A "],'truncated':true}", USABLE, "a ", 1, 0, "",
	 "more follows"},
	{"next page as a number", "{'items':[" A "],'next_page':2}", USABLE, "a ", 1, 0, "",
	 "more follows"},
	{"total fits", "{'items':[" A "," B "],'total':2}", FINE, "a b ", 2, 0, "", NULL},
	{"silent paging", "{'total':3,'items':[" A "," B "]}", USABLE, "a b ", 2, 0, "",
	 "says it has 3 elements, but 2 came"},
	{"total as text, inside", "{'items':[" A "],'meta':{'TotalCount':'5'}}", USABLE, "a ",
	 1, 0, "", "5 elements"},
	{"fewer than came", "{'items':[" A "," B "],'@odata.count':1}", USABLE, "a b ", 2, 0,
	 "", "1 elements"},
	{"count does not fit", "{'items':[" A "],'count':9}", USABLE, "a ", 1, 0, "",
	 "counts 9"},
	{"count fits", "{'items':[" A "],'count':1}", FINE, "a ", 1, 0, "", NULL},
	{"no number", "{'items':[" A "],'count':null,'total':'many'}", FINE, "a ", 1, 0, "",
	 NULL},
	{"total is not checked before the last page", "{'items':[" A "],'total':9,'next':'/2'}",
	 FINE, "a ", 1, 0, "/2", NULL},
};

static void
check_row(const struct row *row, size_t piece)
{
	WH_CLEANUP(wh_buf_fini) struct wh_buf ids = WH_BUF_NULL;
	struct wh_list_reader *r = wh_list_reader_new(&limits, on_row, &ids);
	struct wh_list_summary sum;

	feed(r, row->body, piece, true);
	wh_list_reader_summary(r, &sum);
	if (sum.usable != !!(row->flags & USABLE) || sum.complete != !!(row->flags & COMPLETE))
		fail_msg("%s: usable %d complete %d, %s", row->what, sum.usable, sum.complete,
			 sum.why);
	check(row->what, wh_str_is(wh_buf_view(&ids), row->ids));
	check(row->what, sum.elements == row->elements && sum.unreadable == row->unreadable);
	check(row->what, sum.rows == row->elements - row->unreadable);
	check(row->what, wh_str_is(sum.next, row->next));
	if (row->why ? !strstr(sum.why, row->why) : sum.why[0] != 0)
		fail_msg("%s: %s", row->what, sum.why);
	assert_null(wh_list_reader_free(r));
}

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(rows); i++) {
		check_row(&rows[i], SIZE_MAX / 2);
		check_row(&rows[i], 1);
		check_row(&rows[i], 7);
	}
}

static const struct {
	const char *what;
	const char *pages[3];
	unsigned flags;
	const char *ids;
	const char *why;
} books[] = {
	{"two pages", {"{'v':[" A "],'next':'/2'}", "{'v':[" B "]}", NULL}, FINE, "a b ", NULL},
	{"total over all pages",
	 {"{'v':[" A "],'next':'/2','total':2}", "{'v':[" B "],'total':2}", NULL},
	 FINE,
	 "a b ",
	 NULL},
	{"total over all pages, with links elsewhere",
	 {"{'v':[" A "],'total':2,'hasMore':true}", "{'v':[" B "],'total':2,'hasMore':false}",
	  NULL},
	 FINE,
	 "a b ",
	 NULL},
	{"the last page says that more follows",
	 {"{'v':[" A "],'hasMore':true}", "{'v':[" B "],'hasMore':true}", NULL},
	 USABLE,
	 "a b ",
	 "more follows"},
	{"count of the page",
	 {"{'v':[" A "," A "],'next':'/2','count':2}", "{'v':[" B "],'count':1}", NULL},
	 FINE,
	 "a a b ",
	 NULL},
	{"a page is missing",
	 {"{'v':[" A "],'next':'/2','total':3}", "{'v':[" B "],'total':3}", NULL},
	 USABLE,
	 "a b ",
	 "3 elements"},
	{"a flaw in the first page",
	 {"{'v':[" A ",7],'next':'/2'}", "{'v':[" B "]}", NULL},
	 USABLE,
	 "a b ",
	 "element 2"},
	{"the second page is HTML",
	 {"{'v':[" A "],'next':'/2'}", "<html>", NULL},
	 0,
	 "a ",
	 "no JSON list"},
	{"the second page is empty",
	 {"{'v':[" A "],'next':'/2'}", "[]", NULL},
	 FINE,
	 "a ",
	 NULL},
};

static void
test_pages(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(books); i++) {
		WH_CLEANUP(wh_buf_fini) struct wh_buf ids = WH_BUF_NULL;
		struct wh_list_reader *r = wh_list_reader_new(&limits, on_row, &ids);
		struct wh_list_summary sum;

		for (size_t p = 0; books[i].pages[p]; p++) {
			if (p > 0)
				wh_list_reader_next_page(r);
			feed(r, books[i].pages[p], 5, true);
		}
		wh_list_reader_summary(r, &sum);
		check(books[i].what, sum.usable == !!(books[i].flags & USABLE));
		check(books[i].what, sum.complete == !!(books[i].flags & COMPLETE));
		check(books[i].what, wh_str_is(wh_buf_view(&ids), books[i].ids));
		check(books[i].what, sum.next.n == 0);
		check(books[i].what,
		      books[i].why ? strstr(sum.why, books[i].why) != NULL : sum.why[0] == 0);
		wh_list_reader_free(r);
	}
}

static void
test_not_ended(void **state)
{
	static const char *const bodies[] = {"", "[]", "[" A "]", A, "null"};

	(void)state;
	for (size_t i = 0; i < wh_array_len(bodies); i++) {
		WH_CLEANUP(wh_buf_fini) struct wh_buf ids = WH_BUF_NULL;
		struct wh_list_reader *r = wh_list_reader_new(&limits, on_row, &ids);
		struct wh_list_summary sum;

		wh_list_reader_summary(r, &sum);
		check(bodies[i], !sum.complete && sum.why[0]);
		feed(r, bodies[i], 100, false);
		wh_list_reader_summary(r, &sum);
		check(bodies[i], !sum.complete && strstr(sum.why, "cut off"));
		check(bodies[i], sum.usable == (bodies[i][0] != 0));
		wh_list_reader_free(r);
	}
}

static int
refuse(void *ctx, const struct wh_list_row *row)
{
	(void)ctx;
	(void)row;
	return WH_EIO;
}

static void
test_faults_come_through(void **state)
{
	struct wh_list_reader *r = wh_list_reader_new(&limits, refuse, NULL);

	(void)state;
	assert_int_equal(wh_list_reader_feed(r, WH_STR("[{\"id\":1}]")), WH_EIO);
	wh_list_reader_free(r);

	r = wh_list_reader_new(&limits, refuse, NULL);
	assert_int_equal(wh_list_reader_feed(r, WH_STR("{\"id\":1,\"whname\":2}")), 0);
	assert_int_equal(wh_list_reader_end_page(r, true), WH_EIO);
	wh_list_reader_free(r);
	assert_null(wh_list_reader_free(NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_not_ended),
		cmocka_unit_test(test_faults_come_through),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
