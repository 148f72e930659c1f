/* SPDX-License-Identifier: MIT */
/*
 * MessagePack to JSON text.
 *
 * whctl's output, request bodies for the upstream and exports are written
 * here, on any thread. What it writes is always valid JSON in valid UTF-8
 * without raw control characters, and the same in every locale.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/json.h"

static const struct wh_frame_limits decode_limits = {
	.bytes = 64 * 1024 * 1024,
	.depth = 32,
	.elements = 4 * 1024 * 1024,
};

struct writer {
	struct wh_buf *out;
	unsigned indent;
	unsigned level;
};

/* A control character of one byte, or of two (C1), as an escape. */
static void
write_control(struct wh_buf *out, const char *p, size_t len)
{
	static const char letters[] = "\b\f\n\r\t";
	static const char names[] = "bfnrt";
	unsigned char c = (unsigned char)p[len - 1];
	const char *letter = len == 1 && c ? strchr(letters, c) : NULL;

	if (letter)
		wh_buf_printf(out, "\\%c", names[letter - letters]);
	else
		wh_buf_printf(out, "\\u%04x", c);
}

/* Bytes from the start of s that stand for themselves in a JSON string. */
static size_t
plain_len(struct wh_str s)
{
	size_t n = 0;

	while (n < s.n) {
		struct wh_str rest = wh_str(s.p + n, s.n - n);
		size_t len = wh_utf8_len(rest);

		if (len == 0 || wh_control_len(rest) || *rest.p == '"' || *rest.p == '\\')
			break;
		n += len;
	}
	return n;
}

static void
write_text(struct wh_buf *out, struct wh_str s)
{
	wh_buf_byte(out, '"');
	while (s.n) {
		size_t n = plain_len(s);

		wh_buf_add(out, s.p, n);
		s = wh_str(s.p + n, s.n - n);
		if (!s.n)
			break;
		size_t control = wh_control_len(s);

		if (control)
			write_control(out, s.p, control);
		else if (*s.p == '"' || *s.p == '\\')
			wh_buf_printf(out, "\\%c", *s.p);
		else
			wh_buf_c(out, "\xef\xbf\xbd"); /* U+FFFD */
		n = control ? control : 1;
		s = wh_str(s.p + n, s.n - n);
	}
	wh_buf_byte(out, '"');
}

/* A positive finite double as digits and exponent: 0.d1d2d3... * 10^point. */
struct decimal {
	char digits[24];
	int n;
	int point;
};

/*
 * The fewest digits that read back as the same double. printf and strtod may
 * use the locale's own decimal point, but both the same one, and only the
 * digits around it are taken.
 */
static struct decimal
shortest(double v)
{
	struct decimal d = {0};
	char text[64];

	for (int precision = 0; precision < 17; precision++) {
		snprintf(text, sizeof(text), "%.*e", precision, v);
		if (memcmp(&(double){strtod(text, NULL)}, &v, sizeof(v)) == 0)
			break;
	}
	const char *exponent = strrchr(text, 'e');

	for (const char *p = text; p < exponent; p++)
		if (*p >= '0' && *p <= '9')
			d.digits[d.n++] = *p;
	d.point = (int)strtol(exponent + 1, NULL, 10) + 1;
	return d;
}

/* Laid out as people write it from 0.0001 to 10^16, else with an exponent;
 * always with a point or an exponent, so that it stays a real number. */
static void
write_decimal(struct wh_buf *out, const struct decimal *d)
{
	if (d->point < -3 || d->point > 16) {
		wh_buf_byte(out, d->digits[0]);
		if (d->n > 1)
			wh_buf_printf(out, ".%.*s", d->n - 1, d->digits + 1);
		wh_buf_printf(out, "e%d", d->point - 1);
		return;
	}
	int whole = d->point < d->n ? d->point : d->n;

	if (whole > 0)
		wh_buf_add(out, d->digits, (size_t)whole);
	else
		wh_buf_byte(out, '0');
	for (int i = d->n; i < d->point; i++)
		wh_buf_byte(out, '0');
	wh_buf_byte(out, '.');
	for (int i = d->point; i < 0; i++)
		wh_buf_byte(out, '0');
	if (whole < d->n)
		wh_buf_printf(out, "%.*s", d->n - (whole > 0 ? whole : 0),
			      d->digits + (whole > 0 ? whole : 0));
	else
		wh_buf_byte(out, '0');
}

/* JSON has no word for what is not finite. */
static void
write_double(struct wh_buf *out, double v)
{
	if (!isfinite(v)) {
		wh_buf_c(out, "null");
		return;
	}
	if (signbit(v))
		wh_buf_byte(out, '-');
	if (fpclassify(v) == FP_ZERO) {
		wh_buf_c(out, "0.0");
		return;
	}
	struct decimal d = shortest(fabs(v));

	write_decimal(out, &d);
}

static void
new_line(const struct writer *w)
{
	if (!w->indent)
		return;
	wh_buf_byte(w->out, '\n');
	for (unsigned i = 0; i < w->level * w->indent; i++)
		wh_buf_byte(w->out, ' ');
}

static void write_value(struct writer *w, const msgpack_object *o);

/* Keys are text after wh_unpack(); any other becomes the text of its JSON. */
static void
write_key(struct writer *w, const msgpack_object *key)
{
	struct wh_str text;
	struct wh_buf aside = WH_BUF_NULL;

	if (!wh_obj_str(key, &text)) {
		wh_json_from_obj(&aside, key, 0);
		text = wh_buf_view(&aside);
	}
	write_text(w->out, text);
	wh_buf_c(w->out, w->indent ? ": " : ":");
	wh_buf_fini(&aside);
}

static void
write_array(struct writer *w, const msgpack_object_array *a)
{
	wh_buf_byte(w->out, '[');
	w->level++;
	for (uint32_t i = 0; i < a->size; i++) {
		if (i)
			wh_buf_byte(w->out, ',');
		new_line(w);
		write_value(w, &a->ptr[i]);
	}
	w->level--;
	if (a->size)
		new_line(w);
	wh_buf_byte(w->out, ']');
}

static void
write_map(struct writer *w, const msgpack_object_map *m)
{
	wh_buf_byte(w->out, '{');
	w->level++;
	for (uint32_t i = 0; i < m->size; i++) {
		if (i)
			wh_buf_byte(w->out, ',');
		new_line(w);
		write_key(w, &m->ptr[i].key);
		write_value(w, &m->ptr[i].val);
	}
	w->level--;
	if (m->size)
		new_line(w);
	wh_buf_byte(w->out, '}');
}

/* Recursion is bounded by the depth the scanner let pass. */
static void
write_value(struct writer *w, const msgpack_object *o)
{
	struct wh_str text = WH_STR_NULL;

	switch (o->type) {
	case MSGPACK_OBJECT_BOOLEAN:
		wh_buf_c(w->out, o->via.boolean ? "true" : "false");
		return;
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
		wh_buf_printf(w->out, "%" PRIu64, o->via.u64);
		return;
	case MSGPACK_OBJECT_NEGATIVE_INTEGER:
		wh_buf_printf(w->out, "%" PRId64, o->via.i64);
		return;
	case MSGPACK_OBJECT_FLOAT32:
	case MSGPACK_OBJECT_FLOAT64:
		write_double(w->out, o->via.f64);
		return;
	case MSGPACK_OBJECT_STR:
	case MSGPACK_OBJECT_BIN:
		wh_obj_str(o, &text);
		write_text(w->out, text);
		return;
	case MSGPACK_OBJECT_ARRAY:
		write_array(w, &o->via.array);
		return;
	case MSGPACK_OBJECT_MAP:
		write_map(w, &o->via.map);
		return;
	case MSGPACK_OBJECT_NIL:
	case MSGPACK_OBJECT_EXT:
		break; /* ext never gets into a tree */
	}
	wh_buf_c(w->out, "null");
}

void
wh_json_from_obj(struct wh_buf *out, const msgpack_object *o, unsigned indent)
{
	struct writer w = {.out = out, .indent = indent};

	if (o)
		write_value(&w, o);
	else
		wh_buf_c(out, "null");
}

int
wh_json_from_pack(struct wh_buf *out, struct wh_str data, unsigned indent)
{
	struct wh_tree tree;
	int r = wh_unpack(&tree, data, &decode_limits);

	if (r)
		return r;
	wh_json_from_obj(out, &tree.root, indent);
	wh_tree_fini(&tree);
	return out->fault;
}
