/* SPDX-License-Identifier: MIT */
/*
 * Reading a fault rule from JSON: see fault_form.h.
 *
 * Owns the table of everything a rule can say.  Called when a rule is added.
 * It never lets a parameter pass that its action would not look at, so that
 * a test cannot believe in a fault that does nothing.
 */
#include "tests/whsim/fault_form.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#define WH_FAULT(id, name, executes, params, help) name,
static const char *const action_names[] = {
#include "tests/whsim/faults.def"
	NULL};
#undef WH_FAULT

#define WH_AT(member) offsetof(struct wh_fault_spec, member)

enum { FAULT_MS_MAX = 86400000 };

/* Which requests: these every action takes. */
static const struct wh_field fault_fields[] = {
	{"method", FIELD_TEXT, WH_AT(method), 1, 16, NULL, "or *"},
	{"whid", FIELD_TEXT, WH_AT(whid), 0, 256, NULL, "of the query"},
	{"body_contains", FIELD_TEXT, WH_AT(body_contains), 0, 256, NULL,
	 "a text in the request body"},
	{"list", FIELD_ENUM, WH_AT(list), 0, 0, wh_form_tri,
	 "true: only a GET without whid, false: only others"},
	{"reused_only", FIELD_BOOL, WH_AT(reused_only), 0, 1, NULL,
	 "only on a connection that served a request before"},
	{"skip", FIELD_INT, WH_AT(skip), 0, INT32_MAX, NULL, "lets the first matches pass"},
	{"count", FIELD_INT, WH_AT(count), -1, INT32_MAX, NULL,
	 "hits so often, -1 = until removed"},
	{"probability", FIELD_REAL, WH_AT(probability), 0, 1, NULL, "hits only by chance"},
	{"seed", FIELD_INT, WH_AT(seed), 0, INT64_MAX, NULL, "of the chance"},
	{"action", FIELD_ENUM, WH_AT(action), 0, 0, action_names, "what happens"},
	{"ms", FIELD_INT, WH_AT(ms), 0, FAULT_MS_MAX, NULL, ""},
	{"bytes", FIELD_INT, WH_AT(bytes), 0, INT32_MAX, NULL, ""},
	{"status", FIELD_INT, WH_AT(status), 200, 599, NULL, ""},
	{"seconds", FIELD_INT, WH_AT(seconds), 0, INT32_MAX, NULL, ""},
	{"chunked", FIELD_BOOL, WH_AT(chunked), 0, 1, NULL, ""},
	{"reset", FIELD_BOOL, WH_AT(reset), 0, 1, NULL, ""},
	{"resume", FIELD_BOOL, WH_AT(resume), 0, 1, NULL, ""},
	{"unread", FIELD_BOOL, WH_AT(unread), 0, 1, NULL, ""},
	{"drop", FIELD_BOOL, WH_AT(drop), 0, 1, NULL, ""},
	{"missing", FIELD_BOOL, WH_AT(missing), 0, 1, NULL, ""},
	{"http_date", FIELD_BOOL, WH_AT(http_date), 0, 1, NULL, ""},
	{"execute", FIELD_ENUM, WH_AT(execute), 0, 0, wh_form_tri, ""},
	{"location", FIELD_TEXT, WH_AT(location), 1, 512, NULL, ""},
	{"content_type", FIELD_TEXT, WH_AT(content_type), 1, 128, NULL, ""},
	{"period", FIELD_TEXT, WH_AT(period), 1, 32, NULL, ""},
	{"body", FIELD_JSON, WH_AT(body), 0, 0, NULL, ""},
	{"headers", FIELD_JSON, WH_AT(headers), 0, 0, NULL, ""},
};

static const char fault_matching[] = "method whid body_contains list "
				     "reused_only skip count probability seed "
				     "action";

static const struct wh_form fault_form = {
	.what = "member of a fault rule",
	.fields = fault_fields,
	.count = sizeof(fault_fields) / sizeof(fault_fields[0]),
};

static int
check_params(json_t *given, const struct wh_fault_spec *spec, struct wh_buf *problem)
{
	const char *params = wh_fault_params(spec->action);
	const char *name;
	json_t *value;

	json_object_foreach(given, name, value)
	{
		if (wh_form_has_word(fault_matching, name) || wh_form_has_word(params, name))
			continue;
		wh_buf_format(problem, "The action \"%s\" takes no \"%s\"; it takes: %s.",
			      wh_fault_name(spec->action), name, *params ? params : "nothing");
		return -EINVAL;
	}
	return 0;
}

static int
check_headers(const struct wh_fault_spec *spec, struct wh_buf *problem)
{
	const char *name;
	json_t *value;

	if (spec->headers && !json_is_object(spec->headers)) {
		wh_buf_text(problem, "The member \"headers\" must be an object "
				     "of texts.");
		return -EINVAL;
	}
	json_object_foreach(spec->headers, name, value)
	{
		const char *text = json_string_value(value);

		if (*name && text && !strpbrk(name, ": \t\r\n") && !strpbrk(text, "\r\n"))
			continue;
		wh_buf_format(problem,
			      "The header \"%s\" cannot be sent; name and value are "
			      "texts without line ends.",
			      name);
		return -EINVAL;
	}
	return 0;
}

static int
check_unread(const struct wh_fault_spec *spec, struct wh_buf *problem)
{
	if (!spec->unread || !*spec->body_contains)
		return 0;
	wh_buf_text(problem, "A rule cannot be \"unread\" and look at the body "
			     "with \"body_contains\"; drop one of them.");
	return -EINVAL;
}

int
wh_fault_form_read(json_t *given, struct wh_fault_spec *ret_spec, struct wh_buf *ret_problem)
{
	int r;

	*ret_spec = (struct wh_fault_spec){
		.method = "*",
		.list = TRI_UNSET,
		.count = 1,
		.probability = 1,
		.execute = TRI_UNSET,
		.seconds = -1,
		.bytes = -1,
		.location = "https://login.example.test/",
		.content_type = "text/html",
		.period = "5.03:23:11",
	};
	if (!json_object_get(given, "action")) {
		wh_buf_text(ret_problem, "A fault rule needs an \"action\".");
		return -EINVAL;
	}
	r = wh_form_read(&fault_form, given, ret_spec, ret_problem);
	if (!r)
		r = check_params(given, ret_spec, ret_problem);
	if (!r)
		r = check_headers(ret_spec, ret_problem);
	return r ? r : check_unread(ret_spec, ret_problem);
}
