/* SPDX-License-Identifier: MIT */
/*
 * The documented members of a webhook: finding, checking, writing them, and
 * putting a change over a stored row without losing what it does not know.
 *
 * Handlers, the core and the client of the upstream call it, on any thread.
 * It never interprets an unknown member and never drops one.
 */
#include "proto/nearest.h"
#include "proto/record.h"

#define SHOWN_MAX 64 /* bytes of a foreign name repeated in a sentence */
#define WHID "whid"

const struct wh_field_info wh_fields[WH_F_COUNT] = {
#define WH_FIELD(id, name, type, max, option, help) {name, WH_FT_##type, max, option, help},
#include "proto/fields.def"
#undef WH_FIELD
};

enum wh_field
wh_field_by_name(struct wh_str name)
{
	unsigned f = 0;

	while (f < WH_F_COUNT && !wh_str_is(name, wh_fields[f].name))
		f++;
	return (enum wh_field)f;
}

bool
wh_whid_valid(struct wh_str s)
{
	return s.n > 0 && s.n <= WH_WHID_MAX && wh_utf8_valid(s) && !wh_str_has_control(s);
}

static bool
is_text_array(const msgpack_object *o)
{
	struct wh_str text;

	if (o->type != MSGPACK_OBJECT_ARRAY)
		return false;
	for (uint32_t i = 0; i < o->via.array.size; i++)
		if (!wh_obj_str(&o->via.array.ptr[i], &text))
			return false;
	return true;
}

static bool
view_member(struct wh_record *r, enum wh_field f, const msgpack_object *o)
{
	if (wh_fields[f].type != WH_FT_SET)
		return wh_obj_str(o, &r->text[f]);
	if (!is_text_array(o))
		return false;
	r->set[f] = o;
	return true;
}

void
wh_record_view(const msgpack_object *map, struct wh_record *ret)
{
	*ret = (struct wh_record){0};
	for (unsigned f = 0; f < WH_F_COUNT; f++) {
		const msgpack_object *o = wh_obj_get(map, wh_fields[f].name);

		if (o && view_member(ret, (enum wh_field)f, o))
			ret->seen |= 1u << f;
		else if (o && !wh_obj_is_nil(o))
			ret->odd[f] = o;
	}
}

/* Free text may have lines and tabs; nothing else may hold control characters. */
static bool
has_foul_control(struct wh_str s, bool lines)
{
	size_t start = 0;

	for (size_t i = 0; lines && i < s.n; i++) {
		if (s.p[i] != '\n' && s.p[i] != '\t' && s.p[i] != '\r')
			continue;
		if (wh_str_has_control(wh_str(s.p + start, i - start)))
			return true;
		start = i + 1;
	}
	return wh_str_has_control(wh_str(s.p + start, s.n - start));
}

/* What is wrong with the bytes of a text of at most max bytes; NULL if nothing. */
static const char *
text_flaw(struct wh_str s, size_t max, bool lines)
{
	if (s.n > max)
		return "too long";
	if (!wh_utf8_valid(s))
		return "not valid UTF-8";
	if (has_foul_control(s, lines))
		return "not printable: it holds a control character";
	return NULL;
}

static int
check_text(const struct wh_field_info *field, const msgpack_object *o, struct wh_buf *why)
{
	struct wh_str s;

	if (!wh_obj_str(o, &s)) {
		wh_buf_printf(why, "%s is not a string: send it as text", field->name);
		return WH_EINVAL;
	}
	if (s.n == 0 && field->type != WH_FT_TEXT) {
		wh_buf_printf(why, "%s is empty: give the %s", field->name, field->help);
		return WH_EINVAL;
	}
	const char *flaw = text_flaw(s, field->max, field->type == WH_FT_TEXT);

	if (!flaw)
		return 0;
	wh_buf_printf(why,
		      "%s is %s: send at most %zu bytes of UTF-8 without control characters",
		      field->name, flaw, field->max);
	return WH_EINVAL;
}

/* Sets are small enough (WH_SET_MAX) to compare each item with those before. */
static bool
item_repeats(const msgpack_object *items, uint32_t i)
{
	for (uint32_t j = 0; j < i; j++)
		if (wh_obj_eq(&items[i], &items[j]))
			return true;
	return false;
}

static const char *
item_flaw(const struct wh_field_info *field, const msgpack_object *items, uint32_t i)
{
	struct wh_str s;

	if (!wh_obj_str(&items[i], &s))
		return "not a string";
	if (s.n == 0)
		return "empty";
	if (item_repeats(items, i))
		return "the same as one before it";
	return text_flaw(s, field->max, false);
}

static int
check_set(const struct wh_field_info *field, const msgpack_object *o, struct wh_buf *why)
{
	if (o->type != MSGPACK_OBJECT_ARRAY) {
		wh_buf_printf(why, "%s is not a list: send a list of strings", field->name);
		return WH_EINVAL;
	}
	uint32_t n = o->via.array.size;

	if (n > WH_SET_MAX) {
		wh_buf_printf(why, "%s holds %u items: send at most %d", field->name, n,
			      WH_SET_MAX);
		return WH_EINVAL;
	}
	for (uint32_t i = 0; i < n; i++) {
		const char *flaw = item_flaw(field, o->via.array.ptr, i);

		if (!flaw)
			continue;
		wh_buf_printf(why,
			      "item %u of %s is %s: send each once, as 1 to %zu bytes of UTF-8 "
			      "without control characters",
			      i + 1, field->name, flaw, field->max);
		return WH_EINVAL;
	}
	return 0;
}

int
wh_record_validate(const msgpack_object *map, struct wh_buf *why)
{
	for (unsigned f = 0; f < WH_F_COUNT; f++) {
		const struct wh_field_info *field = &wh_fields[f];
		const msgpack_object *o = wh_obj_get(map, field->name);
		int r = 0;

		if (o)
			r = field->type == WH_FT_SET ? check_set(field, o, why)
						     : check_text(field, o, why);
		if (r)
			return r;
	}
	return 0;
}

static int
say_unknown(struct wh_str key, struct wh_buf *why)
{
	struct wh_nearest nearest = wh_nearest_begin(key);

	if (wh_str_is(key, WHID)) {
		wh_buf_c(why, "the member whid cannot be set: the upstream chooses it");
		return WH_EINVAL;
	}
	for (unsigned f = 0; f < WH_F_COUNT; f++)
		wh_nearest_offer(&nearest, wh_fields[f].name);
	wh_buf_c(why, "a webhook has no member \"");
	wh_buf_printable(why, key, SHOWN_MAX);
	wh_buf_c(why, "\" that can be set: ");
	if (nearest.name) {
		wh_buf_printf(why, "did you mean \"%s\"?", nearest.name);
		return WH_EINVAL;
	}
	wh_buf_c(why, "there are ");
	for (unsigned f = 0; f < WH_F_COUNT; f++)
		wh_buf_printf(why, "%s%s", f ? ", " : "", wh_fields[f].name);
	return WH_EINVAL;
}

int
wh_record_check_names(const msgpack_object *map, struct wh_buf *why)
{
	if (!map || map->type != MSGPACK_OBJECT_MAP) {
		wh_buf_c(why, "the members are not a map: send them by name");
		return WH_EINVAL;
	}
	for (uint32_t i = 0; i < map->via.map.size; i++) {
		struct wh_str key = WH_STR_NULL;

		wh_obj_str(&map->via.map.ptr[i].key, &key);
		if (wh_field_by_name(key) == WH_F_COUNT)
			return say_unknown(key, why);
	}
	return 0;
}

/* Text goes out as str, also where it came in as bin. */
static void
pack_set(struct wh_buf *b, const msgpack_object *set)
{
	wh_pack_array(b, set->via.array.size);
	for (uint32_t i = 0; i < set->via.array.size; i++) {
		struct wh_str item;

		if (wh_obj_str(&set->via.array.ptr[i], &item))
			wh_pack_str(b, item);
		else
			wh_pack_object(b, &set->via.array.ptr[i]);
	}
}

static void
pack_member(struct wh_buf *b, const struct wh_record *r, enum wh_field f)
{
	wh_pack_c(b, wh_fields[f].name);
	if (wh_fields[f].type == WH_FT_SET)
		pack_set(b, r->set[f]);
	else
		wh_pack_str(b, r->text[f]);
}

void
wh_record_pack(struct wh_buf *b, const struct wh_record *r)
{
	size_t place = wh_pack_open_map(b), n = 0;

	for (unsigned f = 0; f < WH_F_COUNT; f++) {
		if (wh_record_has(r, (enum wh_field)f))
			pack_member(b, r, (enum wh_field)f);
		else if (r->odd[f]) {
			wh_pack_c(b, wh_fields[f].name);
			wh_pack_object(b, r->odd[f]);
		} else
			continue;
		n++;
	}
	wh_pack_close_map(b, place, n);
}

/* The new whid, or the one of base as it is. Returns members written. */
static size_t
patch_whid(struct wh_buf *b, const msgpack_object *base, struct wh_str whid)
{
	const msgpack_object *old = wh_obj_get(base, WHID);

	if (whid.n) {
		wh_pack_kv_str(b, WHID, whid);
		return 1;
	}
	if (!old)
		return 0;
	wh_pack_c(b, WHID);
	wh_pack_object(b, old);
	return 1;
}

/* A member that is not changed is copied even if its type is not ours. */
static size_t
patch_member(struct wh_buf *b, const msgpack_object *base, const struct wh_record *change,
	     enum wh_field f)
{
	const msgpack_object *old = wh_obj_get(base, wh_fields[f].name);

	if (wh_record_has(change, f)) {
		pack_member(b, change, f);
		return 1;
	}
	if (!old)
		return 0;
	wh_pack_c(b, wh_fields[f].name);
	wh_pack_object(b, old);
	return 1;
}

static size_t
copy_unknown(struct wh_buf *b, const msgpack_object *base)
{
	size_t n = 0;

	for (uint32_t i = 0; i < base->via.map.size; i++) {
		const msgpack_object_kv *pair = &base->via.map.ptr[i];
		struct wh_str key;

		if (!wh_obj_str(&pair->key, &key) || wh_str_is(key, WHID) ||
		    wh_field_by_name(key) != WH_F_COUNT)
			continue;
		wh_pack_str(b, key);
		wh_pack_object(b, &pair->val);
		n++;
	}
	return n;
}

void
wh_record_patch(struct wh_buf *b, const msgpack_object *base, const struct wh_record *change,
		struct wh_str whid)
{
	size_t place = wh_pack_open_map(b);
	size_t n = patch_whid(b, base, whid);

	for (unsigned f = 0; f < WH_F_COUNT; f++)
		n += patch_member(b, base, change, (enum wh_field)f);
	if (base && base->type == MSGPACK_OBJECT_MAP)
		n += copy_unknown(b, base);
	wh_pack_close_map(b, place, n);
}
