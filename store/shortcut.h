/* SPDX-License-Identifier: MIT */
/*
 * Where rows lie that were read before: a second read of one goes there at
 * once and searches nothing.
 *
 * A shortcut is a place in LMDB's pages, not a copy. It holds as long as the
 * snapshot it was found in, and no longer: renewing the view forgets all. What
 * lies there is checked against key and checksum at each read, as if it had
 * been searched for. 24 to 48 bytes a row, at most 4 MiB. Internal to store/; of the
 * thread that owns the view.
 */
#pragma once

#include "store/table.h"

struct wh_shortcuts *wh_shortcuts_new(void); /* NULL without memory */
void wh_shortcuts_free(struct wh_shortcuts *s);
/* The view is renewed and has so many rows now. */
void wh_shortcuts_forget(struct wh_shortcuts *s, uint64_t rows);
/* As wh_table_get(), of the table of rows. */
WH_MUST_USE int wh_shortcuts_get(const struct wh_view *v, const struct wh_key *key,
				 size_t min_prefix, struct wh_value *ret);
