/* SPDX-License-Identifier: MIT */
/* A merge of two ordered scans. */
#include "daemon/hook_scan.h"

int
wh_hook_scan_begin(const struct wh_view *v, enum wh_hook_view view, struct wh_str after,
		   struct wh_hook_scan *ret)
{
	*ret = (struct wh_hook_scan){0};
	ret->with_overlays = view == WH_VIEW_EFFECTIVE && v->meta.overlays > 0;
	ret->overlays_end = !ret->with_overlays;

	int r = wh_scan_begin(v, WH_SCAN_ROWS, after, &ret->rows);

	if (r == 0 && ret->with_overlays) {
		r = wh_scan_begin(v, WH_SCAN_OVERLAYS, after, &ret->overlays);
		if (r) {
			ret->with_overlays = false;
			wh_scan_end(&ret->rows);
		}
	}
	return r;
}

static int
load_row(struct wh_hook_scan *s)
{
	if (s->row_loaded || s->rows_end)
		return 0;

	int r = wh_scan_next(&s->rows, &s->row_key, &s->row, NULL);

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

	int r = wh_scan_next(&s->overlays, &s->overlay_key, NULL, &s->overlay);

	s->overlays_end = r == WH_STORE_END;
	s->overlay_loaded = r == 0;
	return r == WH_STORE_END ? 0 : r;
}

static int
take_row(struct wh_hook_scan *s, struct wh_str *ret_key, struct wh_hook *ret)
{
	s->row_loaded = false;
	*ret_key = s->row_key;
	if (s->row_damaged)
		return WH_ECORRUPT;
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
	*ret = (struct wh_hook){
		.body = s->overlay.body,
		.revision = s->overlay.revision,
		.pending = s->overlay.pending,
		.state = (enum wh_webhook_state)s->overlay.state,
		.hidden = s->overlay.hidden,
		.tmp_id = s->overlay.tmp_id,
	};
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

void
wh_hook_scan_end(struct wh_hook_scan *s)
{
	wh_scan_end(&s->rows);
	if (s->with_overlays)
		wh_scan_end(&s->overlays);
}
