/* SPDX-License-Identifier: MIT */
/*
 * What the check asks of the index by terms: each body is found by each of its
 * terms, and each index row leads to a body that has its term. Nothing is
 * asked at a start, while the index is being built, or if nobody said what
 * terms are.
 */
#include "store/check.h"
#include "store/settled.h"
#include "store/terms.h"

static bool
is_whole(const struct wh_check *c)
{
	return c->deep && c->s->terms && c->meta && c->meta->terms == WH_TERMS_VERSION;
}

/* Its overlay, and the row that it is by now. 0, WH_ABSENT: it is none; or it cannot be told.
 */
static int
look_overlay(struct wh_check *c, struct wh_str id, struct wh_overlay *ret, struct wh_row *row)
{
	struct wh_value value;
	struct wh_key k;

	*ret = (struct wh_overlay){.hidden = true};
	wh_key_id(&k, id);
	int r = wh_check_look(c, WH_TABLE_OVERLAYS, &k, WH_OVERLAY_PREFIX, &value);

	if (r == 0)
		r = wh_overlay_decode(&value, ret);
	return r == 0 ? wh_check_look_settled(c, id, ret, row) : r;
}

static int
look_row(struct wh_check *c, struct wh_str id, struct wh_row *ret)
{
	struct wh_overlay o;
	struct wh_value value;
	struct wh_key k;
	int r = c->meta->settled > 0 ? look_overlay(c, id, &o, ret) : WH_ABSENT;

	if (r != WH_ABSENT)
		return r;
	wh_key_id(&k, id);
	r = wh_check_look(c, WH_TABLE_ROWS, &k, WH_ROW_PREFIX, &value);
	if (r == 0)
		wh_row_decode(&value, ret);
	return r;
}

/* The body that stands under an id. False if that cannot be told: it is where that is checked.
 */
static bool
look_body(struct wh_check *c, enum wh_scan_table table, struct wh_str id, struct wh_str *ret)
{
	struct wh_row row = {.body = WH_STR_NULL};
	struct wh_overlay o;
	int r;

	if (table == WH_SCAN_ROWS) {
		r = look_row(c, id, &row);
		*ret = r == 0 ? row.body : WH_STR_NULL;
	} else {
		r = look_overlay(c, id, &o, &row);
		*ret = r == WH_ABSENT ? wh_overlay_terms(c->meta, &o) : WH_STR_NULL;
	}
	return r == 0 || r == WH_ABSENT;
}

/* What an id should be found by in a table. False if that cannot be told. */
static bool
expected(struct wh_check *c, enum wh_scan_table table, struct wh_str id, struct wh_terms *ret)
{
	struct wh_terms under;
	struct wh_str body;

	if (!look_body(c, table, id, &body))
		return false;
	wh_terms_of_body(c->s, table, body, ret);
	if (table == WH_SCAN_ROWS)
		return true;
	if (!look_body(c, WH_SCAN_ROWS, id, &body))
		return false;
	wh_terms_of_body(c->s, WH_SCAN_ROWS, body, &under);
	wh_terms_minus(ret, &under);
	return true;
}

void
wh_check_terms(struct wh_check *c, const struct wh_walk *w)
{
	enum wh_scan_table table = w->table == WH_TABLE_ROWS ? WH_SCAN_ROWS : WH_SCAN_OVERLAYS;
	struct wh_terms terms;
	struct wh_value value;
	struct wh_key k;

	if (!is_whole(c) || !expected(c, table, wh_walk_key(w), &terms))
		return;
	for (size_t i = 0; i < terms.n; i++) {
		wh_term_key(&k, table, terms.term[i], wh_walk_key(w));
		if (wh_check_look(c, WH_TABLE_TERMS, &k, 0, &value) == WH_ABSENT)
			wh_check_tell(c, WH_TABLE_TERMS, wh_key_view(&k),
				      "it is missing, and with it a webhook in lists by it");
	}
}

void
wh_check_confirmed(struct wh_check *c, const struct wh_walk *w, const struct wh_value *value)
{
	(void)value; /* any body will do */
	wh_check_terms(c, w);
}

void
wh_check_term(struct wh_check *c, const struct wh_walk *w, const struct wh_value *value)
{
	struct wh_str key = wh_walk_key(w);
	struct wh_terms terms;
	enum wh_scan_table table;
	uint64_t term;

	(void)value;
	if (!is_whole(c))
		return;
	if (key.n <= WH_TERM_HEAD ||
	    (key.p[0] != WH_TERM_OF_ROW && key.p[0] != WH_TERM_OF_OVERLAY)) {
		wh_check_tell(c, w->table, key, "the key is not one of a term");
		return;
	}
	table = key.p[0] == WH_TERM_OF_ROW ? WH_SCAN_ROWS : WH_SCAN_OVERLAYS;
	term = wh_be_get((const uint8_t *)key.p + 1, 8);
	if (!expected(c, table, wh_str(key.p + WH_TERM_HEAD, key.n - WH_TERM_HEAD), &terms))
		return;
	for (size_t i = 0; i < terms.n; i++)
		if (terms.term[i] == term)
			return;
	wh_check_tell(c, w->table, key, "it leads to a webhook without this term");
}
