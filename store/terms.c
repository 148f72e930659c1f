/* SPDX-License-Identifier: MIT */
/*
 * The index of webhooks by terms: index rows that follow each confirmed row
 * and each overlay, written with them.
 *
 * Called by rows and overlays; commit thread. What a term is, is said by the
 * function given at opening. How the index is built is in terms_build.c, how
 * it is read in terms_scan.c.
 */
#include "store/terms.h"

#include <stdlib.h>

void
wh_term_key(struct wh_key *k, enum wh_scan_table table, uint64_t term, struct wh_str id)
{
	wh_key_init(k);
	wh_key_num(k, table == WH_SCAN_ROWS ? WH_TERM_OF_ROW : WH_TERM_OF_OVERLAY, 1);
	wh_key_num(k, term, 8);
	wh_key_add(k, id);
	if (id.n > WH_KEY_MAX)
		k->bad = true;
}

static int
by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* A body with too many is found by every question instead. */
void
wh_terms_of_body(const struct wh_store *s, enum wh_scan_table table, struct wh_str body,
		 struct wh_terms *ret)
{
	size_t kept = 0;

	ret->n = 0;
	ret->many = false;
	if (body.n)
		s->terms(table, body, ret);
	if (ret->many) {
		ret->n = 1;
		ret->term[0] = WH_TERM_MANY;
	}
	qsort(ret->term, ret->n, sizeof(ret->term[0]), by_number);
	for (size_t i = 0; i < ret->n; i++)
		if (kept == 0 || ret->term[kept - 1] != ret->term[i])
			ret->term[kept++] = ret->term[i];
	ret->n = kept;
}

/* While the index is built, the terms of the windows to come are left to the builder. */
static bool
is_kept(const struct wh_txn *t, uint64_t term)
{
	const struct wh_meta *m = &t->view.meta;

	return m->terms == WH_TERMS_VERSION || term >> WH_TERM_WINDOW_SHIFT < m->terms_kept;
}

static int
put_term(struct wh_txn *t, enum wh_scan_table table, uint64_t term, struct wh_str id)
{
	struct wh_key k;

	wh_term_key(&k, table, term, id);
	return is_kept(t, term) ? wh_table_set(t, WH_TABLE_TERMS, &k) : 0;
}

static int
drop_term(struct wh_txn *t, enum wh_scan_table table, uint64_t term, struct wh_str id)
{
	struct wh_key k;

	wh_term_key(&k, table, term, id);
	return is_kept(t, term) ? wh_table_drop(t, WH_TABLE_TERMS, &k) : 0;
}

void
wh_terms_minus(struct wh_terms *a, const struct wh_terms *b)
{
	size_t kept = 0, j = 0;

	for (size_t i = 0; i < a->n; i++) {
		while (j < b->n && b->term[j] < a->term[i])
			j++;
		if (j == b->n || b->term[j] != a->term[i])
			a->term[kept++] = a->term[i];
	}
	a->n = kept;
}

/* The bodies that index rows are made of. */
struct bodies {
	struct wh_str row, over;
};

/* A row whose terms nobody knows is replaced or removed: the index is to be built anew. */
static void
give_up(struct wh_txn *t)
{
	t->view.meta.terms = 0;
	t->view.meta.terms_kept = 0;
}

/* Of the confirmed row, as it is now; the index is given up if that is damaged. */
static int
row_of(struct wh_txn *t, struct wh_str id, struct wh_str *ret)
{
	struct wh_row row = {.body = WH_STR_NULL};
	int r = wh_rows_get(&t->view, id, &row);

	*ret = r == 0 ? row.body : WH_STR_NULL;
	if (r == WH_ECORRUPT)
		give_up(t);
	return r < 0 && r != WH_ECORRUPT ? wh_txn_fail(t, r) : 0;
}

/* As they are now; the index is given up if one of them is damaged. */
static int
bodies_of(struct wh_txn *t, struct wh_str id, struct bodies *ret)
{
	struct wh_overlay o = {.hidden = true};
	int r = row_of(t, id, &ret->row);
	int q = wh_overlays_get(&t->view, id, NULL, &o);

	ret->over = q == 0 ? wh_overlay_terms(&t->view.meta, &o) : WH_STR_NULL;
	if (q == WH_ECORRUPT)
		give_up(t);
	else if (q < 0 && r == 0)
		r = wh_txn_fail(t, q);
	return r;
}

static bool
same_terms(const struct wh_terms *a, const struct wh_terms *b)
{
	return a->n == b->n && memcmp(a->term, b->term, a->n * sizeof(a->term[0])) == 0;
}

/* Of a row whose terms stay as they are nothing else is asked: most changes leave them alone.
 */
static void
plan_row(const struct wh_store *s, const struct bodies *was, struct wh_str body,
	 struct wh_terms_plan *ret)
{
	wh_terms_of_body(s, WH_SCAN_ROWS, was->row, &ret->row_was);
	wh_terms_of_body(s, WH_SCAN_ROWS, body, &ret->row_is);
	ret->none = same_terms(&ret->row_was, &ret->row_is);
	if (ret->none)
		return;
	wh_terms_of_body(s, WH_SCAN_OVERLAYS, was->over, &ret->over_was);
	wh_terms_of_body(s, WH_SCAN_OVERLAYS, was->over, &ret->over_is);
	wh_terms_minus(&ret->over_was, &ret->row_was);
	wh_terms_minus(&ret->over_is, &ret->row_is);
}

static void
plan_overlay(const struct wh_store *s, const struct bodies *was, struct wh_str body,
	     struct wh_terms_plan *ret)
{
	wh_terms_of_body(s, WH_SCAN_OVERLAYS, was->over, &ret->over_was);
	wh_terms_of_body(s, WH_SCAN_OVERLAYS, body, &ret->over_is);
	ret->none = same_terms(&ret->over_was, &ret->over_is);
	if (ret->none)
		return;
	wh_terms_of_body(s, WH_SCAN_ROWS, was->row, &ret->row_was);
	wh_terms_minus(&ret->over_was, &ret->row_was);
	wh_terms_minus(&ret->over_is, &ret->row_was);
	ret->row_was.n = ret->row_is.n = 0; /* the row stays */
}

static bool
is_kept_at_all(const struct wh_txn *t)
{
	const struct wh_meta *m = &t->view.meta;

	return t->view.store->terms && (m->terms == WH_TERMS_VERSION || m->terms_kept > 0);
}

int
wh_terms_plan(struct wh_txn *t, enum wh_scan_table table, struct wh_str id, struct wh_str body,
	      struct wh_terms_plan *ret)
{
	struct bodies was;

	ret->none = true;
	if (t->fault || !is_kept_at_all(t))
		return t->fault;
	int r = bodies_of(t, id, &was);

	if (r < 0 || !is_kept_at_all(t) ||
	    wh_str_eq(body, table == WH_SCAN_ROWS ? was.row : was.over))
		return r;
	if (table == WH_SCAN_ROWS)
		plan_row(t->view.store, &was, body, ret);
	else
		plan_overlay(t->view.store, &was, body, ret);
	return 0;
}

static int
move(struct wh_txn *t, enum wh_scan_table table, struct wh_str id, const struct wh_terms *was,
     const struct wh_terms *is)
{
	size_t i = 0, j = 0;
	int r = 0;

	while (r == 0 && (i < was->n || j < is->n)) {
		if (j == is->n || (i < was->n && was->term[i] < is->term[j]))
			r = drop_term(t, table, was->term[i++], id);
		else if (i == was->n || is->term[j] < was->term[i])
			r = put_term(t, table, is->term[j++], id);
		else
			i++, j++;
	}
	return r;
}

int
wh_terms_follow(struct wh_txn *t, struct wh_str id, const struct wh_terms_plan *p)
{
	if (p->none)
		return 0;
	int r = move(t, WH_SCAN_ROWS, id, &p->row_was, &p->row_is);

	return r ? r : move(t, WH_SCAN_OVERLAYS, id, &p->over_was, &p->over_is);
}

int
wh_terms_gather(struct wh_txn *t, struct wh_str id, struct wh_str body, struct wh_batch *out)
{
	struct wh_terms is, under;
	struct wh_str row;
	struct wh_key k;

	if (t->fault || !is_kept_at_all(t))
		return t->fault;
	int r = row_of(t, id, &row);

	wh_terms_of_body(t->view.store, WH_SCAN_OVERLAYS, body, &is);
	wh_terms_of_body(t->view.store, WH_SCAN_ROWS, row, &under);
	wh_terms_minus(&is, &under);
	for (size_t i = 0; r == 0 && i < is.n; i++) {
		wh_term_key(&k, WH_SCAN_OVERLAYS, is.term[i], id);
		if (is_kept(t, is.term[i]))
			wh_batch_add(out, &k, 0, 0);
	}
	return r;
}
