/* SPDX-License-Identifier: MIT */
/*
 * The change log: one entry a revision, at least the newest `keep` of them.
 *
 * Added to by transaction bodies on the commit thread, read by whoever follows
 * the log, with a view. Entries are put in rows of many, since a row for each
 * costs more than all that it tells of: the newest stand in a row that is open,
 * beside the counters, on a page that each commit writes. Old rows go many at
 * once, too. Revisions have no gaps between meta.change_tail and
 * meta.revision.
 */
#include "store/row.h"

#define ENTRY_HEAD 4              /* the length of its body */
#define ROW_BYTES ((size_t)1990)  /* two rows of so much fill a page of 4096 bytes */
#define OPEN_BYTES ((size_t)1500) /* beside the counters and the other texts of meta */
#define EASE 256                  /* so much more than what is kept may be there, one in */

/* ----------------------------------------------------------------- rows -- */

struct wh_entries
wh_entries_decode(const struct wh_value *v)
{
	return (struct wh_entries){wh_be_get(v->prefix, 8), v->tail};
}

int
wh_entries_open(const struct wh_view *v, struct wh_entries *ret)
{
	struct wh_str text;
	int r = wh_meta_text(v, WH_META_LOG, &text);

	if (r || text.n == 0)
		return r ? r : WH_ABSENT;
	if (text.n < WH_LOG_PREFIX)
		return WH_ECORRUPT;
	*ret = (struct wh_entries){
		wh_be_get((const uint8_t *)text.p, WH_LOG_PREFIX),
		wh_str(text.p + WH_LOG_PREFIX, text.n - WH_LOG_PREFIX),
	};
	return 0;
}

/* The next one. WH_ECORRUPT if that is none. */
static int
take_entry(struct wh_entries *e, struct wh_str *ret_body)
{
	if (e->rest.n < ENTRY_HEAD)
		return WH_ECORRUPT;
	size_t n = (size_t)wh_be_get((const uint8_t *)e->rest.p, ENTRY_HEAD);

	if (n > e->rest.n - ENTRY_HEAD)
		return WH_ECORRUPT;
	*ret_body = wh_str(e->rest.p + ENTRY_HEAD, n);
	e->rest = wh_str(ret_body->p + n, e->rest.n - ENTRY_HEAD - n);
	return 0;
}

uint64_t
wh_entries_last(struct wh_entries e)
{
	uint64_t n = 0;
	struct wh_str body;

	while (e.rest.n > 0 && take_entry(&e, &body) == 0)
		n++;
	return e.rest.n > 0 || e.first == 0 || n == 0 ? 0 : e.first + n - 1;
}

/* The oldest row: its revisions. */
static int
oldest(const struct wh_view *v, uint64_t *ret_first, uint64_t *ret_last)
{
	struct wh_value value;
	struct wh_walk w;
	int r = wh_walk_begin(v, WH_TABLE_LOG, &w);

	if (r < 0)
		return r;
	r = wh_walk_first(&w);
	if (r == 0) {
		*ret_last = wh_walk_order(&w);
		/* A damaged one is gone from its first revision on. */
		*ret_first = wh_walk_value(&w, WH_LOG_PREFIX, &value) == 0
				     ? wh_entries_decode(&value).first
				     : *ret_last;
	}
	wh_walk_end(&w);
	return r;
}

/* Drops the rows that are not kept. */
static int
drop_old(struct wh_txn *t, uint64_t keep)
{
	struct wh_meta *m = &t->view.meta;
	uint64_t first = 0, last = 0;
	struct wh_key k;
	int r = oldest(&t->view, &first, &last);

	while (r == 0 && last <= m->revision && m->revision - last >= keep) {
		wh_key_order(&k, last);
		r = wh_table_drop(t, WH_TABLE_LOG, &k);
		if (r == 0)
			r = oldest(&t->view, &first, &last);
	}
	if (r < 0)
		return wh_txn_fail(t, r);
	m->change_tail = r == 0 ? first : 0; /* what was open stands in a row by now */
	return 0;
}

static int
put_row(struct wh_txn *t)
{
	struct wh_log_row *row = &t->view.store->log;
	const struct wh_meta *m = &t->view.meta;
	struct wh_draft d;
	struct wh_key k;

	wh_key_order(&k, row->first + row->n - 1);
	wh_draft_init(&d);
	wh_draft_num(&d, row->first, WH_LOG_PREFIX);
	d.tail[0] = wh_buf_view(&row->entries);
	int r = row->entries.fault ? wh_txn_fail(t, row->entries.fault)
				   : wh_table_append(t, WH_TABLE_LOG, &k, &d);

	wh_buf_reset(&row->entries);
	row->n = 0;
	if (r == 0 && m->revision - m->change_tail >= row->keep + row->keep / EASE)
		r = drop_old(t, row->keep);
	return r;
}

/* --------------------------------------------------------- transactions -- */

void
wh_changes_forget(struct wh_store *s)
{
	wh_buf_reset(&s->log.entries);
	s->log.n = 0;
	s->log.taken = false;
}

/* The first entry of a transaction goes on with the open row. */
static int
take_open(struct wh_txn *t)
{
	struct wh_log_row *row = &t->view.store->log;
	struct wh_entries e;
	int r = wh_entries_open(&t->view, &e);
	uint64_t last = r == 0 ? wh_entries_last(e) : 0;

	if (r == 0 && last == 0)
		r = WH_ECORRUPT;
	if (r == WH_ECORRUPT)
		r = wh_changes_jump(t, 0); /* with its entries lost, the log would have a gap */
	row->taken = true;
	if (r)
		return r == WH_ABSENT ? 0 : wh_txn_fail(t, r);
	if (last > 0) {
		wh_buf_str(&row->entries, e.rest);
		row->first = e.first;
		row->n = last - e.first + 1;
	}
	return 0;
}

static int
leave_open(struct wh_txn *t)
{
	struct wh_log_row *row = &t->view.store->log;
	uint8_t b[WH_LOG_PREFIX + OPEN_BYTES];

	if (row->n == 0)
		return wh_meta_put_text(t, WH_META_LOG, WH_STR_NULL);
	wh_be_put(b, row->first, WH_LOG_PREFIX);
	memcpy(b + WH_LOG_PREFIX, row->entries.p, row->entries.n);
	return wh_meta_put_text(t, WH_META_LOG,
				wh_str((const char *)b, WH_LOG_PREFIX + row->entries.n));
}

int
wh_changes_flush(struct wh_txn *t)
{
	const struct wh_log_row *row = &t->view.store->log;
	int r = 0;

	if (!row->taken)
		return 0;
	if (row->entries.fault || row->entries.n > OPEN_BYTES)
		r = put_row(t);
	return r ? r : leave_open(t);
}

/* True if the row that is being made cannot take the next entry. */
static bool
is_full(const struct wh_log_row *row, const struct wh_meta *m, struct wh_str body)
{
	return row->n > 0 && (row->first + row->n != m->revision + 1 ||
			      row->entries.n + ENTRY_HEAD + body.n > ROW_BYTES);
}

int
wh_changes_add(struct wh_txn *t, struct wh_str body, uint64_t keep, uint64_t *ret_revision)
{
	struct wh_log_row *row = &t->view.store->log;
	struct wh_meta *m = &t->view.meta;
	uint8_t head[ENTRY_HEAD];
	int r = t->fault;

	if (r == 0 && !row->taken)
		r = take_open(t);
	if (r == 0 && is_full(row, m, body))
		r = put_row(t);
	if (r)
		return r;
	m->revision++;
	if (row->n++ == 0)
		row->first = m->revision;
	if (m->change_tail == 0)
		m->change_tail = m->revision;
	row->keep = keep;
	wh_be_put(head, body.n, ENTRY_HEAD);
	wh_buf_add(&row->entries, head, ENTRY_HEAD);
	wh_buf_str(&row->entries, body);
	*ret_revision = m->revision;
	return 0;
}

int
wh_changes_jump(struct wh_txn *t, uint64_t ahead)
{
	struct wh_meta *m = &t->view.meta;
	int r = wh_table_clear(t, WH_TABLE_LOG);

	if (r < 0)
		return r;
	wh_changes_forget(t->view.store);
	t->view.store->log.taken = true; /* and nothing of it is to be */
	m->change_tail = 0;
	m->revision += ahead;
	return 0;
}

/* -------------------------------------------------------------- reading -- */

/* The first of them behind `after`, which the last one is. */
static int
take_after(struct wh_entries *e, uint64_t after, uint64_t *ret_revision,
	   struct wh_str *ret_body)
{
	uint64_t at = e->first;
	int r = take_entry(e, ret_body);

	for (; r == 0 && at <= after; at++)
		r = take_entry(e, ret_body);
	if (r == 0)
		*ret_revision = at;
	return r;
}

static int
next_of_open(const struct wh_view *v, uint64_t after, uint64_t *ret_revision,
	     struct wh_str *ret_body)
{
	struct wh_entries e;
	int r = wh_entries_open(v, &e);

	*ret_revision = v->meta.revision;
	if (r)
		return r;
	uint64_t last = wh_entries_last(e);

	if (last == 0)
		return WH_ECORRUPT;
	return last <= after ? WH_ABSENT : take_after(&e, after, ret_revision, ret_body);
}

static int
next_of_rows(const struct wh_view *v, uint64_t after, uint64_t *ret_revision,
	     struct wh_str *ret_body)
{
	struct wh_entries e;
	struct wh_value value;
	struct wh_key k;
	struct wh_walk w;

	wh_key_order(&k, after);
	int r = wh_walk_begin(v, WH_TABLE_LOG, &w);

	if (r < 0)
		return r;
	r = wh_walk_after(&w, &k);
	if (r == 0) {
		*ret_revision = wh_walk_order(&w);
		r = wh_walk_value(&w, WH_LOG_PREFIX, &value);
	}
	if (r == 0) {
		e = wh_entries_decode(&value);
		r = take_after(&e, after, ret_revision, ret_body);
	}
	wh_walk_end(&w);
	return r;
}

int
wh_changes_next(const struct wh_view *v, uint64_t after, uint64_t *ret_revision,
		struct wh_str *ret_body)
{
	if (after >= v->meta.revision)
		return WH_ABSENT;
	int r = next_of_rows(v, after, ret_revision, ret_body);

	return r == WH_ABSENT ? next_of_open(v, after, ret_revision, ret_body) : r;
}
