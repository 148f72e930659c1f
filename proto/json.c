/* SPDX-License-Identifier: MIT */
/*
 * JSON text to MessagePack, through jansson.
 *
 * The upstream's bodies, files of whctl and its rpc verb come in here, on any
 * thread. A cheap scan bounds size and depth before jansson allocates; order
 * of members is kept as in the text. It accepts nothing but one whole value.
 */
#include <stdio.h>

#include <jansson.h>

#include "proto/json.h"

#define JSON_FLAGS (JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_ANY)
#define DEPTH_MAX 32 /* what MessagePack readers take, msgpack-c first */

struct scan {
	uint32_t depth;
	int line, column;
	bool in_text, escaped;
};

/* One byte of the text; true if it opens a level. Nothing else is judged here:
 * up to the first error jansson sees the same levels. */
static bool
scan_byte(struct scan *s, char c)
{
	s->column++;
	if (c == '\n') {
		s->line++;
		s->column = 0;
	}
	if (s->in_text) {
		bool ends = c == '"' && !s->escaped;

		s->escaped = c == '\\' && !s->escaped;
		s->in_text = !ends;
		return false;
	}
	if (c == '"')
		s->in_text = true;
	if ((c == ']' || c == '}') && s->depth)
		s->depth--;
	if (c != '[' && c != '{')
		return false;
	s->depth++;
	return true;
}

static int
check_size(struct wh_str json, struct wh_json_error *err)
{
	if (json.n <= WH_JSON_MAX)
		return 0;
	snprintf(err->text, sizeof(err->text), "the text has %zu bytes, at most %zu are read",
		 json.n, WH_JSON_MAX);
	return WH_ELIMIT;
}

/* jansson drops a NUL byte that follows a number, true, false or null. */
static int
check_no_nul(struct wh_str json, struct wh_json_error *err)
{
	if (json.n == 0 || !memchr(json.p, '\0', json.n))
		return 0;
	snprintf(err->text, sizeof(err->text), "the text holds a NUL byte");
	return WH_EPROTO;
}

static int
check_depth(struct wh_str json, uint32_t depth, struct wh_json_error *err)
{
	struct scan s = {.line = 1};

	for (size_t i = 0; i < json.n; i++) {
		if (!scan_byte(&s, json.p[i]) || s.depth <= depth)
			continue;
		snprintf(err->text, sizeof(err->text), "nested deeper than %u levels", depth);
		err->line = s.line;
		err->column = s.column;
		return WH_ELIMIT;
	}
	return 0;
}

/* jansson quotes the text it stumbled over: keep that from a terminal. */
static void
copy_printable(struct wh_json_error *err, const char *text)
{
	size_t n = 0;

	for (; n < sizeof(err->text) - 1 && text[n]; n++)
		err->text[n] = text[n] >= 0x20 && text[n] < 0x7f ? text[n] : '?';
	err->text[n] = '\0';
}

static int
say_jansson(const json_error_t *e, struct wh_json_error *err)
{
	enum json_error_code code = json_error_code(e);

	copy_printable(err, e->text);
	err->line = e->line;
	err->column = e->column;
	if (code == json_error_out_of_memory)
		return WH_ENOMEM;
	return code == json_error_stack_overflow ? WH_ELIMIT : WH_EPROTO;
}

static void pack_value(struct wh_buf *out, json_t *v);

static void
pack_array(struct wh_buf *out, json_t *v)
{
	size_t n = json_array_size(v);

	wh_pack_array(out, n);
	for (size_t i = 0; i < n; i++)
		pack_value(out, json_array_get(v, i));
}

static void
pack_map(struct wh_buf *out, json_t *v)
{
	const char *key;
	json_t *value;

	wh_pack_map(out, json_object_size(v));
	json_object_foreach(v, key, value)
	{
		wh_pack_c(out, key);
		pack_value(out, value);
	}
}

/* Recursion is bounded by check_depth(). */
static void
pack_value(struct wh_buf *out, json_t *v)
{
	switch (json_typeof(v)) {
	case JSON_OBJECT:
		pack_map(out, v);
		return;
	case JSON_ARRAY:
		pack_array(out, v);
		return;
	case JSON_STRING:
		wh_pack_str(out, wh_str(json_string_value(v), json_string_length(v)));
		return;
	case JSON_INTEGER:
		wh_pack_int(out, json_integer_value(v));
		return;
	case JSON_REAL:
		wh_pack_double(out, json_real_value(v));
		return;
	case JSON_TRUE:
	case JSON_FALSE:
		wh_pack_bool(out, json_is_true(v));
		return;
	case JSON_NULL:
		wh_pack_nil(out);
		return;
	}
}

int
wh_json_to_pack(struct wh_str json, uint32_t depth, struct wh_buf *out,
		struct wh_json_error *err)
{
	json_error_t e;

	*err = (struct wh_json_error){0};
	int r = check_size(json, err);

	if (!r)
		r = check_no_nul(json, err);
	if (!r)
		r = check_depth(json, depth < DEPTH_MAX ? depth : DEPTH_MAX, err);
	if (r)
		return r;
	json_t *v = json_loadb(json.p ? json.p : "", json.n, JSON_FLAGS, &e);

	if (!v)
		return say_jansson(&e, err);
	pack_value(out, v);
	json_decref(v);
	if (out->fault)
		snprintf(err->text, sizeof(err->text),
			 "the value takes more room than allowed");
	return out->fault;
}
