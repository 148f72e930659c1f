/* SPDX-License-Identifier: MIT */
/*
 * Overlays that are rows by now: a store that writes rows later shows the same
 * as one that writes them at once, whatever comes in between.
 */
#include "store/settled.h"
#include "store/terms.h"
#include "tests/unit/store_fixture.h"

#define LANES 7
#define ROUNDS 3000

static void
letters(enum wh_scan_table table, struct wh_str body, struct wh_terms *ret)
{
	(void)table;
	ret->n = 0;
	ret->many = false;
	for (size_t i = 0; i < body.n; i++)
		ret->term[ret->n++] = (uint64_t)(unsigned char)body.p[i] << 40 | 1;
}

/* ------------------------------------------------------------ what is seen -- */

static void
show_row(struct wh_buf *to, struct wh_str key, const struct wh_row *r)
{
	wh_buf_printf(to, "%.*s=%.*s %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", WH_STR_FMT(key),
		      WH_STR_FMT(r->body), r->revision, r->confirm, r->claim);
}

static void
show_overlay(struct wh_buf *to, struct wh_str key, const struct wh_overlay *o)
{
	wh_buf_printf(to, "%.*s~%.*s %" PRIu64 " %u\n", WH_STR_FMT(key), WH_STR_FMT(o->body),
		      o->revision, o->pending);
}

static void
show_scan(struct wh_buf *to, const struct wh_view *v, enum wh_scan_table table)
{
	struct wh_scan scan;
	struct wh_overlay o;
	struct wh_str key;
	struct wh_row row;

	assert_int_equal(wh_scan_begin(v, table, WH_STR_NULL, &scan), 0);
	while (wh_scan_next(&scan, &key, &row, &o) == 0)
		if (table == WH_SCAN_ROWS)
			show_row(to, key, &row);
		else
			show_overlay(to, key, &o);
	wh_scan_end(&scan);
}

static void
show_term(struct wh_buf *to, const struct wh_view *v, enum wh_scan_table table, char letter)
{
	uint64_t term = (uint64_t)(unsigned char)letter << 40 | 1;
	struct wh_term_scan s;
	struct wh_str id;

	wh_buf_printf(to, "%c in %s:", letter, table == WH_SCAN_ROWS ? "rows" : "overlays");
	assert_int_equal(wh_terms_begin(v, table, term, WH_STR_NULL, &s), 0);
	while (wh_terms_next(&s, &id) == 0)
		wh_buf_printf(to, " %.*s", WH_STR_FMT(id));
	wh_terms_end(&s);
	wh_buf_byte(to, '\n');
}

/* All that can be seen of it, as a text that ends in a 0. */
static void
show(struct wh_buf *to, const struct wh_view *v)
{
	char lane[2] = "A";
	struct wh_overlay o;
	struct wh_row row;

	for (int i = 0; i < LANES; i++, lane[0]++) {
		if (wh_rows_get(v, wh_str_c(lane), &row) == 0)
			show_row(to, wh_str_c(lane), &row);
		if (wh_overlays_get(v, wh_str_c(lane), NULL, &o) == 0)
			show_overlay(to, wh_str_c(lane), &o);
	}
	show_scan(to, v, WH_SCAN_ROWS);
	show_scan(to, v, WH_SCAN_OVERLAYS);
	for (char c = 'a'; c <= 'e'; c++) {
		show_term(to, v, WH_SCAN_ROWS, c);
		show_term(to, v, WH_SCAN_OVERLAYS, c);
	}
	wh_buf_printf(to, "%" PRIu64 " rows", v->meta.rows);
	wh_buf_byte(to, '\0');
	assert_int_equal(to->fault, 0);
}

/* -------------------------------------------------------- what may happen -- */

/* One thing after the other happens to a lane; the same in both stores. */
struct life {
	struct wh_txn *t;
	uint64_t *op; /* of each lane; 0: none */
	uint64_t seq;
	unsigned lane;
	unsigned draw;
};

static struct wh_str
name_of(const struct life *x)
{
	static const char names[] = "ABCDEFG";

	return wh_str(names + x->lane, 1);
}

static struct wh_str
body_of(const struct life *x)
{
	static const char bodies[] = "abcdeabcdabca";

	return wh_str(bodies + x->draw % 9, 1 + x->draw / 9 % 4);
}

static void
queue(const struct life *x)
{
	struct wh_overlay o = {.revision = x->seq, .pending = 1, .body = body_of(x)};
	struct wh_oprow op = fx_op(x->seq, "", 0, 0);

	op.lane = name_of(x);
	if (x->op[x->lane] == 0) {
		fx_put_op(x->t, op);
		x->op[x->lane] = x->seq;
	}
	o.newest = x->op[x->lane];
	assert_int_equal(wh_overlays_put(x->t, name_of(x), &o), 0);
}

/* What the overlay shows has become the row, or something else has. */
static void
end(const struct life *x)
{
	struct wh_row row = {.revision = x->seq, .confirm = x->draw, .claim = 3};
	struct wh_overlay o;

	if (x->op[x->lane] == 0 ||
	    wh_overlays_get(&x->t->view, name_of(x), NULL, &o) == WH_ABSENT)
		return;
	row.body = x->draw % 5 ? o.body : body_of(x);
	assert_int_equal(wh_rows_settle(x->t, name_of(x), &row), 0);
	assert_int_equal(wh_ops_del(x->t, x->op[x->lane]), 0);
	x->op[x->lane] = 0;
}

static void
list(const struct life *x)
{
	struct wh_row row = {.revision = x->seq, .body = body_of(x)};

	if (x->draw % 7 == 0)
		assert_true(wh_rows_del(x->t, name_of(x)) >= 0);
	else
		assert_int_equal(wh_rows_put(x->t, name_of(x), &row), 0);
}

/* A row that was read is put again, as it is but for a number. */
static void
touch(const struct life *x)
{
	struct wh_row row;

	if (wh_rows_get(&x->t->view, name_of(x), &row))
		return;
	row.confirm = x->seq;
	assert_int_equal(wh_rows_put(x->t, name_of(x), &row), 0);
}

static void
cancel(const struct life *x)
{
	if (x->op[x->lane] == 0)
		return;
	assert_true(wh_overlays_del(x->t, name_of(x)) >= 0);
	assert_int_equal(wh_ops_del(x->t, x->op[x->lane]), 0);
	x->op[x->lane] = 0;
}

static void
index_ops(const struct life *x)
{
	assert_int_equal(wh_ops_catch_up(x->t, x->draw % 3, 1 + x->draw % 4), 0);
}

static void
write_rows(const struct life *x)
{
	assert_int_equal(wh_settled_catch_up(x->t, 1 + x->draw % 4), 0);
}

/* The same each time: SplitMix64's mixing of a counter. */
static unsigned
draw(uint64_t n)
{
	n *= 0x9e3779b97f4a7c15u;
	n = (n ^ n >> 30) * 0xbf58476d1ce4e5b9u;
	n = (n ^ n >> 27) * 0x94d049bb133111ebu;
	return (unsigned)(n >> 40);
}

static void
pass(struct fixture *const f[2], uint64_t op[2][LANES], uint64_t seq, uint64_t *ret_settled)
{
	static void (*const events[])(const struct life *) = {
		queue, queue, queue, end,    end,       end,
		end,   list,  touch, cancel, index_ops, write_rows,
	};
	struct wh_buf shown[2] = {WH_BUF_NULL, WH_BUF_NULL};
	const unsigned dice[3] = {draw(3 * seq), draw(3 * seq + 1), draw(3 * seq + 2)};

	for (int i = 0; i < 2; i++) {
		struct wh_txn t;
		struct life x = {&t, op[i], seq, dice[0] % LANES, dice[1] % 1000};

		fx_begin(f[i], &t);
		events[dice[2] % wh_array_len(events)](&x);
		show(&shown[i], &t.view);
		if (t.view.meta.settled > *ret_settled)
			*ret_settled = t.view.meta.settled;
		fx_commit(&t);
	}
	assert_string_equal(shown[1].p, shown[0].p);
	wh_buf_fini(&shown[0]);
	wh_buf_fini(&shown[1]);
}

static void
build_index(struct fixture *const f[2])
{
	for (int i = 0; i < 2; i++) {
		struct wh_terms_build b = {0};
		struct wh_txn t;

		fx_begin(f[i], &t);
		while (!b.done)
			assert_int_equal(wh_terms_build(&t, &b, 100), 0);
		fx_commit(&t);
	}
}

static void
test_same_as_at_once(void **state)
{
	struct fixture *const f[2] = {fx_new(), *state};
	uint64_t op[2][LANES] = {{0}, {0}}, settled = 0;

	f[0]->settle_from = UINT64_MAX;
	for (int i = 0; i < 2; i++) {
		f[i]->terms = letters;
		fx_open(f[i]);
	}
	build_index(f);
	for (uint64_t seq = 1; seq <= ROUNDS; seq++) {
		pass(f, op, seq, &settled);
		if (seq % 50 == 0) {
			fx_check_clean(f[1]);
			fx_reopen(f[0]);
			fx_reopen(f[1]);
		}
	}
	assert_true(settled > 2);
	fx_teardown((void *[]){f[0]});
}

/* --------------------------------------------------------------- one of them -- */

#define LANE "lane-1"

/* A row that is settled: it was `was`, and is `is`. */
static struct fixture *
begin(void **state, struct wh_txn *t)
{
	const struct wh_overlay o = {
		.revision = 2, .pending = 1, .body = WH_STR("is-now"), .newest = 1};
	const struct wh_row row = {.revision = 2, .confirm = 9, .body = WH_STR("is-now")};
	struct fixture *f = *state;

	fx_begin(f, t);
	fx_put_row(t, LANE, "was-before");
	fx_put_op(t, fx_op(1, LANE, 0, 0));
	fx_put_op(t, fx_op(2, "other", 0, 0));
	assert_int_equal(wh_overlays_put(t, WH_STR(LANE), &o), 0);
	assert_int_equal(wh_rows_settle(t, WH_STR(LANE), &row), 0);
	assert_int_equal(wh_ops_del(t, 1), 0);
	return f;
}

static void
assert_row(const struct wh_view *v, const char *body, uint64_t confirm)
{
	struct wh_overlay o;
	struct wh_row row;

	assert_int_equal(wh_rows_get(v, WH_STR(LANE), &row), 0);
	assert_true(wh_str_is(row.body, body));
	assert_int_equal(row.confirm, confirm);
	assert_int_equal(wh_overlays_get(v, WH_STR(LANE), NULL, &o), WH_ABSENT);
}

/* Nothing but a note is written; a view that remembers where rows lie sees it, too. */
static void
test_only_noted(void **state)
{
	struct wh_overlay o;
	struct wh_view v;
	struct wh_txn t;
	struct fixture *f = begin(state, &t);

	assert_int_equal(t.view.meta.settled, 1);
	assert_int_equal(t.view.meta.overlays, 1);
	assert_int_equal(wh_overlay_stored(&t.view, WH_STR(LANE), &o), 0);
	assert_row(&t.view, "is-now", 9);
	fx_commit(&t);
	fx_check_clean(f);
	fx_view(f, &v);
	wh_view_remember(&v);
	assert_row(&v, "is-now", 9);
	fx_begin(f, &t);
	assert_int_equal(wh_settled_catch_up(&t, 10), 0);
	assert_int_equal(t.view.meta.settled, 0);
	assert_int_equal(t.view.meta.overlays, 0);
	fx_commit(&t);
	assert_row(&v, "is-now", 9);
	assert_int_equal(wh_view_renew(&v), 0);
	assert_row(&v, "is-now", 9);
	wh_view_end(&v);
	fx_check_clean(f);
}

/* Who writes one row writes it at once. */
static void
test_few_wait(void **state)
{
	struct fixture *f = *state;
	struct wh_txn t;

	f->settle_from = 3; /* two wait */
	fx_open(f);
	(void)begin(state, &t);
	assert_int_equal(t.view.meta.settled, 0);
	assert_int_equal(t.view.meta.overlays, 0);
	assert_row(&t.view, "is-now", 9);
	fx_commit(&t);
	fx_check_clean(f);
}

static void
assert_damaged(struct fixture *f, int caught_up)
{
	struct wh_scan scan;
	struct wh_str key;
	struct wh_row row;
	struct wh_txn t;

	fx_begin(f, &t);
	assert_int_equal(wh_rows_get(&t.view, WH_STR(LANE), &row), WH_ECORRUPT);
	assert_int_equal(wh_scan_begin(&t.view, WH_SCAN_ROWS, WH_STR_NULL, &scan), 0);
	assert_int_equal(wh_scan_next(&scan, &key, &row, NULL), WH_ECORRUPT);
	assert_true(wh_str_is(key, LANE));
	wh_scan_end(&scan);
	assert_int_equal(wh_settled_catch_up(&t, 10), caught_up);
	assert_int_equal(wh_rows_get(&t.view, WH_STR(LANE), &row), WH_ECORRUPT);
	fx_commit(&t);
}

/* What the list brings takes its place, and the note goes with the others. */
static void
assert_mends(struct fixture *f)
{
	struct wh_txn t;

	fx_begin(f, &t);
	fx_put_row(&t, LANE, "from-a-list");
	assert_row(&t.view, "from-a-list", 0);
	assert_int_equal(wh_settled_catch_up(&t, 10), 0);
	assert_int_equal(t.view.meta.settled, 0);
	assert_row(&t.view, "from-a-list", 0);
	fx_commit(&t);
	fx_check_clean(f);
}

/* Nobody is shown what the row was before; a list mends it. */
static void
test_damaged_overlay(void **state)
{
	struct wh_txn t;
	struct fixture *f = begin(state, &t);

	fx_commit(&t);
	fx_damage(f, "is-now");
	assert_damaged(f, WH_ECORRUPT);
	assert_mends(f);
}

static void
test_damaged_note(void **state)
{
	struct wh_txn t;
	struct fixture *f = begin(state, &t);
	struct wh_key k;
	MDB_val key, data;
	char copy[200];

	wh_key_order(&k, 1);
	key = (MDB_val){k.n, k.b};
	assert_int_equal(mdb_get(t.view.mdb, f->s->dbi[WH_TABLE_SETTLED], &key, &data), 0);
	assert_true(data.mv_size <= sizeof(copy));
	memcpy(copy, data.mv_data, data.mv_size);
	copy[data.mv_size - 1] ^= 1;
	data.mv_data = copy;
	assert_int_equal(mdb_put(t.view.mdb, f->s->dbi[WH_TABLE_SETTLED], &key, &data, 0), 0);
	fx_commit(&t);
	fx_assert_finds(f, true, "settled: row 1: the checksum does not match");
	assert_damaged(f, WH_ECORRUPT);
	assert_mends(f);
}

/* An overlay that is damaged while its webhook has an operation is none that is a row. */
static void
test_damaged_while_pending(void **state)
{
	const struct wh_overlay o = {.pending = 1, .body = WH_STR("to-damage"), .newest = 3};
	struct wh_overlay got;
	struct wh_row row;
	struct wh_txn t;
	struct fixture *f = begin(state, &t);

	fx_put_row(&t, "pending", "row-of-pending");
	fx_put_op(&t, fx_op(3, "pending", 0, 0));
	assert_int_equal(wh_overlays_put(&t, WH_STR("pending"), &o), 0);
	fx_commit(&t);
	fx_damage(f, "to-damage");
	fx_begin(f, &t);
	assert_int_equal(wh_overlays_get(&t.view, WH_STR("pending"), NULL, &got), WH_ECORRUPT);
	assert_int_equal(wh_rows_get(&t.view, WH_STR("pending"), &row), 0);
	assert_true(wh_str_is(row.body, "row-of-pending"));
	fx_put_row(&t, "pending", "another");
	assert_int_equal(wh_overlays_get(&t.view, WH_STR("pending"), NULL, &got), WH_ECORRUPT);
	assert_int_equal(wh_overlays_put(&t, WH_STR("pending"), &o), 0);
	assert_row(&t.view, "is-now", 9);
	fx_commit(&t);
	fx_check_clean(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fx_test_closed(test_same_as_at_once), fx_test(test_only_noted),
		fx_test_closed(test_few_wait),        fx_test(test_damaged_overlay),
		fx_test(test_damaged_note),           fx_test(test_damaged_while_pending),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
