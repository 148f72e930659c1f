/* SPDX-License-Identifier: MIT */
/* A merge of two ordered scans. */
#include "daemon/hook_scan.h"

static int
source_begin(struct wh_hook_scan *s, struct wh_hook_source *src, enum wh_scan_table table,
	     struct wh_str after)
{
	int r = s->term ? wh_terms_begin(s->v, table, s->term, after, &src->found)
			: wh_scan_begin(s->v, table, after, &src->all);

	src->open = r == 0;
	return r;
}

int
wh_hook_scan_begin(const struct wh_view *v, const struct wh_hook_range *range,
		   struct wh_hook_scan *ret)
{
	bool overlays = range->view == WH_VIEW_EFFECTIVE && v->meta.overlays > 0;
	int r = 0;

	*ret = (struct wh_hook_scan){.v = v, .term = range->term};
	ret->rows_end =
		range->pending && !range->term; /* by a term it may be found by its row */
	ret->overlays_end = !overlays;
	if (!ret->rows_end)
		r = source_begin(ret, &ret->rows, WH_SCAN_ROWS, range->after);
	if (r == 0 && overlays)
		r = source_begin(ret, &ret->overlays, WH_SCAN_OVERLAYS, range->after);
	if (r)
		wh_hook_scan_end(ret);
	return r;
}

/* The next id of the index; what it leads to must be there. */
static int
next_found(struct wh_hook_scan *s, struct wh_hook_source *src, struct wh_str *ret_key)
{
	int r = wh_terms_next(&src->found, ret_key);

	if (r == WH_ECORRUPT) {
		s->index_damaged = true;
		return WH_STORE_END;
	}
	return r;
}

static int
lost(struct wh_hook_scan *s, int r)
{
	if (r != WH_ABSENT)
		return r;
	s->index_damaged = true;
	return WH_STORE_END;
}

/* An overlay is in the index only for what the row under it lacks, so it is looked at here. */
static int
next_row(struct wh_hook_scan *s)
{
	int r;

	s->row_covered = false;
	if (!s->term)
		return wh_scan_next(&s->rows.all, &s->row_key, &s->row, NULL);
	r = next_found(s, &s->rows, &s->row_key);
	if (r)
		return r;
	r = s->overlays.open ? wh_overlays_get(s->v, s->row_key, &s->cover_room, &s->cover)
			     : WH_ABSENT;
	s->row_covered = r == 0;
	if (r != WH_ABSENT)
		return r;
	return lost(s, wh_rows_get(s->v, s->row_key, &s->row));
}

static int
next_overlay(struct wh_hook_scan *s)
{
	int r;

	if (!s->term)
		return wh_scan_next(&s->overlays.all, &s->overlay_key, NULL, &s->overlay);
	r = next_found(s, &s->overlays, &s->overlay_key);
	return r ? r
		 : lost(s,
			wh_overlays_get(s->v, s->overlay_key, &s->overlay_room, &s->overlay));
}

static int
load_row(struct wh_hook_scan *s)
{
	if (s->row_loaded || s->rows_end)
		return 0;

	int r = next_row(s);

	s->rows_end = r == WH_STORE_END;
	s->row_damaged = r == WH_ECORRUPT;
	s->row_loaded = r == 0 || s->row_damaged;
	return r == WH_STORE_END || s->row_damaged ? 0 : r;
}

static int
load_overlay(struct wh_hook_scan *s)
{
	if (s->overlay_loaded || s->overlays_end)
		return 0;

	int r = next_overlay(s);

	s->overlays_end = r == WH_STORE_END;
	s->overlay_loaded = r == 0;
	return r == WH_STORE_END ? 0 : r;
}

static void
show_overlay(const struct wh_overlay *o, struct wh_hook *ret)
{
	*ret = (struct wh_hook){
		.body = o->body,
		.revision = o->revision,
		.pending = o->pending,
		.state = (enum wh_webhook_state)o->state,
		.hidden = o->hidden,
		.tmp_id = o->tmp_id,
	};
}

static int
take_row(struct wh_hook_scan *s, struct wh_str *ret_key, struct wh_hook *ret)
{
	s->row_loaded = false;
	*ret_key = s->row_key;
	if (s->row_damaged)
		return WH_ECORRUPT;
	if (s->row_covered)
		show_overlay(&s->cover, ret);
	else
		*ret = (struct wh_hook){
			.body = s->row.body,
			.revision = s->row.revision,
			.state = WH_HOOK_SYNCED,
		};
	return 0;
}

static int
take_overlay(struct wh_hook_scan *s, struct wh_str *ret_key, struct wh_hook *ret)
{
	s->overlay_loaded = false;
	*ret_key = s->overlay_key;
	show_overlay(&s->overlay, ret);
	return 0;
}

int
wh_hook_scan_next(struct wh_hook_scan *s, struct wh_str *ret_key, struct wh_hook *ret)
{
	int r = load_row(s);

	if (r == 0)
		r = load_overlay(s);
	if (r)
		return r;
	if (!s->row_loaded && !s->overlay_loaded)
		return WH_STORE_END;
	if (!s->overlay_loaded)
		return take_row(s, ret_key, ret);
	if (!s->row_loaded)
		return take_overlay(s, ret_key, ret);

	int c = wh_str_cmp(s->row_key, s->overlay_key);

	if (c < 0)
		return take_row(s, ret_key, ret);
	if (c == 0)
		s->row_loaded = false; /* the overlay is what readers see */
	return take_overlay(s, ret_key, ret);
}

static void
source_end(const struct wh_hook_scan *s, struct wh_hook_source *src)
{
	if (!src->open)
		return;
	if (s->term)
		wh_terms_end(&src->found);
	else
		wh_scan_end(&src->all);
	src->open = false;
}

void
wh_hook_scan_end(struct wh_hook_scan *s)
{
	source_end(s, &s->rows);
	source_end(s, &s->overlays);
	wh_buf_fini(&s->cover_room);
	wh_buf_fini(&s->overlay_room);
}
