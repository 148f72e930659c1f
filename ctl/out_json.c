/* SPDX-License-Identifier: MIT */
/*
 * Results as JSON: one array for a list, one object for a record, or with
 * jsonl one compact value a line.
 *
 * Called through out.c. The array is written only when the list is whole, so
 * that an error in its middle leaves nothing on standard output. Characters
 * that could act on a terminal are written as \u escapes, which mean the same.
 */
#include "ctl/escape.h"
#include "ctl/out.h"
#include "proto/json.h"

static bool
by_line(const struct wh_out *o)
{
	return o->format == WH_FORMAT_JSONL || o->live;
}

static void
put_value(struct wh_out *o, const msgpack_object *v, unsigned indent)
{
	struct wh_buf json = WH_BUF_NULL;

	wh_json_from_obj(&json, v, indent);
	wh_escape(&o->buf, wh_buf_view(&json), WH_ESCAPE_JSON);
	if (json.fault)
		o->buf.fault = json.fault;
	wh_buf_fini(&json);
}

static void
json_begin(struct wh_out *o)
{
	if (!by_line(o))
		wh_buf_byte(&o->buf, '[');
}

static void
json_item(struct wh_out *o, const msgpack_object *item)
{
	if (!by_line(o))
		wh_buf_c(&o->buf, o->items ? ",\n" : "\n");
	put_value(o, item, 0);
	if (!by_line(o))
		return;
	wh_buf_byte(&o->buf, '\n');
	wh_out_flush(o);
}

static void
json_end(struct wh_out *o)
{
	if (!by_line(o))
		wh_buf_c(&o->buf, o->items ? "\n]\n" : "]\n");
}

static void
json_record(struct wh_out *o, const msgpack_object *record)
{
	put_value(o, record, by_line(o) ? 0 : 2);
	wh_buf_byte(&o->buf, '\n');
}

static void
json_text(struct wh_out *o, struct wh_str text)
{
	msgpack_object v = {.type = MSGPACK_OBJECT_STR};

	v.via.str.ptr = text.p;
	v.via.str.size = (uint32_t)text.n;
	json_record(o, &v);
}

const struct wh_out_ops wh_out_json = {json_begin, json_item, json_end, json_record, json_text};
