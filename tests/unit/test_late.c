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
	const struct wh_lane l = {.key = wh_str_c(whid), .rules = &rules};

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
	assert_int_equal(t.view.meta.late, 2);
	note(&t, "c", ended(1, 7, ERROR - 1, true));
	assert_int_equal(wait_of(&t, "c", 2), 1);
	note(&t, "d", ended(1, 7, ERROR, true));
	assert_int_equal(wait_of(&t, "d", 2), 0);
	assert_false(is_kept(&t, "d"));
	assert_int_equal(t.view.meta.late, 3);
	fx_commit(&t);
	fx_check_clean(*state);
}

/* Of several requests the one that may come last counts, whatever operation sent it. */
static void
test_several(void **state)
{
	struct wh_txn t;

	fx_begin(*state, &t);
	note(&t, "a", ended(1, 7, 100, false));
	note(&t, "a", ended(1, 7, 50, true)); /* it can be late for a shorter time */
	assert_int_equal(wait_of(&t, "a", 2), TIMEOUT - 100);
	note(&t, "a", ended(1, 7, 20, false));
	assert_int_equal(wait_of(&t, "a", 2), TIMEOUT - 20);
	assert_int_equal(wait_of(&t, "a", 1), 0);
	note(&t, "a", ended(2, 7, 10, true)); /* one each: both wait for that of the other */
	assert_int_equal(wait_of(&t, "a", 1), TIMEOUT - 20);
	assert_int_equal(wait_of(&t, "a", 2), TIMEOUT - 20);
	note(&t, "b", ended(1, 7, TIMEOUT, false)); /* it can come no more */
	note(&t, "b", ended(2, 7, 10, true));
	assert_int_equal(wait_of(&t, "b", 2), 0);
	assert_int_equal(wait_of(&t, "b", 3), ERROR - 10);
	assert_int_equal(t.view.meta.late, 2);
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

/* The length of a key that stands in the data file. */
static void
spoil_key(struct fixture *f, const char *key, uint16_t length)
{
	char page[4096];
	int fd = open(f->data, O_RDWR);

	assert_true(fd >= 0);
	for (off_t at = 0; pread(fd, page, sizeof(page), at) == (ssize_t)sizeof(page);
	     at += (off_t)sizeof(page)) {
		const char *found = memmem(page, sizeof(page), key, strlen(key));

		if (found)
			assert_int_equal(pwrite(fd, &length, 2, at + (found - page) - 2), 2);
	}
	close(fd);
}

static void
check_damaged_key(struct fixture *f, const char *key, uint16_t length)
{
	struct wh_txn t;

	fx_begin(f, &t);
	note(&t, "aaaaaaaaaaaaaaaa", ended(1, 7, 0, false));
	note(&t, "bbbbbbbbbbbbbbbb", ended(2, 7, 0, false));
	fx_commit(&t);
	spoil_key(f, key, length);
	fx_begin(f, &t);
	assert_int_equal(wh_late_trim(&t, &rules), WH_ECORRUPT);
	wh_txn_abort(&t);
}

static void
test_damaged_first_key(void **state)
{
	check_damaged_key(*state, "aaaaaaaaaaaaaaaa", 3000);
}

static void
test_damaged_later_key(void **state)
{
	check_damaged_key(*state, "bbbbbbbbbbbbbbbb", 3000);
}

static void
test_key_of_an_impossible_length(void **state)
{
	check_damaged_key(*state, "aaaaaaaaaaaaaaaa", 300);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fx_test(test_wait),
		fx_test(test_several),
		fx_test(test_of_another_process),
		fx_test(test_trim),
		fx_test(test_damaged),
		fx_test(test_damaged_first_key),
		fx_test(test_damaged_later_key),
		fx_test(test_key_of_an_impossible_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
