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
wh_terms_of_body(const struct wh_store *s, struct wh_str body, struct wh_terms *ret)
{
	size_t kept = 0;

	ret->n = 0;
	ret->many = false;
	if (body.n)
		s->terms(body, ret);
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

int
wh_terms_change(struct wh_txn *t, const struct wh_term_change *c)
{
	const struct wh_meta *m = &t->view.meta;
	struct wh_terms was, is;
	size_t i = 0, j = 0;
	int r = 0;

	if (!t->view.store->terms || (m->terms != WH_TERMS_VERSION && m->terms_kept == 0) ||
	    wh_str_eq(c->was, c->is))
		return 0;
	wh_terms_of_body(t->view.store, c->was, &was);
	wh_terms_of_body(t->view.store, c->is, &is);
	while (r == 0 && (i < was.n || j < is.n)) {
		if (j == is.n || (i < was.n && was.term[i] < is.term[j]))
			r = drop_term(t, c->table, was.term[i++], c->id);
		else if (i == was.n || is.term[j] < was.term[i])
			r = put_term(t, c->table, is.term[j++], c->id);
		else
			i++, j++;
	}
	return r;
}

void
wh_terms_lost(struct wh_txn *t)
{
	t->view.meta.terms = 0;
	t->view.meta.terms_kept = 0;
}
