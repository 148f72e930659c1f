/* SPDX-License-Identifier: MIT */
/*
 * The folded form of webhook ids, and the order of keys.
 */
#include "tests/unit/store_fixture.h"

#include "store/index.h"

static const struct {
	const char *what;
	const char *whid;
	const char *folded;
} folds[] = {
	{"an upper-case GUID", "3F2504E0-4F89-11D3-9A0C-0305E82C3301",
	 "3f2504e0-4f89-11d3-9a0c-0305e82c3301"},
	{"a mixed GUID", "3f2504E0-4F89-11d3-9A0C-0305e82C3301",
	 "3f2504e0-4f89-11d3-9a0c-0305e82c3301"},
	{"a lower-case GUID", "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
	 "3f2504e0-4f89-11d3-9a0c-0305e82c3301"},
	{"not hexadecimal", "3F2504E0-4F89-11D3-9A0C-0305E82C330G",
	 "3F2504E0-4F89-11D3-9A0C-0305E82C330G"},
	{"a number", "42", "42"},
	{"a name", "Hook-A", "Hook-A"},
	{"nothing", "", ""},
};

static void
test_folds(void **state)
{
	char buf[WH_KEY_MAX];

	(void)state;
	for (size_t i = 0; i < wh_array_len(folds); i++) {
		struct wh_str got = wh_key_fold(wh_str_c(folds[i].whid), buf);

		if (!wh_str_is(got, folds[i].folded))
			fail_msg("%s: %.*s", folds[i].what, WH_STR_FMT(got));
	}
}

static void
test_fold_bounds(void **state)
{
	char buf[WH_KEY_MAX];
	char id[WH_KEY_MAX + 1];

	(void)state;
	memset(id, 'I', sizeof(id));
	assert_int_equal(wh_key_fold(wh_str(id, WH_KEY_MAX), buf).n, WH_KEY_MAX);
	struct wh_str none = wh_key_fold(wh_str(id, WH_KEY_MAX + 1), buf);

	assert_null(none.p);
	assert_int_equal(none.n, 0);
}

static void
test_times_keep_their_order(void **state)
{
	static const int64_t times[] = {INT64_MIN, -1000, -1, 0, 1, 1000, INT64_MAX};
	uint8_t before[8] = {0};
	uint8_t now[8];

	(void)state;
	for (size_t i = 0; i < wh_array_len(times); i++) {
		wh_be_put(now, wh_be_from_time(times[i]), 8);
		assert_true(i == 0 || memcmp(before, now, 8) < 0);
		assert_true(wh_be_to_time(wh_be_get(now, 8)) == times[i]);
		memcpy(before, now, 8);
	}
}

static void
test_bad_keys(void **state)
{
	char id[400];
	struct wh_key k;

	(void)state;
	memset(id, 'x', sizeof(id));
	wh_key_id(&k, WH_STR_NULL);
	assert_true(k.bad);
	wh_key_id(&k, wh_str(id, 257));
	assert_true(k.bad);
	wh_key_id(&k, wh_str(id, 256));
	assert_false(k.bad);
	wh_key_lane(&k, 'l', wh_str("a\0b", 3));
	assert_true(k.bad);
	wh_index_by_lane(&k, wh_str(id, 256), UINT64_MAX);
	assert_false(k.bad);
	wh_key_init(&k);
	wh_key_add(&k, wh_str(id, 400));
	assert_true(k.bad);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_folds),
		cmocka_unit_test(test_fold_bounds),
		cmocka_unit_test(test_times_keep_their_order),
		cmocka_unit_test(test_bad_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
