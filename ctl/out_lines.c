/* SPDX-License-Identifier: MIT */
/*
 * Results as lines for other programs: tab-separated values without a
 * heading, ids, or the values of one member.
 *
 * Called through out.c. Tabs, line breaks and other controls inside values
 * are escaped, so that a line is always one item and a tab always a border;
 * in tsv a backslash is doubled, so that it can be undone.
 */
#include "ctl/out.h"
#include "ctl/render.h"

static void
lines_step(struct wh_out *o)
{
	(void)o;
}

static void
put_member(struct wh_out *o, const msgpack_object *v, struct wh_str path)
{
	wh_render(&o->buf, wh_member(v, path), path,
		  o->format == WH_FORMAT_TSV ? WH_RENDER_TSV : WH_RENDER_PLAIN);
}

static void
lines_item(struct wh_out *o, const msgpack_object *item)
{
	const char *id = wh_columns_id(o->shape);

	if (o->format == WH_FORMAT_VALUE)
		put_member(o, item, wh_str_c(o->field));
	else if (o->format == WH_FORMAT_IDS)
		put_member(o, item, wh_str_c(id));
	for (size_t i = 0; o->format == WH_FORMAT_TSV && i < o->columns.n; i++) {
		if (i)
			wh_buf_byte(&o->buf, '\t');
		put_member(o, item, o->columns.columns[i].path);
	}
	wh_buf_byte(&o->buf, '\n');
	wh_out_flush(o);
}

static void
put_pair(struct wh_str path, const msgpack_object *v, void *arg)
{
	struct wh_out *o = arg;

	wh_escape(&o->buf, path, WH_ESCAPE_TSV);
	wh_buf_byte(&o->buf, '\t');
	wh_render(&o->buf, v, path, WH_RENDER_TSV);
	wh_buf_byte(&o->buf, '\n');
}

/* name, tab, value: all members, or the columns chosen. */
static void
lines_record(struct wh_out *o, const msgpack_object *record)
{
	if (o->format == WH_FORMAT_VALUE && !wh_member(record, wh_str_c(o->field))) {
		o->missing = true;
		return;
	}
	if (o->format != WH_FORMAT_TSV) {
		lines_item(o, record);
		return;
	}
	if (!o->chosen) {
		wh_flatten(record, put_pair, o);
		return;
	}
	for (size_t i = 0; i < o->columns.n; i++) {
		struct wh_str path = o->columns.columns[i].path;

		put_pair(path, wh_member(record, path), o);
	}
}

/* What a program reads (metrics) holds nothing that is escaped here. */
static void
lines_text(struct wh_out *o, struct wh_str text)
{
	wh_escape(&o->buf, text, WH_ESCAPE_TEXT);
	if (!text.n || text.p[text.n - 1] != '\n')
		wh_buf_byte(&o->buf, '\n');
}

const struct wh_out_ops wh_out_lines = {lines_step, lines_item, lines_step, lines_record,
					lines_text};
