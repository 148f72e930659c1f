/* SPDX-License-Identifier: MIT */
/*
 * A store made anew from what can be read of a damaged one: what is kept, what
 * is told, and that nothing is forgotten without a word.
 */
#include "tests/unit/store_fixture.h"

#include "store/pages.h"

#define PAGE 4096

static int
salvage(struct fixture *f, struct wh_salvaged *ret)
{
	const struct wh_store_options o = {.path = f->path, .max_size = FX_SIZE};

	fx_close(f);
	*ret = (struct wh_salvaged){.now = 1000};
	f->findings = 0;
	f->finding[0] = '\0';
	return wh_store_salvage(&o, ret, fx_on_finding, f, &f->text);
}

static void
make_anew(struct fixture *f)
{
	struct wh_salvaged ret;
	char aside[500];

	if (salvage(f, &ret) != 0)
		fail_msg("salvage: %.*s", WH_STR_FMT(wh_buf_view(&f->text)));
	snprintf(aside, sizeof(aside), "%s/%s", f->path, ret.aside);
	assert_int_equal(access(aside, F_OK), 0);
	fx_open(f);
	assert_true(wh_store_was_put_back(f->s));
}

static void
zero(struct fixture *f, off_t at, size_t n)
{
	char *zeros = wh_xcalloc(1, n);
	int fd = open(f->data, O_RDWR);

	assert_int_equal(pwrite(fd, zeros, n, at), (ssize_t)n);
	close(fd);
	free(zeros);
}

static unsigned
count_damaged(struct fixture *f)
{
	struct wh_damaged d = {.seq = 0};
	struct wh_view v;
	unsigned n = 0;

	fx_view(f, &v);
	while (wh_damaged_next(&v, d.seq, &d) == 0)
		n++;
	wh_view_end(&v);
	return n;
}

/* All that is not made of something else comes over; what is not does not. */
static void
test_sound(void **state)
{
	struct fixture *f = *state;
	struct wh_view v;
	struct wh_past past;
	struct wh_oprow op;
	struct wh_str text;
	struct wh_row row;
	uint8_t id[WH_OP_ID];

	fx_furnish(f);
	make_anew(f);
	assert_int_equal(f->findings, 0);
	assert_int_equal(count_damaged(f), 0);
	fx_check_clean(f);
	fx_view(f, &v);
	assert_int_equal(v.meta.rows, 5);
	assert_int_equal(v.meta.history_count, 5);
	assert_int_equal(v.meta.requests, 1);
	assert_int_equal(v.meta.aliases, 1);
	assert_int_equal(v.meta.tombs, 1);
	assert_int_equal(v.meta.late, 1);
	assert_int_equal(v.meta.overlays, 0);
	assert_int_equal(v.meta.op_seq, 5);
	assert_int_equal(v.meta.revision, 5);
	assert_int_equal(wh_rows_get(&v, WH_STR("row-3"), &row), 0);
	assert_true(wh_str_is(row.body, "row-body-3"));
	assert_int_equal(wh_rows_get(&v, WH_STR("row-4"), &row), 0);
	assert_true(wh_str_is(row.body, "settled-4"));
	assert_int_equal(row.revision, 2);
	assert_int_equal(wh_ops_get(&v, 3, &op), 0);
	assert_true(wh_str_is(op.body, "op-body-3"));
	fx_id(103, id);
	assert_int_equal(wh_history_find(&v, id, &past), 0);
	assert_int_equal(wh_meta_text(&v, WH_META_INSTANCE, &text), 0);
	assert_true(wh_str_is(text, "the-instance"));
	assert_int_equal(wh_meta_text(&v, WH_META_REBUILD, &text), 0);
	assert_true(text.n > 0);
	wh_view_end(&v);
}

/* The record of an operation is gone, its index tells its id and lane. */
static void
test_operation(void **state)
{
	struct fixture *f = *state;
	struct wh_damaged d;
	struct wh_oprow op;
	struct wh_view v;
	uint8_t id[WH_OP_ID];

	fx_furnish(f);
	fx_close(f);
	fx_flip(f->data, "op-body-4");
	make_anew(f);
	assert_true(fx_found(f, "ops: operation 4 cannot be read"));
	assert_false(fx_found(f, "no trace"));
	fx_view(f, &v);
	assert_int_equal(wh_damaged_next(&v, 0, &d), 0);
	fx_id(4, id);
	assert_int_equal(d.seq, 4);
	assert_true(d.has_id && memcmp(d.id, id, sizeof(id)) == 0);
	assert_true(wh_str_is(d.lane, "lane"));
	assert_int_equal(wh_damaged_next(&v, 4, &d), WH_ABSENT);
	assert_int_equal(wh_ops_get(&v, 4, &op), WH_ABSENT);
	assert_int_equal(wh_ops_get(&v, 5, &op), 0);
	assert_int_equal(v.meta.op_seq, 5);
	wh_view_end(&v);
	fx_check_clean(f);
}

/* The body of a webhook is damaged: nobody is told that the copy is whole. */
static void
lose_body(struct fixture *f, const char *body, struct wh_view *ret)
{
	struct wh_txn t;

	fx_furnish(f);
	fx_begin(f, &t);
	t.view.meta.synced_at = 77;
	fx_commit(&t);
	fx_close(f);
	fx_flip(f->data, body);
	make_anew(f);
	assert_true(fx_found(f, "rows: webhooks were lost"));
	fx_view(f, ret);
	assert_int_equal(ret->meta.synced_at, 0);
}

/* A row is fetched again, so it is left out. */
static void
test_row(void **state)
{
	struct fixture *f = *state;
	struct wh_row row;
	struct wh_view v;

	lose_body(f, "row-body-2", &v);
	assert_int_equal(v.meta.rows, 4);
	assert_int_equal(wh_rows_get(&v, WH_STR("row-2"), &row), WH_ABSENT);
	wh_view_end(&v);
	fx_check_clean(f);
}

/* What it was before is still there. */
static void
test_settled_row(void **state)
{
	struct fixture *f = *state;
	struct wh_row row;
	struct wh_view v;

	lose_body(f, "settled-4", &v);
	assert_int_equal(v.meta.rows, 5);
	assert_int_equal(v.meta.settled, 0);
	assert_int_equal(wh_rows_get(&v, WH_STR("row-4"), &row), 0);
	assert_true(wh_str_is(row.body, "row-body-4"));
	wh_view_end(&v);
	fx_check_clean(f);
}

/* Without meta pages there are no trees: operations are found by their checksums. */
static void
test_meta_pages(void **state)
{
	struct fixture *f = *state;
	struct wh_oprow op;
	struct wh_view v;

	fx_furnish(f);
	fx_close(f);
	zero(f, 0, 2 * PAGE);
	make_anew(f);
	fx_view(f, &v);
	for (uint64_t seq = 1; seq <= 5; seq++)
		assert_int_equal(wh_ops_get(&v, seq, &op), 0);
	assert_int_equal(v.meta.history_count, 5);
	assert_int_equal(v.meta.rows, 0);
	assert_true(v.meta.op_seq > (uint64_t)1 << 32); /* who knows what was given out */
	wh_view_end(&v);
	assert_int_equal(count_damaged(f), 5); /* they may be old: a person is to look */
	fx_check_clean(f);
}

/* The newer meta page is lost, and with it the last commit: the mark knows. */
static void
test_one_meta_page(void **state)
{
	struct fixture *f = *state;
	const struct wh_oprow last = fx_op(6, "lane", 0, 600);
	struct wh_pages p;
	struct wh_oprow op;
	struct wh_view v;
	struct wh_txn t;

	fx_furnish(f);
	assert_int_equal(wh_store_mark(f->s), 0);
	fx_begin(f, &t);
	assert_int_equal(wh_ops_put(&t, &last), 0);
	fx_commit(&t);
	fx_close(f);
	int fd = open(f->data, O_RDONLY);

	assert_int_equal(wh_pages_open(&p, fd), 0);
	assert_int_equal(p.metas, 2);
	zero(f, (off_t)(p.txn % 2) * PAGE, PAGE);
	wh_pages_close(&p);
	close(fd);
	make_anew(f);
	fx_view(f, &v);
	assert_int_equal(wh_ops_get(&v, 6, &op), 0);
	wh_view_end(&v);
	assert_int_equal(count_damaged(f), 6);
}

/* Nothing is made of a file that is none of whd's. */
static void
test_foreign(void **state)
{
	struct fixture *f = *state;
	struct wh_salvaged ret;
	char made[500];

	fx_furnish(f);
	fx_close(f);
	off_t size = fx_file_size(f->data);

	zero(f, 0, (size_t)size);
	assert_int_equal(salvage(f, &ret), WH_ECORRUPT);
	wh_buf_byte(&f->text, '\0');
	assert_non_null(strstr(f->text.p, "nothing that whd wrote"));
	assert_int_equal(fx_file_size(f->data), size);
	snprintf(made, sizeof(made), "%s.new", f->data);
	assert_int_not_equal(access(made, F_OK), 0);
	assert_int_equal(ret.aside[0], 0);
}

/* Many rows, some on pages of their own, come over in more than one transaction. */
static void
test_large(void **state)
{
	struct fixture *f = *state;
	char *large = wh_xcalloc(1, 60000);
	const struct wh_row row = {.body = {large, 60000}};
	struct wh_row got;
	struct wh_view v;
	struct wh_txn t;
	char whid[32];

	memset(large, 'L', 60000);
	fx_begin(f, &t);
	assert_int_equal(wh_rows_put(&t, WH_STR("large"), &row), 0);
	for (unsigned i = 0; i < 41000; i++) {
		snprintf(whid, sizeof(whid), "id-%u", i);
		fx_put_row(&t, whid, "body");
	}
	fx_commit(&t);
	make_anew(f);
	fx_view(f, &v);
	assert_int_equal(v.meta.rows, 41001);
	assert_int_equal(wh_rows_get(&v, WH_STR("large"), &got), 0);
	assert_true(wh_str_eq(got.body, row.body));
	wh_view_end(&v);
	fx_check_clean(f);
	free(large);
}

/* Any page that is in use is missed when it is lost, and no other. */
static void
test_verify(void **state)
{
	struct fixture *f = *state;
	struct wh_pages p;
	unsigned missed = 0;

	fx_furnish(f);
	fx_close(f);
	off_t size = fx_file_size(f->data);
	char *whole = wh_xcalloc(1, (size_t)size);
	int fd = open(f->data, O_RDWR);

	assert_int_equal(pread(fd, whole, (size_t)size, 0), size);
	assert_int_equal(wh_pages_open(&p, fd), 0);
	assert_int_equal(wh_pages_verify(&p, NULL, NULL, NULL), 0);
	wh_pages_close(&p);
	for (off_t page = 2; page < size / PAGE; page++) {
		zero(f, page * PAGE, PAGE);
		assert_int_equal(wh_pages_open(&p, fd), 0);
		missed += wh_pages_verify(&p, NULL, NULL, NULL) == WH_ECORRUPT;
		wh_pages_close(&p);
		assert_int_equal(pwrite(fd, whole, (size_t)size, 0), size);
	}
	assert_true(missed >= 10);
	close(fd);
	free(whole);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fx_test(test_sound),      fx_test(test_operation),
		fx_test(test_row),        fx_test(test_settled_row),
		fx_test(test_meta_pages), fx_test(test_one_meta_page),
		fx_test(test_foreign),    fx_test(test_large),
		fx_test(test_verify),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
