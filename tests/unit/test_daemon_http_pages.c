/* SPDX-License-Identifier: MIT */
/*
 * http_pages.c: what the head of a reply says of pages.
 */
#include "daemon/http_pages.h"
#include "tests/unit/rows.h"

static const struct {
	const char *header;
	bool next;
} links[] = {
	{"", false},
	{"<?p=2>; rel=\"next\"", true},
	{"<?p=2>; rel='next'", true},
	{"<?p=2>;rel=next", true},
	{"<?p=2>; rel=\"last next\"", true},
	{"<?p=1>; rel=prev, <?p=2>; title=\"x\"; REL = \"Next\"", true},
	{"<?p=2>; rel=\"nextmost\"", false},
	{"<?p=2>; title=\"next\"; rel=last", false},
	{"<?p=2>", false},
	{"<?p=2", false},
	{"<?p=2; rel=next", true},
	{"<?p=1>; rel=self, <?p=2>; rel=next", true},
	{"<?p=1>; rel=self, , <?p=2>; rel=next", true},
	{"<?p=1>; rel=self; title=\"a, b\", <?p=2>; rel=next", true},
	{"<?p=2>; title=\"a, \\\"b\"; rel=\"next\"", true},
	{"<?p=2>; title=\"; rel=next\"; rel=last", false},
	{"<?p=2>; title=\"ends not; rel=next", true},
	{"<?p=2>; title=\"ends not; rel=last", false},
	{"<?p=1,2>; rel=next", true},
	{"<?p=1,next>; rel=self", false},
	{"<>; rel=next", true},
	{"?p=2; rel=next", true},
	{"<?p=2>; rel", false},
	{"rel=next", true},
	{"what is this", false},
};

static void
test_links(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(links); i++)
		check(links[i].header,
		      wh_http_has_next(wh_str_c(links[i].header)) == links[i].next);
}

static const struct {
	const char *what;
	int status;
	const char *range, *total;
	bool part;
} heads[] = {
	{"nothing", 200, "", "", false},
	{"total fits", 200, "", "8", false},
	{"total does not", 200, "", "10", true},
	{"total is no number", 200, "", "many", false},
	{"range of all", 200, "items 0-7/8", "", false},
	{"range of some", 200, "items 0-7/10", "8", true},
	{"range of who knows how many", 200, "items 0-7/*", "", true},
	{"a range that says nothing", 200, "items", "", true},
	{"206", 206, "", "", true},
	{"206 with all", 206, "items 0-7/8", "", false},
};

static void
test_heads(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(heads); i++)
		check(heads[i].what, wh_http_is_part(heads[i].status, heads[i].range,
						     heads[i].total, 8) == heads[i].part);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_heads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
