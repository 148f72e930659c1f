/* SPDX-License-Identifier: MIT */
/*
 * proto/object.c: readers that take NULL and foreign types, integers at the
 * edges of 64 bits, and deep equality.
 */
#include "tests/unit/rows.h"

struct number_row {
	const char *json;
	bool is_i64, is_u64;
	int64_t i64;
	uint64_t u64;
};

static const struct number_row number_rows[] = {
	{"0", true, true, 0, 0},
	{"-1", true, false, -1, 0},
	{"9223372036854775807", true, true, INT64_MAX, INT64_MAX},
	{"-9223372036854775808", true, false, INT64_MIN, 0},
	{"1.0", false, false, 0, 0},
	{"'1'", false, false, 0, 0},
	{"true", false, false, 0, 0},
	{"null", false, false, 0, 0},
	{"[1]", false, false, 0, 0},
};

static void
test_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(number_rows); i++) {
		const struct number_row *row = &number_rows[i];
		struct row_tree t = row_tree(row->json);
		int64_t s = 77;
		uint64_t u = 77;

		check(row->json, wh_obj_i64(&t.tree.root, &s) == row->is_i64);
		check(row->json, s == (row->is_i64 ? row->i64 : 77));
		check(row->json, wh_obj_u64(&t.tree.root, &u) == row->is_u64);
		check(row->json, u == (row->is_u64 ? row->u64 : 77));
		row_tree_fini(&t);
	}
}

/* Signed forms of numbers that are not negative, and 2^63. */
static void
test_number_forms(void **state)
{
	struct wh_tree tree;
	int64_t s;
	uint64_t u;

	(void)state;
	assert_int_equal(wh_unpack(&tree, WH_STR("\xd3\0\0\0\0\0\0\0\5"), NULL), 0);
	assert_true(wh_obj_u64(&tree.root, &u) && u == 5);
	wh_tree_fini(&tree);
	assert_int_equal(wh_unpack(&tree, WH_STR("\xcf\x80\0\0\0\0\0\0\0"), NULL), 0);
	assert_false(wh_obj_i64(&tree.root, &s));
	assert_true(wh_obj_u64(&tree.root, &u) && u == (uint64_t)1 << 63);
	wh_tree_fini(&tree);
}

static void
test_readers(void **state)
{
	struct row_tree t =
		row_tree("{'s': 'x', 'e': '', 'i': -3, 'u': 3, 'b': true, 'n': null, 'm': {}}");
	const msgpack_object *o = &t.tree.root;
	struct wh_str text = WH_STR_NULL;
	bool yes = false;

	(void)state;
	assert_true(wh_str_is(wh_obj_str_at(o, "s"), "x"));
	assert_true(wh_obj_str_at(o, "e").n == 0 && wh_obj_str_at(o, "e").p);
	assert_true(wh_obj_str_at(o, "i").p == NULL);
	assert_true(wh_obj_str_at(o, "absent").p == NULL);
	assert_int_equal(wh_obj_i64_at(o, "i", 9), -3);
	assert_int_equal(wh_obj_i64_at(o, "s", 9), 9);
	assert_int_equal(wh_obj_u64_at(o, "u", 9), 3);
	assert_int_equal(wh_obj_u64_at(o, "i", 9), 9);
	assert_true(wh_obj_bool_at(o, "b", false));
	assert_true(wh_obj_bool_at(o, "i", true));
	assert_false(wh_obj_bool_at(o, "absent", false));
	assert_true(wh_obj_is_nil(wh_obj_get(o, "n")));
	assert_true(wh_obj_is_nil(wh_obj_get(o, "absent")));
	assert_false(wh_obj_is_nil(wh_obj_get(o, "m")));
	assert_null(wh_obj_get(wh_obj_get(o, "s"), "x"));
	assert_null(wh_obj_get(NULL, "x"));
	assert_null(wh_obj_getn(o, WH_STR("s\0")));
	assert_false(wh_obj_str(NULL, &text));
	assert_false(wh_obj_bool(NULL, &yes));
	assert_true(wh_obj_bool(wh_obj_get(o, "b"), &yes) && yes);
	row_tree_fini(&t);
}

static void
test_bin_is_text(void **state)
{
	struct wh_tree tree;

	(void)state;
	assert_int_equal(wh_unpack(&tree, WH_STR("\x81\xc4\1k\xc4\2ab"), NULL), 0);
	assert_true(wh_str_is(wh_obj_str_at(&tree.root, "k"), "ab"));
	wh_tree_fini(&tree);
}

struct eq_row {
	const char *a, *b;
	bool eq;
};

static const struct eq_row eq_rows[] = {
	{"null", "null", true},
	{"null", "false", false},
	{"true", "true", true},
	{"true", "false", false},
	{"1", "1", true},
	{"1", "2", false},
	{"1", "-1", false},
	{"-1", "-1", true},
	{"1", "1.0", false},
	{"1.5", "1.5", true},
	{"1.5", "1.25", false},
	{"0.0", "-0.0", false},
	{"'a'", "'a'", true},
	{"'a'", "'b'", false},
	{"'1'", "1", false},
	{"1", "'1'", false},
	{"[]", "{}", false},
	{"[1, 2]", "[1, 2]", true},
	{"[1, 2]", "[2, 1]", false},
	{"[1]", "[1, 1]", false},
	{"{'a': 1, 'b': [2]}", "{'b': [2], 'a': 1}", true},
	{"{'a': 1, 'b': [2]}", "{'b': [3], 'a': 1}", false},
	{"{'a': 1}", "{'b': 1}", false},
	{"{'a': null}", "{'b': null}", false},
	{"{'a': null}", "{}", false},
};

static void
test_eq(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(eq_rows); i++) {
		struct row_tree a = row_tree(eq_rows[i].a);
		struct row_tree b = row_tree(eq_rows[i].b);

		check(eq_rows[i].a, wh_obj_eq(&a.tree.root, &b.tree.root) == eq_rows[i].eq);
		check(eq_rows[i].a, wh_obj_eq(&b.tree.root, &a.tree.root) == eq_rows[i].eq);
		row_tree_fini(&a);
		row_tree_fini(&b);
	}
	assert_true(wh_obj_eq(NULL, NULL));
}

static bool
packed_eq(struct wh_str a, struct wh_str b)
{
	struct wh_tree ta, tb;

	assert_int_equal(wh_unpack(&ta, a, NULL), 0);
	assert_int_equal(wh_unpack(&tb, b, NULL), 0);
	bool eq = wh_obj_eq(&ta.root, &tb.root);

	wh_tree_fini(&ta);
	wh_tree_fini(&tb);
	return eq;
}

static void
test_eq_forms(void **state)
{
	(void)state;
	assert_true(packed_eq(WH_STR("\xc4\1a"), WH_STR("\xa1"
							"a")));
	assert_true(packed_eq(WH_STR("\xd3\0\0\0\0\0\0\0\5"), WH_STR("\x05")));
	assert_true(packed_eq(WH_STR("\xca\x3f\x80\0\0"), WH_STR("\xcb\x3f\xf0\0\0\0\0\0\0")));
	/* NaN is itself, or a row holding it would change for ever */
	assert_true(packed_eq(WH_STR("\xcb\x7f\xf8\0\0\0\0\0\0"),
			      WH_STR("\xcb\x7f\xf8\0\0\0\0\0\0")));
}

/* k0 .. k(n-1) upwards or downwards; the value of one may differ. */
static void
pack_ordered(struct wh_buf *b, unsigned n, bool down, unsigned odd)
{
	wh_pack_map(b, n);
	for (unsigned i = 0; i < n; i++) {
		unsigned k = down ? n - 1 - i : i;
		char key[16];

		snprintf(key, sizeof(key), "k%u", k);
		wh_pack_kv_uint(b, key, k == odd ? 1000000 : k);
	}
}

static void
test_eq_large_maps(void **state)
{
	static const unsigned sizes[] = {23, 24, 40000};

	(void)state;
	for (size_t i = 0; i < wh_array_len(sizes); i++) {
		struct wh_buf up = WH_BUF_NULL, down = WH_BUF_NULL, odd = WH_BUF_NULL;

		pack_ordered(&up, sizes[i], false, UINT32_MAX);
		pack_ordered(&down, sizes[i], true, UINT32_MAX);
		pack_ordered(&odd, sizes[i], true, 7);
		check("order", packed_eq(wh_buf_view(&up), wh_buf_view(&down)));
		check("value", !packed_eq(wh_buf_view(&up), wh_buf_view(&odd)));
		wh_buf_fini(&up);
		wh_buf_fini(&down);
		wh_buf_fini(&odd);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_number_forms),
		cmocka_unit_test(test_readers),
		cmocka_unit_test(test_bin_is_text),
		cmocka_unit_test(test_eq),
		cmocka_unit_test(test_eq_forms),
		cmocka_unit_test(test_eq_large_maps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
