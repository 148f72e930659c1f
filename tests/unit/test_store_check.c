/* SPDX-License-Identifier: MIT */
/*
 * The integrity check finds what was planted, and says it in a bounded and
 * harmless way.
 */
#include "tests/unit/store_fixture.h"

#include <pthread.h>
#include <stdatomic.h>

#include "store/index.h"
#include "store/settled.h"
#include "store/terms.h"

static void
drop_op_lane(struct wh_txn *t)
{
	struct wh_key k;

	wh_index_by_lane(&k, WH_STR("lane"), 2);
	assert_int_equal(wh_table_del(t, WH_TABLE_OPS_INDEX, &k), 0);
}

static void
drop_op_state(struct wh_txn *t)
{
	struct wh_key k;

	wh_index_by_state(&k, 2, 2);
	assert_int_equal(wh_table_del(t, WH_TABLE_OPS_INDEX, &k), 0);
}

static void
drop_op_due(struct wh_txn *t)
{
	struct wh_key k;

	wh_index_by_due(&k, 2, 200, 2);
	assert_int_equal(wh_table_del(t, WH_TABLE_OPS_INDEX, &k), 0);
}

static void
wrong_due_state(struct wh_txn *t)
{
	struct wh_key k;

	wh_index_by_due(&k, 6, 200, 2);
	assert_int_equal(wh_index_put(t, WH_TABLE_OPS_INDEX, &k, 0, 0), 0);
}

static void
wrong_op_id(struct wh_txn *t)
{
	struct wh_key k;
	uint8_t id[WH_OP_ID];

	fx_id(2, id);
	wh_index_by_id(&k, id);
	assert_int_equal(wh_index_put(t, WH_TABLE_OPS_INDEX, &k, 3, WH_BY_ID_PREFIX), 0);
}

static void
stray_op_state(struct wh_txn *t)
{
	struct wh_key k;

	wh_index_by_state(&k, 6, 2);
	assert_int_equal(wh_index_put(t, WH_TABLE_OPS_INDEX, &k, 0, 0), 0);
}

static void
index_to_nothing(struct wh_txn *t)
{
	struct wh_key k;

	wh_index_by_lane(&k, WH_STR("lane"), 77);
	assert_int_equal(wh_index_put(t, WH_TABLE_OPS_INDEX, &k, 0, 0), 0);
}

static void
unknown_index(struct wh_txn *t)
{
	struct wh_key k;

	wh_key_init(&k);
	wh_key_add(&k, WH_STR("?"));
	wh_key_num(&k, 2, 8);
	assert_int_equal(wh_index_put(t, WH_TABLE_OPS_INDEX, &k, 0, 0), 0);
}

static void
drop_op_row(struct wh_txn *t)
{
	struct wh_key k;

	wh_key_order(&k, 3);
	assert_int_equal(wh_table_del(t, WH_TABLE_OPS, &k), 0);
}

static void
waits_in_vain(struct wh_txn *t)
{
	const struct wh_overlay o = {.pending = 1, .body = WH_STR("new"), .newest = 5};

	assert_int_equal(wh_overlays_put(t, WH_STR("row-2"), &o), 0);
}

static void
wrong_moved_count(struct wh_txn *t)
{
	t->view.meta.ops_tail_moved = 0;
}

/* Operations that have index rows are said to have none yet. */
static void
long_tail(struct wh_txn *t)
{
	t->view.meta.ops_tail = 3;
}

static void
settled_nowhere(struct wh_txn *t)
{
	const struct wh_row row = {.revision = 1};

	assert_int_equal(wh_settled_put(t, 7, WH_STR("row-1"), &row), 0);
}

static void
settled_without_row(struct wh_txn *t)
{
	struct wh_key k;

	wh_key_id(&k, WH_STR("row-4"));
	assert_int_equal(wh_table_del(t, WH_TABLE_ROWS, &k), 0);
}

static void
wrong_settled_count(struct wh_txn *t)
{
	t->view.meta.settled++;
}

static void
wrong_op_count(struct wh_txn *t)
{
	t->view.meta.ops_sending++;
}

static void
wrong_op_bytes(struct wh_txn *t)
{
	t->view.meta.op_bytes++;
}

static void
low_op_seq(struct wh_txn *t)
{
	t->view.meta.op_seq = 3;
}

static void
drop_past_lane(struct wh_txn *t)
{
	struct wh_key k;

	wh_index_by_lane(&k, WH_STR("lane"), 2);
	assert_int_equal(wh_table_del(t, WH_TABLE_HISTORY_INDEX, &k), 0);
}

static void
early_past_lane(struct wh_txn *t)
{
	struct wh_key k;

	wh_index_by_lane(&k, WH_STR("lane"), 5);
	assert_int_equal(wh_index_put(t, WH_TABLE_HISTORY_INDEX, &k, 0, 0), 0);
}

static void
stray_past_state(struct wh_txn *t)
{
	struct wh_key k;

	wh_index_by_state(&k, 9, 2);
	assert_int_equal(wh_index_put(t, WH_TABLE_HISTORY_INDEX, &k, 0, 0), 0);
}

static void
old_past_id(struct wh_txn *t)
{
	struct wh_key k;
	uint8_t id[WH_OP_ID];

	fx_id(103, id);
	wh_index_by_id(&k, id);
	assert_int_equal(wh_index_put(t, WH_TABLE_HISTORY_INDEX, &k, 1, WH_BY_ID_PREFIX), 0);
}

static void
gap_in_history(struct wh_txn *t)
{
	struct wh_key k;

	wh_key_order(&k, 3);
	assert_int_equal(wh_table_del(t, WH_TABLE_HISTORY, &k), 0);
}

static void
gap_in_changes(struct wh_txn *t)
{
	uint64_t revision;
	struct wh_key k;

	const char large[1600] = "a change that has a row";

	for (int i = 0; i < 3; i++) {
		assert_int_equal(
			wh_changes_add(t, wh_str(large, sizeof(large)), 100, &revision), 0);
		assert_int_equal(wh_changes_flush(t), 0);
	}
	wh_key_order(&k, revision - 1);
	assert_int_equal(wh_table_del(t, WH_TABLE_LOG, &k), 0);
}

static void
open_log_in_disorder(struct wh_txn *t)
{
	assert_int_equal(wh_meta_put_text(t, WH_META_LOG, WH_STR("0123456789")), 0);
}

static void
log_in_disorder(struct wh_txn *t)
{
	struct wh_draft d;
	struct wh_key k;

	wh_key_order(&k, 5);
	wh_draft_init(&d);
	wh_draft_num(&d, 1, WH_LOG_PREFIX);
	d.tail[0] = WH_STR("0123456789");
	assert_int_equal(wh_table_put(t, WH_TABLE_LOG, &k, &d, NULL), 0);
}

static void
change_beyond_head(struct wh_txn *t)
{
	t->view.meta.revision = 4;
}

static void
change_before_tail(struct wh_txn *t)
{
	t->view.meta.change_tail = 2;
}

static void
wrong_row_count(struct wh_txn *t)
{
	t->view.meta.rows = 4;
}

static void
alias_of_alias(struct wh_txn *t)
{
	assert_int_equal(wh_aliases_put(t, WH_STR("tmp-2"), WH_STR("tmp-1")), 0);
}

static void
request_without_age(struct wh_txn *t)
{
	struct wh_walk w;
	struct wh_key k;

	assert_int_equal(wh_walk_begin(&t->view, WH_TABLE_REQUESTS_INDEX, &w), 0);
	assert_int_equal(wh_walk_first(&w), 0);
	wh_key_init(&k);
	wh_key_add(&k, wh_walk_key(&w));
	wh_walk_end(&w);
	assert_int_equal(wh_table_del(t, WH_TABLE_REQUESTS_INDEX, &k), 0);
}

static void
age_without_request(struct wh_txn *t)
{
	struct wh_key k;

	wh_index_by_age(&k, 99, WH_STR("no such key"));
	assert_int_equal(wh_index_put(t, WH_TABLE_REQUESTS_INDEX, &k, 0, 0), 0);
}

static void
short_value(struct wh_txn *t)
{
	struct wh_draft d;
	struct wh_key k;

	wh_key_id(&k, WH_STR("row-2"));
	wh_draft_init(&d);
	wh_draft_num(&d, 1, 8);
	assert_int_equal(wh_table_put(t, WH_TABLE_ROWS, &k, &d, NULL), 0);
}

static void
lane_beyond_value(struct wh_txn *t)
{
	struct wh_draft d;
	struct wh_key k;

	wh_key_order(&k, 2);
	wh_draft_init(&d);
	wh_draft_bytes(&d, (const uint8_t[WH_OP_ID]){0}, WH_OP_ID);
	wh_draft_num(&d, 0, 1);
	wh_draft_num(&d, 0, 8);
	wh_draft_num(&d, 500, 2);
	d.tail[0] = WH_STR("lane");
	assert_int_equal(wh_table_put(t, WH_TABLE_OPS, &k, &d, NULL), 0);
}

static const struct {
	const char *what;
	void (*plant)(struct wh_txn *t);
	const char *finding;
	bool at_start;
} plants[] = {
	{"op not by lane", drop_op_lane, "ops: row 2: it is not in the index by lane", true},
	{"op not by state", drop_op_state, "ops: row 2: it is not in the index by state", true},
	{"op not by due", drop_op_due, "ops: row 2: it is not in the index by due", true},
	{"due state", wrong_due_state, "ops_index: row 6406", true},
	{"id of another", wrong_op_id, "ops: row 2: its id leads to another", true},
	{"stray state", stray_op_state, "operation 2 does not belong here", true},
	{"index to nothing", index_to_nothing, "it leads to row 77, which is not", true},
	{"unknown index", unknown_index, "operation 2 does not belong here", true},
	{"row gone", drop_op_row, "it leads to row 3, which is not there", true},
	{"newest", waits_in_vain, "row-2: operation 5 is its newest, and none of its own",
	 true},
	{"tail moved", wrong_moved_count, "the counter ops_tail_moved is 0, but there are",
	 true},
	{"tail", long_tail, "operation 3 does not belong here", true},
	{"op count", wrong_op_count, "the counter ops_sending is 2, but there are 1", true},
	{"op bytes", wrong_op_bytes, "ops: the counter op_bytes is", true},
	{"op seq", low_op_seq, "ops: row 4: its number is above the last one given, 3", true},
	{"settled", settled_nowhere, "settled: row 7: it leads to no overlay that could", true},
	{"settled row", settled_without_row, "settled: row 5: it leads to a row that is not",
	 true},
	{"settled count", wrong_settled_count, "the counter settled is 2, but there are 1",
	 true},
	{"past not by lane", drop_past_lane, "history: row 2: it is not in the index by lane",
	 false},
	{"early past", early_past_lane, "entry 5 does not belong here", false},
	{"stray past", stray_past_state, "entry 2 does not belong here", false},
	{"past id", old_past_id, "history: row 3: its id leads to an older", false},
	{"history gap", gap_in_history, "history: rows 3 to 3 are missing", false},
	{"change gap", gap_in_changes, "log: rows 7 to 7 are missing", false},
	{"open log", open_log_in_disorder, "log: the newest entries make no sense", false},
	{"log", log_in_disorder, "log: row 5: its fields make no sense", false},
	{"change head", change_beyond_head, "log: the newest row should be 4 and is 5", false},
	{"change tail", change_before_tail, "log: the oldest row should be 2 and is 1", false},
	{"row count", wrong_row_count, "rows: the counter rows is 4, but there are 5", false},
	{"alias chain", alias_of_alias, "aliases: row tmp-2: it leads to another alias", true},
	{"no age", request_without_age, "it is not in the index by age", false},
	{"no request", age_without_request, "it leads to a request that is not there", false},
	{"short prefix", short_value, "rows: row row-2: the checksum", false},
	{"lane length", lane_beyond_value, "ops: row 2: its fields make no sense", true},
};

static void
test_planted(void **state)
{
	for (size_t i = 0; i < wh_array_len(plants); i++) {
		struct fixture *f;
		struct wh_txn t;

		fx_setup(state);
		f = *state;
		fx_furnish(f);
		fx_begin(f, &t);
		plants[i].plant(&t);
		fx_commit(&t);
		fx_assert_finds(f, true, plants[i].finding);
		if ((fx_check(f, false) == WH_ECORRUPT) != plants[i].at_start)
			fail_msg("%s at start: %s", plants[i].what, f->finding);
		fx_teardown(state);
	}
}

/* ------------------------------------------------------- many findings -- */

static void
test_findings_are_bounded(void **state)
{
	struct fixture *f = *state;
	struct wh_txn t;
	struct wh_key k;

	fx_furnish(f);
	fx_begin(f, &t);
	for (uint64_t i = 1000; i < 3000; i++) {
		wh_index_by_state(&k, 1, i);
		assert_int_equal(wh_index_put(&t, WH_TABLE_OPS_INDEX, &k, 0, 0), 0);
	}
	wrong_row_count(&t);
	fx_commit(&t);
	assert_int_equal(fx_check(f, true), WH_ECORRUPT);
	assert_true(f->findings > 50 && f->findings < 150);
}

/* Names from outside reach a finding only as harmless text. */
static void
test_findings_are_harmless(void **state)
{
	const struct wh_row row = {.body = WH_STR("body-to-damage")};
	struct fixture *f = *state;
	struct wh_txn t;

	fx_begin(f, &t);
	assert_int_equal(wh_rows_put(&t, wh_str("a\x1b[2J\n\xff\\", 8), &row), 0);
	fx_commit(&t);
	fx_damage(f, "body-to-damage");
	fx_assert_finds(f, true, "rows: row a\\x1b[2J\\x0a\\xff\\x5c: the checksum");
}

struct writer {
	struct fixture *f;
	atomic_bool stop, ended;
	atomic_uint commits;
};

/* Each commit changes rows, indexes and counters together. */
static void *
write_on(void *arg)
{
	struct writer *me = arg;
	struct wh_txn t;
	uint64_t revision;

	while (!me->stop) {
		struct wh_oprow op = fx_op(6 + me->commits % 50, "lane",
					   (uint8_t)(me->commits % 7), me->commits);

		if (wh_txn_begin(me->f->s, &t) != 0)
			break;
		if (wh_ops_put(&t, &op) != 0 ||
		    wh_changes_add(&t, WH_STR("change"), 20, &revision) != 0 ||
		    wh_txn_commit(&t) != 0)
			break;
		me->commits++;
	}
	me->ended = true;
	return NULL;
}

static void
test_check_beside_commits(void **state)
{
	struct fixture *f = *state;
	struct writer writer = {.f = f};
	pthread_t thread;

	fx_furnish(f);
	assert_int_equal(pthread_create(&thread, NULL, write_on, &writer), 0);
	/* However the two are scheduled, checks and commits must have met. */
	for (int i = 0; i < 100 || (writer.commits < 20 && !writer.ended); i++)
		fx_check_clean(f);
	writer.stop = true;
	pthread_join(thread, NULL);
	assert_true(writer.commits > 0);
}

/* ------------------------------------------------------ each table in turn -- */

static const struct {
	enum wh_table table;
	const char *begins; /* of the sentence about its first row */
	const char *advice;
} first_rows[] = {
	{WH_TABLE_META, "meta: row counters: ", "; restart whd"},
	{WH_TABLE_ROWS, "rows: row row-1: ", "; the next list mends it: run whctl sync"},
	{WH_TABLE_OVERLAYS, "overlays: row row-1: ", "; restart whd"},
	{WH_TABLE_SETTLED, "settled: row 5: ", "; restart whd"},
	{WH_TABLE_TOMBS, "tombs: row gone: ", "; the next list mends it"},
	{WH_TABLE_LATE, "late: row row-2: ", "; the next list mends it"},
	{WH_TABLE_ALIASES, "aliases: row tmp-1: ", "; restart whd"},
	{WH_TABLE_OPS, "ops: row 1: ", "; restart whd"},
	{WH_TABLE_OPS_INDEX, "ops_index: row 64", "; restart whd"},
	{WH_TABLE_HISTORY, "history: row 1: ", "; run whctl check, then restart whd"},
	{WH_TABLE_HISTORY_INDEX, "history_index: row 69", "; run whctl check, then restart"},
	{WH_TABLE_REQUESTS, "requests: row 00000001", "; run whctl check, then restart"},
	{WH_TABLE_REQUESTS_INDEX, "requests_index: row 61", "; run whctl check, then restart"},
	{WH_TABLE_LOG, "log: row 5: ", "; run whctl check, then restart"},
	{WH_TABLE_TERMS, "terms: row 720000000000000007", "; whd builds it anew"},
	{WH_TABLE_DAMAGED, "damaged: row 9: ", "; restart whd"},
};

/* Flips a byte of the first value of a table. */
static void
flip_first(struct fixture *f, enum wh_table table)
{
	MDB_cursor *c;
	MDB_val key, data;
	MDB_txn *txn;
	char copy[2000];

	assert_int_equal(mdb_txn_begin(f->s->env, NULL, 0, &txn), 0);
	assert_int_equal(mdb_cursor_open(txn, f->s->dbi[table], &c), 0);
	assert_int_equal(mdb_cursor_get(c, &key, &data, MDB_FIRST), 0);
	assert_true(data.mv_size <= sizeof(copy));
	memcpy(copy, data.mv_data, data.mv_size);
	copy[data.mv_size - 1] ^= 1;
	data.mv_data = copy;
	assert_int_equal(mdb_cursor_put(c, &key, &data, MDB_CURRENT), 0);
	mdb_cursor_close(c);
	assert_int_equal(mdb_txn_commit(txn), 0);
}

/* Each says which row of which table it is, what is wrong, and what to do. */
static void
test_each_table(void **state)
{
	const struct wh_damaged lost = {.seq = 9};
	struct fixture *f = *state;
	struct wh_txn t;
	struct wh_key k;

	fx_furnish(f);
	fx_begin(f, &t);
	assert_int_equal(wh_damaged_put(&t, &lost), 0);
	wh_term_key(&k, WH_SCAN_ROWS, 7, WH_STR("row-1"));
	assert_int_equal(wh_table_set(&t, WH_TABLE_TERMS, &k), 0);
	fx_commit(&t);
	for (size_t i = 0; i < wh_array_len(first_rows); i++) {
		flip_first(f, first_rows[i].table);
		fx_assert_finds(f, true, first_rows[i].begins);
		assert_true(fx_found(f, "the checksum does not match its value"));
		assert_true(fx_found(f, first_rows[i].advice));
		flip_first(f, first_rows[i].table);
		fx_check_clean(f);
	}
	size_t tables = 0;
#define WH_TABLE(id, number, name) tables++;
#include "store/tables.def"
#undef WH_TABLE
	assert_int_equal(wh_array_len(first_rows),
			 tables - 3); /* three are left from older formats */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fx_test(test_each_table),           cmocka_unit_test(test_planted),
		fx_test(test_findings_are_bounded), fx_test(test_findings_are_harmless),
		fx_test(test_check_beside_commits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
