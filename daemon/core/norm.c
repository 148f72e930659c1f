/* SPDX-License-Identifier: MIT */
/*
 * Normal form of the documented members, and equality of stored webhooks.
 *
 * Text is trimmed and GUIDs lose their case. A url also loses the case of its
 * scheme and host, its default port and a "/" that is its whole path. A set
 * has no order. Absent, null and "" are one value. Comparing allocates for
 * sets only; where memory is short two values count as different, which the
 * callers take for "look again" or "ask a person", never for "send".
 *
 * Called by merge, observe, sched's callers and the list reader, on any thread.
 */
#include <xxhash.h>

#include "daemon/core/norm.h"
#include "daemon/core/set.h"

/* ------------------------------------------------------------------ url -- */

/* Parts of a url that differ in how they compare; all borrow from it. */
struct url {
	struct wh_str scheme; /* any case; empty if the text is no url */
	struct wh_str user;   /* with its '@', as it is */
	struct wh_str host;   /* any case */
	struct wh_str port;   /* with its ':', empty if it is the default */
	struct wh_str rest;   /* path, query and fragment, as they are */
};

static bool
is_scheme_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '+' || c == '-' || c == '.';
}

/* Cuts s before index n: the head is returned, *s keeps the tail. */
static struct wh_str
cut(struct wh_str *s, size_t n)
{
	struct wh_str head = wh_str(s->p, n);

	*s = wh_str(s->p + n, s->n - n);
	return head;
}

static size_t
scheme_length(struct wh_str s)
{
	size_t n = 0;

	while (n < s.n && is_scheme_char(s.p[n]))
		n++;
	return n > 0 && s.n - n >= 3 && memcmp(s.p + n, "://", 3) == 0 ? n : 0;
}

static size_t
authority_length(struct wh_str s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] != '/' && s.p[n] != '?' && s.p[n] != '#')
		n++;
	return n;
}

/* Where the port's ':' is, or s.n. A ':' inside the brackets of an IPv6 address is none. */
static size_t
host_length(struct wh_str s)
{
	for (size_t n = s.n; n > 0 && s.p[n - 1] != ']'; n--) {
		if (s.p[n - 1] == ':')
			return n - 1;
	}
	return s.n;
}

static size_t
user_length(struct wh_str s)
{
	size_t n = s.n;

	while (n > 0 && s.p[n - 1] != '@')
		n--;
	return n;
}

static bool
is_default_port(struct wh_str scheme, struct wh_str port)
{
	return wh_str_is(port, ":") ||
	       (wh_str_ieq(scheme, WH_STR("http")) && wh_str_is(port, ":80")) ||
	       (wh_str_ieq(scheme, WH_STR("https")) && wh_str_is(port, ":443"));
}

static struct url
url_split(struct wh_str s)
{
	struct url u = {0};
	size_t n = scheme_length(s);

	if (n == 0) {
		u.rest = s;
		return u;
	}
	u.scheme = cut(&s, n);
	cut(&s, 3);

	struct wh_str authority = cut(&s, authority_length(s));

	u.user = cut(&authority, user_length(authority));
	u.host = cut(&authority, host_length(authority));
	if (!is_default_port(u.scheme, authority))
		u.port = authority;

	bool bare = s.n && s.p[0] == '/' && (s.n == 1 || s.p[1] == '?' || s.p[1] == '#');

	if (bare)
		cut(&s, 1);
	u.rest = s;
	return u;
}

static bool
url_eq(struct wh_str a, struct wh_str b)
{
	struct url l = url_split(wh_set_trim(a));
	struct url r = url_split(wh_set_trim(b));

	return wh_str_ieq(l.scheme, r.scheme) && wh_str_eq(l.user, r.user) &&
	       wh_str_ieq(l.host, r.host) && wh_str_eq(l.port, r.port) &&
	       wh_str_eq(l.rest, r.rest);
}

static void
add_folded(struct wh_buf *out, struct wh_str s)
{
	char *to = wh_buf_room(out, s.n);

	for (size_t i = 0; to && i < s.n; i++)
		to[i] = (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] | 0x20 : s.p[i]);
	out->n += to ? s.n : 0;
}

static void
add_url(struct wh_buf *out, struct wh_str s)
{
	struct url u = url_split(s);

	add_folded(out, u.scheme);
	if (u.scheme.n)
		wh_buf_c(out, "://");
	wh_buf_str(out, u.user);
	add_folded(out, u.host);
	wh_buf_str(out, u.port);
	wh_buf_str(out, u.rest);
}

/* -------------------------------------------------------------- members -- */

void
wh_norm_text(struct wh_buf *out, enum wh_field f, struct wh_str value)
{
	struct wh_str s = wh_set_trim(value);

	if (wh_fields[f].type == WH_FT_URL)
		add_url(out, s);
	else if (wh_str_is_guid(s))
		add_folded(out, s);
	else
		wh_buf_str(out, s);
}

static uint32_t
array_size(const msgpack_object *o)
{
	return o && o->type == MSGPACK_OBJECT_ARRAY ? o->via.array.size : 0;
}

/* The same items in the same order: the usual case, and it needs no memory. */
static bool
arrays_same(const msgpack_object *a, const msgpack_object *b)
{
	if (array_size(a) != array_size(b))
		return false;
	for (uint32_t i = 0; i < array_size(a); i++) {
		struct wh_str l, r;

		if (!wh_obj_str(&a->via.array.ptr[i], &l) ||
		    !wh_obj_str(&b->via.array.ptr[i], &r))
			return false;
		if (!wh_str_eq(l, r))
			return false;
	}
	return true;
}

static bool
sets_eq(const msgpack_object *a, const msgpack_object *b, enum wh_set_form form)
{
	WH_CLEANUP(wh_set_fini) struct wh_set l = WH_SET_NULL;
	WH_CLEANUP(wh_set_fini) struct wh_set r = WH_SET_NULL;

	if (arrays_same(a, b))
		return true;
	if (wh_set_init(&l, a, form) || wh_set_init(&r, b, form))
		return false;
	return wh_set_eq(&l, &r);
}

static struct wh_str
text_of(enum wh_field f, const struct wh_record *r)
{
	return wh_record_has(r, f) ? r->text[f] : WH_STR_NULL;
}

static const msgpack_object *
set_of(enum wh_field f, const struct wh_record *r)
{
	return wh_record_has(r, f) ? r->set[f] : NULL;
}

bool
wh_norm_field_eq(enum wh_field f, const struct wh_record *a, const struct wh_record *b)
{
	if (a->odd[f] || b->odd[f])
		return a->odd[f] && b->odd[f] && wh_obj_eq(a->odd[f], b->odd[f]);
	switch (wh_fields[f].type) {
	case WH_FT_TEXT:
	case WH_FT_NAME:
		return wh_set_text_cmp(text_of(f, a), text_of(f, b)) == 0;
	case WH_FT_URL:
		return url_eq(text_of(f, a), text_of(f, b));
	case WH_FT_SET:
		return sets_eq(set_of(f, a), set_of(f, b), WH_SET_NORMAL);
	}
	return false;
}

uint32_t
wh_norm_diff(const struct wh_record *a, const struct wh_record *b)
{
	uint32_t diff = 0;

	for (unsigned f = 0; f < WH_F_COUNT; f++) {
		if (!wh_norm_field_eq((enum wh_field)f, a, b))
			diff |= 1u << f;
	}
	return diff;
}

static bool
filled_and_eq(enum wh_field f, const struct wh_record *a, const struct wh_record *b)
{
	return wh_set_trim(text_of(f, a)).n > 0 && wh_norm_field_eq(f, a, b);
}

void
wh_norm_keep_changes(struct wh_record *want, const struct wh_record *have)
{
	for (int f = 0; f < WH_F_COUNT; f++)
		if (wh_record_has(want, (enum wh_field)f) &&
		    wh_record_has(have, (enum wh_field)f) &&
		    wh_norm_field_eq((enum wh_field)f, want, have))
			want->seen &= ~(1u << f);
}

bool
wh_norm_near(const struct wh_record *a, const struct wh_record *b)
{
	if (wh_norm_diff(a, b) == 0)
		return false;
	if (filled_and_eq(WH_F_WHNAME, a, b))
		return true;
	return filled_and_eq(WH_F_CALLBACK, a, b) && wh_norm_field_eq(WH_F_APPLICATION, a, b) &&
	       wh_norm_field_eq(WH_F_MUNICIPALITY, a, b);
}

bool
wh_norm_kin(const struct wh_record *a, const struct wh_record *b)
{
	return wh_norm_field_eq(WH_F_APPLICATION, a, b) &&
	       wh_norm_field_eq(WH_F_MUNICIPALITY, a, b) &&
	       wh_norm_field_eq(WH_F_PROCESSES, a, b);
}

/* Without memory all keys are 1: such creates wait for each other, which is safe. */
static uint64_t
key_of(enum wh_field f, struct wh_str text)
{
	WH_CLEANUP(wh_buf_fini) struct wh_buf form = WH_BUF_NULL;
	uint64_t key = 1;

	wh_norm_text(&form, f, text);
	if (form.fault == 0)
		key = XXH3_64bits(form.n ? form.p : "", form.n);
	return key ? key : 1;
}

struct wh_create_keys
wh_norm_create_keys(struct wh_str url, struct wh_str name)
{
	return (struct wh_create_keys){
		.url = key_of(WH_F_CALLBACK, url),
		.name = key_of(WH_F_WHNAME, name),
	};
}

/* ---------------------------------------------------------- stored rows -- */

bool
wh_norm_is_ignored(struct wh_str name, const struct wh_str *ignore, size_t n_ignore)
{
	for (size_t i = 0; i < n_ignore; i++) {
		if (wh_str_eq(name, ignore[i]))
			return true;
	}
	return false;
}

static size_t
count_members(const msgpack_object *map, const struct wh_str *ignore, size_t n_ignore)
{
	size_t n = 0;

	for (uint32_t i = 0; i < map->via.map.size; i++) {
		struct wh_str name;

		if (wh_obj_str(&map->via.map.ptr[i].key, &name) &&
		    !wh_norm_is_ignored(name, ignore, n_ignore))
			n++;
	}
	return n;
}

/* The member `name` of map, looked for from *next on: rows mostly keep their order. */
static const msgpack_object *
member_from(const msgpack_object *map, struct wh_str name, uint32_t *next)
{
	uint32_t n = map->via.map.size;

	for (uint32_t step = 0; step < n; step++) {
		uint32_t i = (*next + step) % n;
		struct wh_str key;

		if (wh_obj_str(&map->via.map.ptr[i].key, &key) && wh_str_eq(key, name)) {
			*next = i + 1;
			return &map->via.map.ptr[i].val;
		}
	}
	return NULL;
}

/* By value; the order of a documented set is no part of it. */
bool
wh_norm_same_member(struct wh_str name, const msgpack_object *a, const msgpack_object *b)
{
	enum wh_field f = wh_field_by_name(name);
	bool both_arrays = a->type == MSGPACK_OBJECT_ARRAY && b->type == MSGPACK_OBJECT_ARRAY;

	if (f != WH_F_COUNT && wh_fields[f].type == WH_FT_SET && both_arrays)
		return sets_eq(a, b, WH_SET_EXACT);
	return wh_obj_eq(a, b);
}

bool
wh_norm_same_row(const msgpack_object *a, const msgpack_object *b, const struct wh_str *ignore,
		 size_t n_ignore)
{
	uint32_t next = 0;

	if (a->type != MSGPACK_OBJECT_MAP || b->type != MSGPACK_OBJECT_MAP)
		return false;
	if (count_members(a, ignore, n_ignore) != count_members(b, ignore, n_ignore))
		return false;
	for (uint32_t i = 0; i < a->via.map.size; i++) {
		const msgpack_object_kv *kv = &a->via.map.ptr[i];
		struct wh_str name;

		if (!wh_obj_str(&kv->key, &name) || wh_norm_is_ignored(name, ignore, n_ignore))
			continue;
		const msgpack_object *other = member_from(b, name, &next);
		if (!other || !wh_norm_same_member(name, &kv->val, other))
			return false;
	}
	return true;
}
