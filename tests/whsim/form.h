/* SPDX-License-Identifier: MIT */
/*
 * Reading a JSON object into a struct by a table of its members.
 *
 * The switches, the fault rules and the bodies of the control verbs are all
 * flat objects; each has a table of fields, and this one reader checks names,
 * types and ranges and says in a sentence what is wrong.  Pure functions,
 * callable from any thread.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/whsim/buf.h"

enum wh_field_kind {
	FIELD_BOOL, /* bool */
	FIELD_INT,  /* int64_t, min..max */
	FIELD_REAL, /* double, min..max */
	FIELD_TEXT, /* char[max + 1], min..max bytes, no control characters */
	FIELD_ENUM, /* an enum; its values name 0, 1, 2, ... */
	FIELD_JSON, /* json_t *, borrowed from the object read */
};

/* Optional yes or no: a FIELD_ENUM over wh_form_tri. */
enum wh_tri { TRI_NO, TRI_YES, TRI_UNSET };

struct wh_field {
	const char *name;
	enum wh_field_kind kind;
	size_t offset;
	int64_t min;
	int64_t max;
	const char *const *values; /* FIELD_ENUM: ends with NULL */
	const char *help;
};

struct wh_form {
	const char *what; /* what one member is called in a message */
	const struct wh_field *fields;
	size_t count;
};

/* The value names of enum wh_tri; JSON true and false are taken for them. */
extern const char *const wh_form_tri[];

/*
 * Reads every member of `given` into `target`; members that are not given
 * keep the value `target` has.  Returns 0, or -EINVAL with a sentence in
 * `ret_problem` that names the member and the legal values; `target` may be
 * half written then.
 */
int wh_form_read(const struct wh_form *form, json_t *given, void *target,
		 struct wh_buf *ret_problem);

/* True if `word` is one of the words of `list`, which single spaces part. */
bool wh_form_has_word(const char *list, const char *word);

/* Returns all fields of `source` as one new object; FIELD_JSON is left out. */
json_t *wh_form_print(const struct wh_form *form, const void *source);

/* Returns a new array that describes the fields: name, kind, legal, help. */
json_t *wh_form_describe(const struct wh_form *form, const void *defaults);
