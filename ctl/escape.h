/* SPDX-License-Identifier: MIT */
/*
 * The one way by which text that is not ours reaches a terminal. Names,
 * comments, urls and error texts may hold anything; printed as they are they
 * could move the cursor, rewrite lines or reorder what is read. Pure.
 */
#pragma once

#include "proto/buf.h"

enum wh_escape_mode {
	WH_ESCAPE_LINE, /* one line: line breaks and tabs become \n, \r, \t */
	WH_ESCAPE_TEXT, /* several lines: \n and tab stay */
	WH_ESCAPE_TSV,  /* one line, and backslash doubled, so that it can be undone */
	WH_ESCAPE_JSON, /* JSON text: its meaning stays the same, line breaks stay */
};

/*
 * Appends s with everything escaped that does not print as itself: C0, DEL and
 * C1 controls, bidirectional and zero-width controls, line separators, tags,
 * and bytes that are not UTF-8 (as \xNN; characters as \uNNNN or \UNNNNNNNN; in
 * JSON as it writes them).
 */
void wh_escape(struct wh_buf *out, struct wh_str s, enum wh_escape_mode mode);
/* Puts dots behind what is too long or did not fit, of which at most so many bytes stay, and no
 * part of a character. */
void wh_cut(struct wh_buf *b, size_t most);
