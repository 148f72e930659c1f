/* SPDX-License-Identifier: MIT */
/*
 * Results as tables for people, laid out by libsmartcols.
 *
 * Called through out.c. A long list is printed in blocks, whose widths are
 * those of the first; a live one (watch) row by row with the widths of
 * columns.def. All text was escaped and, where the terminal is narrow, cut
 * before the library sees it.
 */
#include <ctype.h>
#include <libsmartcols.h>
#include <stdlib.h>

#include "ctl/escape.h"
#include "ctl/layout.h"
#include "ctl/out.h"
#include "ctl/render.h"

#define BLOCK_ROWS 5000
#define CELL_MAX 4096 /* bytes of one cell; the rest is in the other formats */

static const struct {
	const char *state, *color;
} state_colors[] = {
	{"synced", "green"},    {"done", "green"},      {"conflict", "red"},
	{"held", "red"},        {"dead", "red"},        {"rejected", "red"},
	{"queued", "yellow"},   {"checking", "yellow"}, {"sending", "yellow"},
	{"unknown", "yellow"},  {"creating", "yellow"}, {"updating", "yellow"},
	{"deleting", "yellow"},
};

static const char *
color_of(const char *state)
{
	for (size_t i = 0; i < wh_array_len(state_colors); i++)
		if (strcmp(state, state_colors[i].state) == 0)
			return state_colors[i].color;
	return NULL;
}

static struct libscols_table *
new_table(const struct wh_out *o, bool heading)
{
	struct libscols_table *t = scols_new_table();

	if (!t)
		return NULL;
	scols_table_set_stream(t, o->file);
	scols_table_enable_colors(t, o->color);
	scols_table_enable_noheadings(t, !heading);
	/* What had to be escaped was; do not escape it a second time. */
	scols_table_enable_noencoding(t, 1);
	return t;
}

/* Without one of its own: the last word of the path, in capitals. */
static void
heading_of(struct wh_buf *out, const struct wh_column *c)
{
	const char *dot = memrchr(c->path.p, '.', c->path.n);
	size_t skip = dot ? (size_t)(dot + 1 - c->path.p) : 0;

	if (c->heading)
		wh_buf_c(out, c->heading);
	else
		wh_escape(out, wh_str(c->path.p + skip, c->path.n - skip), WH_ESCAPE_LINE);
	for (size_t i = 0; !c->heading && i < out->n; i++)
		out->p[i] = (char)toupper((unsigned char)out->p[i]);
	wh_buf_byte(out, '\0');
}

/*
 * Makes a column at least so wide. The library heeds the hint only if the
 * column is strict, but then it forgets the heading: so only if it is wider.
 */
static void
widen(struct libscols_column *c, size_t width)
{
	const char *heading = scols_cell_get_data(scols_column_get_header(c));

	if (!heading || width <= strlen(heading))
		return;
	scols_column_set_whint(c, (double)width);
	scols_column_set_flags(c, scols_column_get_flags(c) | SCOLS_FL_STRICTWIDTH);
}

static void
add_column(struct wh_out *o, const struct wh_column *c)
{
	struct wh_buf name = wh_buf_capped(CELL_MAX);
	struct libscols_column *made = NULL;
	int flags = c->kind == WH_COLUMN_RIGHT ? SCOLS_FL_RIGHT : 0;

	heading_of(&name, c);
	if (!name.fault)
		made = scols_table_new_column(o->table, name.p, 0, flags);
	if (made && o->live)
		widen(made, c->width);
	wh_buf_fini(&name);
}

static void
table_begin(struct wh_out *o)
{
	o->table = new_table(o, o->header);
	/* What has to be cut was: see fit_terminal(). */
	if (o->table)
		scols_table_set_termforce(o->table, SCOLS_TERMFORCE_NEVER);
	for (size_t i = 0; o->table && i < o->columns.n; i++)
		add_column(o, &o->columns.columns[i]);
}

/* The blocks that follow look like the first one. */
static void
keep_widths(struct libscols_table *t)
{
	for (size_t i = 0; i < scols_table_get_ncols(t); i++) {
		struct libscols_column *c = scols_table_get_column(t, i);

		widen(c, scols_column_get_width(c));
	}
}

static size_t
cell_width(const struct libscols_cell *cell)
{
	const char *text = cell ? scols_cell_get_data(cell) : NULL;

	return text ? wh_text_width(text) : 0;
}

/* As wide as the heading and every cell of the block. */
static size_t
natural_width(const struct wh_out *o, size_t column)
{
	struct libscols_column *c = scols_table_get_column(o->table, column);
	size_t widest = o->header ? cell_width(scols_column_get_header(c)) : 0;

	for (size_t i = 0; i < scols_table_get_nlines(o->table); i++) {
		struct libscols_line *line = scols_table_get_line(o->table, i);
		size_t width = cell_width(scols_line_get_cell(line, column));

		widest = width > widest ? width : widest;
	}
	return widest;
}

static void
cut_cell_to(struct libscols_cell *cell, size_t width)
{
	const char *text = cell ? scols_cell_get_data(cell) : NULL;
	struct wh_buf cut = WH_BUF_NULL;

	if (!text || wh_text_width(text) <= width)
		return;
	wh_buf_add(&cut, text, strlen(text) + 1);
	wh_text_cut(&cut, width);
	if (!cut.fault)
		scols_cell_set_data(cell, cut.p);
	wh_buf_fini(&cut);
}

static void
cut_column(struct wh_out *o, size_t column, size_t width)
{
	struct libscols_column *c = scols_table_get_column(o->table, column);

	cut_cell_to(scols_column_get_header(c), width);
	for (size_t i = 0; i < scols_table_get_nlines(o->table); i++)
		cut_cell_to(scols_line_get_cell(scols_table_get_line(o->table, i), column),
			    width);
}

/* Room is given by the first block; those that follow have to do with it. */
static void
fit_terminal(struct wh_out *o)
{
	size_t *natural;

	if (!o->terminal || o->live)
		return;
	if (!o->printed) {
		natural = wh_xcalloc(o->columns.n + 1, sizeof(*natural));
		for (size_t i = 0; i < o->columns.n; i++)
			natural[i] = natural_width(o, i);
		wh_layout(&o->columns, natural, scols_table_get_termwidth(o->table));
		free(natural);
	}
	for (size_t i = 0; i < o->columns.n; i++)
		if (o->columns.columns[i].turn)
			cut_column(o, i, o->columns.columns[i].room);
}

static void
print_block(struct wh_out *o)
{
	if (!o->table || scols_table_get_nlines(o->table) == 0)
		return;
	fit_terminal(o);
	scols_print_table(o->table);
	if (!o->printed && !o->live)
		keep_widths(o->table);
	o->printed = true;
	scols_table_remove_lines(o->table);
	scols_table_enable_noheadings(o->table, 1);
}

static void
set_cell(struct libscols_line *line, size_t i, const char *text, bool is_state)
{
	scols_line_set_data(line, i, text);
	if (is_state && color_of(text))
		scols_cell_set_color(scols_line_get_cell(line, i), color_of(text));
}

/* The text of one member, never without an end; cut if it is very long. */
static void
render_cell(struct wh_buf *cell, const msgpack_object *v, struct wh_str path)
{
	wh_buf_reset(cell);
	wh_render(cell, v, path, WH_RENDER_HUMAN);
	if (cell->fault || cell->n > CELL_MAX - 4)
		wh_cut(cell, CELL_MAX - 4); /* dots and the end need room */
	wh_buf_byte(cell, '\0');
}

static void
table_item(struct wh_out *o, const msgpack_object *item)
{
	struct libscols_line *line = o->table ? scols_table_new_line(o->table, NULL) : NULL;
	struct wh_buf cell = wh_buf_capped(CELL_MAX);

	for (size_t i = 0; line && i < o->columns.n; i++) {
		const struct wh_column *c = &o->columns.columns[i];

		render_cell(&cell, wh_member(item, c->path), c->path);
		if (cell.n)
			set_cell(line, i, cell.p, c->kind == WH_COLUMN_STATE);
	}
	wh_buf_fini(&cell);
	if (o->live || (o->table && scols_table_get_nlines(o->table) >= BLOCK_ROWS))
		print_block(o);
	if (o->live)
		fflush(o->file);
}

static void
table_end(struct wh_out *o)
{
	print_block(o);
	scols_unref_table(o->table);
	o->table = NULL;
}

static void
add_pair(struct wh_str path, const msgpack_object *v, void *arg)
{
	struct wh_out *o = arg;
	struct libscols_line *line = scols_table_new_line(o->table, NULL);
	struct wh_buf cell = wh_buf_capped(CELL_MAX);

	if (!line)
		return;
	wh_escape(&cell, path, WH_ESCAPE_LINE);
	wh_buf_byte(&cell, '\0');
	if (!cell.fault)
		set_cell(line, 0, cell.p, false);
	render_cell(&cell, v, path);
	if (cell.n)
		set_cell(line, 1, cell.p,
			 wh_str_is(path, "state") || wh_str_is(path, "_whd.state"));
	wh_buf_fini(&cell);
}

/* Two columns: names and values of all members, or of those chosen. */
static void
table_record(struct wh_out *o, const msgpack_object *record)
{
	o->table = new_table(o, false);
	if (!o->table)
		return;
	scols_table_new_column(o->table, "name", 0, 0);
	scols_table_new_column(o->table, "value", 0, SCOLS_FL_WRAP);
	if (!o->chosen)
		wh_flatten(record, add_pair, o);
	for (size_t i = 0; o->chosen && i < o->columns.n; i++) {
		struct wh_str path = o->columns.columns[i].path;

		add_pair(path, wh_member(record, path), o);
	}
	scols_print_table(o->table);
	scols_unref_table(o->table);
	o->table = NULL;
}

static void
table_text(struct wh_out *o, struct wh_str text)
{
	wh_out_lines.text(o, text);
}

const struct wh_out_ops wh_out_table = {table_begin, table_item, table_end, table_record,
					table_text};
