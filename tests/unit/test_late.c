/* SPDX-License-Identifier: MIT */
/*
 * daemon/late.c and store/late.c: how long a change waits for requests of
 * others that may still be carried out, and when these are forgotten.
 */
#include "store_fixture.h"

#include "daemon/late.h"

#define TIMEOUT 300000
#define ERROR 30000

static const struct wh_rules rules = {
	.boot = 7,
	.now = {.mono = {1000000}},
	.settle_timeout = TIMEOUT,
	.settle_error = ERROR,
};

/* An operation whose request ended so many ms ago. */
static struct wh_op
ended(uint64_t seq, uint64_t boot, int64_t ago, bool answered)
{
	return (struct wh_op){
		.seq = seq,
		.boot = boot,
		.settle_mono = rules.now.mono.ms - ago,
		.flags = answered ? WH_OPF_ANSWERED : 0,
	};
}

static void
note(struct wh_txn *t, const char *whid, struct wh_op op)
{
	const struct wh_lane l = {.key = wh_str_c(whid)};

	assert_int_equal(wh_late_note(&l, t, &op), 0);
}

static int64_t
wait_of(struct wh_txn *t, const char *whid, uint64_t seq)
{
	const struct wh_lane l = {.key = wh_str_c(whid), .rules = &rules};
	const struct wh_op op = {.seq = seq};
	int64_t ms = -1;

	assert_int_equal(wh_late_wait(&l, t, &op, &ms), 0);
	return ms;
}

static bool
is_kept(struct wh_txn *t, const char *whid)
{
	struct wh_late late;
	int r = wh_late_get(&t->view, wh_str_c(whid), &late);

	assert_true(r == 0 || r == WH_ABSENT);
	return r == 0;
}

static void
test_wait(void **state)
{
	struct wh_txn t;

	fx_begin(*state, &t);
	assert_int_equal(wait_of(&t, "a", 2), 0);
	note(&t, "a", ended(1, 7, 100, false));
	note(&t, "b", ended(1, 7, 100, true));
	assert_int_equal(wait_of(&t, "a", 1), 0); /* it asks for the same */
	assert_int_equal(wait_of(&t, "a", 2), TIMEOUT - 100);
	assert_int_equal(wait_of(&t, "b", 2), ERROR - 100);
	assert_int_equal(wait_of(&t, "c", 2), 0);
	note(&t, "a", ended(1, 7, 50, true)); /* sent again */
	assert_int_equal(wait_of(&t, "a", 2), ERROR - 50);
	assert_int_equal(t.view.meta.late, 2);
	note(&t, "a", ended(1, 7, ERROR - 1, true));
	assert_int_equal(wait_of(&t, "a", 2), 1);
	note(&t, "a", ended(1, 7, ERROR, true));
	assert_int_equal(wait_of(&t, "a", 2), 0);
	assert_false(is_kept(&t, "a"));
	assert_int_equal(t.view.meta.late, 1);
	fx_commit(&t);
	fx_check_clean(*state);
}

/* Whatever passed while whd was away, time begins anew; once. */
static void
test_of_another_process(void **state)
{
	struct wh_late late;
	struct wh_txn t;

	fx_begin(*state, &t);
	note(&t, "a", ended(1, 6, 10 * TIMEOUT, false));
	assert_int_equal(wait_of(&t, "a", 2), TIMEOUT);
	assert_int_equal(wh_late_get(&t.view, WH_STR("a"), &late), 0);
	assert_int_equal(late.boot, 7);
	assert_int_equal(late.since, rules.now.mono.ms);
	assert_int_equal(late.seq, 1);
	fx_commit(&t);
}

static void
test_trim(void **state)
{
	struct wh_txn t;

	fx_begin(*state, &t);
	assert_int_equal(wh_late_trim(&t, &rules), 0);
	note(&t, "a", ended(1, 7, TIMEOUT, false));
	note(&t, "b", ended(1, 7, TIMEOUT - 1, false));
	note(&t, "c", ended(1, 7, ERROR, true));
	note(&t, "d", ended(1, 6, TIMEOUT, false));
	note(&t, "e", ended(1, 7, ERROR, true));
	assert_int_equal(wh_late_trim(&t, &rules), 0);
	assert_int_equal(t.view.meta.late, 2);
	assert_true(is_kept(&t, "b") && is_kept(&t, "d"));
	fx_commit(&t);
	fx_check_clean(*state);
}

/* Which operation it was about is not known: others wait, and it is whole again. */
static void
test_damaged(void **state)
{
	struct fixture *f = *state;
	struct wh_txn t;

	fx_begin(f, &t);
	note(&t, "a", ended(0x7a7a7a7a7a7a7a7a, 7, 0, false));
	note(&t, "b", ended(0x7b7b7b7b7b7b7b7b, 7, 0, false));
	note(&t, "c", ended(1, 7, 0, false));
	fx_commit(&t);
	fx_damage(f, "zzzzzzzz");
	fx_damage(f, "{{{{{{{{");
	fx_begin(f, &t);
	assert_int_equal(wait_of(&t, "a", 0x7a7a7a7a7a7a7a7a), TIMEOUT);
	assert_int_equal(wh_late_trim(&t, &rules), 0);
	assert_int_equal(t.view.meta.late, 3);
	assert_int_equal(wait_of(&t, "b", 2), TIMEOUT);
	fx_commit(&t);
	fx_check_clean(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fx_test(test_wait),
		fx_test(test_of_another_process),
		fx_test(test_trim),
		fx_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
