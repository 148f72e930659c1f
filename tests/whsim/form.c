/* SPDX-License-Identifier: MIT */
/*
 * Reading a JSON object into a struct by a table of its members: see form.h.
 *
 * Called by the switches, the fault rules and the control verbs, with
 * whatever lock their data needs.  It never guesses: an unknown member or a
 * wrong type is an error with the legal values in it.
 */
#include "tests/whsim/form.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *const wh_form_tri[] = {"false", "true", "unset", NULL};

static void *
field_at(const struct wh_field *field, void *target)
{
	return (char *)target + field->offset;
}

static const void *
field_in(const struct wh_field *field, const void *source)
{
	return (const char *)source + field->offset;
}

static const struct wh_field *
form_find(const struct wh_form *form, const char *name)
{
	for (size_t i = 0; i < form->count; i++) {
		if (!strcmp(form->fields[i].name, name))
			return &form->fields[i];
	}
	return NULL;
}

static int
read_bool(const struct wh_field *field, const json_t *v, void *target)
{
	if (!json_is_boolean(v))
		return -EINVAL;
	*(bool *)field_at(field, target) = json_is_true(v);
	return 0;
}

static int
read_int(const struct wh_field *field, const json_t *v, void *target)
{
	int64_t number = json_integer_value(v);

	if (!json_is_integer(v) || number < field->min || number > field->max)
		return -EINVAL;
	*(int64_t *)field_at(field, target) = number;
	return 0;
}

static int
read_real(const struct wh_field *field, const json_t *v, void *target)
{
	double number = json_number_value(v);

	if (!json_is_number(v) || number < (double)field->min || number > (double)field->max)
		return -EINVAL;
	*(double *)field_at(field, target) = number;
	return 0;
}

static bool
text_is_printable(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c < 0x20 || c == 0x7f)
			return false;
	}
	return true;
}

static int
read_text(const struct wh_field *field, const json_t *v, void *target)
{
	size_t len = json_string_length(v);
	const char *text = json_string_value(v);

	if (!text || (int64_t)len < field->min || (int64_t)len > field->max)
		return -EINVAL;
	if (!text_is_printable(text, len))
		return -EINVAL;
	memcpy(field_at(field, target), text, len + 1);
	return 0;
}

/* "404" may be written 404, and "true" true: that is what people type. */
static const char *
enum_text(const json_t *v, char scratch[24])
{
	if (json_is_boolean(v))
		return json_is_true(v) ? "true" : "false";
	if (json_is_null(v))
		return "null";
	if (!json_is_integer(v))
		return json_string_value(v);
	snprintf(scratch, 24, "%" PRId64, (int64_t)json_integer_value(v));
	return scratch;
}

static int
read_enum(const struct wh_field *field, const json_t *v, void *target)
{
	char scratch[24];
	const char *text = enum_text(v, scratch);

	for (unsigned i = 0; text && field->values[i]; i++) {
		if (strcmp(field->values[i], text))
			continue;
		memcpy(field_at(field, target), &i, sizeof(i));
		return 0;
	}
	return -EINVAL;
}

static int
field_read(const struct wh_field *field, json_t *v, void *target)
{
	switch (field->kind) {
	case FIELD_BOOL:
		return read_bool(field, v, target);
	case FIELD_INT:
		return read_int(field, v, target);
	case FIELD_REAL:
		return read_real(field, v, target);
	case FIELD_TEXT:
		return read_text(field, v, target);
	case FIELD_ENUM:
		return read_enum(field, v, target);
	case FIELD_JSON:
		*(json_t **)field_at(field, target) = v;
		return 0;
	}
	return -EINVAL;
}

static void
field_legal(const struct wh_field *field, struct wh_buf *out)
{
	switch (field->kind) {
	case FIELD_BOOL:
		wh_buf_text(out, "true, false");
		return;
	case FIELD_INT:
		wh_buf_format(out, "an integer from %" PRId64 " to %" PRId64, field->min,
			      field->max);
		return;
	case FIELD_REAL:
		wh_buf_format(out, "a number from %" PRId64 " to %" PRId64, field->min,
			      field->max);
		return;
	case FIELD_TEXT:
		wh_buf_format(out,
			      "a text of %" PRId64 " to %" PRId64
			      " bytes without control characters",
			      field->min, field->max);
		return;
	case FIELD_ENUM:
		for (size_t i = 0; field->values[i]; i++) {
			wh_buf_text(out, i ? ", " : "");
			wh_buf_text(out, field->values[i]);
		}
		return;
	case FIELD_JSON:
		wh_buf_text(out, "any JSON value");
		return;
	}
}

static void
explain_unknown(const struct wh_form *form, const char *name, struct wh_buf *problem)
{
	wh_buf_format(problem, "There is no %s \"%s\"; legal are: ", form->what, name);
	for (size_t i = 0; i < form->count; i++) {
		wh_buf_text(problem, i ? ", " : "");
		wh_buf_text(problem, form->fields[i].name);
	}
	wh_buf_text(problem, ".");
}

static void
explain_value(const struct wh_form *form, const struct wh_field *field, const json_t *v,
	      struct wh_buf *problem)
{
	wh_buf_format(problem, "The %s \"%s\" cannot be ", form->what, field->name);
	wh_buf_json(problem, v, JSON_COMPACT);
	wh_buf_text(problem, "; legal values: ");
	field_legal(field, problem);
	wh_buf_text(problem, ".");
}

int
wh_form_read(const struct wh_form *form, json_t *given, void *target,
	     struct wh_buf *ret_problem)
{
	const char *name;
	json_t *v;

	json_object_foreach(given, name, v)
	{
		const struct wh_field *field = form_find(form, name);

		if (!field) {
			explain_unknown(form, name, ret_problem);
			return -EINVAL;
		}
		if (field_read(field, v, target)) {
			explain_value(form, field, v, ret_problem);
			return -EINVAL;
		}
	}
	return 0;
}

bool
wh_form_has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	while (*list) {
		size_t next = strcspn(list, " ");

		if (next == len && !strncmp(list, word, len))
			return true;
		list += next + (list[next] == ' ');
	}
	return false;
}

static json_t *
print_enum(const struct wh_field *field, const void *source)
{
	unsigned value;

	memcpy(&value, field_in(field, source), sizeof(value));
	return json_string(field->values[value]);
}

static json_t *
field_print(const struct wh_field *field, const void *source)
{
	const void *at = field_in(field, source);

	switch (field->kind) {
	case FIELD_BOOL:
		return json_boolean(*(const bool *)at);
	case FIELD_INT:
		return json_integer(*(const int64_t *)at);
	case FIELD_REAL:
		return json_real(*(const double *)at);
	case FIELD_TEXT:
		return json_string(at);
	case FIELD_ENUM:
		return print_enum(field, source);
	case FIELD_JSON:
		return NULL;
	}
	return NULL;
}

json_t *
wh_form_print(const struct wh_form *form, const void *source)
{
	json_t *out = json_object();

	for (size_t i = 0; i < form->count; i++) {
		const struct wh_field *field = &form->fields[i];

		if (field->kind == FIELD_JSON)
			continue;
		json_object_set_new(out, field->name, field_print(field, source));
	}
	return out;
}

json_t *
wh_form_describe(const struct wh_form *form, const void *defaults)
{
	json_t *out = json_array();

	for (size_t i = 0; i < form->count; i++) {
		const struct wh_field *field = &form->fields[i];
		struct wh_buf legal = {0};

		field_legal(field, &legal);
		json_array_append_new(out,
				      json_pack("{s:s, s:o*, s:s, s:s}", "name", field->name,
						"default", field_print(field, defaults),
						"legal", legal.data, "help", field->help));
		wh_buf_free(&legal);
	}
	return out;
}
