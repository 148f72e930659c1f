/* SPDX-License-Identifier: MIT */
/*
 * proto/nearest.c: edit distances, their cap, and which name is offered.
 */
#include "tests/unit/rows.h"

#include "proto/nearest.h"

struct distance_row {
	const char *a, *b;
	unsigned cap, distance;
};

static const struct distance_row distance_rows[] = {
	{"", "", 9, 0},         {"a", "", 9, 1},
	{"", "abc", 9, 3},      {"abc", "abc", 9, 0},
	{"abc", "abd", 9, 1},   {"abc", "ab", 9, 1},
	{"abc", "xabc", 9, 1},  {"ab", "ba", 9, 1},
	{"abcd", "abdc", 9, 1}, {"kitten", "sitting", 9, 3},
	{"abc", "xyz", 9, 3},   {"abc", "xyz", 2, 2},
	{"whid", "whdi", 9, 1},
};

static void
test_distance(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(distance_rows); i++) {
		const struct distance_row *row = &distance_rows[i];
		struct wh_str a = wh_str_c(row->a), b = wh_str_c(row->b);

		check(row->a, wh_edit_distance(a, b, row->cap) == row->distance);
		check(row->a, wh_edit_distance(b, a, row->cap) == row->distance);
	}
}

static void
test_long_texts(void **state)
{
	char a[100], b[100];

	(void)state;
	memset(a, 'x', sizeof(a));
	memset(b, 'x', sizeof(b));
	assert_int_equal(wh_edit_distance(wh_str(a, 64), wh_str(b, 63), 9), 1);
	assert_int_equal(wh_edit_distance(wh_str(a, 65), wh_str(b, 64), 9), 9);
	assert_int_equal(wh_edit_distance(wh_str(a, 100), wh_str(b, 100), 9), 0);
	assert_int_equal(wh_edit_distance(WH_STR_NULL, wh_str(b, 64), 99), 64);
}

struct offer_row {
	const char *wanted;
	const char *nearest; /* NULL if none is near */
};

static const struct offer_row offer_rows[] = {
	{"whids", "whid"},     {"wihd", "whid"},       {"view", "view"}, {"VIEW", NULL},
	{"maxage", "max_age"}, {"max-age", "max_age"}, {"zzzz", NULL},   {"", NULL},
	{"o", "op"},           {"no", NULL}, /* as far from op as nothing at all */
};

static void
test_offers(void **state)
{
	static const char *const names[] = {"whid", "view", "max_age", "op"};

	(void)state;
	for (size_t i = 0; i < wh_array_len(offer_rows); i++) {
		const struct offer_row *row = &offer_rows[i];
		struct wh_nearest nearest = wh_nearest_begin(wh_str_c(row->wanted));

		for (size_t j = 0; j < wh_array_len(names); j++)
			wh_nearest_offer(&nearest, names[j]);
		if (!row->nearest)
			check(row->wanted, nearest.name == NULL);
		else
			check(row->wanted, nearest.name && !strcmp(nearest.name, row->nearest));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_distance),
		cmocka_unit_test(test_long_texts),
		cmocka_unit_test(test_offers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
