/* SPDX-License-Identifier: MIT */
/*
 * proto/glance.c: finds in the bytes of a row what decoding it finds, for rows
 * of all kinds of values, and reads nothing beyond a cut.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/glance.h"

static uint64_t
next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void
pack_text(struct wh_buf *b, uint64_t *seed)
{
	static const size_t lengths[] = {0, 1, 31, 32, 255, 256, 70000};
	static const char text[70000] = {'t'};
	struct wh_str s =
		wh_str(text, lengths[next_random(seed) % (next_random(seed) % 8 ? 4 : 7)]);

	if (next_random(seed) % 5)
		wh_pack_str(b, s);
	else
		wh_pack_bin(b, s);
}

static void
pack_any(struct wh_buf *b, uint64_t *seed, unsigned depth)
{
	size_t n = next_random(seed) % 20;

	switch (next_random(seed) % (depth ? 9 : 7)) {
	case 0:
		wh_pack_nil(b);
		return;
	case 1:
		wh_pack_bool(b, n & 1);
		return;
	case 2:
		wh_pack_uint(b, next_random(seed) >> (n * 3));
		return;
	case 3:
		wh_pack_int(b, -(int64_t)(next_random(seed) >> (n * 3 + 1)));
		return;
	case 4:
		wh_pack_double(b, (double)n / 3);
		return;
	case 5:
	case 6:
		pack_text(b, seed);
		return;
	case 7:
		wh_pack_array(b, n);
		for (size_t i = 0; i < n; i++)
			pack_any(b, seed, depth - 1);
		return;
	default:
		wh_pack_map(b, n);
		for (size_t i = 0; i < n; i++) {
			char name[4] = {'n', (char)('a' + i), '\0', '\0'};

			wh_pack_c(b, name);
			pack_any(b, seed, depth - 1);
		}
	}
}

static void
pack_row(struct wh_buf *b, uint64_t *seed)
{
	size_t at = wh_pack_open_map(b), n = 0;

	for (unsigned f = 0; f < WH_F_COUNT; f++) {
		if (next_random(seed) % 6 == 0)
			continue;
		wh_pack_c(b, wh_fields[f].name);
		if (wh_fields[f].type != WH_FT_SET && next_random(seed) % 4) {
			pack_text(b, seed);
		} else if (wh_fields[f].type == WH_FT_SET && next_random(seed) % 4) {
			size_t items = next_random(seed) % 20;

			wh_pack_array(b, items);
			for (size_t i = 0; i < items; i++)
				pack_any(b, seed, (unsigned)(next_random(seed) % 3));
		} else {
			pack_any(b, seed, 2);
		}
		n++;
	}
	if (next_random(seed) % 2) {
		wh_pack_c(b, "other");
		pack_any(b, seed, 3);
		n++;
	}
	wh_pack_close_map(b, at, n);
	assert_int_equal(b->fault, 0);
}

static void
compare_items(struct wh_items items, const msgpack_object *set)
{
	struct wh_str want, got;

	for (uint32_t i = 0; i < set->via.array.size; i++) {
		if (!wh_obj_str(&set->via.array.ptr[i], &want))
			continue;
		assert_true(wh_items_next(&items, &got));
		assert_true(wh_str_eq(got, want));
	}
	assert_false(wh_items_next(&items, &got));
}

static void
compare(struct wh_str body)
{
	struct wh_record want;
	struct wh_glance got;
	struct wh_tree tree;

	assert_int_equal(wh_unpack(&tree, body, NULL), 0);
	wh_record_view(&tree.root, &want);
	assert_int_equal(wh_glance(body, &got), 0);
	for (unsigned f = 0; f < WH_F_COUNT; f++) {
		const msgpack_object *set = want.set[f];

		/* Of an array that is not all text the text in it can still be looked for. */
		if (want.odd[f] && wh_fields[f].type == WH_FT_SET &&
		    want.odd[f]->type == MSGPACK_OBJECT_ARRAY) {
			set = want.odd[f];
			want.seen |= 1u << f;
		}
		assert_true(wh_str_eq(got.text[f], want.text[f]));
		if (set)
			compare_items(got.set[f], set);
	}
	assert_int_equal(got.seen, want.seen);
	wh_tree_fini(&tree);
}

static void
test_finds_what_decoding_finds(void **state)
{
	uint64_t seed = 0x9e3779b97f4a7c15u;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		struct wh_buf b = WH_BUF_NULL;

		pack_row(&b, &seed);
		compare(wh_buf_view(&b));
		wh_buf_fini(&b);
	}
}

/* Each copy ends where the row is cut, so that a sanitizer sees a read beyond. */
static void
test_cut_rows_are_refused(void **state)
{
	uint64_t seed = 77;

	(void)state;
	for (int i = 0; i < 60; i++) {
		struct wh_buf b = WH_BUF_NULL;
		struct wh_glance g;

		pack_row(&b, &seed);
		for (size_t n = 0; n < b.n && n < 600; n++) {
			struct wh_buf cut = WH_BUF_NULL;

			wh_buf_add(&cut, b.p, n);
			assert_int_equal(wh_glance(wh_buf_view(&cut), &g), WH_EPROTO);
			wh_buf_fini(&cut);
		}
		wh_buf_fini(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_what_decoding_finds),
		cmocka_unit_test(test_cut_rows_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
