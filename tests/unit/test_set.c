/* SPDX-License-Identifier: MIT */
/*
 * daemon/core/set.c: sets of text over arrays, in both forms.
 */
#include "tests/unit/rows.h"

#include "daemon/core/set.h"

#define GUID "0b7c51a2-0000-4aaa-9bbb-abcdefabcdef"
#define REST "0000-4aaa-9bbb-abcdefabcdef"
#define GUID_UP "0B7C51A2-0000-4AAA-9BBB-ABCDEFABCDEF"

struct eq_row {
	const char *what, *a, *b;
	bool normal, exact; /* equal in that form */
};

static const struct eq_row eq_rows[] = {
	{"both empty", "[]", "[]", true, true},
	{"no array is empty", "null", "[]", true, true},
	{"a map is empty", "{'a':1}", "[]", true, true},
	{"order", "['a','b','c']", "['c','a','b']", true, true},
	{"repeats", "['a','a']", "['a']", true, true},
	{"no text", "[1,'a',null,['b']]", "['a']", true, true},
	{"space", "[' a']", "['a']", true, false},
	{"space makes a repeat", "['a ','a']", "['a']", true, false},
	{"case of a guid", "['" GUID "']", "['" GUID_UP "']", true, false},
	{"case of other text", "['a']", "['A']", false, false},
	{"one more", "['a']", "['a','b']", false, false},
	{"other", "['a','b']", "['a','c']", false, false},
	{"guids among text", "['z','" GUID "','a']", "['" GUID_UP "','a','z']", true, false},
	{"guids and text keep one order", "['M','aaaaaaaa-" REST "','AAAAAAAB-" REST "','Z']",
	 "['AAAAAAAA-" REST "','Z','aaaaaaab-" REST "','M']", true, false},
	{"prefixes", "['a','aa']", "['aa','aaa']", false, false},
	{"the empty text is an item", "['']", "[]", false, false},
};

static bool
eq(const msgpack_object *a, const msgpack_object *b, enum wh_set_form form)
{
	WH_CLEANUP(wh_set_fini) struct wh_set l = WH_SET_NULL;
	WH_CLEANUP(wh_set_fini) struct wh_set r = WH_SET_NULL;

	assert_int_equal(wh_set_init(&l, a, form), 0);
	assert_int_equal(wh_set_init(&r, b, form), 0);
	return wh_set_eq(&l, &r);
}

static void
test_eq(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(eq_rows); i++) {
		const struct eq_row *r = &eq_rows[i];
		struct row_tree a = row_tree(r->a), b = row_tree(r->b);

		check(r->what, eq(&a.tree.root, &b.tree.root, WH_SET_NORMAL) == r->normal);
		check(r->what, eq(&b.tree.root, &a.tree.root, WH_SET_NORMAL) == r->normal);
		check(r->what, eq(&a.tree.root, &b.tree.root, WH_SET_EXACT) == r->exact);
		check(r->what, eq(&b.tree.root, &a.tree.root, WH_SET_EXACT) == r->exact);
		row_tree_fini(&a);
		row_tree_fini(&b);
	}
}

static void
test_look_up(void **state)
{
	struct row_tree t = row_tree("['b',1,'a ','b','" GUID_UP "','a']");
	struct wh_set s;

	(void)state;
	assert_int_equal(wh_set_init(&s, &t.tree.root, WH_SET_NORMAL), 0);
	assert_int_equal(s.n, 3);
	assert_true(wh_set_has(&s, WH_STR("a")));
	assert_true(wh_set_has(&s, WH_STR(GUID)));
	assert_false(wh_set_has(&s, WH_STR("c")));
	assert_false(wh_set_has(&s, WH_STR("")));
	assert_true(wh_set_is_first(&s, WH_STR("b"), 0));
	assert_false(wh_set_is_first(&s, WH_STR("b"), 3));
	assert_true(wh_set_is_first(&s, WH_STR("a "), 2));
	assert_false(wh_set_is_first(&s, WH_STR("a"), 5));
	assert_false(wh_set_is_first(&s, WH_STR("c"), 0));
	wh_set_fini(&s);
	assert_null(s.items);
	row_tree_fini(&t);
}

static void
test_subtract(void **state)
{
	struct row_tree all = row_tree("['a','b','c']"), some = row_tree("['c ','x','a']");
	struct wh_set s, other;

	(void)state;
	assert_int_equal(wh_set_init(&s, &all.tree.root, WH_SET_NORMAL), 0);
	assert_int_equal(wh_set_init(&other, &some.tree.root, WH_SET_NORMAL), 0);
	wh_set_subtract(&s, &other);
	assert_int_equal(s.n, 1);
	assert_true(wh_set_has(&s, WH_STR("b")));
	wh_set_subtract(&s, &s);
	assert_int_equal(s.n, 0);
	assert_false(wh_set_has(&s, WH_STR("b")));
	wh_set_fini(&s);
	wh_set_fini(&other);
	row_tree_fini(&all);
	row_tree_fini(&some);
}

static void
test_no_array(void **state)
{
	struct wh_set s;

	(void)state;
	assert_int_equal(wh_set_init(&s, NULL, WH_SET_NORMAL), 0);
	assert_int_equal(s.n, 0);
	assert_false(wh_set_has(&s, WH_STR("a")));
	wh_set_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_eq),
		cmocka_unit_test(test_look_up),
		cmocka_unit_test(test_subtract),
		cmocka_unit_test(test_no_array),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
