/* SPDX-License-Identifier: MIT */
/*
 * daemon/core/observe.c: creates in all combinations of what a look can find,
 * updates and deletes row by row, and the settle time.
 */
#include "tests/unit/rows.h"

#include "daemon/core/observe.h"

/* ---------------------------------------------------------------- create -- */

struct create_row {
	const char *what;
	uint32_t exact, near;
	bool complete, after, settled;
	uint32_t negatives, incompletes, flags;
	enum wh_observe result;
};

static const struct create_row create_rows[] = {
	{"found", 1, 0, true, true, false, 0, 0, 0, WH_OB_APPLIED},
	{"found twice", 2, 0, true, true, false, 0, 0, 0, WH_OB_APPLIED},
	{"found beside a near one", 1, 1, true, true, false, 0, 0, 0, WH_OB_APPLIED},
	{"found in an incomplete list", 1, 0, false, true, false, 0, 3, 0, WH_OB_APPLIED},
	{"found in a list begun before", 1, 0, true, false, false, 0, 0, 0, WH_OB_APPLIED},
	{"found, restored", 1, 0, true, true, true, 2, 0, WH_OPF_RESTORED, WH_OB_APPLIED},
	{"near", 0, 1, true, true, false, 1, 0, 0, WH_OB_AMBIGUOUS},
	{"near, reported done", 0, 1, true, true, true, 3, 0, WH_OPF_EXECUTED, WH_OB_AMBIGUOUS},
	{"near in an incomplete list", 0, 1, false, true, true, 2, 1, 0, WH_OB_AGAIN},
	{"near in a list begun before", 0, 1, true, false, true, 2, 0, 0, WH_OB_AGAIN},
	{"near in the third incomplete list", 0, 1, false, true, true, 0, 3, 0,
	 WH_OB_NO_COMPLETE},
	{"none, first look", 0, 0, true, true, true, 1, 0, 0, WH_OB_AGAIN},
	{"none twice, not settled", 0, 0, true, true, false, 2, 0, 0, WH_OB_AGAIN},
	{"none often, not settled", 0, 0, true, true, false, 9, 0, 0, WH_OB_AGAIN},
	{"none twice and settled", 0, 0, true, true, true, 2, 0, 0, WH_OB_NOT_EXECUTED},
	{"none twice after incomplete ones", 0, 0, true, true, true, 2, 2, 0,
	 WH_OB_NOT_EXECUTED},
	{"none, begun before", 0, 0, true, false, true, 2, 0, 0, WH_OB_AGAIN},
	{"none, incomplete", 0, 0, false, true, true, 2, 2, 0, WH_OB_AGAIN},
	{"none, third incomplete", 0, 0, false, true, true, 2, 3, 0, WH_OB_NO_COMPLETE},
	{"none, complete at last", 0, 0, true, true, true, 1, 3, 0, WH_OB_AGAIN},
	{"reported done, twice missing", 0, 0, true, true, true, 2, 0, WH_OPF_EXECUTED,
	 WH_OB_AGAIN},
	{"reported done, lost", 0, 0, true, true, false, 3, 0, WH_OPF_EXECUTED, WH_OB_LOST},
	{"reported done, never a whole list", 0, 0, false, true, true, 0, 3, WH_OPF_EXECUTED,
	 WH_OB_NO_COMPLETE},
	{"restored, none", 0, 0, true, true, true, 2, 0, WH_OPF_RESTORED, WH_OB_AMBIGUOUS},
	{"restored, none, incomplete", 0, 0, false, true, true, 2, 0, WH_OPF_RESTORED,
	 WH_OB_AGAIN},
};

/* Answered with 409: one that is nearly the same is the reason, not the result. */
static void
test_refused_create(void **state)
{
	struct wh_op op = {.negatives = 2, .flags = WH_OPF_ANSWERED};
	struct wh_sighting s = {.complete = true,
				.began_after = true,
				.near = 1,
				.refused = true,
				.settled = true};

	(void)state;
	assert_int_equal(wh_observe_create(&op, &s), WH_OB_NOT_EXECUTED);
	s.settled = false;
	assert_int_equal(wh_observe_create(&op, &s), WH_OB_AGAIN);
	s.exact = 1;
	assert_int_equal(wh_observe_create(&op, &s), WH_OB_APPLIED);
}

/* What is only of the same kind is no proof, but no third request goes out beside it. */
static void
test_kin(void **state)
{
	struct wh_op op = {.negatives = 2};
	struct wh_sighting s = {
		.complete = true, .began_after = true, .kin = true, .settled = true};

	(void)state;
	assert_int_equal(wh_observe_create(&op, &s), WH_OB_AMBIGUOUS);
	s.refused = true;
	assert_int_equal(wh_observe_create(&op, &s), WH_OB_NOT_EXECUTED);
	s.refused = s.settled = false;
	assert_int_equal(wh_observe_create(&op, &s), WH_OB_AGAIN);
	s.settled = true;
	op.flags = WH_OPF_EXECUTED;
	assert_int_equal(wh_observe_create(&op, &s), WH_OB_AGAIN);
	s.exact = 1;
	assert_int_equal(wh_observe_create(&op, &s), WH_OB_APPLIED);
}

static void
test_create(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(create_rows); i++) {
		const struct create_row *r = &create_rows[i];
		struct wh_op op = {
			.negatives = r->negatives,
			.incompletes = r->incompletes,
			.flags = r->flags,
		};
		struct wh_sighting s = {
			.exact = r->exact,
			.near = r->near,
			.complete = r->complete,
			.began_after = r->after,
			.settled = r->settled,
		};

		check(r->what, wh_observe_create(&op, &s) == r->result);
	}
}

/* The promises a create rests on, stated apart from the order in which the code asks. */
static void
check_promises(const struct wh_op *op, const struct wh_sighting *s)
{
	bool proof = s->complete && s->began_after;
	bool restored = op->flags & WH_OPF_RESTORED;
	bool executed = op->flags & WH_OPF_EXECUTED;

	switch (wh_observe_create(op, s)) {
	case WH_OB_APPLIED:
		assert_true(s->exact > 0);
		break;
	case WH_OB_NOT_EXECUTED:
		assert_true(proof && s->settled && op->negatives >= 2);
		assert_true(!s->exact && !s->near && !executed && !restored);
		break;
	case WH_OB_AMBIGUOUS:
		assert_true(proof && !s->exact && (s->near || restored));
		break;
	case WH_OB_LOST:
		assert_true(proof && executed && op->negatives >= 3 && !s->exact && !s->near);
		break;
	case WH_OB_NO_COMPLETE:
		assert_true(!s->complete && op->incompletes >= 3 && !s->exact);
		break;
	case WH_OB_AGAIN:
		assert_true(!s->exact);
		assert_false(proof && s->near);
		assert_false(!s->complete && op->incompletes >= 3);
		assert_false(proof && executed && op->negatives >= 3);
		assert_false(proof && s->settled && op->negatives >= 2 && !executed);
		break;
	case WH_OB_ABSENT_DONE:
	case WH_OB_THIRD:
	case WH_OB_GONE:
		fail_msg("no answer for a create");
	}
}

static void
test_create_all_combinations(void **state)
{
	static const uint32_t flags[] = {0, WH_OPF_EXECUTED, WH_OPF_RESTORED,
					 WH_OPF_RESTORED | WH_OPF_EXECUTED};
	unsigned n = 0;

	(void)state;
	for (unsigned bits = 0; bits < 32; bits++) {
		for (unsigned counts = 0; counts < 25 * 4; counts++) {
			struct wh_op op = {
				.negatives = counts % 5,
				.incompletes = counts / 5 % 5,
				.flags = flags[counts / 25],
			};
			struct wh_sighting s = {
				.exact = bits & 1,
				.near = bits >> 1 & 1,
				.complete = bits >> 2 & 1,
				.began_after = bits >> 3 & 1,
				.settled = bits >> 4 & 1,
			};

			check_promises(&op, &s);
			n++;
		}
	}
	assert_int_equal(n, 3200);
}

/* ------------------------------------------------------ update and delete -- */

#define BASE "{'whname':'B','processes':['1','2']}"
#define WISH "{'whname':'W','processes':['1','2']}"

struct row_row {
	const char *what;
	const char *row; /* NULL = not in it */
	bool complete, after;
	enum wh_observe update, delete, forced;
};

static const struct row_row row_rows[] = {
	{"the wish", WISH, true, true, WH_OB_APPLIED, WH_OB_THIRD, WH_OB_NOT_EXECUTED},
	{"the wish, rewritten", "{'whname':' W','processes':['2','1']}", true, true,
	 WH_OB_APPLIED, WH_OB_THIRD, WH_OB_NOT_EXECUTED},
	{"the wish, incomplete list", WISH, false, true, WH_OB_APPLIED, WH_OB_THIRD,
	 WH_OB_NOT_EXECUTED},
	{"the wish, begun before", WISH, true, false, WH_OB_APPLIED, WH_OB_AGAIN, WH_OB_AGAIN},
	{"the base", BASE, true, true, WH_OB_NOT_EXECUTED, WH_OB_NOT_EXECUTED,
	 WH_OB_NOT_EXECUTED},
	{"the base, rewritten", "{'whname':'B ','processes':['2','1'],'x':1}", true, true,
	 WH_OB_NOT_EXECUTED, WH_OB_NOT_EXECUTED, WH_OB_NOT_EXECUTED},
	{"the base, incomplete list", BASE, false, true, WH_OB_NOT_EXECUTED, WH_OB_NOT_EXECUTED,
	 WH_OB_NOT_EXECUTED},
	{"the base, begun before", BASE, true, false, WH_OB_AGAIN, WH_OB_AGAIN, WH_OB_AGAIN},
	{"a third value", "{'whname':'T','processes':['1','2']}", true, true, WH_OB_THIRD,
	 WH_OB_THIRD, WH_OB_NOT_EXECUTED},
	{"a third value, begun before", "{'whname':'T'}", true, false, WH_OB_AGAIN, WH_OB_AGAIN,
	 WH_OB_AGAIN},
	{"the wish and a change of others",
	 "{'whname':'W','whcomment':'c','processes':['1','2']}", true, true, WH_OB_THIRD,
	 WH_OB_THIRD, WH_OB_NOT_EXECUTED},
	{"absent", NULL, true, true, WH_OB_GONE, WH_OB_ABSENT_DONE, WH_OB_ABSENT_DONE},
	{"absent, incomplete list", NULL, false, true, WH_OB_AGAIN, WH_OB_AGAIN, WH_OB_AGAIN},
	{"absent, begun before", NULL, true, false, WH_OB_AGAIN, WH_OB_AGAIN, WH_OB_AGAIN},
};

/* What a restored update would have sent is not known: any row that is there is merged anew. */
static enum wh_observe
restored(const struct row_row *r)
{
	if (!r->after)
		return WH_OB_AGAIN;
	if (r->row)
		return WH_OB_THIRD;
	return r->complete ? WH_OB_GONE : WH_OB_AGAIN;
}

static void
test_update_and_delete(void **state)
{
	struct row_tree base_tree = row_tree(BASE), wish_tree = row_tree(WISH);
	struct wh_record base, wish;

	(void)state;
	wh_record_view(&base_tree.tree.root, &base);
	wh_record_view(&wish_tree.tree.root, &wish);
	for (size_t i = 0; i < wh_array_len(row_rows); i++) {
		const struct row_row *r = &row_rows[i];
		struct row_tree tree = row_tree(r->row ? r->row : "{}");
		struct wh_record row;
		struct wh_sighting s = {.complete = r->complete, .began_after = r->after};
		struct wh_op op = {.kind = WH_OP_UPDATE};

		wh_record_view(&tree.tree.root, &row);
		s.row = r->row ? &row : NULL;
		check(r->what, wh_observe_update(&op, &base, &wish, &s) == r->update);
		check(r->what, wh_observe_update(&op, &base, NULL, &s) == restored(r));
		op.flags = WH_OPF_RESTORED;
		check(r->what, wh_observe_update(&op, NULL, NULL, &s) == restored(r));
		op.kind = WH_OP_DELETE;
		op.incompletes = 9;
		check(r->what, wh_observe_delete(&op, &base, &s) == r->delete);
		op.flags = WH_OPF_FORCE;
		check(r->what, wh_observe_delete(&op, &base, &s) == r->forced);
		row_tree_fini(&tree);
	}
	row_tree_fini(&base_tree);
	row_tree_fini(&wish_tree);
}

/* Only lists that are not whole: some day a person is asked; a whole one, or the row, decides
 * all the same. */
static void
test_never_a_whole_list(void **state)
{
	struct row_tree base_tree = row_tree(BASE);
	struct wh_op op = {.kind = WH_OP_UPDATE, .incompletes = 10};
	struct wh_sighting s = {.began_after = true};
	struct wh_record base;

	(void)state;
	wh_record_view(&base_tree.tree.root, &base);
	assert_int_equal(wh_observe_update(&op, &base, NULL, &s), WH_OB_NO_COMPLETE);
	assert_int_equal(wh_observe_delete(&op, &base, &s), WH_OB_NO_COMPLETE);
	s.complete = true;
	assert_int_equal(wh_observe_update(&op, &base, NULL, &s), WH_OB_GONE);
	assert_int_equal(wh_observe_delete(&op, &base, &s), WH_OB_ABSENT_DONE);
	s.complete = false;
	s.row = &base;
	assert_int_equal(wh_observe_delete(&op, &base, &s), WH_OB_NOT_EXECUTED);
	row_tree_fini(&base_tree);
}

/* ---------------------------------------------------------------- settle -- */

struct settle_row {
	const char *what;
	uint64_t boot;
	int64_t now;
	uint32_t flags;
	bool settled;
};

static const struct settle_row settle_rows[] = {
	{"at once", 3, 1000, 0, false},
	{"just before", 3, 300999, 0, false},
	{"just then", 3, 301000, 0, true},
	{"long after", 3, INT64_MAX, 0, true},
	{"after an answered error, before", 3, 30999, WH_OPF_ANSWERED, false},
	{"after an answered error", 3, 31000, WH_OPF_ANSWERED, true},
	{"another process", 4, INT64_MAX, 0, false},
	{"an earlier process", 2, INT64_MAX, 0, false},
	{"a clock behind", 3, 0, 0, false},
};

static void
test_settled(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(settle_rows); i++) {
		const struct settle_row *r = &settle_rows[i];
		struct wh_op op = {.boot = 3, .settle_mono = 1000, .flags = r->flags};
		struct wh_mono now = {r->now};

		check(r->what,
		      wh_observe_settled(&op, r->boot, now, 300000, 30000) == r->settled);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kin),
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_refused_create),
		cmocka_unit_test(test_create_all_combinations),
		cmocka_unit_test(test_update_and_delete),
		cmocka_unit_test(test_never_a_whole_list),
		cmocka_unit_test(test_settled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
