/* SPDX-License-Identifier: MIT */
/*
 * What a webhook configuration is to the simulated API: see webhook.h.
 *
 * Called by the API's operations, the control verbs and the seeding.  It
 * never stores anything and never shows anything: rows.c and present.c do.
 */
#include "tests/whsim/webhook.h"

#include <string.h>

#include "tests/whsim/buf.h"

const char *const wh_webhook_members[] = {
	"whname",    "whcomment", "applicationId", "municipalityId", "callbackUrl",
	"processes", NULL};

bool
wh_webhook_is_documented(const char *member)
{
	for (size_t i = 0; wh_webhook_members[i]; i++) {
		if (!strcmp(wh_webhook_members[i], member))
			return true;
	}
	return false;
}

static bool
member_is_list(const char *member)
{
	return !strcmp(member, "processes");
}

static bool
is_list_of_texts(const json_t *value)
{
	size_t i;
	json_t *element;

	if (!json_is_array(value))
		return false;
	json_array_foreach(value, i, element)
	{
		if (!json_is_string(element))
			return false;
	}
	return true;
}

static void
complain(json_t *errors, const char *member, const char *what)
{
	struct wh_buf text = {0};

	wh_buf_format(&text, "The %s field %s.", member, what);
	json_object_set_new(errors, member, json_pack("[s]", text.data));
	wh_buf_free(&text);
}

static void
check_member(json_t *errors, const char *member, const json_t *value,
	     const struct wh_switches *sw)
{
	if (!value && sw->require_all_six)
		complain(errors, member, "is required");
	else if (!value)
		return;
	else if (member_is_list(member) && !is_list_of_texts(value))
		complain(errors, member, "must be an array of strings");
	else if (!member_is_list(member) && !json_is_string(value))
		complain(errors, member, "must be a string");
}

json_t *
wh_webhook_check(json_t *body, const struct wh_switches *sw)
{
	json_t *errors = json_object();
	const char *name;
	json_t *value;

	for (size_t i = 0; wh_webhook_members[i]; i++) {
		const char *member = wh_webhook_members[i];

		check_member(errors, member, json_object_get(body, member), sw);
	}
	json_object_foreach(body, name, value)
	{
		if (sw->request_unknown == REQUEST_UNKNOWN_REFUSE &&
		    !wh_webhook_is_documented(name))
			complain(errors, name, "is not known");
	}
	if (json_object_size(errors))
		return errors;
	json_decref(errors);
	return NULL;
}

static json_t *
text_trimmed(const json_t *value)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);

	while (len && text[0] == ' ') {
		text++;
		len--;
	}
	while (len && text[len - 1] == ' ')
		len--;
	return json_stringn(text, len);
}

/* ASCII only: a server that rewrites text rarely does better. */
static json_t *
text_cased(const json_t *value, bool upper)
{
	struct wh_buf text = {0};
	json_t *out;

	wh_buf_text(&text, json_string_value(value));
	for (size_t i = 0; i < text.len; i++) {
		char c = text.data[i];

		if (upper && c >= 'a' && c <= 'z')
			text.data[i] = (char)(c - 32);
		else if (!upper && c >= 'A' && c <= 'Z')
			text.data[i] = (char)(c + 32);
	}
	out = json_stringn(text.data ? text.data : "", text.len);
	wh_buf_free(&text);
	return out;
}

static json_t *
text_slashed(const json_t *value)
{
	const char *text = json_string_value(value);
	size_t len = json_string_length(value);

	if (len && text[len - 1] == '/')
		return json_stringn(text, len);
	return json_sprintf("%s/", text);
}

static json_t *
list_sorted(const json_t *list)
{
	json_t *set = json_object();
	json_t *out = json_array();
	size_t i;
	json_t *element;

	json_array_foreach(list, i, element)
		json_object_set(set, json_string_value(element), element);
	while (json_object_size(set)) {
		const char *least = NULL;
		const char *name;
		json_t *value;

		json_object_foreach(set, name, value)
		{
			if (!least || strcmp(name, least) < 0)
				least = name;
		}
		json_array_append(out, json_object_get(set, least));
		json_object_del(set, least);
	}
	json_decref(set);
	return out;
}

static json_t *
normal_text(const char *member, const json_t *value, const struct wh_switches *sw)
{
	bool is_url = !strcmp(member, "callbackUrl");
	bool is_guid = strstr(member, "Id") != NULL;

	switch (sw->normalise) {
	case NORMALISE_TRIM:
		return text_trimmed(value);
	case NORMALISE_URL_LOWER:
		return is_url ? text_cased(value, false) : json_deep_copy(value);
	case NORMALISE_URL_SLASH:
		return is_url ? text_slashed(value) : json_deep_copy(value);
	case NORMALISE_GUID_LOWER:
		return is_guid ? text_cased(value, false) : json_deep_copy(value);
	case NORMALISE_COMMENT_UPPER:
		return !strcmp(member, "whcomment") ? text_cased(value, true)
						    : json_deep_copy(value);
	case NORMALISE_SORT_PROCESSES:
	case NORMALISE_NONE:
		break;
	}
	return json_deep_copy(value);
}

static json_t *
normal_value(const char *member, const json_t *value, const struct wh_switches *sw)
{
	if (json_is_string(value))
		return normal_text(member, value, sw);
	if (is_list_of_texts(value) && sw->normalise == NORMALISE_SORT_PROCESSES)
		return list_sorted(value);
	return json_deep_copy(value);
}

static json_t *
empty_value(const char *member)
{
	return member_is_list(member) ? json_array() : json_string("");
}

/* Adds the undocumented members of `from`, except an id of its own. */
static void
add_others(json_t *out, json_t *from)
{
	const char *name;
	json_t *value;

	json_object_foreach(from, name, value)
	{
		if (wh_webhook_is_documented(name) || !strcmp(name, "whid"))
			continue;
		json_object_set_new(out, name, json_deep_copy(value));
	}
}

static json_t *
composed_member(const char *member, const json_t *old, const json_t *body,
		const struct wh_switches *sw)
{
	const json_t *value = json_object_get(body, member);

	if (value)
		return normal_value(member, value, sw);
	if (sw->patch_semantics == PATCH_SEMANTICS_MERGE)
		value = json_object_get(old, member);
	return value ? json_deep_copy(value) : empty_value(member);
}

json_t *
wh_webhook_compose(const char *id, json_t *old, json_t *body, const struct wh_switches *sw)
{
	json_t *out = json_pack("{s:s}", "whid", id);

	for (size_t i = 0; wh_webhook_members[i]; i++) {
		const char *member = wh_webhook_members[i];

		json_object_set_new(out, member, composed_member(member, old, body, sw));
	}
	if (!sw->patch_drops_unknown)
		add_others(out, old);
	if (sw->request_unknown == REQUEST_UNKNOWN_STORE)
		add_others(out, body);
	return out;
}

json_t *
wh_webhook_canonical(const char *id, json_t *object)
{
	json_t *out = json_pack("{s:s}", "whid", id);

	for (size_t i = 0; wh_webhook_members[i]; i++) {
		const char *member = wh_webhook_members[i];
		json_t *value = json_object_get(object, member);

		json_object_set_new(out, member,
				    value ? json_deep_copy(value) : empty_value(member));
	}
	add_others(out, object);
	return out;
}

void
wh_webhook_add_unknown(json_t *object, size_t number)
{
	json_t *more = json_pack(
		"{s:[s,s], s:b, s:n, s:f, s:I, s:i, s:{s:s, s:[{s:i},{s:b}]}, "
		"s:s, s:s}",
		"eventTypes", "created", "statusChanged", "isActive", 1, "disabledAt", "weight",
		12.5, "sequence", (json_int_t)9007199254740993, "version", (int)(number % 7),
		"audit", "createdBy", "portal", "trail", "step", 1, "final", 0, "umlaut",
		"Gr\xc3\xbc\xc3\x9f"
		"e \xe2\x82\xac \xf0\x9f\x93\xae",
		"ETag", "\"0x8D\\slash\"");

	json_object_update_missing(object, more);
	json_decref(more);
}
