/* SPDX-License-Identifier: MIT */
/*
 * Reading the index by terms.
 *
 * Index rows have no numbers that follow each other, so one that damage moved
 * elsewhere would not be missed. But it cannot leave its place in the page:
 * it stands among or beside the rows of its term. So each row that is passed,
 * and the two beside them, must match their checksum and be in order; then
 * none of the term can be elsewhere. Loop thread, mostly.
 */
#include <stdlib.h>

#include "store/tail.h"
#include "store/terms.h"

static struct wh_walk
walk_of(const struct wh_term_scan *s, size_t i)
{
	return (struct wh_walk){
		.view = s->view, .cursor = s->at[i].cursor, .table = WH_TABLE_TERMS};
}

static uint64_t
term_of(const struct wh_term_scan *s, size_t i)
{
	return i == 0 ? s->term : WH_TERM_MANY;
}

/* Is the row under the walk whole, and is it `c` (-1 before, 1 behind) `key` or equal to it? */
static int
sound(const struct wh_walk *w, const struct wh_key *key, int c)
{
	struct wh_value value;
	int d = wh_str_cmp(wh_walk_key(w), wh_key_view(key));

	if (wh_walk_value(w, 0, &value) < 0 || (d != 0 && (d < 0) != (c < 0)))
		return WH_ECORRUPT;
	return 0;
}

/* Moves to the first row behind `key`. 0, WH_ABSENT or WH_ECORRUPT. */
static int
enter(struct wh_walk *w, const struct wh_key *key)
{
	int r = wh_walk_before(w, key);

	if (r == 0)
		r = sound(w, key, -1);
	if (r < 0)
		return r;
	r = r == WH_ABSENT ? wh_walk_first(w) : wh_walk_next(w);
	if (r == 0)
		r = sound(w, key, 1);
	if (r == 0 && wh_str_eq(wh_walk_key(w), wh_key_view(key)))
		r = wh_walk_next(w);
	return r ? r : sound(w, key, 1);
}

static void
take(struct wh_term_scan *s, size_t i, const struct wh_walk *w, int r)
{
	struct wh_key head;
	struct wh_str key = r == 0 ? wh_walk_key(w) : WH_STR_NULL;

	wh_term_key(&head, s->table, term_of(s, i), WH_STR_NULL);
	s->at[i].id = WH_STR_NULL;
	if (r == 0 && key.n > head.n && memcmp(key.p, head.b, head.n) == 0)
		s->at[i].id = wh_str(key.p + head.n, key.n - head.n);
	if (r < 0)
		s->damaged = true;
}

static int
begin_one(struct wh_term_scan *s, size_t i, struct wh_str after)
{
	struct wh_walk w;
	struct wh_key k;

	wh_term_key(&k, s->table, term_of(s, i), after);
	if (k.bad)
		return WH_EINVAL;
	int r = wh_walk_begin(s->view, WH_TABLE_TERMS, &w);

	if (r < 0)
		return r;
	s->at[i].cursor = w.cursor;
	take(s, i, &w, enter(&w, &k));
	return 0;
}

/* ------------------------------------------- overlays without index rows -- */

static int
in_order(const void *a, const void *b)
{
	return wh_str_cmp(*(const struct wh_str *)a, *(const struct wh_str *)b);
}

/* Moves to the next id whose overlay waits for its index rows: it may have any term. */
static void
find_recent(struct wh_term_scan *s)
{
	struct wh_overlay o;

	for (; s->at_recent < s->n_recent; s->at_recent++) {
		size_t i = s->at_recent;

		if (i > 0 && wh_str_eq(s->recent[i], s->recent[i - 1]))
			continue;
		if (wh_overlays_get(s->view, s->recent[i], NULL, &o) == 0 && !o.hidden &&
		    wh_tail_has(&s->view->meta, o.newest))
			return;
	}
}

/* The lanes of the tail behind `after`. */
static int
begin_recent(struct wh_term_scan *s, struct wh_str after)
{
	uint64_t behind = wh_ops_behind(&s->view->meta);
	size_t max = behind < WH_TAIL_MAX ? (size_t)behind : WH_TAIL_MAX;
	struct wh_tail_scan t;
	int r = wh_tail_begin(s->view, WH_TAIL_ANY, 0, 0, &t);

	if (r == 0)
		s->recent = malloc(max * sizeof(s->recent[0]));
	if (r == 0 && !s->recent)
		r = WH_ENOMEM;
	while (r == 0 && s->n_recent < max) {
		r = wh_tail_next(&t);
		if (r == 0 && wh_str_cmp(t.op.lane, after) > 0)
			s->recent[s->n_recent++] = t.op.lane;
	}
	wh_tail_end(&t);
	if (s->n_recent > 0)
		qsort(s->recent, s->n_recent, sizeof(s->recent[0]), in_order);
	find_recent(s);
	return r < 0 ? r : 0;
}

int
wh_terms_begin(const struct wh_view *v, enum wh_scan_table table, uint64_t term,
	       struct wh_str after, struct wh_term_scan *ret)
{
	int r = 0;

	*ret = (struct wh_term_scan){.view = v, .table = table, .term = term};
	if (table == WH_SCAN_OVERLAYS)
		r = begin_recent(ret, after);
	for (size_t i = 0; r == 0 && i < wh_array_len(ret->at); i++)
		r = begin_one(ret, i, after);
	if (r)
		wh_terms_end(ret);
	return r;
}

static void
step(struct wh_term_scan *s, size_t i)
{
	struct wh_walk w = walk_of(s, i);
	struct wh_key k;
	int r;

	wh_term_key(&k, s->table, term_of(s, i), s->at[i].id);
	r = wh_walk_next(&w);
	if (r == 0)
		r = sound(&w, &k, 1);
	take(s, i, &w, r);
}

/* An empty one is none. */
static struct wh_str
first_of(struct wh_str a, struct wh_str b)
{
	return b.n == 0 || (a.n > 0 && wh_str_cmp(a, b) <= 0) ? a : b;
}

int
wh_terms_next(struct wh_term_scan *s, struct wh_str *ret_id)
{
	struct wh_str a = s->at[0].id, b = s->at[1].id;
	struct wh_str c = s->at_recent < s->n_recent ? s->recent[s->at_recent] : WH_STR_NULL;

	if (s->damaged)
		return WH_ECORRUPT;
	/* Ids stay where they are while the view does. */
	*ret_id = first_of(first_of(a, b), c);
	if (ret_id->n == 0)
		return WH_STORE_END;
	if (wh_str_eq(*ret_id, a))
		step(s, 0);
	if (wh_str_eq(*ret_id, b))
		step(s, 1);
	if (wh_str_eq(*ret_id, c)) {
		s->at_recent++;
		find_recent(s);
	}
	return s->damaged ? WH_ECORRUPT : 0;
}

void
wh_terms_end(struct wh_term_scan *s)
{
	for (size_t i = 0; i < wh_array_len(s->at); i++) {
		struct wh_walk w = walk_of(s, i);

		wh_walk_end(&w);
		s->at[i].cursor = NULL;
	}
	free(s->recent);
	s->recent = NULL;
	s->n_recent = 0;
}
