/* SPDX-License-Identifier: MIT */
/*
 * Views, transactions, counters, text values, and a store that is full.
 */
#include "tests/unit/store_fixture.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "store/table.h"

static void
test_view_is_stable(void **state)
{
	struct fixture *f = *state;
	struct wh_row row;
	struct wh_view v;
	struct wh_txn t;

	fx_begin(f, &t);
	fx_put_row(&t, "a", "old");
	fx_commit(&t);
	fx_view(f, &v);
	assert_int_equal(wh_rows_get(&v, WH_STR("a"), &row), 0);
	struct wh_str borrowed = row.body;

	for (int i = 0; i < 50; i++) {
		fx_begin(f, &t);
		fx_put_row(&t, "a", i % 2 ? "new" : "newer");
		fx_put_row(&t, "b", i % 2 ? "other" : "another");
		fx_commit(&t);
	}
	assert_true(wh_str_is(borrowed, "old"));
	assert_int_equal(wh_rows_get(&v, WH_STR("b"), &row), WH_ABSENT);
	assert_int_equal(v.meta.rows, 1);
	assert_int_equal(wh_view_renew(&v), 0);
	assert_int_equal(wh_rows_get(&v, WH_STR("a"), &row), 0);
	assert_true(wh_str_is(row.body, "new"));
	assert_int_equal(v.meta.rows, 2);
	wh_view_end(&v);
	wh_view_end(&v);
}

static void
test_abort_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct wh_row row;
	struct wh_view v;
	struct wh_txn t;

	fx_begin(f, &t);
	fx_put_row(&t, "a", "x");
	t.view.meta.confirm = 9;
	wh_txn_abort(&t);
	wh_txn_abort(&t);
	fx_view(f, &v);
	assert_int_equal(wh_rows_get(&v, WH_STR("a"), &row), WH_ABSENT);
	assert_int_equal(v.meta.rows, 0);
	assert_int_equal(v.meta.confirm, 0);
	wh_view_end(&v);
}

static void
test_fault_sticks(void **state)
{
	const struct wh_row row = {.body = WH_STR("x")};
	const struct wh_oprow op = fx_op(1, "a", 0, 0);
	struct fixture *f = *state;
	struct wh_past past = {.lane = WH_STR("a")};
	struct wh_request request = {.request_id = WH_STR("r")};
	struct wh_txn t;
	struct wh_view v;
	uint64_t revision;

	fx_begin(f, &t);
	fx_put_row(&t, "a", "x");
	assert_int_equal(wh_rows_put(&t, WH_STR_NULL, &row), WH_EINVAL);
	assert_int_equal(wh_rows_put(&t, WH_STR("b"), &row), WH_EINVAL);
	assert_int_equal(wh_rows_del(&t, WH_STR("a")), WH_EINVAL);
	assert_int_equal(wh_tombs_trim(&t, 1), WH_EINVAL);
	assert_int_equal(wh_ops_put(&t, &op), WH_EINVAL);
	assert_int_equal(wh_ops_del(&t, 1), WH_EINVAL);
	assert_int_equal(wh_history_add(&t, &past), WH_EINVAL);
	assert_int_equal(wh_history_trim(&t, 0, 0, 1), WH_EINVAL);
	assert_int_equal(wh_requests_put(&t, &request), WH_EINVAL);
	assert_int_equal(wh_requests_trim(&t, 0, 1), WH_EINVAL);
	assert_int_equal(wh_changes_add(&t, WH_STR("x"), 1, &revision), WH_EINVAL);
	assert_int_equal(wh_meta_put_text(&t, "x", WH_STR("y")), WH_EINVAL);
	assert_int_equal(wh_txn_commit(&t), WH_EINVAL);
	fx_view(f, &v);
	assert_int_equal(v.meta.rows, 0);
	wh_view_end(&v);
	fx_check_clean(f);
}

static void
test_counters(void **state)
{
	struct fixture *f = *state;
	struct wh_txn t;
	struct wh_view v;

	fx_begin(f, &t);
	t.view.meta.confirm = UINT64_MAX;
	t.view.meta.synced_at = 1700000000000;
	t.view.meta.accept_shrink = 1;
	fx_commit(&t);
	fx_reopen(f);
	fx_view(f, &v);
	assert_true(v.meta.confirm == UINT64_MAX && v.meta.synced_at == 1700000000000);
	assert_int_equal(v.meta.accept_shrink, 1);
	assert_int_equal(v.meta.list_last, 0);
	wh_view_end(&v);
}

/* What a later version may have left: an unknown counter among known ones. */
static void
plant_counters(struct fixture *f)
{
	static const char names[] = "confirm\0future\0revision";
	static const uint64_t numbers[] = {7, 42, 3};
	uint8_t tail[4 + sizeof(names) + sizeof(numbers)];
	struct wh_draft d;
	struct wh_txn t;
	struct wh_key k;

	wh_be_put(tail, sizeof(names), 4);
	memcpy(tail + 4, names, sizeof(names));
	for (size_t i = 0; i < wh_array_len(numbers); i++)
		wh_be_put(tail + 4 + sizeof(names) + 8 * i, numbers[i], 8);
	fx_begin(f, &t);
	wh_key_init(&k);
	wh_key_add(&k, WH_STR("counters"));
	wh_draft_init(&d);
	d.tail[0] = wh_str((const char *)tail, sizeof(tail));
	assert_int_equal(wh_table_put(&t, WH_TABLE_META, &k, &d, NULL), 0);
	fx_commit(&t);
}

static void
test_unknown_counters_are_kept(void **state)
{
	struct fixture *f = *state;
	struct wh_value value;
	struct wh_txn t;
	struct wh_key k;

	plant_counters(f);
	fx_begin(f, &t);
	assert_true(t.view.meta.confirm == 7 && t.view.meta.revision == 3);
	t.view.meta.confirm = 8;
	fx_commit(&t);
	fx_begin(f, &t);
	assert_true(t.view.meta.confirm == 8 && t.view.meta.revision == 3);
	wh_key_init(&k);
	wh_key_add(&k, WH_STR("counters"));
	assert_int_equal(wh_table_get(&t.view, WH_TABLE_META, &k, 0, &value), 0);
	assert_non_null(memmem(value.tail.p, value.tail.n, "\0future", 8));
	/* Unknown ones stand last, names and numbers. */
	assert_int_equal(wh_be_get((const uint8_t *)value.tail.p + value.tail.n - 8, 8), 42);
	wh_txn_abort(&t);
}

static void
test_text(void **state)
{
	struct fixture *f = *state;
	struct wh_str text;
	struct wh_txn t;
	char name[400];

	memset(name, 'n', sizeof(name));
	name[399] = '\0';
	fx_begin(f, &t);
	assert_int_equal(wh_meta_text(&t.view, "instance", &text), WH_ABSENT);
	assert_int_equal(wh_meta_put_text(&t, "instance", WH_STR("one")), 0);
	assert_int_equal(wh_meta_put_text(&t, "instance", WH_STR("two")), 0);
	assert_int_equal(wh_meta_put_text(&t, "empty", WH_STR_NULL), 0);
	assert_int_equal(wh_meta_text(&t.view, "instance", &text), 0);
	assert_true(wh_str_is(text, "two"));
	assert_int_equal(wh_meta_text(&t.view, "empty", &text), 0);
	assert_int_equal(text.n, 0);
	assert_int_equal(wh_meta_text(&t.view, name, &text), WH_ABSENT);
	fx_commit(&t);
	fx_begin(f, &t);
	assert_int_equal(wh_meta_put_text(&t, name, text), WH_EINVAL);
	wh_txn_abort(&t);
	fx_check_clean(f);
}

/* A transaction that changes nothing costs no commit. */
static void
test_nothing_to_write(void **state)
{
	struct fixture *f = *state;
	struct wh_txn t;
	MDB_envinfo before, after;

	fx_begin(f, &t);
	fx_put_row(&t, "a", "x");
	assert_int_equal(wh_meta_put_text(&t, "k", WH_STR("v")), 0);
	fx_commit(&t);
	assert_int_equal(mdb_env_info(f->s->env, &before), 0);
	fx_begin(f, &t);
	fx_put_row(&t, "a", "x");
	assert_int_equal(wh_meta_put_text(&t, "k", WH_STR("v")), 0);
	assert_int_equal(wh_rows_del(&t, WH_STR("none")), WH_ABSENT);
	fx_commit(&t);
	assert_int_equal(mdb_env_info(f->s->env, &after), 0);
	assert_int_equal(after.me_last_txnid, before.me_last_txnid);
}

/* -------------------------------------------------------------- readers -- */

struct reader {
	pthread_t thread;
	struct fixture *f;
	int fault;
	bool mixed;
};

/* Both rows are always written together: a view must never see them differ. */
static void *
read_pairs(void *arg)
{
	struct reader *me = arg;
	struct wh_row a, b;
	struct wh_view v;

	me->fault = wh_view_begin(me->f->s, &v);
	for (int i = 0; i < 400 && me->fault == 0 && !me->mixed; i++) {
		me->fault = wh_view_renew(&v);
		if (me->fault == 0)
			me->fault = wh_rows_get(&v, WH_STR("a"), &a);
		if (me->fault == 0)
			me->fault = wh_rows_get(&v, WH_STR("b"), &b);
		if (me->fault == 0)
			me->mixed = !wh_str_eq(a.body, b.body);
	}
	wh_view_end(&v);
	return NULL;
}

static void
test_many_readers(void **state)
{
	struct fixture *f = *state;
	struct reader readers[32] = {0};
	struct wh_txn t;
	char body[32];

	fx_begin(f, &t);
	fx_put_row(&t, "a", "first");
	fx_put_row(&t, "b", "first");
	fx_commit(&t);
	for (size_t i = 0; i < wh_array_len(readers); i++) {
		readers[i].f = f;
		assert_int_equal(
			pthread_create(&readers[i].thread, NULL, read_pairs, &readers[i]), 0);
	}
	for (int i = 0; i < 100; i++) {
		snprintf(body, sizeof(body), "body %d", i);
		fx_begin(f, &t);
		fx_put_row(&t, "a", body);
		fx_put_row(&t, "b", body);
		fx_commit(&t);
	}
	for (size_t i = 0; i < wh_array_len(readers); i++) {
		pthread_join(readers[i].thread, NULL);
		assert_int_equal(readers[i].fault, 0);
		assert_false(readers[i].mixed);
	}
}

static void
test_reader_slots(void **state)
{
	struct fixture *f = *state;
	struct wh_store_space space;
	struct wh_view views[200];
	size_t n = 0;
	int r;

	while ((r = wh_view_begin(f->s, &views[n])) == 0)
		n++;
	assert_int_equal(r, WH_EBUSY);
	assert_true(n > 100);
	for (size_t i = 3; i < n; i++)
		wh_view_end(&views[i]);
	assert_int_equal(wh_store_space(f->s, &space), 0);
	assert_int_equal(space.readers, 3);
	for (size_t i = 0; i < 3; i++)
		wh_view_end(&views[i]);
	assert_int_equal(wh_store_space(f->s, &space), 0);
	assert_int_equal(space.readers, 0);
}

/* A check that runs beside us, takes all slots, and is killed. */
static void
die_with_all_slots(const char *path)
{
	const struct wh_store_options o = {.path = path, .read_only_check = true};
	struct wh_buf text = WH_BUF_NULL;
	struct wh_view views[200];
	struct wh_store *s;
	enum wh_store_why why;
	size_t n = 0;

	if (wh_store_open(&s, &o, &why, &text) != 0)
		_exit(1);
	while (wh_view_begin(s, &views[n]) == 0)
		n++;
	_exit(n > 100 ? 0 : 2);
}

static void
test_slots_of_the_dead(void **state)
{
	struct fixture *f = *state;
	struct wh_view v;
	pid_t child = fork();
	int status;

	if (child == 0)
		die_with_all_slots(f->path);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	fx_view(f, &v);
	wh_view_end(&v);
}

/* ----------------------------------------------------------------- full -- */

#define SMALL ((uint64_t)1 << 20)

static int
put_numbered(struct wh_txn *t, unsigned n)
{
	char body[1000];
	char whid[32];
	const struct wh_row row = {.revision = n, .body = {body, sizeof(body)}};

	memset(body, 'f', sizeof(body));
	snprintf(whid, sizeof(whid), "id-%06u", n);
	return wh_rows_put(t, wh_str_c(whid), &row);
}

static uint64_t
used_percent(struct fixture *f)
{
	struct wh_store_space space;

	assert_int_equal(wh_store_space(f->s, &space), 0);
	assert_int_equal(space.map_size, SMALL);
	assert_true(space.disk_free > 0 && space.file_size > 0);
	return space.used * 100 / space.map_size;
}

static unsigned
fill_to(struct fixture *f, uint64_t percent)
{
	struct wh_txn t;
	unsigned n = 0;

	while (used_percent(f) < percent) {
		fx_begin(f, &t);
		for (int i = 0; i < 5; i++)
			assert_int_equal(put_numbered(&t, n++), 0);
		fx_commit(&t);
	}
	return n;
}

static void
test_full(void **state)
{
	struct fixture *f = *state;
	struct wh_txn t;
	char whid[32];
	unsigned n, more;
	int r = 0;

	fx_open_sized(f, SMALL);
	n = fill_to(f, 80);
	fx_begin(f, &t);
	for (more = n; r == 0; more++)
		r = put_numbered(&t, more);
	assert_int_equal(r, WH_EFULL);
	assert_int_equal(put_numbered(&t, 0), WH_EFULL);
	assert_int_equal(wh_txn_commit(&t), WH_EFULL);
	fx_check_clean(f);
	/* What ends operations still works, one at a time. */
	for (unsigned i = 0; i < n; i++) {
		snprintf(whid, sizeof(whid), "id-%06u", i);
		fx_begin(f, &t);
		assert_int_equal(wh_rows_del(&t, wh_str_c(whid)), 0);
		fx_commit(&t);
	}
	fx_check_clean(f);
	assert_true(used_percent(f) < 20);
	fill_to(f, 80);
}

static void
test_larger_after_reopening(void **state)
{
	struct fixture *f = *state;
	struct wh_store_space space;
	struct wh_txn t;
	unsigned n;

	fx_open_sized(f, SMALL);
	n = fill_to(f, 80);
	fx_reopen(f);
	assert_int_equal(wh_store_space(f->s, &space), 0);
	assert_int_equal(space.map_size, FX_SIZE);
	fx_begin(f, &t);
	for (unsigned i = n; i < 3 * n; i++)
		assert_int_equal(put_numbered(&t, i), 0);
	fx_commit(&t);
	fx_close(f);
	/* A size below what is stored is raised to it, so that reading goes on. */
	fx_open_sized(f, SMALL);
	fx_check_clean(f);
}

/* The file may not grow: what is stored stays, and what fits goes on. */
static void
test_commit_fails(void **state)
{
	struct fixture *f = *state;
	struct wh_txn t;
	unsigned n = 0;
	int r = 0;
	rlim_t was = fx_files_end_at(512 << 10);

	while (r == 0) {
		fx_begin(f, &t);
		for (int i = 0; i < 7; i++)
			assert_int_equal(put_numbered(&t, n++), 0);
		r = wh_txn_commit(&t);
	}
	fx_begin(f, &t);
	assert_int_equal(wh_rows_del(&t, WH_STR("id-000000")), 0);
	int after = wh_txn_commit(&t);

	fx_files_end_at(was);
	/* A write that was refused whole, or cut short while the disk has room. */
	assert_true(r == WH_ENOSPACE || r == WH_EIO);
	assert_int_equal(after, 0);
	fx_check_clean(f);
	fx_reopen(f);
	fx_check_clean(f);
	struct wh_view v;

	fx_view(f, &v);
	assert_int_equal(v.meta.rows, n - 7 - 1);
	wh_view_end(&v);
}

static void
test_over_long_value(void **state)
{
	struct fixture *f = *state;
	char *body = wh_xcalloc(1, WH_VALUE_MAX);
	const struct wh_row row = {.body = {body, WH_VALUE_MAX}};
	struct wh_txn t;

	fx_begin(f, &t);
	assert_int_equal(wh_rows_put(&t, WH_STR("a"), &row), WH_ELIMIT);
	wh_txn_abort(&t);
	free(body);
}

static void
test_fault_map(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(wh_commit_fault(f->s, 0), 0);
	assert_int_equal(wh_commit_fault(f->s, EIO), WH_EIO); /* this disk has room */
	assert_int_equal(wh_commit_fault(f->s, ENOSPC), WH_ENOSPACE);
	assert_int_equal(wh_commit_fault(f->s, MDB_MAP_FULL), WH_EFULL);
	assert_int_equal(wh_mdb_fault(0), 0);
	assert_int_equal(wh_mdb_fault(MDB_MAP_FULL), WH_EFULL);
	assert_int_equal(wh_mdb_fault(MDB_PAGE_NOTFOUND), WH_ECORRUPT);
	assert_int_equal(wh_mdb_fault(MDB_PANIC), WH_EIO);
	assert_int_equal(wh_mdb_fault(ENOSPC), WH_ENOSPACE);
	assert_int_equal(wh_mdb_fault(EIO), WH_EIO);
	assert_int_equal(wh_mdb_fault(ENOMEM), WH_ENOMEM);
	assert_int_equal(wh_mdb_fault(EACCES), WH_ESYS);
	assert_int_equal(wh_mdb_fault(MDB_BAD_DBI), WH_EBUG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fx_test(test_view_is_stable),
		fx_test(test_abort_leaves_nothing),
		fx_test(test_fault_sticks),
		fx_test(test_counters),
		fx_test(test_unknown_counters_are_kept),
		fx_test(test_text),
		fx_test(test_nothing_to_write),
		fx_test(test_many_readers),
		fx_test(test_reader_slots),
		fx_test(test_slots_of_the_dead),
		fx_test_closed(test_full),
		fx_test_closed(test_larger_after_reopening),
		fx_test(test_over_long_value),
		fx_test(test_commit_fails),
		fx_test(test_fault_map),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
