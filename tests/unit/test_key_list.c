/* SPDX-License-Identifier: MIT */
/* key_list.c: what was added comes back in order; a list that was cut ends where it was cut. */
#include "daemon/key_list.h"
#include "tests/unit/rows.h"

static const char *const keys[] = {"a", "7a0de37c-90ae-4c0e-aaaa-1d7ee9b5b4d2", "tmp-x",
				   "\xc3\xa4"};

static struct wh_buf
all_of_them(void)
{
	struct wh_buf list = WH_BUF_NULL;

	for (size_t i = 0; i < wh_array_len(keys); i++)
		wh_key_list_add(&list, wh_str_c(keys[i]));
	assert_int_equal(list.fault, 0);
	return list;
}

static void
test_in_order(void **state)
{
	struct wh_buf list = all_of_them();
	size_t at = 0;

	(void)state;
	for (size_t i = 0; i < wh_array_len(keys); i++)
		assert_true(wh_str_is(wh_key_list_next(wh_buf_view(&list), &at), keys[i]));
	assert_int_equal(wh_key_list_next(wh_buf_view(&list), &at).n, 0);
	assert_int_equal(wh_key_list_next(WH_STR_NULL, &(size_t){0}).n, 0);
	wh_buf_fini(&list);
}

static void
test_cut(void **state)
{
	struct wh_buf list = all_of_them();

	(void)state;
	for (size_t n = 0; n < list.n; n++) {
		char *cut = malloc(n ? n : 1); /* so that a sanitizer sees what lies behind */
		size_t at = 0, got = 0;

		memcpy(cut, list.p, n);
		while (wh_key_list_next(wh_str(cut, n), &at).n)
			got++;
		assert_true(got < wh_array_len(keys));
		assert_true(at <= n);
		free(cut);
	}
	wh_buf_fini(&list);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
