/* SPDX-License-Identifier: MIT */
/*
 * proto/record.c: reading, checking, writing and patching webhooks, above all
 * that nothing the upstream holds is lost on the way.
 */
#include "tests/unit/rows.h"

#include "proto/record.h"

static void
test_names(void **state)
{
	(void)state;
	for (unsigned f = 0; f < WH_F_COUNT; f++)
		assert_int_equal(wh_field_by_name(wh_str_c(wh_fields[f].name)), f);
	assert_int_equal(wh_field_by_name(WH_STR("whid")), WH_F_COUNT);
	assert_int_equal(wh_field_by_name(WH_STR("WHNAME")), WH_F_COUNT);
	assert_int_equal(wh_field_by_name(WH_STR_NULL), WH_F_COUNT);
}

struct whid_row {
	const char *what;
	size_t n;
	const char *text;
	bool valid;
};

static void
test_whid(void **state)
{
	char longest[257];
	const struct whid_row rows[] = {
		{"empty", 0, "", false},
		{"number", 2, "42", true},
		{"wide", 2, "\xc3\xa5", true},
		{"slash and space are opaque", 3, "a /", true},
		{"NUL", 3, "a\0b", false},
		{"newline", 2, "a\n", false},
		{"C1", 2, "\xc2\x85", false},
		{"not UTF-8", 1, "\xff", false},
		{"256 bytes", 256, longest, true},
		{"257 bytes", 257, longest, false},
	};

	(void)state;
	memset(longest, 'x', sizeof(longest));
	for (size_t i = 0; i < wh_array_len(rows); i++)
		check(rows[i].what,
		      wh_whid_valid(wh_str(rows[i].text, rows[i].n)) == rows[i].valid);
}

static void
test_view(void **state)
{
	struct row_tree t =
		row_tree("{'whid': 'w', 'whname': 'n', 'whcomment': null, 'processes': "
			 "['a'], 'municipalityId': 301, 'applicationId': '', 'x': 1}");
	struct wh_record r;

	(void)state;
	wh_record_view(&t.tree.root, &r);
	assert_int_equal(r.seen,
			 1u << WH_F_WHNAME | 1u << WH_F_APPLICATION | 1u << WH_F_PROCESSES);
	assert_true(wh_str_is(r.text[WH_F_WHNAME], "n"));
	assert_true(wh_record_has(&r, WH_F_APPLICATION));
	assert_false(wh_record_has(&r, WH_F_WHCOMMENT));
	assert_int_equal(r.set[WH_F_PROCESSES]->via.array.size, 1);
	assert_null(r.set[WH_F_WHNAME]);
	row_tree_fini(&t);

	t = row_tree("{'processes': 'a', 'whname': ['n']}");
	wh_record_view(&t.tree.root, &r);
	assert_int_equal(r.seen, 0);
	row_tree_fini(&t);
	wh_record_view(NULL, &r);
	assert_int_equal(r.seen, 0);
}

struct validate_row {
	const char *json;
	const char *why; /* a part of the sentence; NULL if all is well */
};

static const struct validate_row validate_rows[] = {
	{"{}", NULL},
	{"{'unknown': 1, 'whid': 7}", NULL},
	{"{'whname': 'n', 'whcomment': '', 'processes': []}", NULL},
	{"{'processes': ['a', 'b']}", NULL},
	{"{'whname': ''}", "whname is empty"},
	{"{'applicationId': ''}", "applicationId is empty"},
	{"{'callbackUrl': ''}", "callbackUrl is empty"},
	{"{'whname': null}", "whname is not a string"},
	{"{'municipalityId': 301}", "municipalityId is not a string"},
	{"{'whcomment': ['x']}", "whcomment is not a string"},
	{"{'whcomment': 'a\\u0000b'}", "whcomment is not printable"},
	{"{'whcomment': 'two\\nlines\\tand a tab'}", NULL},
	{"{'whcomment': 'a\\n\\u001bb'}", "whcomment is not printable"},
	{"{'whname': 'two\\nlines'}", "control character"},
	{"{'whname': 'a\\u001bb'}", "control character"},
	{"{'whname': 'a\\u009bb'}", "control character"},
	{"{'processes': 'a'}", "processes is not a list"},
	{"{'processes': null}", "processes is not a list"},
	{"{'processes': ['a', 1]}", "item 2 of processes is not a string"},
	{"{'processes': ['']}", "item 1 of processes is empty"},
	{"{'processes': ['a', 'b', 'a']}", "item 3 of processes is the same"},
	{"{'processes': ['a\\n']}", "item 1 of processes is not printable"},
};

static void
test_validate(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(validate_rows); i++) {
		const struct validate_row *row = &validate_rows[i];
		struct row_tree t = row_tree(row->json);
		struct wh_buf why = WH_BUF_NULL;
		int r = wh_record_validate(&t.tree.root, &why);

		check(row->json, r == (row->why ? WH_EINVAL : 0));
		check(row->json,
		      row->why ? says(&why, row->why) && says(&why, ": ") : why.n == 0);
		wh_buf_fini(&why);
		row_tree_fini(&t);
	}
}

/* Validates a map whose one member f is a text of n bytes. */
static int
validate_text(enum wh_field f, struct wh_str text)
{
	struct wh_buf b = WH_BUF_NULL, why = WH_BUF_NULL;
	struct wh_tree tree;

	wh_pack_map(&b, 1);
	wh_pack_c(&b, wh_fields[f].name);
	if (wh_fields[f].type == WH_FT_SET)
		wh_pack_array(&b, 1);
	wh_pack_bin(&b, text);
	assert_int_equal(wh_unpack(&tree, wh_buf_view(&b), NULL), 0);
	int r = wh_record_validate(&tree.root, &why);

	assert_true(!r || says(&why, wh_fields[f].name));
	wh_tree_fini(&tree);
	wh_buf_fini(&b);
	wh_buf_fini(&why);
	return r;
}

static void
test_lengths(void **state)
{
	char text[5000];

	(void)state;
	memset(text, 'x', sizeof(text));
	for (unsigned f = 0; f < WH_F_COUNT; f++) {
		size_t max = wh_fields[f].max;

		check(wh_fields[f].name,
		      validate_text((enum wh_field)f, wh_str(text, max)) == 0);
		check(wh_fields[f].name,
		      validate_text((enum wh_field)f, wh_str(text, max + 1)) == WH_EINVAL);
		check(wh_fields[f].name,
		      validate_text((enum wh_field)f, WH_STR("\xed\xa0\x80")) == WH_EINVAL);
	}
}

static int
validate_set_of(unsigned n)
{
	struct wh_buf b = WH_BUF_NULL, why = WH_BUF_NULL;
	struct wh_tree tree;

	wh_pack_map(&b, 1);
	wh_pack_c(&b, "processes");
	wh_pack_array(&b, n);
	for (unsigned i = 0; i < n; i++) {
		char item[16];

		snprintf(item, sizeof(item), "p%u", i);
		wh_pack_c(&b, item);
	}
	assert_int_equal(wh_unpack(&tree, wh_buf_view(&b), NULL), 0);
	int r = wh_record_validate(&tree.root, &why);

	wh_tree_fini(&tree);
	wh_buf_fini(&b);
	wh_buf_fini(&why);
	return r;
}

static void
test_set_size(void **state)
{
	(void)state;
	assert_int_equal(validate_set_of(WH_SET_MAX), 0);
	assert_int_equal(validate_set_of(WH_SET_MAX + 1), WH_EINVAL);
}

static const struct validate_row name_rows[] = {
	{"{}", NULL},
	{"{'whname': 1, 'processes': null}", NULL},
	{"{'whnam': 'x'}", "did you mean \"whname\"?"},
	{"{'whname': 'x', 'callbackurl': 'x'}", "did you mean \"callbackUrl\"?"},
	{"{'colour': 'x'}", "there are whname, whcomment, "},
	{"{'whid': 'x'}", "whid cannot be set"},
	{"{'\\u001b': 'x'}", "\"\xef\xbf\xbd\""},
	{"[]", "not a map"},
	{"null", "not a map"},
};

static void
test_check_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(name_rows); i++) {
		const struct validate_row *row = &name_rows[i];
		struct row_tree t = row_tree(row->json);
		struct wh_buf why = WH_BUF_NULL;
		int r = wh_record_check_names(&t.tree.root, &why);

		check(row->json, r == (row->why ? WH_EINVAL : 0));
		check(row->json, row->why ? says(&why, row->why) : why.n == 0);
		wh_buf_fini(&why);
		row_tree_fini(&t);
	}
}

static void
test_pack(void **state)
{
	struct row_tree t = row_tree("{'processes': ['b', 'a'], 'x': 1, 'whname': 'n'}");
	struct wh_buf b = WH_BUF_NULL, json = WH_BUF_NULL;
	struct wh_record r;

	(void)state;
	wh_record_view(&t.tree.root, &r);
	wh_record_pack(&b, &r);
	assert_int_equal(wh_json_from_pack(&json, wh_buf_view(&b), 0), 0);
	wh_buf_byte(&json, '\0');
	assert_string_equal(json.p, "{\"whname\":\"n\",\"processes\":[\"b\",\"a\"]}");
	wh_buf_fini(&b);
	wh_buf_fini(&json);
	row_tree_fini(&t);
}

/* Text that came as bin is sent on as str, as every peer can read that. */
static void
test_pack_bin(void **state)
{
	struct wh_buf b = WH_BUF_NULL;
	struct wh_tree tree;
	struct wh_record r;

	(void)state;
	assert_int_equal(
		wh_unpack(&tree, WH_STR("\x82\xa6whname\xc4\1n\xa9processes\x91\xc4\1p"), NULL),
		0);
	wh_record_view(&tree.root, &r);
	wh_record_pack(&b, &r);
	assert_true(holds(&b, "\x82\xa6whname\xa1n\xa9processes\x91\xa1p", 23));
	wh_buf_fini(&b);
	wh_tree_fini(&tree);
}

struct patch_row {
	const char *what;
	const char *base; /* NULL: none */
	const char *change;
	const char *whid;
	const char *out;
};

static const struct patch_row patch_rows[] = {
	{"a new row", NULL, "{'whname': 'n', 'processes': ['p']}", "w",
	 "{'whid':'w','whname':'n','processes':['p']}"},
	{"a new row without id", NULL, "{'whname': 'n'}", "", "{'whname':'n'}"},
	{"no row, no change", NULL, "{}", "", "{}"},
	{"base is no map", "[1]", "{'whname': 'n'}", "", "{'whname':'n'}"},
	{"nothing changes but the order",
	 "{'z': 1, 'processes': [], 'whname': 'n', 'whid': 'w'}", "{}", "",
	 "{'whid':'w','whname':'n','processes':[],'z':1}"},
	{"members over others", "{'whid': 'w', 'whname': 'n', 'whcomment': 'c'}",
	 "{'whname': 'm', 'callbackUrl': 'u'}", "",
	 "{'whid':'w','whname':'m','whcomment':'c','callbackUrl':'u'}"},
	{"another id", "{'whid': 'tmp-1', 'whname': 'n'}", "{}", "w",
	 "{'whid':'w','whname':'n'}"},
	{"unknown members stay value for value",
	 "{'b': {'deep': [1, 1.5, null, {'x': ''}]}, 'whname': 'n', 'a': -9223372036854775808}",
	 "{'whname': 'm'}", "w",
	 "{'whid':'w','whname':'m','b':{'deep':[1,1.5,null,{'x':''}]},'a':-"
	 "9223372036854775808}"},
	{"odd types stay while unchanged",
	 "{'whid': 7, 'whcomment': null, 'municipalityId': 301}", "{'whname': 'n'}", "",
	 "{'whid':7,'whname':'n','whcomment':null,'municipalityId':301}"},
	{"odd types give way to a change", "{'whcomment': null}", "{'whcomment': ''}", "",
	 "{'whcomment':''}"},
	{"a set may become empty", "{'processes': ['a', 'b']}", "{'processes': []}", "",
	 "{'processes':[]}"},
};

static void
test_patch(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(patch_rows); i++) {
		const struct patch_row *row = &patch_rows[i];
		struct row_tree base = row_tree(row->base ? row->base : "null");
		struct row_tree change = row_tree(row->change);
		struct row_tree expected = row_tree(row->out);
		struct wh_buf b = WH_BUF_NULL;
		struct wh_record r;

		wh_record_view(&change.tree.root, &r);
		wh_record_patch(&b, row->base ? &base.tree.root : NULL, &r,
				wh_str_c(row->whid));
		check(row->what, holds(&b, expected.bytes.p, expected.bytes.n));
		wh_buf_fini(&b);
		row_tree_fini(&base);
		row_tree_fini(&change);
		row_tree_fini(&expected);
	}
}

/* More than fifteen members need a longer head than the writer may guess. */
static void
test_patch_many_unknown(void **state)
{
	struct wh_buf base = WH_BUF_NULL, b = WH_BUF_NULL;
	struct wh_tree old, new;
	struct wh_record change = {0};

	(void)state;
	wh_pack_map(&base, 300);
	for (unsigned i = 0; i < 300; i++) {
		char key[16];

		snprintf(key, sizeof(key), "k%u", i);
		wh_pack_kv_uint(&base, key, i);
	}
	assert_int_equal(wh_unpack(&old, wh_buf_view(&base), NULL), 0);
	wh_record_patch(&b, &old.root, &change, WH_STR("w"));
	assert_int_equal(wh_unpack(&new, wh_buf_view(&b), NULL), 0);
	assert_int_equal(new.root.via.map.size, 301);
	assert_int_equal(wh_obj_u64_at(&new.root, "k299", 0), 299);
	wh_tree_fini(&old);
	wh_tree_fini(&new);
	wh_buf_fini(&base);
	wh_buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_whid),
		cmocka_unit_test(test_view),
		cmocka_unit_test(test_validate),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_set_size),
		cmocka_unit_test(test_check_names),
		cmocka_unit_test(test_pack),
		cmocka_unit_test(test_pack_bin),
		cmocka_unit_test(test_patch),
		cmocka_unit_test(test_patch_many_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
