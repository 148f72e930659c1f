/* SPDX-License-Identifier: MIT */
/*
 * History whose index rows by lane are written later: what is found meanwhile.
 */
#include "store/history.h"
#include "tests/unit/store_fixture.h"

static void
add(struct wh_txn *t, uint64_t id, const char *lane)
{
	struct wh_past past = {.ended_at = (int64_t)id, .state = 7, .lane = wh_str_c(lane)};

	fx_id(id, past.id);
	assert_int_equal(wh_history_add(t, &past), 0);
}

static int
before_in(const struct wh_view *v, uint64_t before, const char *lane, struct wh_past *ret)
{
	return wh_history_before_in_lane(v, before, wh_str_c(lane), WH_STR_NULL, ret);
}

/* Of "a" every third is, of both lanes all, the newest first. */
static void
assert_lanes(const struct wh_view *v, uint64_t newest, uint64_t oldest)
{
	struct wh_past past = {.end = UINT64_MAX};

	for (uint64_t i = newest / 3 * 3; i >= oldest; i -= 3) {
		assert_int_equal(before_in(v, past.end, "a", &past), 0);
		assert_int_equal(past.end, i);
	}
	assert_int_equal(before_in(v, past.end, "a", &past), WH_ABSENT);
	past.end = UINT64_MAX;
	for (uint64_t i = newest; i >= oldest; i--) {
		assert_int_equal(
			wh_history_before_in_lane(v, past.end, WH_STR("a"), WH_STR("b"), &past),
			0);
		assert_int_equal(past.end, i);
	}
	assert_int_equal(
		wh_history_before_in_lane(v, past.end, WH_STR("b"), WH_STR("a"), &past),
		WH_ABSENT);
}

/* A lane is found whole wherever the border lies between those with index rows and those
 * without, and whatever has been dropped. */
static void
test_history_catches_up(void **state)
{
	struct fixture *f = *state;
	struct wh_view v;
	struct wh_txn t;

	for (uint64_t had = 0; had <= 30; had++) {
		fx_begin(f, &t);
		uint64_t first = t.view.meta.history_head + 1;

		for (uint64_t i = first; i < first + 30; i++)
			add(&t, i, i % 3 ? "b" : "a");
		assert_int_equal(wh_history_behind(&t.view.meta), 30);
		assert_int_equal(wh_history_catch_up(&t, 30, SIZE_MAX), 0);
		assert_int_equal(wh_history_behind(&t.view.meta), 30);
		assert_int_equal(wh_history_catch_up(&t, 0, had), 0);
		assert_int_equal(wh_history_behind(&t.view.meta), 30 - had);
		assert_lanes(&t.view, first + 29, first);
		fx_commit(&t);
		fx_check_clean(f);
		fx_begin(f, &t);
		assert_int_equal(wh_history_trim(&t, 15, INT64_MIN, 100), 0);
		assert_int_equal(wh_history_behind(&t.view.meta), had < 15 ? 15 : 30 - had);
		fx_commit(&t);
		fx_check_clean(f);
		fx_view(f, &v);
		assert_lanes(&v, first + 29, first + 15);
		wh_view_end(&v);
		fx_begin(f, &t);
		assert_int_equal(wh_history_trim(&t, 0, INT64_MIN, 100), 0);
		assert_int_equal(t.view.meta.history_behind, 0);
		fx_commit(&t);
		fx_check_clean(f);
	}
}

/* Whoever finds too many behind writes some; who looks through many lets it be known. */
static void
test_history_too_far_behind(void **state)
{
	struct fixture *f = *state;
	struct wh_past past;
	struct wh_view v;
	struct wh_txn t;

	fx_begin(f, &t);
	add(&t, 1, "first");
	for (uint64_t i = 2; i <= WH_HISTORY_BEHIND_MAX; i++)
		add(&t, i, "a");
	assert_int_equal(t.view.meta.history_behind, 1);
	fx_commit(&t);
	fx_view(f, &v);
	assert_false(wh_ops_tail_walked(f->s));
	assert_int_equal(before_in(&v, UINT64_MAX, "a", &past), 0);
	assert_false(wh_ops_tail_walked(f->s));
	assert_int_equal(before_in(&v, UINT64_MAX, "first", &past), 0);
	assert_int_equal(past.end, 1);
	assert_true(wh_ops_tail_walked(f->s));
	wh_view_end(&v);
	fx_begin(f, &t);
	add(&t, WH_HISTORY_BEHIND_MAX + 1, "a");
	assert_int_equal(wh_history_behind(&t.view.meta),
			 WH_HISTORY_BEHIND_MAX + 1 - WH_CATCH_UP_MOST);
	fx_commit(&t);
	fx_check_clean(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fx_test(test_history_catches_up),
		fx_test(test_history_too_far_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
