/* SPDX-License-Identifier: MIT */
/*
 * Formats by name, and the steps all of them share.
 *
 * Called by the verbs. What a format looks like is in out_*.c.
 */
#include "ctl/out.h"

static const struct {
	const char *name;
	enum wh_format format;
	const struct wh_out_ops *ops;
} formats[] = {
	{"table", WH_FORMAT_TABLE, &wh_out_table}, {"tsv", WH_FORMAT_TSV, &wh_out_lines},
	{"json", WH_FORMAT_JSON, &wh_out_json},    {"jsonl", WH_FORMAT_JSONL, &wh_out_json},
	{"ids", WH_FORMAT_IDS, &wh_out_lines},     {"value", WH_FORMAT_VALUE, &wh_out_lines},
	{"none", WH_FORMAT_NONE, &wh_out_none},
};

bool
wh_out_parse_format(struct wh_out *o, const char *text)
{
	const char *equals = strchr(text, '=');
	struct wh_str name = wh_str(text, equals ? (size_t)(equals - text) : strlen(text));

	for (size_t i = 0; i < wh_array_len(formats); i++) {
		if (!wh_str_is(name, formats[i].name))
			continue;
		if ((formats[i].format == WH_FORMAT_VALUE) != (equals && equals[1]))
			return false;
		o->format = formats[i].format;
		o->ops = formats[i].ops;
		o->field = equals ? equals + 1 : NULL;
		return true;
	}
	return false;
}

void
wh_out_flush(struct wh_out *o)
{
	if (o->buf.fault)
		o->failed = true;
	else if (o->buf.n && fwrite(o->buf.p, 1, o->buf.n, o->file) != o->buf.n)
		o->failed = true;
	wh_buf_reset(&o->buf);
	if (o->live && fflush(o->file) != 0)
		o->failed = true;
}

void
wh_out_begin(struct wh_out *o, enum wh_result_shape shape)
{
	o->shape = shape;
	o->items = 0;
	o->printed = false;
	o->columns = wh_columns_of(shape, o->chosen);
	o->ops->begin(o);
}

void
wh_out_item(struct wh_out *o, const msgpack_object *item)
{
	o->ops->item(o, item);
	o->items++;
}

void
wh_out_end(struct wh_out *o)
{
	o->ops->end(o);
	wh_out_flush(o);
	wh_columns_fini(&o->columns);
	wh_buf_fini(&o->buf);
}

void
wh_out_break(struct wh_out *o)
{
	if (o->format != WH_FORMAT_JSON)
		o->ops->end(o);
	else
		wh_buf_reset(&o->buf);
	wh_out_flush(o);
	wh_columns_fini(&o->columns);
	wh_buf_fini(&o->buf);
}

void
wh_out_record(struct wh_out *o, enum wh_result_shape shape, const msgpack_object *record)
{
	o->shape = shape;
	o->columns = wh_columns_of(shape, o->chosen);
	o->ops->record(o, record);
	wh_out_flush(o);
	wh_columns_fini(&o->columns);
	wh_buf_fini(&o->buf);
}

void
wh_out_text(struct wh_out *o, struct wh_str text)
{
	o->ops->text(o, text);
	wh_out_flush(o);
	wh_buf_fini(&o->buf);
}

static void
none_step(struct wh_out *o)
{
	(void)o;
}

static void
none_object(struct wh_out *o, const msgpack_object *v)
{
	(void)o;
	(void)v;
}

static void
none_text(struct wh_out *o, struct wh_str text)
{
	(void)o;
	(void)text;
}

const struct wh_out_ops wh_out_none = {none_step, none_object, none_step, none_object,
				       none_text};
