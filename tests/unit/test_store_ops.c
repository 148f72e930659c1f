/* SPDX-License-Identifier: MIT */
/*
 * Operations and their indexes, by example and against a model.
 */
#include "tests/unit/store_fixture.h"

static void
test_put_and_get(void **state)
{
	struct fixture *f = *state;
	struct wh_oprow got;
	struct wh_txn t;
	uint8_t id[WH_OP_ID];
	uint64_t seq;

	fx_begin(f, &t);
	fx_put_op(&t, fx_op(7, "lane", HELD, 1));
	assert_int_equal(wh_ops_get(&t.view, 8, &got), WH_ABSENT);
	assert_int_equal(wh_ops_get(&t.view, 7, &got), 0);
	fx_id(7, id);
	assert_true(got.seq == 7 && got.state == HELD && got.due_at == 1);
	assert_memory_equal(got.id, id, sizeof(id));
	assert_true(wh_str_is(got.lane, "lane") && wh_str_is(got.body, "op body"));
	assert_int_equal(wh_ops_find(&t.view, id, &seq), 0);
	assert_int_equal(seq, 7);
	assert_int_equal(t.view.meta.ops_held, 1);
	assert_int_equal(t.view.meta.op_seq, 7);
	assert_true(t.view.meta.op_bytes > 0);
	assert_int_equal(wh_ops_del(&t, 7), 0);
	assert_int_equal(wh_ops_del(&t, 7), WH_ABSENT);
	assert_int_equal(wh_ops_find(&t.view, id, &seq), WH_ABSENT);
	assert_int_equal(t.view.meta.ops_held, 0);
	assert_int_equal(t.view.meta.op_bytes, 0);
	assert_int_equal(t.view.meta.op_seq, 7);
	fx_commit(&t);
	fx_check_clean(f);
}

static void
test_each_state_is_counted(void **state)
{
	struct fixture *f = *state;
	struct wh_txn t;

	fx_begin(f, &t);
	for (uint8_t s = QUEUED; s <= DEAD; s++)
		fx_put_op(&t, fx_op(s + 1u, "lane", s, WH_NOT_DUE));
	const uint64_t counts[] = {
		t.view.meta.ops_queued,  t.view.meta.ops_checking, t.view.meta.ops_sending,
		t.view.meta.ops_unknown, t.view.meta.ops_conflict, t.view.meta.ops_held,
		t.view.meta.ops_dead,
	};

	for (size_t i = 0; i < wh_array_len(counts); i++)
		assert_int_equal(counts[i], 1);
	fx_put_op(&t, fx_op(1, "lane", SENDING, WH_NOT_DUE));
	assert_int_equal(t.view.meta.ops_queued, 0);
	assert_int_equal(t.view.meta.ops_sending, 2);
	fx_commit(&t);
	fx_check_clean(f);
}

static void
test_lane(void **state)
{
	struct fixture *f = *state;
	uint64_t seqs[8];
	struct wh_txn t;
	size_t n;

	fx_begin(f, &t);
	fx_put_op(&t, fx_op(300, "a", QUEUED, 0));
	fx_put_op(&t, fx_op(2, "a", QUEUED, 0));
	fx_put_op(&t, fx_op(70000, "a", QUEUED, 0));
	fx_put_op(&t, fx_op(4, "ab", QUEUED, 0));
	fx_put_op(&t, fx_op(5, "A", QUEUED, 0));
	assert_int_equal(wh_ops_lane(&t.view, WH_STR("a"), seqs, 8, &n), 0);
	assert_int_equal(n, 3);
	assert_true(seqs[0] == 2 && seqs[1] == 300 && seqs[2] == 70000);
	assert_int_equal(wh_ops_lane(&t.view, WH_STR("a"), seqs, 2, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(wh_ops_lane(&t.view, WH_STR("a"), seqs, 0, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(wh_ops_lane(&t.view, WH_STR("none"), seqs, 8, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(wh_ops_lane(&t.view, WH_STR_NULL, seqs, 8, &n), 0);
	assert_int_equal(n, 0);
	fx_put_op(&t, fx_op(300, "ab", QUEUED, 0));
	assert_int_equal(wh_ops_lane(&t.view, WH_STR("a"), seqs, 8, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(wh_ops_lane(&t.view, WH_STR("ab"), seqs, 8, &n), 0);
	assert_true(n == 2 && seqs[0] == 4 && seqs[1] == 300);
	fx_commit(&t);
	fx_check_clean(f);
}

static void
test_due(void **state)
{
	struct fixture *f = *state;
	struct wh_due due[8];
	struct wh_due after;
	struct wh_txn t;
	size_t n;

	fx_begin(f, &t);
	assert_int_equal(wh_ops_due(&t.view, &WH_DUE_FIRST(QUEUED), due, 8, &n), 0);
	assert_int_equal(n, 0);
	fx_put_op(&t, fx_op(1, "a", QUEUED, 500));
	fx_put_op(&t, fx_op(2, "b", UNKNOWN, 0));
	fx_put_op(&t, fx_op(3, "c", QUEUED, 500));
	fx_put_op(&t, fx_op(4, "d", DEAD, WH_NOT_DUE));
	fx_put_op(&t, fx_op(5, "e", QUEUED, 7));
	assert_int_equal(wh_ops_due(&t.view, &WH_DUE_FIRST(QUEUED), due, 8, &n), 0);
	assert_true(n == 3 && due[0].seq == 5 && due[0].due_at == 7);
	assert_true(due[1].seq == 1 && due[2].seq == 3);
	after = due[1];
	assert_int_equal(wh_ops_due(&t.view, &after, due, 8, &n), 0);
	assert_true(n == 1 && due[0].seq == 3);
	assert_int_equal(wh_ops_due(&t.view, &WH_DUE_FIRST(QUEUED), due, 1, &n), 0);
	assert_true(n == 1 && due[0].seq == 5);
	assert_int_equal(wh_ops_due(&t.view, &WH_DUE_FIRST(UNKNOWN), due, 8, &n), 0);
	assert_true(n == 1 && due[0].seq == 2 && due[0].due_at == 0);
	fx_put_op(&t, fx_op(2, "b", HELD, WH_NOT_DUE));
	fx_put_op(&t, fx_op(5, "e", UNKNOWN, 0));
	assert_int_equal(wh_ops_due(&t.view, &WH_DUE_FIRST(QUEUED), due, 8, &n), 0);
	assert_true(n == 2 && due[0].seq == 1);
	assert_int_equal(wh_ops_due(&t.view, &WH_DUE_FIRST(UNKNOWN), due, 8, &n), 0);
	assert_true(n == 1 && due[0].seq == 5);
	fx_commit(&t);
	fx_check_clean(f);
}

static struct wh_oprow
grouped(struct wh_oprow op, uint64_t first, uint64_t second, bool in_hand)
{
	op.group[0] = first;
	op.group[1] = second;
	op.in_hand = in_hand;
	return op;
}

/* seq, negative when it is in hand; 0 = the group is empty. */
static int
first_of(const struct wh_txn *t, size_t which, uint64_t group, uint64_t except)
{
	struct wh_member m;
	int r = wh_ops_first_in_group(&t->view, which, group, except, &m);

	if (r == WH_ABSENT)
		return 0;
	assert_int_equal(r, 0);
	return m.in_hand ? -(int)m.seq : (int)m.seq;
}

static void
test_groups(void **state)
{
	struct fixture *f = *state;
	struct wh_oprow got;
	struct wh_txn t;

	fx_begin(f, &t);
	fx_put_op(&t, grouped(fx_op(3, "c", QUEUED, 0), 77, 5, false));
	fx_put_op(&t, grouped(fx_op(4, "d", QUEUED, 0), 77, UINT64_MAX, false));
	fx_put_op(&t, grouped(fx_op(9, "i", SENDING, 0), 77, 0, true));
	fx_put_op(&t, grouped(fx_op(2, "b", QUEUED, 0), 5, 77, false));
	fx_put_op(&t, fx_op(1, "a", QUEUED, 0));
	assert_int_equal(first_of(&t, 0, 77, 0), -9);
	assert_int_equal(first_of(&t, 0, 77, 9), 3);
	assert_int_equal(first_of(&t, 0, 77, 3), -9);
	assert_int_equal(first_of(&t, 0, 78, 0), 0);
	assert_int_equal(first_of(&t, 0, 76, 0), 0);
	assert_int_equal(first_of(&t, 0, 0, 0), 0);
	assert_int_equal(first_of(&t, 1, 77, 0), 2);
	assert_int_equal(first_of(&t, 1, 77, 2), 0);
	assert_int_equal(first_of(&t, 1, UINT64_MAX, 0), 4);
	assert_int_equal(wh_ops_get(&t.view, 9, &got), 0);
	assert_true(got.group[0] == 77 && got.group[1] == 0 && got.in_hand);
	fx_put_op(&t, grouped(fx_op(9, "i", QUEUED, 0), 77, 0, false));
	assert_int_equal(first_of(&t, 0, 77, 0), 3);
	fx_put_op(&t, grouped(fx_op(3, "c", HELD, WH_NOT_DUE), 0, 0, false));
	assert_int_equal(first_of(&t, 0, 77, 0), 4);
	assert_int_equal(wh_ops_del(&t, 4), 0);
	assert_int_equal(first_of(&t, 0, 77, 0), 9);
	fx_commit(&t);
	fx_check_clean(f);
}

static void
test_next(void **state)
{
	struct fixture *f = *state;
	struct wh_txn t;
	uint64_t seq;

	fx_begin(f, &t);
	assert_int_equal(wh_ops_next(&t.view, 0, &seq), WH_ABSENT);
	assert_int_equal(wh_ops_next_in_state(&t.view, QUEUED, 0, &seq), WH_ABSENT);
	fx_put_op(&t, fx_op(10, "a", QUEUED, 0));
	fx_put_op(&t, fx_op(20, "a", SENDING, 0));
	fx_put_op(&t, fx_op(30, "a", QUEUED, 0));
	assert_int_equal(wh_ops_next(&t.view, 0, &seq), 0);
	assert_int_equal(seq, 10);
	assert_int_equal(wh_ops_next(&t.view, 10, &seq), 0);
	assert_int_equal(seq, 20);
	assert_int_equal(wh_ops_next(&t.view, 30, &seq), WH_ABSENT);
	assert_int_equal(wh_ops_next_in_state(&t.view, QUEUED, 0, &seq), 0);
	assert_int_equal(seq, 10);
	assert_int_equal(wh_ops_next_in_state(&t.view, QUEUED, 10, &seq), 0);
	assert_int_equal(seq, 30);
	assert_int_equal(wh_ops_next_in_state(&t.view, QUEUED, 30, &seq), WH_ABSENT);
	assert_int_equal(wh_ops_next_in_state(&t.view, SENDING, 20, &seq), WH_ABSENT);
	assert_int_equal(wh_ops_next_in_state(&t.view, DEAD, 0, &seq), WH_ABSENT);
	wh_txn_abort(&t);
}

static void
test_refused(void **state)
{
	const struct {
		const char *what;
		struct wh_oprow op;
		int fault;
	} bad[] = {
		{"seq 0", fx_op(0, "a", QUEUED, 0), WH_EINVAL},
		{"a state that ended", fx_op(1, "a", DEAD + 1, 0), WH_EINVAL},
		{"no lane", fx_op(1, "", QUEUED, 0), WH_EINVAL},
		{"due before all time", fx_op(1, "a", QUEUED, -1), WH_EINVAL},
		{"a lane with the separator",
		 {.seq = 1, .lane = wh_str("a\0b", 3), .due_at = 0},
		 WH_EINVAL},
	};
	struct fixture *f = *state;
	struct wh_oprow thief = fx_op(2, "b", QUEUED, 0);
	struct wh_txn t;

	for (size_t i = 0; i < wh_array_len(bad); i++) {
		fx_begin(f, &t);
		if (wh_ops_put(&t, &bad[i].op) != bad[i].fault)
			fail_msg("%s was taken", bad[i].what);
		assert_int_equal(wh_txn_commit(&t), bad[i].fault);
	}
	fx_begin(f, &t);
	fx_put_op(&t, fx_op(1, "a", QUEUED, 0));
	fx_id(1, thief.id);
	assert_int_equal(wh_ops_put(&t, &thief), WH_EBUG);
	wh_txn_abort(&t);
	fx_check_clean(f);
}

/* What was read goes back in with another state, as every transition does. */
static void
test_put_what_was_read(void **state)
{
	struct fixture *f = *state;
	struct wh_oprow op;
	struct wh_txn t;

	fx_begin(f, &t);
	for (uint64_t seq = 1; seq <= 100; seq++)
		fx_put_op(&t, fx_op(seq, "some lane", QUEUED, (int64_t)seq));
	for (int round = 0; round < 3; round++) {
		for (uint64_t seq = 1; seq <= 100; seq++) {
			assert_int_equal(wh_ops_get(&t.view, seq, &op), 0);
			op.state = (uint8_t)((op.state + seq) % (DEAD + 1));
			op.due_at += 1000;
			assert_int_equal(wh_ops_put(&t, &op), 0);
		}
	}
	fx_commit(&t);
	fx_check_clean(f);
	fx_begin(f, &t);
	assert_int_equal(wh_ops_get(&t.view, 100, &op), 0);
	assert_true(wh_str_is(op.lane, "some lane") && wh_str_is(op.body, "op body"));
	assert_int_equal(op.due_at, 3100);
	wh_txn_abort(&t);
}

/* --------------------------------------------------------------- a model -- */

#define MODEL 60

struct model {
	bool there[MODEL];
	struct wh_oprow op[MODEL];
};

static uint64_t
next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void
random_step(struct wh_txn *t, struct model *m, uint64_t *seed)
{
	static const char *const lanes[] = {"a", "ab", "abc", "b", "3f2504e0"};
	static const char *const bodies[] = {"", "short", "a rather longer body of an op"};
	uint64_t seq = next_random(seed) % (MODEL - 1) + 1;

	if (next_random(seed) % 20 == 0)
		assert_int_equal(
			wh_ops_catch_up(t, next_random(seed) % 40, 1 + next_random(seed) % 50),
			0);

	if (next_random(seed) % 4 == 0) {
		assert_int_equal(wh_ops_del(t, seq), m->there[seq] ? 0 : WH_ABSENT);
		m->there[seq] = false;
		return;
	}
	m->op[seq] = fx_op(seq, lanes[next_random(seed) % wh_array_len(lanes)],
			   (uint8_t)(next_random(seed) % (DEAD + 1)),
			   (int64_t)(next_random(seed) % 5));
	m->op[seq].body = wh_str_c(bodies[next_random(seed) % wh_array_len(bodies)]);
	if (next_random(seed) % 3 == 0)
		m->op[seq].due_at = WH_NOT_DUE;
	for (size_t i = 0; i < WH_OP_GROUPS; i++)
		m->op[seq].group[i] = next_random(seed) % 3;
	m->op[seq].form = next_random(seed) % 4;
	m->op[seq].in_hand = next_random(seed) % 2 == 0;
	m->there[seq] = true;
	assert_int_equal(wh_ops_put(t, &m->op[seq]), 0);
}

static size_t
model_due(const struct model *m, uint8_t state)
{
	size_t n = 0;

	for (uint64_t seq = 1; seq < MODEL; seq++)
		n += m->there[seq] && m->op[seq].state == state &&
		     m->op[seq].due_at != WH_NOT_DUE;
	return n;
}

/* Each of them once, in order, and as they are in the model; also page by page. */
static void
compare_due(const struct wh_view *v, const struct model *m, uint8_t state)
{
	struct wh_due due[MODEL], at = WH_DUE_FIRST(state);
	size_t n, one;

	assert_int_equal(wh_ops_due(v, &at, due, MODEL, &n), 0);
	assert_int_equal(n, model_due(m, state));
	for (size_t i = 0; i < n; i++) {
		assert_true(m->there[due[i].seq] && m->op[due[i].seq].due_at == due[i].due_at);
		assert_true(
			i == 0 || due[i - 1].due_at < due[i].due_at ||
			(due[i - 1].due_at == due[i].due_at && due[i - 1].seq < due[i].seq));
		assert_int_equal(wh_ops_due(v, &at, &at, 1, &one), 0);
		assert_true(one == 1 && at.seq == due[i].seq);
	}
	assert_int_equal(wh_ops_due(v, &at, &at, 1, &one), 0);
	assert_int_equal(one, 0);
}

static void
compare_lane(const struct wh_view *v, const struct model *m, struct wh_str lane)
{
	uint64_t seqs[MODEL], seq = 0;
	size_t n;

	assert_int_equal(wh_ops_lane(v, lane, seqs, MODEL, &n), 0);
	for (size_t i = 0; i < n; i++) {
		for (seq++; !m->there[seq] || !wh_str_eq(m->op[seq].lane, lane); seq++)
			assert_true(seq < seqs[i]);
		assert_int_equal(seqs[i], seq);
	}
	for (seq++; seq < MODEL; seq++)
		assert_false(m->there[seq] && wh_str_eq(m->op[seq].lane, lane));
}

static void
compare_group(const struct wh_view *v, const struct model *m, size_t which, uint64_t group)
{
	struct wh_member found = {0};
	uint64_t first = 0;

	for (uint64_t seq = MODEL - 1; seq > 0; seq--)
		if (m->there[seq] && m->op[seq].group[which] == group &&
		    (first == 0 || m->op[seq].in_hand || !m->op[first].in_hand))
			first = seq;
	int r = wh_ops_first_in_group(v, which, group, 0, &found);

	assert_int_equal(r, group && first ? 0 : WH_ABSENT);
	if (r == 0)
		assert_true(found.seq == first && found.in_hand == m->op[first].in_hand);
}

static void
compare_form(const struct wh_view *v, const struct model *m, uint64_t form)
{
	uint64_t first = 1, found = 0;

	while (first < MODEL && (!m->there[first] || m->op[first].form != form))
		first++;
	int r = wh_ops_first_of_form(v, form, &found);

	assert_int_equal(r, form && first < MODEL ? 0 : WH_ABSENT);
	if (r == 0)
		assert_int_equal(found, first);
}

static void
compare(const struct wh_view *v, const struct model *m)
{
	struct wh_oprow got;
	uint64_t found;

	for (uint64_t seq = 1; seq < MODEL; seq++) {
		const struct wh_oprow *want = &m->op[seq];
		int r = wh_ops_get(v, seq, &got);

		assert_int_equal(r, m->there[seq] ? 0 : WH_ABSENT);
		if (r != 0)
			continue;
		assert_true(got.state == want->state && got.due_at == want->due_at);
		assert_memory_equal(got.group, want->group, sizeof(got.group));
		assert_true(got.in_hand == want->in_hand && got.form == want->form);
		assert_true(wh_str_eq(got.lane, want->lane) && wh_str_eq(got.body, want->body));
		assert_int_equal(wh_ops_find(v, want->id, &found), 0);
		assert_int_equal(found, seq);
		assert_int_equal(wh_ops_next_in_state(v, want->state, seq - 1, &found), 0);
		assert_int_equal(found, seq);
		compare_lane(v, m, want->lane);
	}
	for (uint8_t state = QUEUED; state <= DEAD; state++)
		compare_due(v, m, state);
	for (uint64_t key = 0; key < 4; key++) {
		compare_form(v, m, key);
		for (size_t i = 0; i < WH_OP_GROUPS; i++)
			compare_group(v, m, i, key);
	}
}

static void
test_against_a_model(void **state)
{
	struct fixture *f = *state;
	struct model *m = wh_xcalloc(1, sizeof(*m));
	uint64_t seed = 0x9e3779b97f4a7c15u;
	struct wh_view v;
	struct wh_txn t;

	fx_view(f, &v);
	for (int round = 0; round < 60; round++) {
		struct model before = *m;
		bool keep = round % 5 != 0;

		fx_begin(f, &t);
		for (int i = 0; i < 30; i++)
			random_step(&t, m, &seed);
		compare(&t.view, m);
		if (keep) {
			fx_commit(&t);
		} else {
			wh_txn_abort(&t);
			*m = before;
		}
		assert_int_equal(wh_view_renew(&v), 0);
		compare(&v, m);
		fx_check_clean(f);
	}
	wh_view_end(&v);
	free(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fx_test(test_put_and_get),
		fx_test(test_each_state_is_counted),
		fx_test(test_lane),
		fx_test(test_due),
		fx_test(test_groups),
		fx_test(test_next),
		fx_test(test_refused),
		fx_test(test_put_what_was_read),
		fx_test(test_against_a_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
