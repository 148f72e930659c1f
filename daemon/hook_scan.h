/* SPDX-License-Identifier: MIT */
/*
 * All webhooks of a view in order of their keys: for the effective view the
 * overlays are merged over the confirmed rows. Lives inside one callback.
 */
#pragma once

#include "daemon/hook_pack.h"

struct wh_hook_scan {
	struct wh_scan rows, overlays;
	bool with_overlays;
	/* the next of each, if loaded */
	bool row_loaded, overlay_loaded, rows_end, overlays_end;
	struct wh_str row_key, overlay_key;
	struct wh_row row;
	struct wh_overlay overlay;
	bool row_damaged;
};

/* after: the key before the first wanted one; empty = from the start. */
WH_MUST_USE int wh_hook_scan_begin(const struct wh_view *v, enum wh_hook_view view,
				   struct wh_str after, struct wh_hook_scan *ret);
/* 0, WH_STORE_END, WH_ECORRUPT (of one row: go on), or a fault. Hidden ones come too. */
WH_MUST_USE int wh_hook_scan_next(struct wh_hook_scan *s, struct wh_str *ret_key,
				  struct wh_hook *ret);
void wh_hook_scan_end(struct wh_hook_scan *s);
