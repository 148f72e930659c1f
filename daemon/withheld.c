/* SPDX-License-Identifier: MIT */
/*
 * Rows that are kept from readers because they may be the result of a create
 * that is not decided come into view once nothing undecided wants them any
 * more: when an answer decides it, or a list does. Commit thread.
 */
#include "daemon/withheld.h"

#include "daemon/apply.h"
#include "daemon/key_list.h"

#define NOTE "withheld"        /* the text of meta: a list of keys, or */
static const char any[] = "*"; /* every overlay is to be looked at */
#define NOTE_MAX 16384u        /* about 400 keys; beyond that it is any */

/* Copied: pages move while they are written. WH_ABSENT: none is withheld. */
static int
load_note(const struct wh_view *v, struct wh_buf *ret)
{
	struct wh_str text;
	int r = wh_meta_text(v, NOTE, &text);

	if (r == WH_ECORRUPT) {
		text = wh_str_c(any);
		r = 0;
	}
	if (r)
		return r;
	if (text.n == 0)
		return WH_ABSENT;
	wh_buf_str(ret, text);
	return ret->fault;
}

static bool
is_any(const struct wh_buf *note)
{
	return wh_str_is(wh_buf_view(note), any);
}

static int
store_note(struct wh_txn *t, const struct wh_buf *note)
{
	if (note->fault)
		return note->fault;
	if (note->n > NOTE_MAX)
		return wh_withheld_doubt(t);
	return wh_meta_put_text(t, NOTE, wh_buf_view(note));
}

int
wh_withheld_note(struct wh_txn *t, struct wh_str key)
{
	WH_CLEANUP(wh_buf_fini) struct wh_buf note = WH_BUF_NULL;
	int r = load_note(&t->view, &note);

	if (r < 0 || is_any(&note))
		return r < 0 ? r : 0;
	wh_key_list_add(&note, key);
	return store_note(t, &note);
}

int
wh_withheld_doubt(struct wh_txn *t)
{
	return t->view.meta.overlays ? wh_meta_put_text(t, NOTE, wh_str_c(any)) : 0;
}

/* ---------------------------------------------------------------- release -- */

/* What is withheld, by whether it still has to be. */
struct sorted {
	const struct wh_view *v;
	struct wh_undecided *undecided;
	struct wh_buf wanted, free;
};

static void
sort(struct sorted *s, struct wh_str key, const struct wh_overlay *o)
{
	struct wh_row row;

	if (!wh_overlay_withholds(o))
		return;
	if (wh_rows_get(s->v, key, &row) == 0 &&
	    wh_undecided_wants(s->undecided, row.first_list, row.body))
		wh_key_list_add(&s->wanted, key);
	else
		wh_key_list_add(&s->free, key);
}

static int
sort_noted(struct sorted *s, const struct wh_buf *note)
{
	struct wh_overlay o;
	struct wh_str key;
	size_t at = 0;
	int r = 0;

	while (r == 0 && (key = wh_key_list_next(wh_buf_view(note), &at)).n) {
		r = wh_overlays_get(s->v, key, NULL, &o);
		if (r == 0)
			sort(s, key, &o);
		else if (r == WH_ABSENT || r == WH_ECORRUPT)
			r = 0;
	}
	return r;
}

static int
sort_all(struct sorted *s)
{
	struct wh_scan scan;
	struct wh_str key;
	struct wh_overlay o;
	int r = wh_scan_begin(s->v, WH_SCAN_OVERLAYS, WH_STR_NULL, &scan);

	if (r)
		return r;
	while (r == 0) {
		r = wh_scan_next(&scan, &key, NULL, &o);
		if (r == 0)
			sort(s, key, &o);
		else if (r == WH_ECORRUPT)
			r = 0;
	}
	wh_scan_end(&scan);
	return r == WH_STORE_END ? 0 : r;
}

static int
release(struct wh_txn *t, const struct wh_rules *rules, struct wh_str key)
{
	struct wh_lane l;
	int r = wh_lane_open(&l, &t->view, rules, key);

	if (r == 0) {
		l.withheld = false;
		r = wh_lane_close(&l, t);
	}
	wh_lane_fini(&l);
	return r;
}

static int
release_all(struct wh_txn *t, const struct wh_rules *rules, const struct wh_buf *keys)
{
	struct wh_str key;
	size_t at = 0;
	int r = keys->fault;

	while (r == 0 && (key = wh_key_list_next(wh_buf_view(keys), &at)).n)
		r = release(t, rules, key);
	return r;
}

int
wh_withheld_release(struct wh_txn *t, const struct wh_rules *rules)
{
	WH_CLEANUP(wh_buf_fini) struct wh_buf note = WH_BUF_NULL;
	struct sorted s = {.v = &t->view};
	int r = load_note(&t->view, &note);

	if (r)
		return r < 0 ? r : 0;
	r = wh_undecided_load(&s.undecided, &t->view);
	if (r == 0)
		r = is_any(&note) ? sort_all(&s) : sort_noted(&s, &note);
	if (r == 0)
		r = release_all(t, rules, &s.free);
	if (r == 0)
		r = store_note(t, &s.wanted);
	wh_undecided_free(s.undecided);
	wh_buf_fini(&s.wanted);
	wh_buf_fini(&s.free);
	return r;
}
