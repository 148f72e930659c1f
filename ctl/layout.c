/* SPDX-License-Identifier: MIT */
/*
 * Room for columns, and texts cut to it so that one sees that they were.
 *
 * out_table.c asks, before libsmartcols lays anything out: the library cuts
 * without a mark, and what people read first as readily as the rest.
 */
#include <limits.h>
#include <wchar.h>

#include "ctl/layout.h"

#define ELLIPSIS "\u2026"

/* The character at p: its bytes (1 if it is none) and cells. */
static size_t
character(const char *p, size_t *ret_width)
{
	mbstate_t state = {0};
	wchar_t wide;
	size_t n = mbrtowc(&wide, p, strlen(p), &state);
	int width = n == 0 || n > MB_LEN_MAX ? -1 : wcwidth(wide);

	*ret_width = width < 0 ? 1 : (size_t)width;
	return n == 0 || n > MB_LEN_MAX ? 1 : n;
}

size_t
wh_text_width(const char *text)
{
	size_t sum = 0, width;

	for (; *text; sum += width)
		text += character(text, &width);
	return sum;
}

void
wh_text_cut(struct wh_buf *text, size_t width)
{
	size_t at = 0, used = 0, cells;

	if (width == 0 || !text->n || wh_text_width(text->p) <= width)
		return;
	for (;;) {
		size_t n = character(text->p + at, &cells);

		if (used + cells > width - 1)
			break;
		used += cells;
		at += n;
	}
	text->n = at;
	wh_buf_c(text, ELLIPSIS);
	wh_buf_byte(text, '\0');
}

/* Takes what is too much from the columns whose turn it is. */
static size_t
give_way(struct wh_columns *c, unsigned turn, size_t over)
{
	for (size_t i = 0; i < c->n && over; i++) {
		struct wh_column *column = &c->columns[i];

		if (column->turn != turn || column->room <= column->width)
			continue;
		size_t spare = column->room - column->width;
		size_t less = spare < over ? spare : over;

		column->room -= less;
		over -= less;
	}
	return over;
}

void
wh_layout(struct wh_columns *c, const size_t *natural, size_t total)
{
	size_t sum = c->n ? c->n - 1 : 0;

	for (size_t i = 0; i < c->n; i++) {
		c->columns[i].room = natural[i];
		sum += natural[i];
	}
	size_t over = sum > total ? sum - total : 0;

	for (unsigned turn = 1; turn <= WH_TURNS && over; turn++)
		over = give_way(c, turn, over);
}
