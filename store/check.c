/* SPDX-License-Identifier: MIT */
/*
 * The integrity check: every value, every index row, every counter.
 *
 * Called at start (not deep), by the scrub and by an administrator, on any
 * thread. It only reads. Damage is reported and passed over, so that one bad
 * row does not hide others; nothing is repaired here.
 */
#include <inttypes.h>

#include "store/check.h"
#include "store/settled.h"

#define TOLD_MAX 100 /* findings a table; a lost page can make thousands */
#define SNAPSHOT_TRIES 1000

/* What to do about it. A start looks at what it cannot do without; of the rest it is told. */
#define RESTART "restart whd, which tries to make the store anew of what can be read"
#define CHECK_AND_RESTART "run whctl check, then " RESTART
#define LIST "the next list mends it: run whctl sync"
#define INDEX "whd builds it anew when it finds that while it runs: run whctl check"

enum key_kind { KEY_TEXT, KEY_NUMBER, KEY_BYTES };

static const struct table_check {
	enum wh_table table;
	const char *name;
	enum key_kind key;
	size_t min_prefix;
	bool at_start;
	bool gapless;      /* keys are numbers that follow each other */
	wh_check_row *row; /* NULL if a right checksum is all there is to ask */
	const char *advice;
} table_checks[] = {
	{WH_TABLE_META, "meta", KEY_TEXT, 0, true, false, NULL, RESTART},
	{WH_TABLE_OPS, "ops", KEY_NUMBER, WH_OP_PREFIX, true, false, wh_check_op, RESTART},
	{WH_TABLE_OPS_INDEX, "ops_index", KEY_BYTES, 0, true, false, wh_check_op_index,
	 RESTART},
	{WH_TABLE_ALIASES, "aliases", KEY_TEXT, 0, true, false, wh_check_alias, RESTART},
	{WH_TABLE_ROWS, "rows", KEY_TEXT, WH_ROW_PREFIX, false, false, wh_check_confirmed,
	 LIST},
	{WH_TABLE_OVERLAYS, "overlays", KEY_TEXT, WH_OVERLAY_PREFIX, true, false,
	 wh_check_overlay, RESTART},
	{WH_TABLE_SETTLED, "settled", KEY_NUMBER, WH_SETTLED_PREFIX, true, false,
	 wh_check_settled, RESTART},
	{WH_TABLE_TOMBS, "tombs", KEY_TEXT, WH_TOMB_PREFIX, false, false, NULL, LIST},
	{WH_TABLE_LATE, "late", KEY_TEXT, WH_LATE_PREFIX, false, false, NULL, LIST},
	{WH_TABLE_HISTORY, "history", KEY_NUMBER, WH_PAST_PREFIX, false, true, wh_check_past,
	 CHECK_AND_RESTART},
	{WH_TABLE_HISTORY_INDEX, "history_index", KEY_BYTES, 0, false, false,
	 wh_check_past_index, CHECK_AND_RESTART},
	{WH_TABLE_REQUESTS, "requests", KEY_BYTES, WH_REQUEST_PREFIX, false, false,
	 wh_check_request, CHECK_AND_RESTART},
	{WH_TABLE_REQUESTS_INDEX, "requests_index", KEY_BYTES, 0, false, false,
	 wh_check_request_index, CHECK_AND_RESTART},
	{WH_TABLE_LOG, "log", KEY_NUMBER, WH_LOG_PREFIX, false, false, wh_check_log,
	 CHECK_AND_RESTART},
	{WH_TABLE_TERMS, "terms", KEY_BYTES, 0, false, false, wh_check_term, INDEX},
	{WH_TABLE_DAMAGED, "damaged", KEY_NUMBER, WH_DAMAGED_PREFIX, true, false, NULL,
	 RESTART},
};

static const struct table_check *
check_of(enum wh_table table)
{
	size_t i = 0;

	while (table_checks[i].table != table)
		i++;
	return &table_checks[i];
}

/* ------------------------------------------------------------ findings -- */

static void
key_text(struct wh_buf *out, enum key_kind kind, struct wh_str key)
{
	if (kind == KEY_NUMBER && key.n == 8) {
		wh_buf_printf(out, "%" PRIu64, wh_be_get((const uint8_t *)key.p, 8));
		return;
	}
	for (size_t i = 0; i < key.n; i++) {
		unsigned char b = (unsigned char)key.p[i];

		if (kind != KEY_BYTES && b > 0x20 && b < 0x7f && b != '\\')
			wh_buf_byte(out, (char)b);
		else
			wh_buf_printf(out, kind == KEY_BYTES ? "%02x" : "\\x%02x", b);
	}
}

static void
tell_end(struct wh_check *c, const struct table_check *tc, struct wh_buf *text)
{
	if (tc->advice)
		wh_buf_printf(text, "; %s", tc->advice);
	wh_buf_byte(text, '\0');
	c->report(c->ctx, tc->name, text->fault ? "damaged (no memory to say more)" : text->p);
	wh_buf_fini(text);
}

void
wh_check_tell(struct wh_check *c, enum wh_table table, struct wh_str key, const char *fmt, ...)
{
	const struct table_check *tc = check_of(table);
	struct wh_buf text = wh_buf_capped(8192);
	va_list ap;

	c->dirty = true;
	if (c->told[table]++ > TOLD_MAX)
		return;
	if (c->told[table] > TOLD_MAX) {
		wh_buf_c(&text, "more damage was found than is listed");
		tell_end(c, tc, &text);
		return;
	}
	if (key.n > 0) {
		wh_buf_c(&text, "row ");
		key_text(&text, tc->key, key);
		wh_buf_c(&text, ": ");
	}
	va_start(ap, fmt);
	wh_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	tell_end(c, tc, &text);
}

/* ----------------------------------------------------------- snapshots -- */

static int
begin_one(struct wh_check *c, struct wh_view *v)
{
	MDB_txn *txn = NULL;
	int rc = mdb_txn_begin(c->s->env, NULL, MDB_RDONLY, &txn);

	*v = (struct wh_view){.store = c->s, .mdb = txn};
	return wh_mdb_fault(rc);
}

static int
renew(struct wh_view *v)
{
	mdb_txn_reset(wh_view_txn(v));
	return wh_mdb_fault(mdb_txn_renew(wh_view_txn(v)));
}

static bool
same_snapshot(const struct wh_check *c)
{
	return mdb_txn_id(wh_view_txn(&c->walk)) == mdb_txn_id(wh_view_txn(&c->look));
}

static int
begin_both(struct wh_check *c)
{
	int r = begin_one(c, &c->walk);

	if (r == 0)
		r = begin_one(c, &c->look);
	for (int i = 0; r == 0 && i < SNAPSHOT_TRIES && !same_snapshot(c); i++)
		r = renew(i % 2 ? &c->walk : &c->look);
	if (r < 0)
		return r;
	c->cross = same_snapshot(c);
	return c->cross ? 0 : WH_EBUSY;
}

/* LMDB refuses a transaction for good once it met a damaged page. If there was
 * a commit meanwhile, the two views can no longer be compared. */
static void
revive(struct wh_check *c, struct wh_view *v)
{
	if (renew(v) < 0 || !same_snapshot(c))
		c->cross = false;
}

int
wh_check_look(struct wh_check *c, enum wh_table table, const struct wh_key *key,
	      size_t min_prefix, struct wh_value *ret)
{
	if (!c->cross || c->cut[table])
		return WH_ECORRUPT;
	int r = wh_table_get(&c->look, table, key, min_prefix, ret);

	if (r < 0)
		revive(c, &c->look);
	return r;
}

int
wh_check_look_settled(struct wh_check *c, struct wh_str id, const struct wh_overlay *o,
		      struct wh_row *ret)
{
	if (!c->cross || c->cut[WH_TABLE_SETTLED])
		return WH_ECORRUPT;
	int r = wh_settled_of(&c->look, id, o, ret);

	if (r < 0)
		revive(c, &c->look);
	return r;
}

/* ------------------------------------------------------------- walking -- */

void
wh_check_follows(struct wh_check *c, enum wh_table table, uint64_t first, uint64_t last)
{
	if (c->previous == 0)
		c->first = first;
	else if (first != c->previous + 1)
		wh_check_tell(c, table, WH_STR_NULL,
			      "rows %" PRIu64 " to %" PRIu64 " are missing", c->previous + 1,
			      first - 1);
	c->previous = last;
}

/* What a damaged row of the change log held is taken for what is missing there. */
static void
pass_over(struct wh_check *c, uint64_t last)
{
	if (c->previous == 0 && c->meta)
		c->first = c->meta->change_tail;
	c->previous = last;
}

/* A damaged pointer within a page shows one row twice and hides another. */
static void
check_order(struct wh_check *c, const struct table_check *tc, struct wh_str key)
{
	struct wh_key *before = &c->previous_key;

	if (before->n > 0 && wh_str_cmp(wh_key_view(before), key) >= 0)
		wh_check_tell(c, tc->table, key, "it is not in the order of the keys");
	wh_key_init(before);
	wh_key_add(before, key);
}

/* A damaged branch page leads a look-up astray, and a walk does not notice. */
static void
check_way(struct wh_check *c, const struct table_check *tc, struct wh_str key)
{
	struct wh_value value;
	struct wh_key k;

	if (!c->cross)
		return;
	wh_key_init(&k);
	wh_key_add(&k, key);
	int r = wh_check_look(c, tc->table, &k, tc->min_prefix, &value);

	if (r != 0 && c->cross)
		wh_check_tell(c, tc->table, key, "it is not found under its key");
}

static void
check_one(struct wh_check *c, const struct table_check *tc, const struct wh_walk *w)
{
	struct wh_value value;
	struct wh_str key = wh_walk_key(w);

	check_order(c, tc, key);
	if (tc->table == WH_TABLE_META && wh_str_is(key, "format"))
		return;
	c->rows[tc->table]++;
	if (tc->key == KEY_NUMBER && key.n != 8) {
		wh_check_tell(c, tc->table, key, "the key is not a number");
		return;
	}
	if (tc->gapless)
		wh_check_follows(c, tc->table, wh_walk_order(w), wh_walk_order(w));
	if (wh_walk_value(w, tc->min_prefix, &value) < 0) {
		wh_check_tell(c, tc->table, key, "the checksum does not match its value");
		if (tc->table == WH_TABLE_LOG)
			pass_over(c, wh_walk_order(w));
		return;
	}
	check_way(c, tc, key);
	if (tc->row)
		tc->row(c, w, &value);
}

static int
check_table(struct wh_check *c, const struct table_check *tc)
{
	struct wh_walk w;
	int r = wh_walk_begin(&c->walk, tc->table, &w);

	wh_key_init(&c->previous_key);
	c->first = 0;
	c->previous = 0;
	if (r == 0)
		r = wh_walk_first(&w);
	while (r == 0) {
		check_one(c, tc, &w);
		r = wh_walk_next(&w);
	}
	wh_walk_end(&w);
	if (r == WH_ABSENT)
		return 0;
	if (r != WH_ECORRUPT)
		return r; /* no word on the store: memory, or the device */
	c->cut[tc->table] = true;
	wh_check_tell(c, tc->table, WH_STR_NULL,
		      "a page is damaged; the rows behind it cannot be read");
	revive(c, &c->walk);
	return 0;
}

/* ------------------------------------------------------------ counters -- */

static void
check_number(struct wh_check *c, enum wh_table table, const char *name, uint64_t counter,
	     uint64_t found)
{
	if (!c->cut[table] && counter != found)
		wh_check_tell(c, table, WH_STR_NULL,
			      "the counter %s is %" PRIu64 ", but there are %" PRIu64, name,
			      counter, found);
}

static void
check_op_counters(struct wh_check *c)
{
	static const char *const names[WH_OP_STATES] = {
		"ops_queued",   "ops_checking", "ops_sending", "ops_unknown",
		"ops_conflict", "ops_held",     "ops_dead",
	};
	const struct wh_meta *m = c->meta;

	for (uint8_t i = 0; i < WH_OP_STATES; i++)
		check_number(c, WH_TABLE_OPS, names[i], wh_meta_ops(m, i), c->states[i]);
	check_number(c, WH_TABLE_OPS, "op_bytes", m->op_bytes, c->op_bytes);
	check_number(c, WH_TABLE_OPS, "ops_tail_moved", m->ops_tail_moved, c->tail_moved);
}

/* The first and last number of a table without gaps, as the counters have them. */
static void
check_ends(struct wh_check *c, enum wh_table table, uint64_t tail, uint64_t head)
{
	bool empty = c->previous == 0;

	if (c->cut[table])
		return;
	if (c->first != tail)
		wh_check_tell(c, table, WH_STR_NULL,
			      "the oldest row should be %" PRIu64 " and is %" PRIu64, tail,
			      c->first);
	if (!empty && c->previous != head)
		wh_check_tell(c, table, WH_STR_NULL,
			      "the newest row should be %" PRIu64 " and is %" PRIu64, head,
			      c->previous);
}

static void
check_counters(struct wh_check *c, const struct table_check *tc)
{
	const struct wh_meta *m = c->meta;
	const struct {
		enum wh_table table;
		const char *name;
		uint64_t counter;
	} counts[] = {
		{WH_TABLE_ROWS, "rows", m->rows},
		{WH_TABLE_OVERLAYS, "overlays", m->overlays},
		{WH_TABLE_SETTLED, "settled", m->settled},
		{WH_TABLE_ALIASES, "aliases", m->aliases},
		{WH_TABLE_TOMBS, "tombs", m->tombs},
		{WH_TABLE_LATE, "late", m->late},
		{WH_TABLE_HISTORY, "history_count", m->history_count},
		{WH_TABLE_REQUESTS, "requests", m->requests},
	};

	for (size_t i = 0; i < wh_array_len(counts); i++)
		if (counts[i].table == tc->table)
			check_number(c, tc->table, counts[i].name, counts[i].counter,
				     c->rows[tc->table]);
	if (tc->table == WH_TABLE_OPS)
		check_op_counters(c);
	if (tc->table == WH_TABLE_HISTORY)
		check_ends(c, tc->table, m->history_tail, m->history_head);
	if (tc->table == WH_TABLE_LOG && c->has_log && wh_check_open_log(c))
		check_ends(c, tc->table, m->change_tail, m->revision);
}

static void
check_stamp(struct wh_check *c)
{
	uint32_t format = 0;
	int r = wh_format_get(c->s, wh_view_txn(&c->look), c->s->dbi[WH_TABLE_META], &format);

	c->has_log = format >= WH_LOG_FORMAT;
	if (r == 0 && format > 0 && format <= WH_STORE_FORMAT)
		return;
	wh_check_tell(c, WH_TABLE_META, WH_STR_NULL, "the format stamp is damaged");
	if (r < 0)
		revive(c, &c->look);
}

static int
check_all(struct wh_check *c, bool deep)
{
	int r = 0;

	check_stamp(c);
	if (wh_meta_load(&c->look, &c->look.meta) == 0)
		c->meta = &c->look.meta;
	else
		wh_check_tell(c, WH_TABLE_META, WH_STR_NULL, "the counters are damaged");
	for (size_t i = 0; i < wh_array_len(table_checks) && r == 0; i++) {
		const struct table_check *tc = &table_checks[i];

		if (!deep && !tc->at_start)
			continue;
		r = check_table(c, tc);
		if (r == 0 && c->meta)
			check_counters(c, tc);
	}
	c->meta = NULL;
	return r;
}

int
wh_store_check(struct wh_store *s, bool deep, wh_check_report *report, void *ctx)
{
	struct wh_check c = {.s = s, .report = report, .ctx = ctx, .deep = deep};
	int r = begin_both(&c);

	if (r == 0)
		r = check_all(&c, deep);
	wh_view_end(&c.look);
	wh_view_end(&c.walk);
	if (r == 0 && c.dirty)
		r = WH_ECORRUPT;
	return r;
}
