/* SPDX-License-Identifier: MIT */
/*
 * The format stamp: files that are not ours, that are newer, older, or whose
 * stamp is damaged.
 */
#include "store_fixture.h"

#include <lmdb.h>

#include "store/table.h"

/* Another program's LMDB file, or ours with a stamp of the test's choosing. */
static void
with_lmdb(struct fixture *f, void (*change)(MDB_txn *))
{
	MDB_env *env;
	MDB_txn *txn;

	assert_int_equal(mdb_env_create(&env), 0);
	assert_int_equal(mdb_env_set_maxdbs(env, 32), 0);
	assert_int_equal(mdb_env_open(env, f->path, 0, 0600), 0);
	assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
	change(txn);
	assert_int_equal(mdb_txn_commit(txn), 0);
	mdb_env_close(env);
}

static void
put_stranger(MDB_txn *txn)
{
	MDB_val k = {3, (char[]){"key"}};
	MDB_dbi dbi;

	assert_int_equal(mdb_dbi_open(txn, "theirs", MDB_CREATE, &dbi), 0);
	assert_int_equal(mdb_put(txn, dbi, &k, &k, 0), 0);
}

static void
test_not_our_file(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mkdir(f->path, 0700), 0);
	with_lmdb(f, put_stranger);
	fx_assert_refused(f, WH_ECORRUPT, WH_STORE_WHY_LMDB, "not a store of whd");
}

static void
put_stamp(MDB_txn *txn, uint32_t format)
{
	MDB_val k = {6, (char[]){"format"}};
	MDB_val data;
	MDB_dbi dbi;
	uint8_t stamp[20];

	assert_int_equal(mdb_dbi_open(txn, "meta", 0, &dbi), 0);
	assert_int_equal(wh_format_put(txn, dbi, format), 0);
	assert_int_equal(mdb_get(txn, dbi, &k, &data), 0);
	assert_int_equal(data.mv_size, sizeof(stamp));
}

static void
put_newer(MDB_txn *txn)
{
	put_stamp(txn, WH_STORE_FORMAT + 1);
}

static int
open_to_check(struct fixture *f, const char *path, struct wh_store **ret)
{
	const struct wh_store_options o = {.path = path, .read_only_check = true};

	wh_buf_reset(&f->text);
	return wh_store_open(ret, &o, &f->why, &f->text);
}

static const char *const only_before[] = {"forms", "wants", "changes"};

/* A store of format 1 is used as it is, but for the tables that a later one leaves empty. */
static void
put_first(MDB_txn *txn)
{
	MDB_val k = {16, (char[16]){"a form"}};
	MDB_dbi dbi;

	put_stamp(txn, 1);
	for (size_t i = 0; i < wh_array_len(only_before); i++) {
		assert_int_equal(mdb_dbi_open(txn, only_before[i], 0, &dbi), 0);
		assert_int_equal(mdb_put(txn, dbi, &k, &k, 0), 0);
	}
}

static void
assert_brought_up(MDB_txn *txn)
{
	MDB_stat stat;
	MDB_dbi dbi;

	for (size_t i = 0; i < wh_array_len(only_before); i++) {
		assert_int_equal(mdb_dbi_open(txn, only_before[i], 0, &dbi), 0);
		assert_int_equal(mdb_stat(txn, dbi, &stat), 0);
		assert_int_equal(stat.ms_entries, 0);
	}
}

static void
test_older_format(void **state)
{
	struct wh_store *check;
	struct fixture *f = *state;

	fx_open(f);
	fx_furnish(f);
	fx_close(f);
	with_lmdb(f, put_first);
	/* A check takes it as it is. */
	assert_int_equal(open_to_check(f, f->path, &check), 0);
	assert_int_equal(wh_store_check(check, true, fx_on_finding, f), 0);
	wh_store_close(check);
	fx_open(f);
	fx_check_clean(f);
	fx_close(f);
	with_lmdb(f, assert_brought_up);
	fx_open(f);
	fx_check_clean(f);
}

static void
put_third(MDB_txn *txn)
{
	put_stamp(txn, 3);
}

/* From format 3 on the change log is where it is. */
static void
test_third_format(void **state)
{
	struct fixture *f = *state;
	struct wh_view v;
	uint64_t tail;

	fx_open(f);
	fx_furnish(f);
	fx_view(f, &v);
	tail = v.meta.change_tail;
	wh_view_end(&v);
	assert_true(tail > 0);
	fx_close(f);
	with_lmdb(f, put_third);
	fx_open(f);
	fx_check_clean(f);
	fx_view(f, &v);
	assert_int_equal(v.meta.change_tail, tail);
	wh_view_end(&v);
}

static void
put_zero(MDB_txn *txn)
{
	put_stamp(txn, 0);
}

static void
test_newer_format(void **state)
{
	struct fixture *f = *state;

	fx_open(f);
	fx_close(f);
	with_lmdb(f, put_newer);
	fx_assert_refused(f, WH_EVERSION, WH_STORE_WHY_FORMAT, "newer whd");
}

static void
test_impossible_format(void **state)
{
	struct fixture *f = *state;

	fx_open(f);
	fx_close(f);
	with_lmdb(f, put_zero);
	fx_assert_refused(f, WH_ECORRUPT, WH_STORE_WHY_LMDB, "format stamp");
}

static void
test_damaged_stamp(void **state)
{
	struct fixture *f = *state;

	fx_open(f);
	fx_close(f);
	fx_flip(f->data, "whdstore");
	fx_assert_refused(f, WH_ECORRUPT, WH_STORE_WHY_LMDB, "format stamp");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fx_test_closed(test_not_our_file),      fx_test_closed(test_older_format),
		fx_test_closed(test_third_format),      fx_test_closed(test_newer_format),
		fx_test_closed(test_impossible_format), fx_test_closed(test_damaged_stamp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
