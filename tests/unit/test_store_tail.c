/* SPDX-License-Identifier: MIT */
/* Operations that come last: they are found, too, before they have index rows. */
#include "tests/unit/store_fixture.h"

#include "store/tail.h"

static void
add(struct wh_txn *t, struct wh_oprow op, int fault)
{
	assert_int_equal(wh_ops_add(t, &op), fault);
}

/* Added is as good as put; what is there already is not written over. */
static void
test_add(void **state)
{
	struct wh_oprow thief = fx_op(9, "b", QUEUED, 0);
	struct fixture *f = *state;
	struct wh_oprow got;
	uint8_t id[WH_OP_ID];
	struct wh_txn t;
	uint64_t seq;

	fx_begin(f, &t);
	fx_put_op(&t, fx_op(3, "a", HELD, 0));
	add(&t, fx_op(7, "a", QUEUED, 0), 0);
	add(&t, fx_op(5, "b", QUEUED, 0), 0); /* not the last after all */
	fx_id(5, id);
	assert_int_equal(wh_ops_find(&t.view, id, &seq), 0);
	assert_int_equal(seq, 5);
	assert_int_equal(t.view.meta.ops_queued, 2);
	assert_int_equal(t.view.meta.op_seq, 7);
	fx_commit(&t);
	fx_check_clean(f);

	fx_begin(f, &t);
	add(&t, fx_op(0, "a", QUEUED, 0), WH_EINVAL);
	wh_txn_abort(&t);
	fx_begin(f, &t);
	fx_id(3, thief.id);
	add(&t, thief, WH_EBUG);
	wh_txn_abort(&t);
	fx_begin(f, &t);
	add(&t, fx_op(3, "b", QUEUED, 0), WH_EBUG);
	wh_txn_abort(&t);
	fx_begin(f, &t);
	assert_int_equal(wh_ops_get(&t.view, 3, &got), 0);
	assert_true(got.state == HELD);
	wh_txn_abort(&t);
	fx_check_clean(f);
}

static void
find_one(const struct wh_view *v, uint64_t i)
{
	uint8_t id[WH_OP_ID];
	uint64_t seq;

	fx_id(i, id);
	assert_int_equal(wh_ops_find(v, id, &seq), 0);
	assert_int_equal(seq, i);
}

static void
find_each(const struct wh_view *v, uint64_t last, uint64_t step)
{
	for (uint64_t i = 1; i <= last; i += step)
		find_one(v, i);
}

static void
put_many(struct fixture *f, uint64_t n)
{
	struct wh_txn t;
	char lane[24];

	fx_begin(f, &t);
	for (uint64_t i = 1; i <= n; i++) {
		snprintf(lane, sizeof(lane), "lane %" PRIu64, i);
		fx_put_op(&t, fx_op(i, lane, i % 10 ? QUEUED : SENDING, 0));
	}
	fx_commit(&t);
}

/* The oldest get their index rows, as many as are asked for, if that many are behind; all are
 * found, in the transaction and behind it. */
static void
test_a_part_of_the_tail(void **state)
{
	struct fixture *f = *state;
	struct wh_view v;
	struct wh_txn t;

	put_many(f, 2500);
	fx_begin(f, &t);
	assert_int_equal(wh_ops_behind(&t.view.meta), 2500);
	assert_int_equal(wh_ops_catch_up(&t, 2500, 1000), 0);
	assert_int_equal(wh_ops_behind(&t.view.meta), 2500);
	assert_int_equal(wh_ops_catch_up(&t, 2499, 1000), 0);
	assert_int_equal(wh_ops_behind(&t.view.meta), 1500);
	assert_int_equal(t.view.meta.ops_tail, 1001);
	assert_int_equal(t.view.meta.ops_tail_moved, 150);
	find_each(&t.view, 2500, 333);
	fx_commit(&t);
	fx_check_clean(f);
	fx_view(f, &v);
	find_each(&v, 2500, 333);
	wh_view_end(&v);
	fx_begin(f, &t);
	assert_int_equal(wh_ops_catch_up(&t, 0, 1500), 0);
	assert_int_equal(wh_ops_behind(&t.view.meta), 0);
	assert_int_equal(t.view.meta.ops_tail_moved, 0);
	fx_commit(&t);
	fx_check_clean(f);
}

/* Whoever finds the tail full makes room in it. */
static void
test_a_full_tail(void **state)
{
	struct fixture *f = *state;
	struct wh_txn t;

	put_many(f, WH_TAIL_MAX);
	fx_begin(f, &t);
	assert_int_equal(t.view.meta.ops_tail, 1);
	fx_put_op(&t, fx_op(WH_TAIL_MAX + 1, "last", QUEUED, 0));
	assert_in_range(t.view.meta.ops_tail, WH_CATCH_UP + 1, WH_TAIL_MAX / 2);
	find_each(&t.view, WH_TAIL_MAX + 1, 1111);
	fx_commit(&t);
	fx_check_clean(f);
}

/* Who reads through a long one lets it be known, once; who is led straight to what he looks for
 * does not. */
static void
test_walked(void **state)
{
	struct fixture *f = *state;
	uint8_t id[WH_OP_ID];
	struct wh_view v;
	struct wh_txn t;
	uint64_t seq;

	put_many(f, WH_BEHIND_FEW + 1);
	fx_view(f, &v);
	fx_id(WH_BEHIND_FEW, id);
	assert_int_equal(wh_ops_find(&v, id, &seq), 0);
	assert_false(wh_ops_tail_walked(f->s));
	fx_id(WH_BEHIND_FEW + 1, id);
	assert_int_equal(wh_ops_find(&v, id, &seq), 0);
	assert_true(wh_ops_tail_walked(f->s));
	assert_false(wh_ops_tail_walked(f->s));
	wh_view_end(&v);
	fx_begin(f, &t);
	assert_int_equal(wh_ops_find(&t.view, id, &seq), 0);
	assert_false(wh_ops_tail_walked(f->s));
	wh_txn_abort(&t);
}

/* A view that remembers finds by id what came, and what is left after others ended and got
 * their index rows, and walks through nothing. */
static void
test_ids_of_a_view(void **state)
{
	struct fixture *f = *state;
	uint8_t id[WH_OP_ID];
	struct wh_view v;
	struct wh_txn t;
	uint64_t seq;

	put_many(f, 3000);
	fx_view(f, &v);
	wh_view_remember(&v);
	find_each(&v, 3000, 7);
	fx_begin(f, &t);
	for (uint64_t i = 1; i <= 3000; i += 2)
		assert_int_equal(wh_ops_del(&t, i), 0);
	for (uint64_t i = 3001; i <= 3100; i++)
		fx_put_op(&t, fx_op(i, "more", QUEUED, 0));
	assert_int_equal(wh_ops_catch_up(&t, 0, 500), 0);
	fx_commit(&t);
	fx_id(3050, id);
	assert_int_equal(wh_ops_find(&v, id, &seq), WH_ABSENT);
	assert_int_equal(wh_view_renew(&v), 0);
	for (uint64_t i = 1; i <= 3100; i++) {
		fx_id(i, id);
		assert_int_equal(wh_ops_find(&v, id, &seq), i <= 3000 && i % 2 ? WH_ABSENT : 0);
	}
	assert_false(wh_ops_tail_walked(f->s));
	fx_begin(f, &t);
	assert_int_equal(wh_ops_catch_up(&t, 0, SIZE_MAX), 0);
	fx_commit(&t);
	assert_int_equal(wh_view_renew(&v), 0);
	fx_id(3050, id);
	assert_int_equal(wh_ops_find(&v, id, &seq), 0);
	wh_view_end(&v);
}

/* More came and ended than there are places: it is read anew. */
static void
test_ids_that_ended(void **state)
{
	struct fixture *f = *state;
	struct wh_view v;
	struct wh_txn t;

	put_many(f, WH_TAIL_MAX);
	fx_view(f, &v);
	wh_view_remember(&v);
	find_each(&v, WH_TAIL_MAX, 5000);
	fx_begin(f, &t);
	for (uint64_t i = 1; i <= 10; i++)
		assert_int_equal(wh_ops_del(&t, i), 0);
	fx_put_op(&t, fx_op(WH_TAIL_MAX + 1, "more", QUEUED, 0));
	assert_int_equal(t.view.meta.ops_tail, 1);
	fx_commit(&t);
	assert_int_equal(wh_view_renew(&v), 0);
	find_one(&v, WH_TAIL_MAX + 1);
	find_one(&v, 11);
	wh_view_end(&v);
}

/* A search that begins behind the last one has nothing to end: the sanitizer tells. */
static void
test_behind_the_tail(void **state)
{
	struct fixture *f = *state;
	struct wh_view v;
	struct wh_txn t;
	uint64_t seq;

	fx_begin(f, &t);
	fx_put_op(&t, fx_op(1, "a", SENDING, 0));
	fx_commit(&t);
	fx_view(f, &v);
	assert_int_equal(wh_ops_next_in_state(&v, SENDING, 0, &seq), 0);
	assert_int_equal(wh_ops_next_in_state(&v, SENDING, seq, &seq), WH_ABSENT);
	wh_view_end(&v);
}

/* What an aborted transaction put is not found, and what it deleted is. */
static void
test_an_aborted_tail(void **state)
{
	struct fixture *f = *state;
	uint8_t id[WH_OP_ID];
	struct wh_txn t;
	uint64_t seq;

	fx_begin(f, &t);
	fx_put_op(&t, fx_op(1, "a", QUEUED, 0));
	fx_commit(&t);
	fx_begin(f, &t);
	assert_int_equal(wh_ops_del(&t, 1), 0);
	fx_put_op(&t, fx_op(2, "a", QUEUED, 0));
	wh_txn_abort(&t);
	fx_begin(f, &t);
	fx_id(1, id);
	assert_int_equal(wh_ops_find(&t.view, id, &seq), 0);
	fx_id(2, id);
	assert_int_equal(wh_ops_find(&t.view, id, &seq), WH_ABSENT);
	fx_put_op(&t, fx_op(2, "b", QUEUED, 0));
	fx_commit(&t);
	fx_check_clean(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fx_test(test_add),
		fx_test(test_a_part_of_the_tail),
		fx_test(test_a_full_tail),
		fx_test(test_walked),
		fx_test(test_ids_of_a_view),
		fx_test(test_ids_that_ended),
		fx_test(test_an_aborted_tail),
		fx_test(test_behind_the_tail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
