/* SPDX-License-Identifier: MIT */
/*
 * One object of a reply becomes a stored webhook. Spellings that vary (the id,
 * the documented names, the form of `processes`) are settled here once, so
 * that nothing behind this file knows of them; all else is kept value for
 * value and in order.
 *
 * Called for each element of a list and for replies to single requests; any
 * thread. A value that fits no known form is kept as it is, never dropped:
 * sending it back must not destroy what others wrote.
 */
#include "daemon/core/remote.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define NONE UINT32_MAX

/* Known spellings of the id, the most specific first; compared in any case. */
static const struct wh_str id_names[] = {
	{"whid", 4}, {"webhookId", 9}, {"webhookConfigurationId", 22}, {"id", 2}, {"_id", 3},
};

/* Members that name a process when the list holds objects. */
static const struct wh_str process_names[] = {
	{"processId", 9}, {"id", 2},   {"_id", 3},  {"process", 7},
	{"key", 3},       {"code", 4}, {"name", 4},
};

/* Which member of the reply plays which part. */
struct parts {
	uint32_t id;
	uint32_t field[WH_F_COUNT];
	char digits[32]; /* the id's text if it is a number */
	struct wh_str whid;
};

/* The member of that name, the exact spelling before any other; NONE if there is none. */
static uint32_t
find_member(const msgpack_object *map, struct wh_str name)
{
	uint32_t found = NONE;

	for (uint32_t i = 0; i < map->via.map.size; i++) {
		struct wh_str key;

		if (!wh_obj_str(&map->via.map.ptr[i].key, &key) || key.n != name.n)
			continue;
		if (wh_str_eq(key, name))
			return i;
		if (found == NONE && wh_str_ieq(key, name))
			found = i;
	}
	return found;
}

bool
wh_remote_has_own(const msgpack_object *o)
{
	static const enum wh_field own[] = {WH_F_WHNAME, WH_F_WHCOMMENT, WH_F_CALLBACK};

	if (o->type != MSGPACK_OBJECT_MAP)
		return false;
	for (size_t i = 0; i < wh_array_len(own); i++)
		if (find_member(o, wh_str_c(wh_fields[own[i]].name)) != NONE)
			return true;
	return false;
}

static struct wh_str
real_text(double v, char *buf, size_t size)
{
	for (int digits = 15; digits <= 17; digits++) {
		int n = snprintf(buf, size, "%.*g", digits, v);

		if (strtod(buf, NULL) == v)
			return wh_str(buf, (size_t)n);
	}
	return wh_str_c(buf);
}

/* Text, or a number as its text in buf (32 bytes). False for all else. */
static bool
text_of(const msgpack_object *v, char *buf, struct wh_str *ret)
{
	int64_t i;
	uint64_t u;

	if (wh_obj_str(v, ret))
		return true;
	if (wh_obj_i64(v, &i)) {
		*ret = wh_str(buf, (size_t)snprintf(buf, 32, "%" PRId64, i));
		return true;
	}
	if (wh_obj_u64(v, &u)) {
		*ret = wh_str(buf, (size_t)snprintf(buf, 32, "%" PRIu64, u));
		return true;
	}
	if (v->type != MSGPACK_OBJECT_FLOAT64 && v->type != MSGPACK_OBJECT_FLOAT32)
		return false;
	*ret = real_text(v->via.f64, buf, 32);
	return true;
}

static bool
usable_id(const msgpack_object *v, char *buf, struct wh_str *ret)
{
	if (v->type == MSGPACK_OBJECT_FLOAT64 || v->type == MSGPACK_OBJECT_FLOAT32)
		return false;
	return text_of(v, buf, ret) && wh_whid_valid(*ret);
}

static void
find_id(const msgpack_object *map, struct parts *p)
{
	p->id = NONE;
	p->whid = WH_STR_NULL;
	for (size_t i = 0; i < wh_array_len(id_names); i++) {
		uint32_t at = find_member(map, id_names[i]);

		if (at == NONE || !usable_id(&map->via.map.ptr[at].val, p->digits, &p->whid))
			continue;
		p->id = at;
		return;
	}
	p->whid = WH_STR_NULL;
}

static void
find_parts(const msgpack_object *map, struct parts *p)
{
	find_id(map, p);
	for (enum wh_field f = 0; f < WH_F_COUNT; f++)
		p->field[f] = find_member(map, wh_str_c(wh_fields[f].name));
}

static const msgpack_object *
process_member(const msgpack_object *o)
{
	for (size_t i = 0; i < wh_array_len(process_names); i++) {
		uint32_t at = find_member(o, process_names[i]);

		if (at != NONE && !wh_obj_is_nil(&o->via.map.ptr[at].val))
			return &o->via.map.ptr[at].val;
	}
	return NULL;
}

/* The text of one process: itself, a number, or the id in an object. */
static bool
process_text(const msgpack_object *v, char *buf, struct wh_str *ret)
{
	if (v->type == MSGPACK_OBJECT_MAP)
		v = process_member(v);
	return v && text_of(v, buf, ret);
}

static bool
processes_readable(const msgpack_object *v)
{
	char buf[32];
	struct wh_str text;

	for (uint32_t i = 0; i < v->via.array.size; i++) {
		const msgpack_object *item = &v->via.array.ptr[i];

		if (!wh_obj_is_nil(item) && !process_text(item, buf, &text))
			return false;
	}
	return true;
}

static void
pack_process_array(struct wh_buf *out, const msgpack_object *v)
{
	char buf[32];
	struct wh_str text;
	size_t n = 0;

	for (uint32_t i = 0; i < v->via.array.size; i++)
		n += !wh_obj_is_nil(&v->via.array.ptr[i]);
	wh_pack_array(out, n);
	for (uint32_t i = 0; i < v->via.array.size; i++)
		if (process_text(&v->via.array.ptr[i], buf, &text))
			wh_pack_str(out, text);
}

/* Takes the next part of comma-separated text, trimmed, empty ones passed over. */
static bool
take_part(struct wh_str *s, struct wh_str *ret)
{
	while (s->n > 0) {
		const char *comma = memchr(s->p, ',', s->n);
		struct wh_str part = wh_str(s->p, comma ? (size_t)(comma - s->p) : s->n);

		*s = comma ? wh_str(comma + 1, s->n - part.n - 1) : WH_STR_NULL;
		while (part.n > 0 && part.p[0] == ' ')
			part = wh_str(part.p + 1, part.n - 1);
		while (part.n > 0 && part.p[part.n - 1] == ' ')
			part.n--;
		if (part.n == 0)
			continue;
		*ret = part;
		return true;
	}
	return false;
}

static void
pack_process_text(struct wh_buf *out, struct wh_str text)
{
	struct wh_str rest = text;
	struct wh_str part;
	size_t n = 0;

	while (take_part(&rest, &part))
		n++;
	wh_pack_array(out, n);
	while (take_part(&text, &part))
		wh_pack_str(out, part);
}

static void
pack_processes(struct wh_buf *out, const msgpack_object *v)
{
	char buf[32];
	struct wh_str text;

	if (wh_obj_is_nil(v))
		wh_pack_array(out, 0);
	else if (v->type == MSGPACK_OBJECT_ARRAY && processes_readable(v))
		pack_process_array(out, v);
	else if (v->type == MSGPACK_OBJECT_ARRAY)
		wh_pack_object(out, v);
	else if (wh_obj_str(v, &text))
		pack_process_text(out, text);
	else if (process_text(v, buf, &text)) {
		wh_pack_array(out, 1);
		wh_pack_str(out, text);
	} else
		wh_pack_object(out, v);
}

static void
pack_text(struct wh_buf *out, const msgpack_object *v)
{
	char buf[32];
	struct wh_str text;

	if (wh_obj_is_nil(v))
		wh_pack_c(out, "");
	else if (text_of(v, buf, &text))
		wh_pack_str(out, text);
	else
		wh_pack_object(out, v);
}

static void
pack_documented(struct wh_buf *out, const msgpack_object *o, const struct parts *p)
{
	for (enum wh_field f = 0; f < WH_F_COUNT; f++) {
		const msgpack_object *v;

		if (p->field[f] == NONE)
			continue;
		v = &o->via.map.ptr[p->field[f]].val;
		wh_pack_c(out, wh_fields[f].name);
		if (wh_fields[f].type == WH_FT_SET)
			pack_processes(out, v);
		else
			pack_text(out, v);
	}
}

/* Unknown members; the two names that the row itself uses are left out. */
static bool
is_other(const msgpack_object *o, const struct parts *p, uint32_t i)
{
	struct wh_str name;

	if (i == p->id)
		return false;
	for (enum wh_field f = 0; f < WH_F_COUNT; f++)
		if (i == p->field[f])
			return false;
	if (!wh_obj_str(&o->via.map.ptr[i].key, &name))
		return false;
	return !wh_str_is(name, "whid") && !wh_str_is(name, "_whd");
}

static void
pack_others(struct wh_buf *out, const msgpack_object *o, const struct parts *p)
{
	for (uint32_t i = 0; i < o->via.map.size; i++) {
		if (!is_other(o, p, i))
			continue;
		wh_pack_object(out, &o->via.map.ptr[i].key);
		wh_pack_object(out, &o->via.map.ptr[i].val);
	}
}

static size_t
count_members(const msgpack_object *o, const struct parts *p)
{
	size_t n = p->whid.n > 0;

	for (enum wh_field f = 0; f < WH_F_COUNT; f++)
		n += p->field[f] != NONE;
	for (uint32_t i = 0; i < o->via.map.size; i++)
		n += is_other(o, p, i);
	return n;
}

int
wh_remote_row(struct wh_buf *out, const msgpack_object *o, bool need_id,
	      struct wh_str *ret_whid, const char **ret_why)
{
	struct parts p;
	size_t end_of_id;

	if (o->type != MSGPACK_OBJECT_MAP) {
		*ret_why = "it is no object";
		return WH_EINVAL;
	}
	find_parts(o, &p);
	if (p.whid.n == 0 && need_id) {
		*ret_why = "it has no usable id under any known name";
		return WH_EINVAL;
	}
	wh_pack_map(out, count_members(o, &p));
	if (p.whid.n > 0)
		wh_pack_kv_str(out, "whid", p.whid);
	end_of_id = out->n;
	pack_documented(out, o, &p);
	pack_others(out, o, &p);
	if (out->fault) {
		*ret_why = "it is too large";
		return out->fault;
	}
	*ret_why = "";
	*ret_whid = p.whid.n ? wh_str(out->p + end_of_id - p.whid.n, p.whid.n) : WH_STR_NULL;
	return 0;
}
