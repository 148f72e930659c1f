/* SPDX-License-Identifier: MIT */
/*
 * Damaged bytes and pages: each is found, concerns what it lies in, and ends
 * no process.
 */
#include "tests/unit/store_fixture.h"

#include "store/index.h"

static const struct {
	const char *text; /* of the value to damage */
	const char *finding;
	bool at_start; /* found without looking deep */
} flips[] = {
	{"op-body-3", "ops: row 3: the checksum", true},
	{"past-body-2", "history: row 2: the checksum", false},
	{"change-4", "log: row 5: the checksum", false},
	{"row-body-5", "rows: row row-5: the checksum", false},
	{"overlay-a", "overlays: row row-1: the checksum", true},
	{"target-of-1", "aliases: row tmp-1: the checksum", true},
	{"the-instance", "meta: row text:instance: the checksum", true},
};

static void
test_flips(void **state)
{
	for (size_t i = 0; i < wh_array_len(flips); i++) {
		struct fixture *f;

		fx_setup(state);
		f = *state;
		fx_furnish(f);
		fx_damage(f, flips[i].text);
		fx_assert_finds(f, true, flips[i].finding);
		assert_int_equal(fx_check(f, false) == WH_ECORRUPT, flips[i].at_start);
		fx_teardown(state);
	}
}

static void
test_flip_concerns_one_row(void **state)
{
	struct fixture *f = *state;
	struct wh_view v;
	struct wh_row row;
	struct wh_txn t;
	char name[16];

	fx_furnish(f);
	fx_damage(f, "row-body-3");
	fx_view(f, &v);
	for (int i = 1; i <= 5; i++) {
		snprintf(name, sizeof(name), "row-%d", i);
		assert_int_equal(wh_rows_get(&v, wh_str_c(name), &row),
				 i == 3 ? WH_ECORRUPT : 0);
	}
	wh_view_end(&v);
	/* Fetched anew, it is whole again. */
	fx_begin(f, &t);
	fx_put_row(&t, "row-3", "row-body-3");
	fx_commit(&t);
	fx_check_clean(f);
}

static void
test_damaged_row_can_go(void **state)
{
	struct fixture *f = *state;
	struct wh_txn t;

	fx_furnish(f);
	fx_damage(f, "overlay-a");
	fx_begin(f, &t);
	assert_int_equal(wh_overlays_del(&t, WH_STR("row-1")), 0);
	fx_commit(&t);
	fx_check_clean(f);
}

static void
test_damaged_counters(void **state)
{
	struct fixture *f = *state;
	struct wh_view v;
	struct wh_txn t;

	fx_furnish(f);
	fx_damage(f, "history_count");
	assert_int_equal(wh_view_begin(f->s, &v), WH_ECORRUPT);
	assert_int_equal(wh_txn_begin(f->s, &t), WH_ECORRUPT);
	fx_assert_finds(f, false, "the counters are damaged");
}

/* It still stands in its lane, so that nobody passes it by, and may be deleted. */
static void
test_damaged_op_of_the_tail(void **state)
{
	struct fixture *f = *state;
	struct wh_oprow op;
	struct wh_txn t;
	uint64_t seqs[8];
	size_t n;

	fx_furnish(f);
	fx_damage(f, "op-body-5");
	fx_begin(f, &t);
	assert_int_equal(wh_ops_get(&t.view, 5, &op), WH_ECORRUPT);
	assert_int_equal(wh_ops_lane(&t.view, WH_STR("lane"), seqs, 8, &n), 0);
	assert_int_equal(n, 5);
	assert_int_equal(wh_ops_del(&t, 5), 0);
	fx_commit(&t);
	fx_check_clean(f);
}

static void
test_damaged_op(void **state)
{
	struct fixture *f = *state;
	struct wh_oprow op;
	struct wh_txn t;
	uint64_t seqs[8];
	size_t n;

	fx_furnish(f);
	fx_damage(f, "op-body-3");
	fx_begin(f, &t);
	assert_int_equal(wh_ops_get(&t.view, 3, &op), WH_ECORRUPT);
	assert_int_equal(wh_ops_get(&t.view, 4, &op), 0);
	assert_int_equal(wh_ops_lane(&t.view, WH_STR("lane"), seqs, 8, &n), 0);
	assert_int_equal(n, 5);
	op = fx_op(3, "lane", 0, 0);
	assert_int_equal(wh_ops_put(&t, &op), WH_ECORRUPT);
	assert_int_equal(wh_txn_commit(&t), WH_ECORRUPT);
	/* Only an order to delete it removes it, and then with all its traces. */
	fx_begin(f, &t);
	assert_int_equal(wh_ops_del(&t, 3), 0);
	fx_commit(&t);
	fx_check_clean(f);
}

static void
test_damaged_history(void **state)
{
	struct fixture *f = *state;
	struct wh_past past;
	struct wh_view v;
	struct wh_txn t;
	uint8_t id[WH_OP_ID];

	fx_furnish(f);
	fx_damage(f, "past-body-2");
	fx_view(f, &v);
	fx_id(102, id);
	assert_int_equal(wh_history_find(&v, id, &past), WH_ECORRUPT);
	assert_int_equal(wh_history_before(&v, 3, &past), WH_ECORRUPT);
	assert_int_equal(past.end, 2);
	assert_int_equal(wh_history_before(&v, past.end, &past), 0);
	assert_int_equal(past.end, 1);
	wh_view_end(&v);
	fx_begin(f, &t);
	assert_int_equal(wh_history_trim(&t, 2, INT64_MIN, 100), 0);
	fx_commit(&t);
	fx_check_clean(f);
}

static void
test_damaged_request(void **state)
{
	struct wh_request request = {.uid = 9, .request_id = WH_STR("unique-id"), .at = 6};
	struct fixture *f = *state;
	struct wh_txn t;

	fx_furnish(f);
	memcpy(request.op, "unique-op-number", WH_OP_ID);
	fx_begin(f, &t);
	assert_int_equal(wh_requests_put(&t, &request), 0);
	fx_commit(&t);
	fx_damage(f, "unique-op-number");
	fx_assert_finds(f, true, "requests: row 00000009000075");
	fx_begin(f, &t);
	assert_int_equal(wh_requests_get(&t.view, &request), WH_ECORRUPT);
	request.at = 7;
	assert_int_equal(wh_requests_put(&t, &request), 0);
	assert_int_equal(wh_requests_trim(&t, 7, 100), 0);
	assert_int_equal(wh_requests_get(&t.view, &request), 0);
	fx_commit(&t);
	fx_check_clean(f);
}

static void
test_damaged_tomb(void **state)
{
	struct fixture *f = *state;
	struct wh_txn t;

	fx_begin(f, &t);
	assert_int_equal(wh_tombs_put(&t, WH_STR("a"), 0x7a7a7a7a7a7a7a7a), 0);
	assert_int_equal(wh_tombs_put(&t, WH_STR("b"), 0x7b7b7b7b7b7b7b7b), 0);
	fx_commit(&t);
	fx_damage(f, "zzzzzzzz");
	fx_begin(f, &t);
	assert_int_equal(wh_tombs_trim(&t, 1), 0);
	assert_int_equal(t.view.meta.tombs, 1);
	fx_commit(&t);
	fx_check_clean(f);
}

/* A copy that would be refused as a store is not made. */
static void
test_copy_of_damage(void **state)
{
	struct fixture *f = *state;
	char file[400];

	fx_furnish(f);
	snprintf(file, sizeof(file), "%s/copy.mdb", f->dir);
	fx_damage(f, "history_count");
	assert_int_equal(wh_store_copy(f->s, file, &f->text), WH_ECORRUPT);
	assert_int_not_equal(access(file, F_OK), 0);
}

/* ---------------------------------------------- damage within LMDB's pages -- */

#define PAGE 4096
#define PAGE_HEADER 16
#define BRANCH 0x01
#define LEAF 0x02

static uint16_t
u16_at(const char *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static void
put_rows(struct fixture *f, unsigned n)
{
	struct wh_txn t;
	char whid[32];

	fx_begin(f, &t);
	for (unsigned i = 0; i < n; i++) {
		snprintf(whid, sizeof(whid), "id-%05u", 2 * i);
		fx_put_row(&t, whid, "body of a row, not a short one");
	}
	fx_commit(&t);
}

/* Changes all pages of a kind whose second key begins with "id-". */
static void
change_pages(const char *file, uint16_t kind, void (*change)(char *page))
{
	size_t size = (size_t)fx_file_size(file);
	char *all = wh_xcalloc(1, size);
	unsigned changed = 0;
	int fd = open(file, O_RDWR);

	assert_int_equal(pread(fd, all, size, 0), (ssize_t)size);
	for (char *page = all + 2 * PAGE; page < all + size; page += PAGE) {
		uint16_t lower = u16_at(page + 12);
		uint16_t node = u16_at(page + PAGE_HEADER + 2);

		if (u16_at(page + 10) != kind || lower < PAGE_HEADER + 4 || node > PAGE - 11 ||
		    memcmp(page + node + 8, "id-", 3) != 0)
			continue;
		change(page);
		changed++;
	}
	assert_true(changed > 0);
	assert_int_equal(pwrite(fd, all, size, 0), (ssize_t)size);
	close(fd);
	free(all);
}

static void
raise_separator(char *page)
{
	char *node = page + u16_at(page + PAGE_HEADER + 2);

	node[8 + u16_at(node + 6) - 1]++;
}

static void
swap_rows(char *page)
{
	char first[2];

	memcpy(first, page + PAGE_HEADER, 2);
	memcpy(page + PAGE_HEADER, page + PAGE_HEADER + 2, 2);
	memcpy(page + PAGE_HEADER + 2, first, 2);
}

/* The next opening looks at the pages before LMDB does. */
static void
assert_refused_later(struct fixture *f)
{
	fx_close(f);
	assert_int_equal(fx_try_open(f, FX_SIZE), WH_ECORRUPT);
	assert_int_equal(f->why, WH_STORE_WHY_DAMAGED);
}

static void
test_led_astray(void **state)
{
	struct fixture *f = *state;

	put_rows(f, 2000);
	change_pages(f->data, BRANCH, raise_separator); /* under the eyes of LMDB */
	fx_assert_finds(f, true, "it is not found under its key");
	assert_false(fx_found(f, "order"));
	assert_refused_later(f);
}

static void
test_out_of_order(void **state)
{
	struct fixture *f = *state;

	put_rows(f, 20);
	change_pages(f->data, LEAF, swap_rows); /* under the eyes of LMDB */
	fx_assert_finds(f, true, "rows: row id-00000: it is not in the order of the keys");
	assert_refused_later(f);
}

/* Flips a byte of a value, as LMDB has it. */
static void
damage_value(struct wh_txn *t, enum wh_table table, const struct wh_key *key)
{
	MDB_dbi dbi = t->view.store->dbi[table];
	MDB_val k = {key->n, (void *)(uintptr_t)key->b};
	MDB_val data;
	char copy[400];

	assert_int_equal(mdb_get(wh_view_txn(&t->view), dbi, &k, &data), 0);
	assert_true(data.mv_size <= sizeof(copy));
	memcpy(copy, data.mv_data, data.mv_size);
	copy[data.mv_size - 1] ^= 1;
	data.mv_data = copy;
	assert_int_equal(mdb_put(wh_view_txn(&t->view), dbi, &k, &data, 0), 0);
}

/* Operations are found, due and moved on although their index rows are bad. */
static void
test_damaged_op_index(void **state)
{
	struct fixture *f = *state;
	struct wh_due due[8];
	struct wh_oprow op;
	struct wh_txn t;
	struct wh_key k;
	uint8_t id[WH_OP_ID];
	uint64_t seq;
	size_t n;

	fx_furnish(f);
	fx_begin(f, &t);
	fx_id(2, id);
	wh_index_by_id(&k, id);
	damage_value(&t, WH_TABLE_OPS_INDEX, &k);
	wh_index_by_due(&k, 2, 200, 2);
	damage_value(&t, WH_TABLE_OPS_INDEX, &k);
	fx_commit(&t);
	fx_assert_finds(f, false, "ops_index: row 69020000");
	fx_begin(f, &t);
	assert_int_equal(wh_ops_find(&t.view, id, &seq), WH_ECORRUPT);
	assert_int_equal(wh_ops_due(&t.view, &WH_DUE_FIRST(2), due, 8, &n), 0);
	assert_true(n == 1 && due[0].seq == 2);
	assert_int_equal(wh_ops_get(&t.view, 2, &op), 0);
	op.state = 3;
	op.due_at = 250;
	assert_int_equal(wh_ops_put(&t, &op), 0);
	fx_commit(&t);
	fx_check_clean(f);
}

/* A whole value under another key, or in another table, is not taken for it. */
static void
test_moved_value(void **state)
{
	struct fixture *f = *state;
	struct wh_row row;
	struct wh_txn t;
	MDB_val from = {5, (char[]){"row-1"}};
	MDB_val to = {5, (char[]){"row-9"}};
	MDB_val data;

	fx_furnish(f);
	fx_begin(f, &t);
	MDB_dbi rows = f->s->dbi[WH_TABLE_ROWS];
	MDB_dbi overlays = f->s->dbi[WH_TABLE_OVERLAYS];
	char copy[200];

	assert_int_equal(mdb_get(wh_view_txn(&t.view), rows, &from, &data), 0);
	assert_true(data.mv_size <= sizeof(copy));
	memcpy(copy, data.mv_data, data.mv_size);
	data.mv_data = copy;
	assert_int_equal(mdb_put(wh_view_txn(&t.view), rows, &to, &data, 0), 0);
	assert_int_equal(wh_rows_get(&t.view, WH_STR("row-1"), &row), 0);
	assert_int_equal(wh_rows_get(&t.view, WH_STR("row-9"), &row), WH_ECORRUPT);
	struct wh_overlay overlay;

	assert_int_equal(mdb_put(wh_view_txn(&t.view), overlays, &from, &data, 0), 0);
	assert_int_equal(wh_overlays_get(&t.view, WH_STR("row-1"), NULL, &overlay),
			 WH_ECORRUPT);
	wh_txn_abort(&t);
}

/* Makes LMDB's record of a value claim 16 MiB more than there is. */
static void
lie_about_length(const char *file, const char *key)
{
	size_t size = (size_t)fx_file_size(file);
	char *all = wh_xcalloc(1, size);
	unsigned places = 0;
	int fd = open(file, O_RDWR);

	assert_int_equal(read(fd, all, size), (ssize_t)size);
	for (char *at = all; (at = memmem(at, size - (size_t)(at - all), key, strlen(key)));
	     at++) {
		/* A node: length low, length high, flags, key length, each 16 bits. */
		assert_int_equal(pwrite(fd, "\x00\x01", 2, at - all - 6), 2);
		places++;
	}
	assert_true(places > 0);
	close(fd);
	free(all);
}

static void
test_lying_length(void **state)
{
	struct fixture *f = *state;
	char *large = wh_xcalloc(1, 20000);
	const struct wh_row row = {.body = {large, 20000}};
	struct wh_row got;
	struct wh_txn t;
	struct wh_view v;

	fx_furnish(f);
	fx_begin(f, &t);
	fx_put_row(&t, "key-of-a-small-one", "small");
	assert_int_equal(wh_rows_put(&t, WH_STR("key-of-a-large-one"), &row), 0);
	fx_commit(&t);
	lie_about_length(f->data, "key-of-a-small-one"); /* under the eyes of LMDB */
	lie_about_length(f->data, "key-of-a-large-one");
	fx_view(f, &v);
	assert_int_equal(wh_rows_get(&v, WH_STR("key-of-a-small-one"), &got), WH_ECORRUPT);
	assert_int_equal(wh_rows_get(&v, WH_STR("key-of-a-large-one"), &got), WH_ECORRUPT);
	assert_int_equal(wh_rows_get(&v, WH_STR("row-1"), &got), 0);
	wh_view_end(&v);
	fx_assert_finds(f, true, "rows: row key-of-a-small-one: the checksum");
	assert_true(fx_found(f, "rows: row key-of-a-large-one: the checksum"));
	fx_close(f);
	assert_int_equal(fx_try_open(f, FX_SIZE), WH_ECORRUPT);
	assert_int_equal(f->why, WH_STORE_WHY_DAMAGED);
	free(large);
}

/* One damaged page after another: each is reported, none ends the process. */
static void
test_lost_pages(void **state)
{
	const char zeros[4096] = {0};
	struct fixture *f = *state;
	unsigned found = 0;

	fx_furnish(f);
	fx_close(f);
	off_t size = fx_file_size(f->data);
	char *whole = wh_xcalloc(1, (size_t)size);
	int fd = open(f->data, O_RDWR);

	assert_int_equal(pread(fd, whole, (size_t)size, 0), size);
	for (off_t page = 2; page < size / 4096; page++) {
		assert_int_equal(pwrite(fd, zeros, 4096, page * 4096), 4096);
		if (fx_try_open(f, FX_SIZE) != 0 || fx_check(f, true) != 0)
			found++;
		fx_close(f);
		assert_int_equal(pwrite(fd, whole, (size_t)size, 0), size);
	}
	close(fd);
	free(whole);
	assert_true(found >= 10);
	fx_open(f);
	fx_check_clean(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flips),
		fx_test(test_flip_concerns_one_row),
		fx_test(test_damaged_row_can_go),
		fx_test(test_damaged_counters),
		fx_test(test_damaged_op),
		fx_test(test_damaged_op_index),
		fx_test(test_damaged_op_of_the_tail),
		fx_test(test_damaged_history),
		fx_test(test_damaged_request),
		fx_test(test_damaged_tomb),
		fx_test(test_copy_of_damage),
		fx_test(test_led_astray),
		fx_test(test_out_of_order),
		fx_test(test_moved_value),
		fx_test(test_lying_length),
		fx_test(test_lost_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
