/* SPDX-License-Identifier: MIT */
/*
 * Cursors of paged lists: the key at which the page before ended, bound to the
 * filter it was made for, so that a cursor cannot be used with another
 * question. Opaque text to callers; valid across commits because it names a
 * key, not a place. Pure.
 */
#pragma once

#include "proto/buf.h"

/* Appends the text of a cursor. */
void wh_cursor_make(struct wh_buf *out, uint64_t filter, struct wh_str key);
/* Reads one back. False if it is not one, or was made for another filter. Borrows from text. */
bool wh_cursor_read(struct wh_str text, uint64_t filter, struct wh_str *ret_key);
/* Adds a filter's part to its hash (start with 0). name separates "absent" from "empty". */
uint64_t wh_cursor_filter(uint64_t hash, const char *name, struct wh_str value);
