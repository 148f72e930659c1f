/* SPDX-License-Identifier: MIT */
/*
 * The webhooks of a view in order of their keys, all or those with a term: for
 * the effective view the overlays are merged over the confirmed rows. Lives
 * inside one callback.
 */
#pragma once

#include "daemon/hook_pack.h"

/* Which webhooks. */
struct wh_hook_range {
	enum wh_hook_view view;
	struct wh_str after; /* the key before the first wanted one; empty = from the start */
	uint64_t term;       /* only those with this one, by the index; 0 = all */
	bool pending;        /* only those with an overlay */
	bool none;           /* there is nothing to be found */
};

/* Rows, or overlays: by their table, or by the index. */
struct wh_hook_source {
	struct wh_scan all;
	struct wh_term_scan found;
	bool open;
};

struct wh_hook_scan {
	const struct wh_view *v;
	uint64_t term;
	bool index_damaged; /* the scan is not to be trusted: begin anew without a term */
	struct wh_hook_source rows, overlays;
	/* the next of each, if loaded */
	bool row_loaded, overlay_loaded, rows_end, overlays_end;
	struct wh_str row_key, overlay_key;
	struct wh_row row;
	bool row_covered; /* found by its row, but this is what readers see: */
	struct wh_overlay cover;
	struct wh_overlay overlay;
	struct wh_buf cover_room, overlay_room; /* for bodies that are put together */
	bool row_damaged;
};

/* A term may be asked for if the index is whole: v->meta.terms is WH_TERMS_VERSION. */
WH_MUST_USE int wh_hook_scan_begin(const struct wh_view *v, const struct wh_hook_range *range,
				   struct wh_hook_scan *ret);
/* 0, WH_STORE_END, WH_ECORRUPT (of one row: go on), or a fault. Hidden ones come too, and with
 * a term perhaps ones without it: two values may have one term. *ret_key is set with
 * WH_ECORRUPT, too. *ret borrows until the next call. */
WH_MUST_USE int wh_hook_scan_next(struct wh_hook_scan *s, struct wh_str *ret_key,
				  struct wh_hook *ret);
void wh_hook_scan_end(struct wh_hook_scan *s);
