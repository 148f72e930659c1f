/* SPDX-License-Identifier: MIT */
/*
 * How wide the columns of a table are on a terminal too narrow for all of it,
 * and what is left of a text there. Pure; widths are cells of the terminal.
 */
#pragma once

#include "ctl/columns.h"

/* How wide a text is, in the characters of the locale. */
size_t wh_text_width(const char *text);
/*
 * Shortens a text (with its NUL) to a width, whose last character is an
 * ellipsis then. A text that fits, or a width of 0, changes nothing.
 */
void wh_text_cut(struct wh_buf *text, size_t width);
/*
 * Sets .room of each column: natural[i], how wide it would like to be, or less
 * where the sum with one space between is over total. Columns give way in the
 * order of their turn, each down to its least width; those without a turn
 * never do, and the table is then wider than the terminal.
 */
void wh_layout(struct wh_columns *c, const size_t *natural, size_t total);
