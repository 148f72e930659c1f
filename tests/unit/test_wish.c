/* SPDX-License-Identifier: MIT */
/* wish.c: the numbers of a create, and that they are never those of other members. */
#include "daemon/wish.h"
#include "daemon/form.h"
#include "proto/pack.h"
#include "tests/unit/rows.h"

static struct wh_buf
members(const char *name, const char *url, const char *comment)
{
	struct wh_buf b = WH_BUF_NULL;

	wh_pack_map(&b, 3);
	wh_pack_kv_c(&b, "whname", name);
	wh_pack_kv_c(&b, "callbackUrl", url);
	wh_pack_kv_c(&b, "whcomment", comment);
	return b;
}

static struct wh_wish
wish_of(struct wh_buf b)
{
	struct wh_wish w;
	uint64_t form[2];

	assert_int_equal(wh_wish_of(wh_buf_view(&b), &w), 0);
	assert_int_equal(wh_form_of_body(wh_buf_view(&b), form), 0);
	assert_memory_equal(w.form, form, sizeof(form));
	wh_buf_fini(&b);
	return w;
}

static bool
same_form(const struct wh_wish *a, const struct wh_wish *b)
{
	return memcmp(a->form, b->form, sizeof(a->form)) == 0;
}

static void
test_numbers(void **state)
{
	struct wh_wish a = wish_of(members("n", "https://h/a", "c"));
	struct wh_wish as_a = wish_of(members(" n", "HTTPS://H:443/a", "c"));
	struct wh_wish comment = wish_of(members("n", "https://h/a", "d"));
	struct wh_wish url = wish_of(members("n", "https://h/b", "c"));
	struct wh_wish name = wish_of(members("m", "https://h/a", "c"));

	(void)state;
	assert_true(same_form(&a, &as_a));
	assert_memory_equal(a.group, as_a.group, sizeof(a.group));
	assert_false(same_form(&a, &comment));
	assert_memory_equal(a.group, comment.group, sizeof(a.group));
	assert_true(a.group[0] != url.group[0] && a.group[1] == url.group[1]);
	assert_true(a.group[0] == name.group[0] && a.group[1] != name.group[1]);
}

static void
test_kept_for_the_same_bytes(void **state)
{
	struct wh_buf one = members("n", "https://h/a", "c"),
		      two = members("n", "https://h/b", "c");
	struct wh_wish w = {.of = WH_STR_NULL};

	(void)state;
	assert_int_equal(wh_wish_keep(wh_buf_view(&one), &w), 0);
	struct wh_wish first = w;

	w.form[0]++; /* a mark: it is not made again */
	assert_int_equal(wh_wish_keep(wh_buf_view(&one), &w), 0);
	assert_true(w.form[0] == first.form[0] + 1);
	assert_int_equal(wh_wish_keep(wh_buf_view(&two), &w), 0);
	assert_false(same_form(&w, &first));
	assert_int_equal(wh_wish_keep(wh_buf_view(&one), &w), 0);
	assert_true(same_form(&w, &first));
	wh_buf_fini(&one);
	wh_buf_fini(&two);
}

static void
test_no_map(void **state)
{
	struct wh_wish w;

	(void)state;
	assert_int_equal(wh_wish_of(WH_STR("\x01"), &w), WH_EPROTO);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_kept_for_the_same_bytes),
		cmocka_unit_test(test_no_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
