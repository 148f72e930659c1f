/* SPDX-License-Identifier: MIT */
/*
 * core/remote_row.c: every spelling and form in which the upstream may show a
 * webhook, and what is stored of it.
 */
#include "daemon/core/remote.h"
#include "tests/unit/rows.h"

static const struct {
	const char *what;
	const char *in; /* ' for " */
	const char *row;
	const char *whid;
} rows[] = {
	/* the id */
	{"whid", "{'whid':'a'}", "{'whid':'a'}", "a"},
	{"whId", "{'whId':'a'}", "{'whid':'a'}", "a"},
	{"id", "{'id':'a'}", "{'whid':'a'}", "a"},
	{"ID", "{'ID':'a'}", "{'whid':'a'}", "a"},
	{"webhookId", "{'WebhookId':'a'}", "{'whid':'a'}", "a"},
	{"webhookConfigurationId", "{'webhookconfigurationid':'a'}", "{'whid':'a'}", "a"},
	{"_id", "{'_id':'a'}", "{'whid':'a'}", "a"},
	{"number", "{'id':42}", "{'whid':'42'}", "42"},
	{"negative number", "{'id':-42}", "{'whid':'-42'}", "-42"},
	{"largest number", "{'id':9223372036854775807}", "{'whid':'9223372036854775807'}",
	 "9223372036854775807"},
	{"case is kept", "{'id':'8F14E45F-CEEA'}", "{'whid':'8F14E45F-CEEA'}", "8F14E45F-CEEA"},
	{"the most specific name wins", "{'_id':'c','id':'b','whid':'a'}",
	 "{'whid':'a','_id':'c','id':'b'}", "a"},
	{"the exact spelling wins", "{'WHID':'b','whid':'a'}", "{'whid':'a','WHID':'b'}", "a"},
	{"a null id is no id", "{'whid':null,'id':'b'}", "{'whid':'b'}", "b"},
	{"an empty id is no id", "{'whid':'','id':'b'}", "{'whid':'b'}", "b"},
	{"an id of another type stays", "{'webhookId':{'x':1},'id':'b'}",
	 "{'whid':'b','webhookId':{'x':1}}", "b"},
	{"a fraction is no id", "{'webhookId':1.5,'id':'b'}", "{'whid':'b','webhookId':1.5}",
	 "b"},

	/* names */
	{"documented order first", "{'x':1,'callbackUrl':'u','id':'a','whname':'n'}",
	 "{'whid':'a','whname':'n','callbackUrl':'u','x':1}", "a"},
	{"any case",
	 "{'id':'a','WHNAME':'n','whComment':'c','applicationID':'p','municipalityid':'m',"
	 "'callbackURL':'u','Processes':['x']}",
	 "{'whid':'a','whname':'n','whcomment':'c','applicationId':'p','municipalityId':'m',"
	 "'callbackUrl':'u','processes':['x']}",
	 "a"},
	{"two spellings: the exact one wins, the other stays",
	 "{'id':'a','WhName':'x','whname':'n'}", "{'whid':'a','whname':'n','WhName':'x'}", "a"},
	{"two inexact ones: the first", "{'id':'a','WHNAME':'n','WhName':'x'}",
	 "{'whid':'a','whname':'n','WhName':'x'}", "a"},

	/* text */
	{"null text", "{'id':'a','whcomment':null}", "{'whid':'a','whcomment':''}", "a"},
	{"absent text stays absent", "{'id':'a','whname':'n'}", "{'whid':'a','whname':'n'}",
	 "a"},
	{"numbers as text", "{'id':'a','applicationId':7,'municipalityId':-0.5,'whname':1e300}",
	 "{'whid':'a','whname':'1e+300','applicationId':'7','municipalityId':'-0.5'}", "a"},
	{"a fraction is exact", "{'id':'a','whname':0.1}", "{'whid':'a','whname':'0.1'}", "a"},
	{"a long fraction is exact", "{'id':'a','whname':0.30000000000000004}",
	 "{'whid':'a','whname':'0.30000000000000004'}", "a"},
	{"other types stay", "{'id':'a','whname':{'de':'n'},'whcomment':true}",
	 "{'whid':'a','whname':{'de':'n'},'whcomment':true}", "a"},

	/* processes */
	{"texts", "{'id':'a','processes':['x','y','x']}",
	 "{'whid':'a','processes':['x','y','x']}", "a"},
	{"numbers", "{'id':'a','processes':[1,'y',-2]}",
	 "{'whid':'a','processes':['1','y','-2']}", "a"},
	{"objects",
	 "{'id':'a','processes':[{'processId':'x','name':'n'},{'Id':7},{'name':'z'}]}",
	 "{'whid':'a','processes':['x','7','z']}", "a"},
	{"null members", "{'id':'a','processes':[null,'x',null]}",
	 "{'whid':'a','processes':['x']}", "a"},
	{"an object's null id is passed over",
	 "{'id':'a','processes':[{'processId':null,'id':'x'}]}",
	 "{'whid':'a','processes':['x']}", "a"},
	{"comma text", "{'id':'a','processes':' x, y z ,,w,'}",
	 "{'whid':'a','processes':['x','y z','w']}", "a"},
	{"empty text", "{'id':'a','processes':''}", "{'whid':'a','processes':[]}", "a"},
	{"null", "{'id':'a','processes':null}", "{'whid':'a','processes':[]}", "a"},
	{"absent ones stay absent", "{'id':'a'}", "{'whid':'a'}", "a"},
	{"one number", "{'id':'a','processes':5}", "{'whid':'a','processes':['5']}", "a"},
	{"one object", "{'id':'a','processes':{'id':'x'}}", "{'whid':'a','processes':['x']}",
	 "a"},
	{"a form not known stays whole", "{'id':'a','processes':['x',{'k':1}]}",
	 "{'whid':'a','processes':['x',{'k':1}]}", "a"},
	{"neither does a flag", "{'id':'a','processes':true}", "{'whid':'a','processes':true}",
	 "a"},
	{"lists in lists stay", "{'id':'a','processes':[['x']]}",
	 "{'whid':'a','processes':[['x']]}", "a"},

	/* the rest */
	{"unknown members, value for value",
	 "{'z':null,'y':[1,{'q':1.5}],'id':'a','x':{'w':''}}",
	 "{'whid':'a','z':null,'y':[1,{'q':1.5}],'x':{'w':''}}", "a"},
	{"our own member is not taken from outside", "{'id':'a','_whd':{'state':'x'}}",
	 "{'whid':'a'}", "a"},
};

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(rows); i++) {
		WH_CLEANUP(wh_buf_fini) struct wh_buf row = WH_BUF_NULL;
		WH_CLEANUP(wh_buf_fini) struct wh_buf json = WH_BUF_NULL;
		struct row_tree in = row_tree(rows[i].in);
		struct wh_str whid;
		const char *why;

		wh_pack_nil(&row); /* it appends */
		check(rows[i].what, wh_remote_row(&row, &in.tree.root, true, &whid, &why) == 0);
		check(rows[i].what, wh_str_is(whid, rows[i].whid));
		check(rows[i].what, whid.p > row.p && whid.p + whid.n <= row.p + row.n);
		wh_buf_consume(&row, 1);
		check(rows[i].what, wh_json_from_pack(&json, wh_buf_view(&row), 0) == 0);
		for (size_t k = 0; k < json.n; k++)
			if (json.p[k] == '"')
				json.p[k] = '\'';
		if (!wh_str_is(wh_buf_view(&json), rows[i].row))
			fail_msg("%s: %.*s", rows[i].what, WH_STR_FMT(wh_buf_view(&json)));
		row_tree_fini(&in);
	}
}

static void
test_without_id(void **state)
{
	static const char *const ins[] = {
		"{}",         "{'whname':'n'}",    "{'id':null}",
		"{'id':''}",  "{'id':'a\\u0001'}", "{'id':true}",
		"{'id':[1]}", "{'ids':'a'}",
	};

	(void)state;
	for (size_t i = 0; i < wh_array_len(ins); i++) {
		WH_CLEANUP(wh_buf_fini) struct wh_buf row = WH_BUF_NULL;
		struct row_tree in = row_tree(ins[i]);
		struct wh_str whid = WH_STR("untouched");
		const char *why = NULL;

		check(ins[i],
		      wh_remote_row(&row, &in.tree.root, true, &whid, &why) == WH_EINVAL);
		check(ins[i], why && why[0] && row.n == 0);
		check(ins[i], wh_remote_row(&row, &in.tree.root, false, &whid, &why) == 0);
		check(ins[i], whid.n == 0 && row.n > 0);
		row_tree_fini(&in);
	}
}

static void
test_refusals(void **state)
{
	WH_CLEANUP(wh_buf_fini) struct wh_buf small = wh_buf_capped(8);
	struct row_tree list = row_tree("[1]");
	struct row_tree doc = row_tree("{'id':'abcdefgh'}");
	struct wh_str whid;
	const char *why = NULL;

	(void)state;
	assert_int_equal(wh_remote_row(&small, &list.tree.root, false, &whid, &why), WH_EINVAL);
	assert_non_null(why);
	assert_int_equal(wh_remote_row(&small, &doc.tree.root, true, &whid, &why), WH_ELIMIT);
	row_tree_fini(&list);
	row_tree_fini(&doc);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_without_id),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
