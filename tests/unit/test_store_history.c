/* SPDX-License-Identifier: MIT */
/*
 * History, request ids and the change log: appending, finding, forgetting.
 */
#include "tests/unit/store_fixture.h"

/* ------------------------------------------------------------- history -- */

static void
add(struct wh_txn *t, uint64_t id, const char *lane, uint8_t state, int64_t ended_at)
{
	struct wh_past past = {
		.ended_at = ended_at,
		.state = state,
		.lane = wh_str_c(lane),
		.body = WH_STR("past body"),
	};

	fx_id(id, past.id);
	assert_int_equal(wh_history_add(t, &past), 0);
	assert_int_equal(past.end, t->view.meta.history_head);
}

static void
test_history_finds(void **state)
{
	struct fixture *f = *state;
	struct wh_past past;
	struct wh_txn t;
	uint8_t id[WH_OP_ID];

	fx_begin(f, &t);
	fx_id(2, id);
	assert_int_equal(wh_history_find(&t.view, id, &past), WH_ABSENT);
	add(&t, 1, "a", 7, 100);
	add(&t, 2, "b", 9, -200);
	add(&t, 3, "a", 7, 300);
	assert_int_equal(wh_history_find(&t.view, id, &past), 0);
	assert_true(past.end == 2 && past.state == 9 && past.ended_at == -200);
	assert_memory_equal(past.id, id, sizeof(id));
	assert_true(wh_str_is(past.lane, "b") && wh_str_is(past.body, "past body"));
	assert_int_equal(t.view.meta.history_count, 3);
	assert_int_equal(t.view.meta.history_tail, 1);
	fx_commit(&t);
	fx_check_clean(f);
}

static int
before_in(const struct wh_view *v, uint64_t before, const char *lane, struct wh_past *ret)
{
	return *lane ? wh_history_before_in_lane(v, before, wh_str_c(lane), WH_STR_NULL, ret)
		     : wh_history_before(v, before, ret);
}

/* All ends that a walk from the newest passes, as digits. */
static void
assert_walk(const struct wh_view *v, const char *lane, int state, const char *expected)
{
	char seen[64] = "";
	struct wh_past past;
	uint64_t before = UINT64_MAX;
	int r;

	for (;;) {
		r = state < 0 ? before_in(v, before, lane, &past)
			      : wh_history_before_in_state(v, before, (uint8_t)state, &past);
		if (r != 0)
			break;
		size_t n = strlen(seen);

		snprintf(seen + n, sizeof(seen) - n, "%" PRIu64 " ", past.end);
		before = past.end;
	}
	assert_int_equal(r, WH_ABSENT);
	assert_string_equal(seen, expected);
}

static void
test_history_backwards(void **state)
{
	struct fixture *f = *state;
	struct wh_txn t;

	fx_begin(f, &t);
	assert_walk(&t.view, "", -1, "");
	assert_walk(&t.view, "a", -1, "");
	add(&t, 1, "a", 7, 1);
	add(&t, 2, "ab", 8, 2);
	add(&t, 3, "a", 8, 3);
	add(&t, 4, "A", 7, 4);
	assert_walk(&t.view, "", -1, "4 3 2 1 ");
	assert_walk(&t.view, "a", -1, "3 1 ");
	assert_walk(&t.view, "ab", -1, "2 ");
	assert_walk(&t.view, "none", -1, "");
	assert_walk(&t.view, NULL, 7, "4 1 ");
	assert_walk(&t.view, NULL, 8, "3 2 ");
	assert_walk(&t.view, NULL, 9, "");
	assert_walk(&t.view, NULL, 255, "");
	assert_walk(&t.view, NULL, 0, "");
	wh_txn_abort(&t);
}

static void
test_history_trims(void **state)
{
	struct fixture *f = *state;
	struct wh_past past;
	struct wh_txn t;
	uint8_t id[WH_OP_ID];

	fx_begin(f, &t);
	assert_int_equal(wh_history_trim(&t, 0, INT64_MAX, 100), 0);
	for (uint64_t i = 1; i <= 50; i++)
		add(&t, i, i % 2 ? "odd" : "even", (uint8_t)(7 + i % 3), (int64_t)i * 10);
	assert_int_equal(wh_history_trim(&t, 40, INT64_MIN, 4), 0);
	assert_int_equal(t.view.meta.history_count, 46);
	assert_int_equal(wh_history_trim(&t, 40, INT64_MIN, 100), 0);
	assert_int_equal(t.view.meta.history_count, 40);
	assert_int_equal(t.view.meta.history_tail, 11);
	assert_int_equal(wh_history_trim(&t, 1000, 300, 100), 0);
	assert_int_equal(t.view.meta.history_tail, 30);
	assert_int_equal(wh_history_trim(&t, 1000, 300, 100), 0);
	assert_int_equal(t.view.meta.history_count, 21);
	fx_id(29, id);
	assert_int_equal(wh_history_find(&t.view, id, &past), WH_ABSENT);
	fx_id(30, id);
	assert_int_equal(wh_history_find(&t.view, id, &past), 0);
	fx_commit(&t);
	fx_check_clean(f);
	fx_begin(f, &t);
	assert_int_equal(wh_history_trim(&t, 0, 0, 100), 0);
	assert_int_equal(t.view.meta.history_count, 0);
	assert_int_equal(t.view.meta.history_tail, 0);
	add(&t, 99, "odd", 7, 0);
	assert_int_equal(t.view.meta.history_tail, 51);
	fx_commit(&t);
	fx_check_clean(f);
}

/* An operation can end, be made anew under its id by a restore, and end again. */
static void
test_history_same_id_twice(void **state)
{
	struct fixture *f = *state;
	struct wh_past past;
	struct wh_txn t;
	uint8_t id[WH_OP_ID];

	fx_begin(f, &t);
	add(&t, 1, "a", 7, 1);
	add(&t, 1, "a", 8, 2);
	fx_id(1, id);
	assert_int_equal(wh_history_find(&t.view, id, &past), 0);
	assert_int_equal(past.end, 2);
	fx_commit(&t);
	fx_check_clean(f);
	fx_begin(f, &t);
	assert_int_equal(wh_history_trim(&t, 1, INT64_MIN, 10), 0);
	assert_int_equal(wh_history_find(&t.view, id, &past), 0);
	assert_int_equal(past.end, 2);
	fx_commit(&t);
	fx_check_clean(f);
}

static void
test_history_refuses(void **state)
{
	struct fixture *f = *state;
	struct wh_past past = {.lane = wh_str("a\0", 2)};
	struct wh_txn t;

	fx_begin(f, &t);
	assert_int_equal(wh_history_add(&t, &past), WH_EINVAL);
	assert_int_equal(t.view.meta.history_head, 0);
	wh_txn_abort(&t);
}

/* --------------------------------------------------------- request ids -- */

static struct wh_request
request(uint32_t uid, uint16_t method, const char *id, int64_t at)
{
	return (struct wh_request){
		.uid = uid,
		.method = method,
		.request_id = wh_str_c(id),
		.op = {1, 2, 3},
		.params_hash = {UINT64_MAX, 5},
		.at = at,
	};
}

static void
test_requests(void **state)
{
	struct fixture *f = *state;
	struct wh_request r = request(1000, 3, "req", 500);
	struct wh_request same = {.uid = 1000, .method = 3, .request_id = WH_STR("req")};
	struct wh_request other[] = {request(1001, 3, "req", 0), request(1000, 4, "req", 0),
				     request(1000, 3, "re", 0)};
	struct wh_txn t;

	fx_begin(f, &t);
	assert_int_equal(wh_requests_get(&t.view, &same), WH_ABSENT);
	assert_int_equal(wh_requests_put(&t, &r), 0);
	assert_int_equal(wh_requests_get(&t.view, &same), 0);
	assert_memory_equal(same.op, r.op, sizeof(r.op));
	assert_memory_equal(same.params_hash, r.params_hash, sizeof(r.params_hash));
	assert_int_equal(same.at, 500);
	for (size_t i = 0; i < wh_array_len(other); i++)
		assert_int_equal(wh_requests_get(&t.view, &other[i]), WH_ABSENT);
	assert_int_equal(t.view.meta.requests, 1);
	r.at = 700;
	assert_int_equal(wh_requests_put(&t, &r), 0);
	assert_int_equal(t.view.meta.requests, 1);
	fx_commit(&t);
	fx_check_clean(f);
}

static void
test_requests_refused(void **state)
{
	struct fixture *f = *state;
	char long_id[130];
	struct wh_txn t;

	memset(long_id, 'r', sizeof(long_id));
	long_id[129] = '\0';
	struct wh_request bad[] = {request(0, 0, "", 0), request(0, 0, long_id, 0)};

	for (size_t i = 0; i < wh_array_len(bad); i++) {
		fx_begin(f, &t);
		assert_int_equal(wh_requests_get(&t.view, &bad[i]), WH_ABSENT);
		assert_int_equal(wh_requests_put(&t, &bad[i]), WH_EINVAL);
		wh_txn_abort(&t);
	}
}

static void
test_requests_trim(void **state)
{
	struct fixture *f = *state;
	struct wh_txn t;
	char id[16];

	fx_begin(f, &t);
	for (int i = 0; i < 50; i++) {
		snprintf(id, sizeof(id), "r%d", i);
		struct wh_request r = request(1, 1, id, i - 10);

		assert_int_equal(wh_requests_put(&t, &r), 0);
	}
	assert_int_equal(wh_requests_trim(&t, 10, 5), 0);
	assert_int_equal(t.view.meta.requests, 45);
	assert_int_equal(wh_requests_trim(&t, 10, 500), 0);
	assert_int_equal(t.view.meta.requests, 30);
	struct wh_request gone = request(1, 1, "r19", 0);
	struct wh_request kept = request(1, 1, "r20", 0);

	assert_int_equal(wh_requests_get(&t.view, &gone), WH_ABSENT);
	assert_int_equal(wh_requests_get(&t.view, &kept), 0);
	assert_int_equal(wh_requests_trim(&t, INT64_MAX, 500), 0);
	assert_int_equal(t.view.meta.requests, 0);
	fx_commit(&t);
	fx_check_clean(f);
}

/* ---------------------------------------------------------- change log -- */

static uint64_t
change(struct wh_txn *t, const char *body, uint64_t keep)
{
	uint64_t revision = 0;

	assert_int_equal(wh_changes_add(t, wh_str_c(body), keep, &revision), 0);
	assert_int_equal(revision, t->view.meta.revision);
	return revision;
}

static void
assert_next(const struct wh_view *v, uint64_t after, uint64_t revision, const char *text)
{
	struct wh_str body;
	uint64_t found = 0;

	assert_int_equal(wh_changes_next(v, after, &found, &body), 0);
	assert_int_equal(found, revision);
	assert_true(wh_str_is(body, text));
}

static void
test_changes(void **state)
{
	struct fixture *f = *state;
	struct wh_str body;
	uint64_t revision;
	struct wh_view v;
	struct wh_txn t;

	fx_begin(f, &t);
	assert_int_equal(change(&t, "one", 100), 1);
	assert_int_equal(change(&t, "two", 100), 2);
	assert_int_equal(change(&t, "", 100), 3);
	assert_int_equal(t.view.meta.change_tail, 1);
	fx_commit(&t);
	fx_begin(f, &t);
	assert_int_equal(change(&t, "four", 100), 4);
	fx_commit(&t);
	fx_view(f, &v);
	assert_next(&v, 0, 1, "one");
	assert_next(&v, 1, 2, "two");
	assert_next(&v, 2, 3, "");
	assert_next(&v, 3, 4, "four");
	assert_int_equal(wh_changes_next(&v, 4, &revision, &body), WH_ABSENT);
	assert_int_equal(wh_changes_next(&v, UINT64_MAX, &revision, &body), WH_ABSENT);
	wh_view_end(&v);
	fx_check_clean(f);
}

static void
test_no_changes(void **state)
{
	struct fixture *f = *state;
	struct wh_str body;
	uint64_t revision;
	struct wh_txn t;
	struct wh_view v;

	fx_begin(f, &t);
	change(&t, "of an aborted transaction", 100);
	wh_txn_abort(&t);
	fx_begin(f, &t);
	fx_put_row(&t, "a", "x");
	fx_commit(&t);
	fx_view(f, &v);
	assert_int_equal(wh_changes_next(&v, 0, &revision, &body), WH_ABSENT);
	assert_int_equal(v.meta.change_tail, 0);
	wh_view_end(&v);
	fx_check_clean(f);
}

/* Whoever reads it is told, and the next change begins a new log. */
static void
test_damaged_newest_changes(void **state)
{
	struct fixture *f = *state;
	struct wh_str body;
	uint64_t revision;
	struct wh_view v;
	struct wh_txn t;

	fx_begin(f, &t);
	change(&t, "a row", 100);
	change(&t, "the last one", 100);
	fx_commit(&t);
	fx_damage(f, "the last one");
	fx_view(f, &v);
	assert_int_equal(wh_changes_next(&v, 0, &revision, &body), WH_ECORRUPT);
	assert_int_equal(revision, 2);
	wh_view_end(&v);
	fx_begin(f, &t);
	assert_int_equal(change(&t, "goes on", 100), 3);
	fx_commit(&t);
	fx_check_clean(f);
	fx_view(f, &v);
	assert_int_equal(v.meta.change_tail, 3);
	assert_next(&v, 0, 3, "goes on");
	wh_view_end(&v);
}

/* Some come in each of many transactions, and none in some of them. */
static void
test_changes_here_and_there(void **state)
{
	struct fixture *f = *state;
	uint64_t revision = 0;
	struct wh_view v;
	struct wh_txn t;
	char text[32];

	for (unsigned i = 0; i < 300; i++) {
		fx_begin(f, &t);
		for (unsigned j = 0; j < i % 4; j++) {
			snprintf(text, sizeof(text), "change-%" PRIu64, ++revision);
			assert_int_equal(change(&t, text, 1000), revision);
		}
		fx_put_row(&t, "a", i % 2 ? "x" : "y");
		fx_commit(&t);
	}
	fx_reopen(f);
	fx_check_clean(f);
	fx_view(f, &v);
	for (uint64_t i = 1; i <= revision; i++) {
		snprintf(text, sizeof(text), "change-%" PRIu64, i);
		assert_next(&v, i - 1, i, text);
	}
	wh_view_end(&v);
}

/* More than a row takes, and some that are longer than a page. */
static void
test_many_changes(void **state)
{
	struct fixture *f = *state;
	const size_t size = 9000;
	char *body = wh_xcalloc(1, size + 1);
	struct wh_txn t;
	struct wh_view v;

	fx_begin(f, &t);
	for (size_t i = 1; i <= 300; i++) {
		size_t n = i % 50 == 0 ? size : i % 211;

		memset(body, 'a' + (int)(i % 26), n);
		body[n] = '\0';
		assert_int_equal(change(&t, body, 1000), i);
	}
	fx_commit(&t);
	fx_check_clean(f);
	fx_view(f, &v);
	for (size_t i = 1; i <= 300; i++) {
		size_t n = i % 50 == 0 ? size : i % 211;

		memset(body, 'a' + (int)(i % 26), n);
		body[n] = '\0';
		assert_next(&v, i - 1, i, body);
	}
	wh_view_end(&v);
	free(body);
}

/* The newest 300 are there, and of the others a 256th, what shares a row, and what came with
 * the transaction at most. */
static void
test_changes_keep(void **state)
{
	struct fixture *f = *state;
	const uint64_t keep = 300, of_a_row = 19, at_once = 30;
	char entry[101];
	uint64_t revision = 0;
	struct wh_view v;
	struct wh_txn t;

	memset(entry, 'e', sizeof(entry) - 1);
	entry[sizeof(entry) - 1] = '\0';
	for (int commit = 0; commit < 100; commit++) {
		fx_begin(f, &t);
		for (uint64_t i = 0; i < at_once; i++)
			revision = change(&t, entry, keep);
		fx_commit(&t);
		fx_check_clean(f);
		fx_view(f, &v);
		uint64_t kept = revision + 1 - v.meta.change_tail;

		assert_true(kept >= (revision < keep ? revision : keep));
		assert_true(kept <= keep + keep / 256 + of_a_row + at_once);
		assert_next(&v, 0, v.meta.change_tail, entry);
		wh_view_end(&v);
	}
}

/* A restored store goes on at a far higher revision. */
static void
test_changes_after_a_jump(void **state)
{
	struct fixture *f = *state;
	struct wh_txn t;
	struct wh_view v;

	fx_begin(f, &t);
	for (int i = 0; i < 20; i++)
		change(&t, "entry", 30);
	fx_commit(&t);
	fx_begin(f, &t);
	change(&t, "in the same transaction", 30);
	t.view.meta.revision += (uint64_t)1 << 32;
	uint64_t reset = change(&t, "reset", 30);

	change(&t, "entry", 30);
	fx_commit(&t);
	fx_check_clean(f);
	fx_view(f, &v);
	assert_int_equal(v.meta.change_tail, reset);
	assert_next(&v, 0, reset, "reset");
	wh_view_end(&v);
	fx_begin(f, &t);
	change(&t, "is forgotten", 30);
	assert_int_equal(wh_changes_jump(&t, 1000), 0);
	reset = change(&t, "once more", 30);
	fx_commit(&t);
	fx_check_clean(f);
	fx_view(f, &v);
	assert_next(&v, 0, reset, "once more");
	wh_view_end(&v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fx_test(test_history_finds),
		fx_test(test_history_backwards),
		fx_test(test_history_trims),
		fx_test(test_history_same_id_twice),
		fx_test(test_history_refuses),
		fx_test(test_requests),
		fx_test(test_requests_refused),
		fx_test(test_requests_trim),
		fx_test(test_changes),
		fx_test(test_no_changes),
		fx_test(test_many_changes),
		fx_test(test_damaged_newest_changes),
		fx_test(test_changes_here_and_there),
		fx_test(test_changes_keep),
		fx_test(test_changes_after_a_jump),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
