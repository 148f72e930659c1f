/* SPDX-License-Identifier: MIT */
/*
 * How the simulated API shows a row: see present.h.
 *
 * Called for each row of a reply with the simulator's lock held.  A row that
 * no switch bends is copied as it is stored; that is what makes lists of
 * 100,000 rows cheap.  It never changes a stored row.
 */
#include "tests/whsim/present.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "tests/whsim/ident.h"
#include "tests/whsim/mem.h"
#include "tests/whsim/webhook.h"

enum { PRESENT_NUMBER_DIGITS = 18, PRESENT_NAME_MAX = 64 };

static bool
shows_plain(const struct wh_present *show)
{
	const struct wh_switches *sw = show->sw;

	return show->members == MEMBERS_ALL && !strcmp(sw->id_name, "whid") &&
	       sw->id_type != ID_TYPE_NUMBER && sw->id_type != ID_TYPE_GUID_UPPER &&
	       sw->name_case == NAME_CASE_DOCUMENTED &&
	       sw->processes_shape == PROCESSES_SHAPE_STRINGS &&
	       sw->empty_text == EMPTY_TEXT_TEXT && sw->member_order == MEMBER_ORDER_STORED &&
	       !sw->volatile_member && !sw->duplicate_keys && !sw->pretty && !sw->ascii_only;
}

static bool
is_number(const char *id)
{
	size_t len = strlen(id);

	return len && len <= PRESENT_NUMBER_DIGITS && *id != '0' &&
	       strspn(id, "0123456789") == len;
}

json_t *
wh_present_id(const struct wh_switches *sw, const char *id)
{
	char upper[WH_IDENT_GUID_SIZE];
	size_t len = strlen(id);

	if (sw->id_type == ID_TYPE_NUMBER && is_number(id))
		return json_integer(strtoll(id, NULL, 10));
	if (sw->id_type != ID_TYPE_GUID_UPPER || len >= sizeof(upper))
		return json_string(id);
	for (size_t i = 0; i <= len; i++)
		upper[i] = (char)toupper((unsigned char)id[i]);
	return json_string(upper);
}

static void
cased_name(const char *name, enum wh_name_case name_case, char ret_name[PRESENT_NAME_MAX])
{
	size_t i;

	for (i = 0; name[i] && i < PRESENT_NAME_MAX - 1; i++) {
		unsigned char c = (unsigned char)name[i];

		if (name_case == NAME_CASE_LOWER)
			c = (unsigned char)tolower(c);
		else if (name_case == NAME_CASE_UPPER ||
			 (name_case == NAME_CASE_PASCAL && i == 0))
			c = (unsigned char)toupper(c);
		ret_name[i] = (char)c;
	}
	ret_name[i] = '\0';
}

static json_t *
processes_as_objects(json_t *list)
{
	json_t *out = json_array();
	size_t i;
	json_t *id;

	json_array_foreach(list, i, id)
		json_array_append_new(out, json_pack("{s:O}", "processId", id));
	return out;
}

static json_t *
processes_as_text(json_t *list)
{
	struct wh_buf text = {0};
	json_t *out;
	size_t i;
	json_t *id;

	json_array_foreach(list, i, id)
	{
		const char *one = json_string_value(id);

		wh_buf_text(&text, i ? "," : "");
		wh_buf_text(&text, one ? one : "");
	}
	out = json_stringn(text.data ? text.data : "", text.len);
	wh_buf_free(&text);
	return out;
}

/* Returns a new value, or NULL if the member is to be left out. */
static json_t *
shown_processes(const struct wh_switches *sw, json_t *list)
{
	if (!json_is_array(list))
		return json_incref(list);
	switch (sw->processes_shape) {
	case PROCESSES_SHAPE_OBJECTS:
		return processes_as_objects(list);
	case PROCESSES_SHAPE_COMMA:
		return processes_as_text(list);
	case PROCESSES_SHAPE_NULL_IF_EMPTY:
		return json_array_size(list) ? json_incref(list) : json_null();
	case PROCESSES_SHAPE_ABSENT_IF_EMPTY:
		return json_array_size(list) ? json_incref(list) : NULL;
	case PROCESSES_SHAPE_STRINGS:
		break;
	}
	return json_incref(list);
}

/* Returns a new value, or NULL if the member is to be left out. */
static json_t *
shown_text(const struct wh_switches *sw, json_t *text)
{
	if (!json_is_string(text) || json_string_length(text))
		return json_incref(text);
	switch (sw->empty_text) {
	case EMPTY_TEXT_NULL:
		return json_null();
	case EMPTY_TEXT_ABSENT:
		return NULL;
	case EMPTY_TEXT_TEXT:
		break;
	}
	return json_incref(text);
}

struct wh_present
wh_present_begin(const struct wh_switches *sw, bool list, uint64_t serial)
{
	bool whole = sw->members_in == (list ? MEMBERS_IN_ROWS : MEMBERS_IN_LISTS);

	return (struct wh_present){sw, whole ? MEMBERS_ALL : sw->members, serial};
}

static bool
is_shown(enum wh_members members, const char *name)
{
	switch (members) {
	case MEMBERS_SUMMARY:
		return !strcmp(name, "whname") || !strcmp(name, "applicationId");
	case MEMBERS_NO_PROCESSES:
		return strcmp(name, "processes") != 0;
	case MEMBERS_ALL:
		break;
	}
	return true;
}

static void
show_member(const struct wh_present *show, const char *name, json_t *value, json_t *out)
{
	const struct wh_switches *sw = show->sw;
	char cased[PRESENT_NAME_MAX];
	json_t *shown;

	if (!strcmp(name, "whid") && json_is_string(value)) {
		shown = wh_present_id(sw, json_string_value(value));
		json_object_set_new(out, sw->id_name, shown);
		return;
	}
	if (!wh_webhook_is_documented(name)) {
		json_object_set(out, name, value);
		return;
	}
	if (!is_shown(show->members, name))
		return;
	shown = strcmp(name, "processes") ? shown_text(sw, value) : shown_processes(sw, value);
	if (!shown)
		return;
	cased_name(name, sw->name_case, cased);
	json_object_set_new(out, cased, shown);
}

/* Returns `object` with its members turned round; consumes it. */
static json_t *
reordered(const struct wh_present *show, json_t *object)
{
	size_t count = json_object_size(object);
	uint64_t state = show->serial;
	const char **names = wh_mem_new(count * sizeof(*names));
	json_t *out = json_object();
	size_t first = 0;
	const char *name;
	json_t *value;
	size_t n = 0;

	if (show->sw->member_order == MEMBER_ORDER_STORED || count == 0) {
		free(names);
		json_decref(out);
		return object;
	}
	json_object_foreach(object, name, value) names[n++] = name;
	if (show->sw->member_order == MEMBER_ORDER_BY_REQUEST)
		first = wh_ident_below(&state, count);
	for (n = 0; n < count; n++) {
		name = names[(first + count - 1 - n) % count];
		json_object_set(out, name, json_object_get(object, name));
	}
	free(names);
	json_decref(object);
	return out;
}

static void
double_whname(struct wh_buf *text, size_t start)
{
	static const char extra[] = "\"whname\":\"not this one\",";

	wh_buf_insert(text, start + 1, extra, sizeof(extra) - 1);
}

static size_t
json_flags(const struct wh_switches *sw)
{
	size_t flags = sw->pretty ? JSON_INDENT(2) : JSON_COMPACT;

	return sw->ascii_only ? flags | JSON_ENSURE_ASCII : flags;
}

void
wh_present_object(const struct wh_present *show, json_t *object, struct wh_buf *ret_text)
{
	size_t start = ret_text->len;
	json_t *out = json_object();
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value) show_member(show, name, value, out);
	if (show->sw->volatile_member)
		json_object_set_new(out, "servedAs", json_integer((json_int_t)show->serial));
	out = reordered(show, out);
	wh_buf_json(ret_text, out, json_flags(show->sw));
	if (show->sw->duplicate_keys && json_object_get(out, "whname"))
		double_whname(ret_text, start);
	json_decref(out);
}

void
wh_present_row(const struct wh_present *show, const struct wh_row *row, struct wh_buf *ret_text)
{
	json_t *object;

	if (shows_plain(show)) {
		wh_buf_add(ret_text, row->text, row->len);
		return;
	}
	object = wh_rows_object(row);
	wh_present_object(show, object, ret_text);
	json_decref(object);
}
