/* SPDX-License-Identifier: MIT */
/* core/churn.c: what differs between two webhooks, and for how many lists. */
#include "daemon/core/churn.h"
#include "tests/unit/rows.h"

static const struct {
	const char *what;
	const char *was, *now; /* ' for " */
	const char *differ;    /* names, each followed by a space */
} pairs[] = {
	{"the same", "{'a':1,'b':2}", "{'b':2,'a':1}", ""},
	{"another value", "{'a':1,'b':2}", "{'a':1,'b':3}", "b "},
	{"another type", "{'a':1}", "{'a':'1'}", "a "},
	{"a new member", "{'a':1}", "{'a':1,'b':2}", "b "},
	{"a member less", "{'a':1,'b':2}", "{'a':1}", ""},
	{"all", "{'a':1,'b':2}", "{'a':2,'b':1}", "a b "},
	{"inside", "{'a':{'x':1}}", "{'a':{'x':2}}", "a "},
	{"the order of processes", "{'processes':['a','b']}", "{'processes':['b','a']}", ""},
	{"ignored", "{'quiet':1}", "{'quiet':2}", ""},
	{"no object", "[1]", "{'a':1}", ""},
};

static void
test_pairs(void **state)
{
	const struct wh_str ignore[] = {WH_STR("quiet")};

	(void)state;
	for (size_t i = 0; i < wh_array_len(pairs); i++) {
		WH_CLEANUP(wh_buf_fini) struct wh_buf names = WH_BUF_NULL;
		struct row_tree was = row_tree(pairs[i].was), now = row_tree(pairs[i].now);
		struct wh_churn_tally t = {0};

		wh_churn_compare(&t, &was.tree.root, &now.tree.root, ignore, 1);
		for (size_t n = 0; n < t.n; n++) {
			check(pairs[i].what, t.count[n].n == 1);
			wh_buf_printf(&names, "%s ", t.count[n].name);
		}
		check(pairs[i].what, wh_str_is(wh_buf_view(&names), pairs[i].differ));
		row_tree_fini(&was);
		row_tree_fini(&now);
	}
}

static struct wh_churn_tally
tally(const char *name, uint64_t n)
{
	struct wh_churn_tally t = {.n = 1};

	snprintf(t.count[0].name, sizeof(t.count[0].name), "%s", name);
	t.count[0].n = n;
	return t;
}

static void
test_three_lists_running(void **state)
{
	/* of 100 webhooks, list by list; news comes with the list that is marked */
	static const struct {
		const char *what;
		uint64_t differ[8];
		unsigned news; /* bit per list */
	} runs[] = {
		{"always", {100, 100, 100, 100, 100, 100, 100, 100}, 1u << 2},
		{"just a fifth", {20, 20, 20, 20, 20, 20, 20, 20}, 0},
		{"more than a fifth", {21, 21, 21, 21, 21, 21, 21, 21}, 1u << 2},
		{"never three running", {50, 50, 0, 50, 50, 0, 50, 50}, 0},
		{"twice", {50, 50, 50, 0, 50, 50, 50, 50}, 1u << 2 | 1u << 6},
	};

	(void)state;
	for (size_t i = 0; i < wh_array_len(runs); i++) {
		struct wh_churn c = {0};
		unsigned news = 0;

		for (unsigned l = 0; l < 8; l++) {
			struct wh_churn_tally t = tally("m", runs[i].differ[l]);

			news |= (unsigned)wh_churn_list(&c, &t, 100) << l;
		}
		check(runs[i].what, news == runs[i].news);
	}
}

static void
test_bounds(void **state)
{
	struct wh_churn_tally t = {0}, sum = {0};
	struct wh_buf was = WH_BUF_NULL, now = WH_BUF_NULL;

	(void)state;
	wh_buf_c(&was, "{'y':1");
	wh_buf_c(&now, "{'y':2");
	for (unsigned i = 0; i < 2 * WH_CHURN_NAMES; i++)
		wh_buf_printf(&now, ",'%0*u':1", i % 2 ? 3 : 80, i);
	wh_buf_byte(&was, '}');
	wh_buf_byte(&was, '\0');
	wh_buf_byte(&now, '}');
	wh_buf_byte(&now, '\0');

	struct row_tree a = row_tree(was.p), b = row_tree(now.p);

	wh_churn_compare(&t, &a.tree.root, &b.tree.root, NULL, 0);
	assert_int_equal(t.n, WH_CHURN_NAMES);
	for (size_t i = 0; i < t.n; i++)
		assert_true(strlen(t.count[i].name) < 4);
	wh_churn_add(&sum, &t);
	wh_churn_add(&sum, &t);
	assert_int_equal(sum.n, WH_CHURN_NAMES);
	assert_int_equal(sum.count[0].n, 2);
	row_tree_fini(&a);
	row_tree_fini(&b);
	wh_buf_fini(&was);
	wh_buf_fini(&now);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_three_lists_running),
		cmocka_unit_test(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
