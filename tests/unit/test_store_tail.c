/* SPDX-License-Identifier: MIT */
/* Operations that come last: they are found, too, before they have index rows. */
#include "tests/unit/store_fixture.h"

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

/* Whoever comes last is found as well, in the transaction and behind it, and so is whoever was
 * there before the tail became too long. */
static void
test_a_long_tail(void **state)
{
	struct fixture *f = *state;
	uint8_t id[WH_OP_ID];
	struct wh_txn t;
	uint64_t seq;
	char lane[16];

	for (uint64_t i = 1; i <= 2500; i++) {
		if (i % 100 == 1)
			fx_begin(f, &t);
		snprintf(lane, sizeof(lane), "lane %" PRIu64, i);
		fx_put_op(&t, fx_op(i, lane, QUEUED, 0));
		if (i % 100 == 0)
			fx_commit(&t);
	}
	fx_begin(f, &t);
	assert_in_range(t.view.meta.ops_tail, 1001, 2500);
	for (uint64_t i = 1; i <= 2500; i += 333) {
		fx_id(i, id);
		assert_int_equal(wh_ops_find(&t.view, id, &seq), 0);
		assert_int_equal(seq, i);
	}
	wh_txn_abort(&t);
	fx_check_clean(f);
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
		fx_test(test_a_long_tail),
		fx_test(test_an_aborted_tail),
		fx_test(test_behind_the_tail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
