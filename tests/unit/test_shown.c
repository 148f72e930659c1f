/* SPDX-License-Identifier: MIT */
/*
 * shown.c: what a list or a look leaves out of a webhook is empty, or as it was
 * known, or stays unknown.
 */
#include "daemon/shown.h"
#include "proto/json.h"
#include "tests/unit/rows.h"

#define NAME (1u << WH_F_WHNAME)
#define COMMENT (1u << WH_F_WHCOMMENT)
#define PROCESSES (1u << WH_F_PROCESSES)
#define REST "'applicationId':'a','municipalityId':'m','callbackUrl':'u'"

static const struct {
	const char *what;
	const char *shown, *known; /* ' for " */
	uint64_t at_times;
	const char *filled;
} rows[] = {
	{"nothing is left out",
	 "{'whname':'n','whcomment':'c'," REST ",'processes':['1'],'x':1}",
	 "{'whname':'o','whcomment':'d','processes':['2']}", WH_RECORD_ALL,
	 "{'whname':'n','whcomment':'c'," REST ",'processes':['1'],'x':1}"},
	{"never shown: as it was known", "{'whid':'w','whname':'n'," REST ",'x':1}",
	 "{'whname':'o','whcomment':'d','processes':['2'],'y':1}", 0,
	 "{'whid':'w','whname':'n','whcomment':'d'," REST ",'processes':['2'],'x':1}"},
	{"never shown, not known: it stays out", "{'whname':'n'," REST "}", "", 0,
	 "{'whname':'n'," REST "}"},
	{"shown at times: empty", "{'whname':'n'," REST "}",
	 "{'whcomment':'d','processes':['2']}", COMMENT | PROCESSES,
	 "{'whname':'n','whcomment':''," REST ",'processes':[]}"},
	{"one shown at times, one never", "{'whname':'n'," REST "}",
	 "{'whcomment':'d','processes':['2']}", COMMENT,
	 "{'whname':'n','whcomment':''," REST ",'processes':['2']}"},
	{"a summary says nothing of what it leaves out", "{'whname':'n'}",
	 "{'whcomment':'d','callbackUrl':'u','processes':['2']}", WH_RECORD_ALL,
	 "{'whname':'n','whcomment':'d','callbackUrl':'u','processes':['2']}"},
	{"what is shown as something else is shown",
	 "{'whname':{'de':'n'},'whcomment':7," REST ",'processes':{'1':true}}",
	 "{'whname':'o','whcomment':'d','processes':['2']}", 0,
	 "{'whname':{'de':'n'},'whcomment':7," REST ",'processes':{'1':true}}"},
};

static void
test_filling(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(rows); i++) {
		WH_CLEANUP(wh_buf_fini) struct wh_buf room = WH_BUF_NULL, json = WH_BUF_NULL;
		struct row_tree shown = row_tree(rows[i].shown);
		struct row_tree known = row_tree(rows[i].known[0] ? rows[i].known : "{}");
		struct wh_str body = wh_buf_view(&shown.bytes);
		uint64_t at_times = rows[i].at_times;

		check(rows[i].what,
		      wh_shown_fill(&room, &body,
				    rows[i].known[0] ? wh_buf_view(&known.bytes) : WH_STR_NULL,
				    &at_times) == 0);
		check(rows[i].what, wh_json_from_pack(&json, body, 0) == 0);
		for (size_t k = 0; k < json.n; k++)
			if (json.p[k] == '"')
				json.p[k] = '\'';
		if (!wh_str_is(wh_buf_view(&json), rows[i].filled))
			fail_msg("%s: %.*s", rows[i].what, WH_STR_FMT(wh_buf_view(&json)));
		row_tree_fini(&shown);
		row_tree_fini(&known);
	}
}

static void
test_members(void **state)
{
	struct row_tree shown = row_tree("{'whname':null,'whcomment':7,'processes':[]}");
	WH_CLEANUP(wh_buf_fini) struct wh_buf room = WH_BUF_NULL;
	struct wh_str body = wh_buf_view(&shown.bytes);
	uint64_t at_times = NAME;

	(void)state;
	assert_int_equal(wh_shown_members(body), COMMENT | PROCESSES);
	assert_int_equal(wh_shown_members(WH_STR("\xc1")), 0);
	assert_int_equal(wh_shown_fill(&room, &body, WH_STR_NULL, &at_times), 0);
	assert_int_equal(at_times, NAME | COMMENT | PROCESSES);
	row_tree_fini(&shown);
}

static void
test_doubtful(void **state)
{
	struct row_tree full =
		row_tree("{'whname':'n','whcomment':'c'," REST ",'processes':['1']}");
	struct row_tree odd = row_tree("{'whcomment':7,'processes':{}}");
	struct row_tree bare =
		row_tree("{'whname':'n','whcomment':''," REST ",'processes':[]}");
	struct row_tree less = row_tree("{'whname':'n','whcomment':''," REST "}");
	struct row_tree summary = row_tree("{'whname':'n'}");

	(void)state;
	assert_int_equal(wh_shown_filled(wh_buf_view(&full.bytes)), COMMENT | PROCESSES);
	assert_int_equal(wh_shown_filled(wh_buf_view(&odd.bytes)), COMMENT | PROCESSES);
	assert_int_equal(wh_shown_filled(wh_buf_view(&bare.bytes)), 0);
	assert_int_equal(wh_shown_filled(WH_STR("\xc1")), 0);
	assert_int_equal(wh_shown_doubtful(wh_shown_members(wh_buf_view(&less.bytes)),
					   COMMENT | PROCESSES),
			 PROCESSES);
	assert_int_equal(wh_shown_doubtful(wh_shown_members(wh_buf_view(&less.bytes)), COMMENT),
			 0);
	assert_int_equal(wh_shown_doubtful(wh_shown_members(wh_buf_view(&summary.bytes)),
					   COMMENT | PROCESSES),
			 0);
	row_tree_fini(&full);
	row_tree_fini(&odd);
	row_tree_fini(&bare);
	row_tree_fini(&less);
	row_tree_fini(&summary);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_filling),
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_doubtful),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
