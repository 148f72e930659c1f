/* SPDX-License-Identifier: MIT */
/*
 * Ordered scans over rows or overlays.
 *
 * Used by lists, inside one callback. A damaged row is told and passed over; a
 * damaged page ends the scan, because what lies behind it cannot be reached.
 */
#include "store/pages_ahead.h"
#include "store/settled.h"

static struct wh_walk
walk_of(const struct wh_scan *s)
{
	return (struct wh_walk){
		.view = s->view,
		.cursor = s->cursor,
		.table = s->table == WH_SCAN_ROWS ? WH_TABLE_ROWS : WH_TABLE_OVERLAYS,
	};
}

int
wh_scan_begin(const struct wh_view *v, enum wh_scan_table table, struct wh_str after,
	      struct wh_scan *ret)
{
	struct wh_scan s = {.view = v, .table = table};
	struct wh_walk w = walk_of(&s);
	struct wh_key k;

	wh_key_id(&k, after);
	if (after.n > 0 && k.bad)
		return WH_EINVAL;
	int r = wh_walk_begin(v, w.table, &w);

	if (r < 0)
		return r;
	s.cursor = w.cursor;
	s.found = after.n > 0 ? wh_walk_after(&w, &k) : wh_walk_first(&w);
	*ret = s;
	return 0;
}

static int
decode_row(const struct wh_scan *s, const struct wh_walk *w, struct wh_row *ret)
{
	struct wh_value value;
	int r = wh_settled_get(s->view, wh_walk_key(w), ret);

	if (r != WH_ABSENT)
		return r;
	r = wh_walk_value(w, WH_ROW_PREFIX, &value);
	if (r == 0)
		wh_row_decode(&value, ret);
	return r;
}

/* WH_ABSENT: it is a row by now. */
static int
decode_overlay(struct wh_scan *s, const struct wh_walk *w, struct wh_overlay *ret)
{
	struct wh_value value;
	int r = wh_walk_value(w, WH_OVERLAY_PREFIX, &value);

	if (r == 0)
		r = wh_overlay_decode(&value, ret);
	if (r == 0)
		r = wh_settled_see(s->view, wh_walk_key(w), ret);
	return r ? r : wh_overlay_join(s->view, &s->room, ret);
}

static int
decode(struct wh_scan *s, const struct wh_walk *w, struct wh_row *ret_row,
       struct wh_overlay *ret_overlay)
{
	struct wh_overlay overlay;
	struct wh_row row;

	if (s->table == WH_SCAN_ROWS)
		return decode_row(s, w, ret_row ? ret_row : &row);
	return decode_overlay(s, w, ret_overlay ? ret_overlay : &overlay);
}

static int
step(struct wh_scan *s, struct wh_walk *w)
{
	int r = s->found;

	if (r == 0)
		r = s->started ? wh_walk_next(w) : wh_walk_current(w);
	s->started = true;
	if (r == WH_ABSENT)
		s->found = WH_ABSENT;
	return r;
}

int
wh_scan_next(struct wh_scan *s, struct wh_str *ret_key, struct wh_row *ret_row,
	     struct wh_overlay *ret_overlay)
{
	struct wh_walk w = walk_of(s);
	int r;

	do {
		r = step(s, &w);
		if (r == WH_ABSENT || !s->cursor)
			return WH_STORE_END;
		if (r < 0) {
			wh_scan_end(s);
			*ret_key = WH_STR_NULL;
			return r;
		}
		wh_ahead_ask(&s->ahead, s->view, w.table, &w.key, &w.data);
		*ret_key = wh_walk_key(&w);
		r = decode(s, &w, ret_row, ret_overlay);
	} while (r == WH_ABSENT);
	return r;
}

void
wh_scan_end(struct wh_scan *s)
{
	struct wh_walk w = walk_of(s);

	wh_walk_end(&w);
	wh_buf_fini(&s->room);
	s->cursor = NULL;
	s->found = WH_ABSENT;
}
