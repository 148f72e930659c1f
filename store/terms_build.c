/* SPDX-License-Identifier: MIT */
/*
 * Building the index by terms of the rows that are there.
 *
 * Put in the order of the rows, terms fall on pages all over the index, and
 * each slice would write most of it again. So one window of the terms is built
 * after the other: a slice reads some rows, sorts what falls into the window,
 * and puts that. Writes of others in between keep the windows up to this one;
 * a row that they and the slice both index is the same index row. Commit
 * thread.
 */
#include <stdlib.h>

#include "store/terms.h"

#define ENTRIES_MAX 65536u /* of a slice: 1.5 MiB */

struct entry {
	uint64_t term;
	struct wh_str id; /* stays where it is: only the index is written */
};

struct slice {
	struct wh_txn *t;
	struct wh_terms_build *b;
	struct entry *entries;
	size_t n;
};

static int
next_body(struct wh_scan *s, struct wh_str *ret_key, struct wh_str *ret_body)
{
	struct wh_overlay o = {.hidden = true};
	struct wh_row row = {.body = WH_STR_NULL};
	int r = wh_scan_next(s, ret_key, &row, &o);

	*ret_body = s->table == WH_SCAN_ROWS ? row.body : wh_overlay_terms(&s->view->meta, &o);
	if (r != WH_ECORRUPT || ret_key->n == 0)
		return r;
	*ret_body = WH_STR_NULL; /* a damaged one has no terms */
	return 0;
}

/* The body of the row under an overlay. A damaged one has no terms. */
static struct wh_str
body_under(const struct slice *s, struct wh_str id)
{
	struct wh_row row;

	return wh_rows_get(&s->t->view, id, &row) == 0 ? row.body : WH_STR_NULL;
}

static void
collect(struct slice *s, struct wh_str id, struct wh_str body)
{
	struct wh_terms terms, under;

	wh_terms_of_body(s->t->view.store, s->b->table, body, &terms);
	if (s->b->table == WH_SCAN_OVERLAYS && terms.n > 0) {
		wh_terms_of_body(s->t->view.store, WH_SCAN_ROWS, body_under(s, id), &under);
		wh_terms_minus(&terms, &under);
	}
	for (size_t i = 0; i < terms.n; i++)
		if (terms.term[i] >> WH_TERM_WINDOW_SHIFT == s->b->window)
			s->entries[s->n++] = (struct entry){terms.term[i], id};
}

/* Reads rows from where the slice before ended. WH_STORE_END after the last of the table. */
static int
read_rows(struct slice *s, unsigned *budget)
{
	struct wh_terms_build *b = s->b;
	struct wh_scan scan;
	struct wh_str id = WH_STR_NULL, body;
	int r = wh_scan_begin(&s->t->view, b->table, wh_str(b->after, b->after_n), &scan);

	if (r)
		return r;
	while (r == 0 && *budget > 0 && s->n + WH_TERMS_MAX <= ENTRIES_MAX) {
		r = next_body(&scan, &id, &body);
		if (r)
			break;
		collect(s, id, body);
		b->after_n = id.n;
		memcpy(b->after, id.p, id.n);
		--*budget;
	}
	wh_scan_end(&scan);
	return r;
}

static int
in_order(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	if (x->term != y->term)
		return x->term < y->term ? -1 : 1;
	return wh_str_cmp(x->id, y->id);
}

static int
put_entries(struct slice *s)
{
	struct wh_key k;
	int r = 0;

	qsort(s->entries, s->n, sizeof(s->entries[0]), in_order);
	for (size_t i = 0; r == 0 && i < s->n; i++) {
		wh_term_key(&k, s->b->table, s->entries[i].term, s->entries[i].id);
		r = wh_table_set(s->t, WH_TABLE_TERMS, &k);
	}
	s->n = 0;
	return r;
}

static int
start_over(struct wh_txn *t, struct wh_terms_build *b)
{
	*b = (struct wh_terms_build){.begun = true, .table = WH_SCAN_ROWS};
	t->view.meta.terms = 0;
	t->view.meta.terms_kept = 1;
	return wh_table_clear(t, WH_TABLE_TERMS);
}

/* The table was read to its end: on with the next one, or with the next window. */
static void
turn(struct wh_txn *t, struct wh_terms_build *b)
{
	b->after_n = 0;
	if (b->table == WH_SCAN_ROWS) {
		b->table = WH_SCAN_OVERLAYS;
		return;
	}
	b->table = WH_SCAN_ROWS;
	b->done = ++b->window == WH_TERM_WINDOWS;
	t->view.meta.terms_kept = b->done ? 0 : b->window + 1;
	t->view.meta.terms = b->done ? WH_TERMS_VERSION : 0;
}

int
wh_terms_build(struct wh_txn *t, struct wh_terms_build *b, unsigned budget)
{
	struct slice s = {.t = t, .b = b};
	int r = 0;

	b->done = t->view.store->terms == NULL;
	if (b->done)
		return 0;
	if (!b->begun || t->view.meta.terms_kept != b->window + 1)
		r = start_over(t, b);
	s.entries = malloc(ENTRIES_MAX * sizeof(s.entries[0]));
	if (!s.entries)
		return wh_txn_fail(t, WH_ENOMEM);
	while (r == 0 && budget > 0 && !b->done) {
		int end = read_rows(&s, &budget);

		r = end < 0 ? wh_txn_fail(t, end) : put_entries(&s);
		if (r == 0 && end == WH_STORE_END)
			turn(t, b);
	}
	free(s.entries);
	return r;
}
