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

/* One of each head, at its ends; msgpack-c must find the same. */
static const struct wh_str forms[] = {
	S("\xc0"),
	S("\xc2"),
	S("\xc3"),
	S("\x00"),
	S("\x7f"),
	S("\xe0"),
	S("\xff"),
	S("\xcc\xff"),
	S("\xcd\xff\xfe"),
	S("\xce\xff\xff\xff\xfe"),
	S("\xcf\xff\xff\xff\xff\xff\xff\xff\xfe"),
	S("\xd0\x80"),
	S("\xd0\x7f"),
	S("\xd1\x80\x01"),
	S("\xd1\x7f\xff"),
	S("\xd2\x80\x00\x00\x01"),
	S("\xd2\x7f\xff\xff\xff"),
	S("\xd3\x80\x00\x00\x00\x00\x00\x00\x01"),
	S("\xd3\x7f\xff\xff\xff\xff\xff\xff\xff"),
	S("\xca\x40\x49\x0f\xdb"),
	S("\xcb\x40\x09\x21\xfb\x54\x44\x2d\x18"),
	S("\xa0"),
	S("\xa3xyz"),
	S("\xd9\x02xy"),
	S("\xda\x00\x02xy"),
	S("\xdb\x00\x00\x00\x02xy"),
	S("\xc4\x02xy"),
	S("\xc5\x00\x02xy"),
	S("\xc6\x00\x00\x00\x02xy"),
	S("\x90"),
	S("\x92\x01\xa1x"),
	S("\xdc\x00\x02\x01\x02"),
	S("\xdd\x00\x00\x00\x02\x01\x02"),
	S("\x80"),
	S("\xde\x00\x01\xa1x\x01"),
	S("\xdf\x00\x00\x00\x01\xa1x\x91\xc0"),
};

static void
check_form(struct wh_str in, struct wh_tree_room *room)
{
	const struct wh_frame_limits limits = {100, 4, 10};
	struct wh_frame frame;
	struct wh_tree tree;
	msgpack_unpacked theirs;
	size_t off = 0, len;
	struct wh_buf packed = WH_BUF_NULL, again = WH_BUF_NULL;

	wh_frame_init(&frame, &limits);
	assert_int_equal(wh_frame_scan(&frame, in.p, in.n, &len), 0);
	assert_int_equal(wh_unpack_scanned(&tree, in, frame.elements, room), 0);
	assert_true(!room == (tree.memory != NULL));
	msgpack_unpacked_init(&theirs);
	assert_int_equal(msgpack_unpack_next(&theirs, in.p, in.n, &off),
			 MSGPACK_UNPACK_SUCCESS);
	assert_int_equal(tree.root.type, theirs.data.type);
	assert_true(wh_obj_eq(&tree.root, &theirs.data));
	wh_pack_object(&packed, &tree.root);
	wh_pack_object(&again, &theirs.data);
	assert_true(wh_str_eq(wh_buf_view(&packed), wh_buf_view(&again)));
	msgpack_unpacked_destroy(&theirs);
	wh_tree_fini(&tree);
	wh_buf_fini(&packed);
	wh_buf_fini(&again);
}

static void
test_forms(void **state)
{
	struct wh_tree_room room;

	(void)state;
	for (size_t i = 0; i < wh_array_len(forms); i++) {
		check_form(forms[i], NULL);
		check_form(forms[i], &room);
	}
}

/* What does not fit into the room gets memory of its own. */
static void
test_more_than_the_room(void **state)
{
	const uint32_t most = wh_array_len(((struct wh_tree_room *)NULL)->objects);
	struct wh_tree_room room;

	(void)state;
	for (uint32_t n = most - 2; n < most + 2; n++) {
		struct wh_buf b = WH_BUF_NULL;
		struct wh_tree tree;

		wh_pack_array(&b, n);
		for (uint32_t i = 0; i < n; i++)
			wh_pack_uint(&b, i);
		assert_int_equal(wh_unpack_scanned(&tree, wh_buf_view(&b), n + 1, &room), 0);
		assert_true((tree.memory == NULL) == (n + 1 <= most));
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(tree.root.via.array.ptr[i].via.u64, i);
		wh_tree_fini(&tree);
		wh_buf_fini(&b);
	}
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
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_large_maps),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_more_than_the_room),
		cmocka_unit_test(test_text_points_into_input),
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_split_append),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
