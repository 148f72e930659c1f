/* SPDX-License-Identifier: MIT */
/* Looking for the first of a form or a group finds what is there, whatever the filter was told.
 */
#include "tests/unit/store_fixture.h"

#include "store/index.h"
#include "store/sieve.h"
#include "store/table.h"

#define OPS 4000u
#define KEYS 300u /* so few that they come and go */

/* What should be stored. */
struct model {
	struct wh_oprow op[OPS]; /* by seq; seq 0: it is not there */
	uint64_t last;
};

struct test {
	struct fixture *f;
	struct model now, before;
	struct wh_txn t;
	uint64_t dice;
};

static uint64_t
below(struct test *x, uint64_t n)
{
	x->dice = x->dice * 6364136223846793005u + 1442695040888963407u;
	return (x->dice >> 33) % n;
}

static void
store(struct test *x, uint64_t seq)
{
	struct wh_oprow op = fx_op(seq, "a", QUEUED, 0);

	op.in_hand = below(x, 8) == 0;
	op.form = 1 + below(x, KEYS);
	for (size_t i = 0; i < WH_OP_GROUPS; i++)
		op.group[i] = 1 + below(x, KEYS);
	fx_put_op(&x->t, op);
	x->now.op[seq] = op;
}

static uint64_t
any(struct test *x)
{
	return x->now.last ? 1 + below(x, x->now.last) : 0;
}

static void
change(struct test *x)
{
	uint64_t seq = any(x);

	if (x->now.last + 1 < OPS && below(x, 3) == 0)
		store(x, ++x->now.last);
	else if (x->now.op[seq].seq && below(x, 2))
		store(x, seq);
	else if (x->now.op[seq].seq) {
		assert_int_equal(wh_ops_del(&x->t, seq), 0);
		x->now.op[seq].seq = 0;
	} else if (below(x, 4) == 0) {
		assert_int_equal(wh_ops_catch_up(&x->t, 0, below(x, 50)), 0);
	}
}

static uint64_t
first_of_form(const struct model *m, uint64_t form)
{
	for (uint64_t seq = 1; seq <= m->last; seq++)
		if (m->op[seq].seq && m->op[seq].form == form)
			return seq;
	return 0;
}

static uint64_t
first_in_group(const struct model *m, size_t which, uint64_t group, uint64_t except)
{
	uint64_t first = 0;

	for (uint64_t seq = 1; seq <= m->last; seq++) {
		const struct wh_oprow *op = &m->op[seq];

		if (!op->seq || seq == except || op->group[which] != group)
			continue;
		if (op->in_hand)
			return seq;
		if (first == 0)
			first = seq;
	}
	return first;
}

static void
look(struct test *x)
{
	uint64_t key = 1 + below(x, KEYS), except = any(x), seq = 0;
	size_t which = below(x, WH_OP_GROUPS);
	struct wh_member m = {0};
	int r = wh_ops_first_of_form(&x->t.view, key, &seq);

	assert_true(r == 0 || r == WH_ABSENT);
	assert_int_equal(r == 0 ? seq : 0, first_of_form(&x->now, key));
	r = wh_ops_first_in_group(&x->t.view, which, key, except, &m);
	assert_true(r == 0 || r == WH_ABSENT);
	assert_int_equal(r == 0 ? m.seq : 0, first_in_group(&x->now, which, key, except));
}

/* One in five comes to nothing: the filter that it made or that it told of more goes on. */
static void
transaction(struct test *x)
{
	x->before = x->now;
	fx_begin(x->f, &x->t);
	for (uint64_t n = 1 + below(x, 20); n > 0; n--) {
		if (below(x, 2))
			change(x);
		else
			look(x);
	}
	if (below(x, 5)) {
		fx_commit(&x->t);
		return;
	}
	wh_txn_abort(&x->t);
	x->now = x->before;
}

/* from: it comes and goes around so many. */
static void
find_what_is_there(struct fixture *f, uint64_t from)
{
	struct test *x = wh_xcalloc(1, sizeof(*x));
	unsigned asked = 0;

	f->sieve_from = from;
	fx_open(f);
	x->f = f;
	x->dice = 7 * from;
	for (unsigned i = 0; i < 1500; i++) {
		transaction(x);
		asked += f->s->sieve != NULL;
		if (i % 500 == 250)
			fx_reopen(f);
	}
	assert_true(asked > 0);
	fx_check_clean(f);
	free(x);
}

static void
test_what_is_there_is_found(void **state)
{
	find_what_is_there(*state, 1);
}

static void
test_what_is_there_is_found_around_8(void **state)
{
	find_what_is_there(*state, 8);
}

static void
test_what_is_there_is_found_around_200(void **state)
{
	find_what_is_there(*state, 200);
}

/* Puts n with index rows, all of other forms and groups. */
static void
put_many(struct wh_txn *t, uint64_t n)
{
	for (uint64_t seq = 1; seq <= n; seq++) {
		struct wh_oprow op = fx_op(seq, "a", QUEUED, 0);

		op.form = op.group[0] = op.group[1] = seq;
		fx_put_op(t, op);
	}
	assert_int_equal(wh_ops_catch_up(t, 0, SIZE_MAX), 0);
}

static bool
may_have(const struct wh_txn *t, uint64_t form)
{
	struct wh_key k;

	wh_index_by_form(&k, form, 0);
	return wh_sieve_may_have(&t->view, &k);
}

/* Of what is not there nearly nothing has to be looked for; a view looks for all. */
static void
test_what_is_not_there(void **state)
{
	struct fixture *f = *state;
	unsigned told = 0;
	struct wh_view v;
	struct wh_txn t;
	struct wh_key k;

	fx_begin(f, &t);
	put_many(&t, 5000);
	for (uint64_t form = 1; form <= 5000; form++)
		assert_true(may_have(&t, form));
	for (uint64_t form = 5001; form <= 10000; form++)
		told += may_have(&t, form);
	assert_in_range(told, 0, 1000);
	fx_commit(&t);
	fx_view(f, &v);
	wh_index_by_form(&k, 9999, 0);
	assert_true(wh_sieve_may_have(&v, &k));
	wh_view_end(&v);
}

/* While few have index rows there is none, and none is kept for few. */
static void
test_only_for_many(void **state)
{
	struct fixture *f = *state;
	struct wh_txn t;

	fx_begin(f, &t);
	put_many(&t, 4000);
	assert_true(may_have(&t, 9999));
	assert_null(f->s->sieve);
	wh_txn_abort(&t);
	fx_begin(f, &t);
	put_many(&t, 4200);
	(void)may_have(&t, 9999);
	assert_non_null(f->s->sieve);
	fx_commit(&t);
	fx_begin(f, &t);
	for (uint64_t seq = 1; seq <= 2200; seq++)
		assert_int_equal(wh_ops_del(&t, seq), 0);
	fx_commit(&t);
	assert_null(f->s->sieve);
}

/* It is made when a row has gone that comes back if the transaction comes to nothing. */
static void
make_without_77(struct fixture *f, struct wh_txn *t)
{
	fx_begin(f, t);
	put_many(t, 5000);
	fx_commit(t);
	fx_begin(f, t);
	assert_int_equal(wh_ops_del(t, 77), 0);
	(void)may_have(t, 77);
	assert_non_null(f->s->sieve);
}

static void
assert_may_have_77(struct fixture *f)
{
	struct wh_txn t;

	fx_begin(f, &t);
	assert_true(may_have(&t, 77));
	wh_txn_abort(&t);
}

static void
test_made_for_nothing(void **state)
{
	struct fixture *f = *state;
	struct wh_txn t;

	make_without_77(f, &t);
	wh_txn_abort(&t);
	assert_may_have_77(f);
}

static void
test_made_for_a_commit_that_failed(void **state)
{
	struct fixture *f = *state;
	struct wh_txn t;

	make_without_77(f, &t);
	rlim_t was = fx_files_end_at(4096);

	assert_true(wh_txn_commit(&t) < 0);
	fx_files_end_at(was);
	assert_may_have_77(f);
}

/* Behind a key that the disk made one of another kind, all is there. */
static void
test_made_of_a_damaged_index(void **state)
{
	struct fixture *f = *state;
	struct wh_txn t;
	struct wh_key k;

	fx_begin(f, &t);
	put_many(&t, 5000);
	fx_commit(&t);
	fx_reopen(f);
	wh_index_by_form(&k, 100, 100);
	fx_flip_bits(f->data, wh_key_view(&k), WH_BY_FORM ^ 'n');
	fx_begin(f, &t);
	for (uint64_t form = 1; form <= 5000; form++)
		assert_true(may_have(&t, form));
	wh_txn_abort(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fx_test_closed(test_what_is_there_is_found),
		fx_test_closed(test_what_is_there_is_found_around_8),
		fx_test_closed(test_what_is_there_is_found_around_200),
		fx_test(test_what_is_not_there),
		fx_test(test_only_for_many),
		fx_test(test_made_for_nothing),
		fx_test(test_made_for_a_commit_that_failed),
		fx_test(test_made_of_a_damaged_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
