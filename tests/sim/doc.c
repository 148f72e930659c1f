/* SPDX-License-Identifier: MIT */
/* Webhooks of the model: reading, comparing, tidying. */
#include "tests/sim/doc.h"

#include <ctype.h>
#include <stdio.h>

void
sim_text_set(char to[SIM_TEXT], struct wh_str value)
{
	size_t n = value.n < SIM_TEXT ? value.n : SIM_TEXT - 1;

	memset(to, 0, SIM_TEXT);
	if (n)
		memcpy(to, value.p, n);
}

/* ---------------------------------------------------------------- comparing -- */

static struct wh_str
trimmed(const char *c)
{
	struct wh_str s = wh_str_c(c);

	while (s.n && s.p[0] == ' ')
		s = wh_str(s.p + 1, s.n - 1);
	while (s.n && s.p[s.n - 1] == ' ')
		s.n--;
	return s;
}

static bool
is_guid(struct wh_str s)
{
	if (s.n != 36)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s.p[i] != '-' : !isxdigit((unsigned char)s.p[i]))
			return false;
	}
	return true;
}

/* How many bytes at the start of s have no case. */
static size_t
caseless(struct wh_str s)
{
	const char *host = s.n ? memmem(s.p, s.n, "://", 3) : NULL;

	if (is_guid(s))
		return s.n;
	if (!host)
		return 0;

	size_t at = (size_t)(host - s.p) + 3;
	const char *path = memchr(s.p + at, '/', s.n - at);

	return path ? (size_t)(path - s.p) : s.n;
}

bool
sim_text_same(const char *a, const char *b)
{
	struct wh_str l = trimmed(a), r = trimmed(b);
	size_t folded = caseless(l);

	if (l.n != r.n)
		return false;
	for (size_t i = 0; i < l.n; i++) {
		bool same = l.p[i] == r.p[i];

		if (i < folded)
			same = tolower((unsigned char)l.p[i]) == tolower((unsigned char)r.p[i]);
		if (!same)
			return false;
	}
	return true;
}

bool
sim_doc_has_item(const struct sim_doc *d, const char *item)
{
	for (unsigned i = 0; i < d->n_items; i++)
		if (sim_text_same(d->item[i], item))
			return true;
	return false;
}

void
sim_doc_add_item(struct sim_doc *d, const char *item)
{
	if (sim_doc_has_item(d, item) || d->n_items == SIM_ITEMS)
		return;
	snprintf(d->item[d->n_items++], SIM_ITEM, "%s", item);
}

void
sim_doc_drop_item(struct sim_doc *d, const char *item)
{
	for (unsigned i = 0; i < d->n_items; i++)
		if (sim_text_same(d->item[i], item)) {
			memmove(d->item[i], d->item[d->n_items - 1], SIM_ITEM);
			d->n_items--;
			return;
		}
}

static bool
same_items(const struct sim_doc *a, const struct sim_doc *b)
{
	for (unsigned i = 0; i < a->n_items; i++)
		if (!sim_doc_has_item(b, a->item[i]))
			return false;
	return a->n_items == b->n_items;
}

uint32_t
sim_doc_diff(const struct sim_doc *a, const struct sim_doc *b)
{
	uint32_t diff = 0;

	for (unsigned f = 0; f < WH_F_COUNT; f++) {
		bool same =
			f == SIM_SET ? same_items(a, b) : sim_text_same(a->text[f], b->text[f]);

		diff |= same ? 0 : 1u << f;
	}
	return diff;
}

/* ------------------------------------------------------------------ reading -- */

static bool
items_from_json(struct sim_doc *d, const json_t *list)
{
	size_t i;
	json_t *item;

	if (!json_is_array(list))
		return false;
	json_array_foreach(list, i, item)
	{
		if (!json_is_string(item))
			return false;
		sim_doc_add_item(d, json_string_value(item));
	}
	return true;
}

static void
keep_member(struct sim_doc *d, unsigned f, const struct sim_doc *under)
{
	if (f == SIM_SET) {
		memcpy(d->item, under->item, sizeof(d->item));
		d->n_items = under->n_items;
	} else {
		memcpy(d->text[f], under->text[f], SIM_TEXT);
	}
}

static bool
read_members(struct sim_doc *d, const json_t *o, const struct sim_doc *under)
{
	for (unsigned f = 0; f < WH_F_COUNT; f++) {
		const json_t *v = json_object_get(o, wh_fields[f].name);

		if (!v && under) {
			keep_member(d, f, under);
		} else if (f == SIM_SET) {
			if (!items_from_json(d, v))
				return false;
		} else if (json_is_string(v)) {
			sim_text_set(d->text[f], wh_str_c(json_string_value(v)));
		} else {
			return false;
		}
	}
	return true;
}

bool
sim_doc_from_json(struct sim_doc *d, struct wh_str json, const struct sim_doc *under)
{
	json_t *o = json_loadb(json.p, json.n, JSON_REJECT_DUPLICATES, NULL);
	bool good = json_is_object(o);

	*d = (struct sim_doc){0};
	if (good)
		good = read_members(d, o, under);
	json_decref(o);
	return good;
}

static void
items_from_pack(struct sim_doc *d, const msgpack_object *list)
{
	char item[SIM_ITEM];
	struct wh_str text;

	for (uint32_t i = 0; i < list->via.array.size; i++)
		if (wh_obj_str(&list->via.array.ptr[i], &text)) {
			snprintf(item, sizeof(item), "%.*s", WH_STR_FMT(text));
			sim_doc_add_item(d, item);
		}
}

bool
sim_doc_from_pack(struct sim_doc *d, struct wh_str body)
{
	struct wh_tree t;

	*d = (struct sim_doc){0};
	if (wh_unpack(&t, body, NULL))
		return false;
	for (unsigned f = 0; f < WH_F_COUNT; f++) {
		const msgpack_object *v = wh_obj_get(&t.root, wh_fields[f].name);
		struct wh_str text;

		if (f == SIM_SET && v && v->type == MSGPACK_OBJECT_ARRAY)
			items_from_pack(d, v);
		else if (f != SIM_SET && v && wh_obj_str(v, &text))
			sim_text_set(d->text[f], text);
	}

	bool map = t.root.type == MSGPACK_OBJECT_MAP;

	wh_tree_fini(&t);
	return map;
}

/* ------------------------------------------------------------------ tidying -- */

void
sim_doc_tidy(struct sim_doc *d)
{
	for (unsigned f = 0; f < WH_F_COUNT; f++) {
		char copy[SIM_TEXT];
		struct wh_str s;

		memcpy(copy, d->text[f], SIM_TEXT);
		s = trimmed(copy);
		sim_text_set(d->text[f], s);
		s = wh_str_c(d->text[f]);
		for (size_t i = 0; i < caseless(s); i++)
			d->text[f][i] = (char)tolower((unsigned char)d->text[f][i]);
	}
}
