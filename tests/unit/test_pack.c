/* SPDX-License-Identifier: MIT */
/*
 * proto/pack.c: every writer gives the shortest form, maps of unknown size
 * close to it too, and a full buffer is a sticky fault.
 */
#include "tests/unit/rows.h"

struct int_row {
	int64_t v;
	struct wh_str out;
};

#define S(literal)                                                                             \
	{                                                                                      \
		literal, sizeof(literal) - 1                                                   \
	}

static const struct int_row int_rows[] = {
	{0, S("\x00")},
	{127, S("\x7f")},
	{128, S("\xcc\x80")},
	{255, S("\xcc\xff")},
	{256, S("\xcd\x01\x00")},
	{65536, S("\xce\x00\x01\x00\x00")},
	{4294967296, S("\xcf\0\0\0\1\0\0\0\0")},
	{INT64_MAX, S("\xcf\x7f\xff\xff\xff\xff\xff\xff\xff")},
	{-1, S("\xff")},
	{-32, S("\xe0")},
	{-33, S("\xd0\xdf")},
	{-129, S("\xd1\xff\x7f")},
	{INT64_MIN, S("\xd3\x80\0\0\0\0\0\0\0")},
};

static void
test_integers(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(int_rows); i++) {
		const struct int_row *row = &int_rows[i];
		struct wh_buf b = WH_BUF_NULL;

		wh_pack_int(&b, row->v);
		check("int", holds(&b, row->out.p, row->out.n));
		wh_buf_reset(&b);
		if (row->v >= 0) {
			wh_pack_uint(&b, (uint64_t)row->v);
			check("uint", holds(&b, row->out.p, row->out.n));
		}
		wh_buf_fini(&b);
	}
}

static void
test_scalars(void **state)
{
	struct wh_buf b = WH_BUF_NULL;

	(void)state;
	wh_pack_nil(&b);
	wh_pack_bool(&b, true);
	wh_pack_bool(&b, false);
	wh_pack_double(&b, 1.0);
	wh_pack_c(&b, NULL);
	wh_pack_c(&b, "ab");
	wh_pack_str(&b, WH_STR_NULL);
	wh_pack_bin(&b, WH_STR("x"));
	wh_pack_uint(&b, UINT64_MAX);
	assert_true(holds(&b,
			  "\xc0\xc3\xc2\xcb\x3f\xf0\0\0\0\0\0\0\xc0\xa2"
			  "ab\xa0\xc4\1x\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
			  29));
	wh_buf_fini(&b);
}

struct size_row {
	size_t n;
	struct wh_str str, bin, array, map;
};

static const struct size_row size_rows[] = {
	{0, S("\xa0"), S("\xc4\0"), S("\x90"), S("\x80")},
	{15, S("\xaf"), S("\xc4\x0f"), S("\x9f"), S("\x8f")},
	{16, S("\xb0"), S("\xc4\x10"), S("\xdc\0\x10"), S("\xde\0\x10")},
	{31, S("\xbf"), S("\xc4\x1f"), S("\xdc\0\x1f"), S("\xde\0\x1f")},
	{32, S("\xd9\x20"), S("\xc4\x20"), S("\xdc\0\x20"), S("\xde\0\x20")},
	{255, S("\xd9\xff"), S("\xc4\xff"), S("\xdc\0\xff"), S("\xde\0\xff")},
	{256, S("\xda\1\0"), S("\xc5\1\0"), S("\xdc\1\0"), S("\xde\1\0")},
	{65536, S("\xdb\0\1\0\0"), S("\xc6\0\1\0\0"), S("\xdd\0\1\0\0"), S("\xdf\0\1\0\0")},
};

static bool
begins(const struct wh_buf *b, struct wh_str head)
{
	return b->n >= head.n && memcmp(b->p, head.p, head.n) == 0;
}

static void
test_heads(void **state)
{
	char *bytes = wh_xcalloc(65536, 1);

	(void)state;
	for (size_t i = 0; i < wh_array_len(size_rows); i++) {
		const struct size_row *row = &size_rows[i];
		struct wh_buf b = WH_BUF_NULL;

		wh_pack_str(&b, wh_str(bytes, row->n));
		check("str", begins(&b, row->str) && b.n == row->str.n + row->n);
		wh_buf_reset(&b);
		wh_pack_bin(&b, wh_str(bytes, row->n));
		check("bin", begins(&b, row->bin) && b.n == row->bin.n + row->n);
		wh_buf_reset(&b);
		wh_pack_array(&b, row->n);
		check("array", holds(&b, row->array.p, row->array.n));
		wh_buf_reset(&b);
		wh_pack_map(&b, row->n);
		check("map", holds(&b, row->map.p, row->map.n));
		wh_buf_fini(&b);
	}
	free(bytes);
}

/* Whatever the number of items, opening and closing gives the same bytes as
 * knowing the number beforehand. */
static void
test_open_close(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(size_rows); i++) {
		size_t n = size_rows[i].n;
		struct wh_buf known = WH_BUF_NULL, opened = WH_BUF_NULL;

		wh_pack_array(&known, 2);
		wh_pack_array(&known, n);
		for (size_t j = 0; j < n; j++)
			wh_pack_uint(&known, j);
		wh_pack_map(&known, 1);
		wh_pack_kv_c(&known, "k", "v");

		size_t outer = wh_pack_open_array(&opened);
		size_t inner = wh_pack_open_array(&opened);
		for (size_t j = 0; j < n; j++)
			wh_pack_uint(&opened, j);
		wh_pack_close_array(&opened, inner, n);
		inner = wh_pack_open_map(&opened);
		wh_pack_kv_c(&opened, "k", "v");
		wh_pack_close_map(&opened, inner, 1);
		wh_pack_close_array(&opened, outer, 2);

		check("same bytes", holds(&opened, known.p, known.n));
		wh_buf_fini(&known);
		wh_buf_fini(&opened);
	}
}

static void
test_members(void **state)
{
	struct wh_buf b = WH_BUF_NULL, json = WH_BUF_NULL;

	(void)state;
	wh_pack_map(&b, 8);
	wh_pack_kv_str(&b, "s", WH_STR("x"));
	wh_pack_kv_c(&b, "c", "y");
	wh_pack_kv_c(&b, "none", NULL);
	wh_pack_kv_int(&b, "i", -5);
	wh_pack_kv_uint(&b, "u", 5);
	wh_pack_kv_bool(&b, "b", true);
	wh_pack_kv_nil(&b, "n");
	wh_pack_kv_raw(&b, "r", WH_STR("\x91\x01"));
	assert_int_equal(wh_json_from_pack(&json, wh_buf_view(&b), 0), 0);
	wh_buf_byte(&json, '\0');
	assert_string_equal(json.p, "{\"s\":\"x\",\"c\":\"y\",\"none\":null,\"i\":-5,\"u\":5,"
				    "\"b\":true,\"n\":null,\"r\":[1]}");
	wh_buf_fini(&b);
	wh_buf_fini(&json);
}

static void
test_object(void **state)
{
	static const char in[] =
		"\x97\xc0\xc3\x05\xfb\xca\x3f\x80\0\0\xc4\1b\x81\xa1k\x91\xcf\xff"
		"\xff\xff\xff\xff\xff\xff\xff";
	struct wh_buf b = WH_BUF_NULL;
	struct wh_tree tree;

	(void)state;
	assert_int_equal(wh_unpack(&tree, wh_str(in, sizeof(in) - 1), NULL), 0);
	wh_pack_object(&b, &tree.root);
	assert_true(holds(&b, in, sizeof(in) - 1));
	wh_tree_fini(&tree);
	wh_buf_fini(&b);
}

static void
test_full(void **state)
{
	struct wh_buf b = wh_buf_capped(10);

	(void)state;
	size_t place = wh_pack_open_map(&b);
	wh_pack_kv_c(&b, "key", "a value too long");
	wh_pack_close_map(&b, place, 1);
	assert_int_equal(b.fault, WH_ELIMIT);
	assert_true(b.n <= 10);
	place = wh_pack_open_array(&b);
	wh_pack_close_array(&b, place, 0);
	assert_int_equal(b.fault, WH_ELIMIT);
	wh_buf_fini(&b);

	b = wh_buf_capped(3); /* not even the head fits */
	place = wh_pack_open_map(&b);
	wh_pack_close_map(&b, place, 0);
	assert_int_equal(b.fault, WH_ELIMIT);
	wh_buf_fini(&b);

	wh_pack_array(&b, (size_t)UINT32_MAX + 1);
	assert_int_equal(b.fault, WH_ELIMIT);
	wh_buf_fini(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers), cmocka_unit_test(test_scalars),
		cmocka_unit_test(test_heads),    cmocka_unit_test(test_open_close),
		cmocka_unit_test(test_members),  cmocka_unit_test(test_object),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
