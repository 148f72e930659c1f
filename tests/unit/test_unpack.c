/* SPDX-License-Identifier: MIT */
/*
 * proto/unpack.c and proto/pairs.c: what decodes, what is refused as a bad
 * tree, and splitting a stored map without decoding it.
 */
#include "tests/unit/rows.h"

#define S(literal)                                                                             \
	{                                                                                      \
		literal, sizeof(literal) - 1                                                   \
	}

struct unpack_row {
	const char *what;
	struct wh_str in;
	int r;
};

static const struct unpack_row rows[] = {
	{"nothing", S(""), WH_EPROTO},
	{"scalar", S("\x01"), 0},
	{"empty map", S("\x80"), 0},
	{"map",
	 S("\x82\xa1"
	   "a\x01\xa1"
	   "b\x02"),
	 0},
	{"same key twice",
	 S("\x82\xa1"
	   "a\x01\xa1"
	   "a\x02"),
	 WH_EPROTO},
	{"same key as str and bin",
	 S("\x82\xa1"
	   "a\x01\xc4\1a\x02"),
	 WH_EPROTO},
	{"bin key", S("\x81\xc4\1a\x02"), 0},
	{"same key in another map",
	 S("\x92\x81\xa1"
	   "a\x01\x81\xa1"
	   "a\x01"),
	 0},
	{"same key twice, deep",
	 S("\x91\x81\xa1"
	   "a\x82\xa1x\xc0\xa1x\xc0"),
	 WH_EPROTO},
	{"integer key", S("\x81\x01\x02"), WH_EPROTO},
	{"nil key", S("\x81\xc0\x02"), WH_EPROTO},
	{"array key", S("\x81\x90\x02"), WH_EPROTO},
	{"key that is not UTF-8", S("\x81\xa1\xff\x02"), WH_EPROTO},
	{"empty key", S("\x81\xa0\x02"), 0},
	{"cut", S("\x92\x01"), WH_EPROTO},
	{"bytes after it", S("\x01\x01"), WH_EPROTO},
	{"ext", S("\xd4\1\1"), WH_EPROTO},
	{"claims 4 GB", S("\xdd\x0a\x22\x22\x22"), WH_ELIMIT},
	{"claims 100,000 and more", S("\xdd\0\1\x86\xa0"), WH_ELIMIT},
};

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(rows); i++) {
		struct wh_tree tree = {0};
		int r = wh_unpack(&tree, rows[i].in, NULL);

		check(rows[i].what, r == rows[i].r);
		wh_tree_fini(&tree);
		wh_tree_fini(&tree); /* twice does no harm */
	}
}

/* A map of n members k0, k1, ... of which member `twin` is named like the last. */
static void
pack_large(struct wh_buf *b, unsigned n, unsigned twin)
{
	wh_pack_map(b, n);
	for (unsigned i = 0; i < n; i++) {
		char key[16];

		snprintf(key, sizeof(key), "k%u", i == twin ? n - 1 : i);
		wh_pack_kv_uint(b, key, i);
	}
}

static void
test_large_maps(void **state)
{
	static const unsigned sizes[] = {2, 23, 24, 25, 1000, 40000};

	(void)state;
	for (size_t i = 0; i < wh_array_len(sizes); i++) {
		struct wh_buf good = WH_BUF_NULL, bad = WH_BUF_NULL;
		struct wh_tree tree;

		pack_large(&good, sizes[i], UINT32_MAX);
		pack_large(&bad, sizes[i], 0);
		check("unique", wh_unpack(&tree, wh_buf_view(&good), NULL) == 0);
		wh_tree_fini(&tree);
		check("twin", wh_unpack(&tree, wh_buf_view(&bad), NULL) == WH_EPROTO);
		wh_buf_fini(&good);
		wh_buf_fini(&bad);
	}
}

static void
test_limits(void **state)
{
	const struct wh_frame_limits small = {4, 1, 3};
	struct wh_tree tree;

	(void)state;
	assert_int_equal(wh_unpack(&tree, WH_STR("\x92\x01\x02"), &small), 0);
	wh_tree_fini(&tree);
	assert_int_equal(wh_unpack(&tree, WH_STR("\x93\x01\x02\x03"), &small), WH_ELIMIT);
	assert_int_equal(wh_unpack(&tree, WH_STR("\x91\x91\x02"), &small), WH_ELIMIT);
	assert_int_equal(wh_unpack(&tree,
				   WH_STR("\xa4"
					  "abcd"),
				   &small),
			 WH_ELIMIT);
}

static void
test_text_points_into_input(void **state)
{
	static const char in[] = "\x81\xa1k\xa5hello";
	struct wh_tree tree;

	(void)state;
	assert_int_equal(wh_unpack(&tree, wh_str(in, sizeof(in) - 1), NULL), 0);
	assert_ptr_equal(wh_obj_str_at(&tree.root, "k").p, in + 4);
	wh_tree_fini(&tree);
}

struct split_row {
	const char *what;
	struct wh_str in;
	int r;
	uint32_t count;
	size_t head;
};

static const struct split_row split_rows[] = {
	{"nothing", S(""), WH_EPROTO, 0, 0},
	{"empty", S("\x80"), 0, 0, 1},
	{"fixmap",
	 S("\x82\xa1"
	   "a\x01\xa1"
	   "b\x02"),
	 0, 2, 1},
	{"map 16", S("\xde\x01\x02rest"), 0, 258, 3},
	{"map 32", S("\xdf\x00\x01\x00\x02rest"), 0, 65538, 5},
	{"map 16 cut", S("\xde\x01"), WH_EPROTO, 0, 0},
	{"map 32 cut", S("\xdf\x01\x01\x01"), WH_EPROTO, 0, 0},
	{"array", S("\x91\x01"), WH_EPROTO, 0, 0},
	{"text",
	 S("\xa1"
	   "a"),
	 WH_EPROTO, 0, 0},
	{"nil", S("\xc0"), WH_EPROTO, 0, 0},
};

static void
test_split(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(split_rows); i++) {
		const struct split_row *row = &split_rows[i];
		uint32_t count = 0;
		struct wh_str members = WH_STR_NULL;

		check(row->what, wh_map_split(row->in, &count, &members) == row->r);
		if (row->r)
			continue;
		check(row->what, count == row->count);
		check(row->what, members.p == row->in.p + row->head);
		check(row->what, members.n == row->in.n - row->head);
	}
}

/* What it is for: a stored row is served with one member appended. */
static void
test_split_append(void **state)
{
	struct wh_buf row = WH_BUF_NULL, served = WH_BUF_NULL, json = WH_BUF_NULL;
	uint32_t count;
	struct wh_str members;

	(void)state;
	pack_large(&row, 15, UINT32_MAX);
	assert_int_equal(wh_map_split(wh_buf_view(&row), &count, &members), 0);
	wh_pack_map(&served, count + 1u);
	wh_buf_str(&served, members);
	wh_pack_kv_c(&served, "_whd", "x");
	assert_int_equal(wh_json_from_pack(&json, wh_buf_view(&served), 0), 0);
	assert_true(says(&json, "\"k14\":14,\"_whd\":\"x\"}"));
	wh_buf_fini(&row);
	wh_buf_fini(&served);
	wh_buf_fini(&json);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),   cmocka_unit_test(test_large_maps),
		cmocka_unit_test(test_limits), cmocka_unit_test(test_text_points_into_input),
		cmocka_unit_test(test_split),  cmocka_unit_test(test_split_append),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
