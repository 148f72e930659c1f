/* SPDX-License-Identifier: MIT */
/*
 * Columns by shape, and members by path.
 *
 * The printers ask. Nothing here prints, and no member is required to exist.
 */
#include <stdlib.h>

#include "ctl/columns.h"

static const struct {
	enum wh_result_shape shape;
	struct wh_column column;
} defaults[] = {
#define WH_COLUMN(shape, path, heading, kind, width, turn)                                     \
	{WH_RESULT_##shape,                                                                    \
	 {{path, sizeof(path) - 1}, heading, WH_COLUMN_##kind, width, turn, 0}},
#include "ctl/columns.def"
#undef WH_COLUMN
};

static const struct {
	enum wh_result_shape shape;
	const char *path;
} members[] = {
#define WH_MEMBER(shape, path) {WH_RESULT_##shape, path},
#include "ctl/columns.def"
#undef WH_MEMBER
};

/* The shape of the items a shape lists; itself if it is no list. */
static enum wh_result_shape
columns_item(enum wh_result_shape shape)
{
	if (shape == WH_RESULT_WEBHOOK)
		return WH_RESULT_WEBHOOKS;
	if (shape == WH_RESULT_OP)
		return WH_RESULT_OPS;
	if (shape == WH_RESULT_SUBSCRIBED)
		return WH_RESULT_EVENTS;
	return shape;
}

static struct wh_columns
default_columns(enum wh_result_shape shape)
{
	struct wh_columns c = {wh_xcalloc(wh_array_len(defaults), sizeof(*c.columns)), 0};

	for (size_t i = 0; i < wh_array_len(defaults); i++)
		if (defaults[i].shape == shape)
			c.columns[c.n++] = defaults[i].column;
	return c;
}

/* A member that has a column by default keeps its heading and its kind. */
static struct wh_column
column_of(enum wh_result_shape shape, struct wh_str path)
{
	for (size_t i = 0; i < wh_array_len(defaults); i++)
		if (defaults[i].shape == shape && wh_str_eq(defaults[i].column.path, path))
			return defaults[i].column;
	return (struct wh_column){.path = path};
}

static struct wh_columns
chosen_columns(enum wh_result_shape shape, struct wh_str names)
{
	struct wh_columns c = {wh_xcalloc(names.n + 1, sizeof(*c.columns)), 0};

	while (names.n) {
		const char *comma = memchr(names.p, ',', names.n);
		size_t n = comma ? (size_t)(comma - names.p) : names.n;

		if (n)
			c.columns[c.n++] = column_of(shape, wh_str(names.p, n));
		n += comma ? 1 : 0;
		names = wh_str(names.p + n, names.n - n);
	}
	return c;
}

struct wh_columns
wh_columns_of(enum wh_result_shape shape, const char *chosen)
{
	enum wh_result_shape item = columns_item(shape);

	return chosen ? chosen_columns(item, wh_str_c(chosen)) : default_columns(item);
}

bool
wh_columns_document(enum wh_result_shape shape, struct wh_str path)
{
	enum wh_result_shape item = columns_item(shape);
	const char *dot = memchr(path.p, '.', path.n);
	struct wh_str first = wh_str(path.p, dot ? (size_t)(dot - path.p) : path.n);

	for (size_t i = 0; i < wh_array_len(members); i++)
		if (members[i].shape == item && wh_str_is(first, members[i].path))
			return true;
	for (size_t i = 0; i < wh_array_len(defaults); i++)
		if (defaults[i].shape == item && (wh_str_eq(defaults[i].column.path, path) ||
						  wh_str_eq(defaults[i].column.path, first)))
			return true;
	return false;
}

void
wh_columns_offer(enum wh_result_shape shape, struct wh_nearest *nearest)
{
	enum wh_result_shape item = columns_item(shape);

	for (size_t i = 0; i < wh_array_len(defaults); i++)
		if (defaults[i].shape == item)
			wh_nearest_offer(nearest, defaults[i].column.path.p);
	for (size_t i = 0; i < wh_array_len(members); i++)
		if (members[i].shape == item)
			wh_nearest_offer(nearest, members[i].path);
}

void
wh_columns_fini(struct wh_columns *c)
{
	free(c->columns);
	*c = (struct wh_columns){0};
}

const char *
wh_columns_id(enum wh_result_shape shape)
{
	enum wh_result_shape item = columns_item(shape);

	if (item == WH_RESULT_WEBHOOKS)
		return "whid";
	if (item == WH_RESULT_OPS)
		return "op";
	if (item == WH_RESULT_EVENTS)
		return "revision";
	return NULL;
}

static const msgpack_object *
step(const msgpack_object *o, struct wh_str name)
{
	int64_t i;

	if (o->type != MSGPACK_OBJECT_ARRAY)
		return wh_obj_getn(o, name);
	if (!wh_parse_i64(name, 0, UINT32_MAX, &i) || i >= (int64_t)o->via.array.size)
		return NULL;
	return &o->via.array.ptr[i];
}

const msgpack_object *
wh_member(const msgpack_object *o, struct wh_str path)
{
	while (o && path.n) {
		/* A member whose own name holds dots is found by its whole name. */
		const msgpack_object *whole = wh_obj_getn(o, path);

		if (whole)
			return whole;
		const char *dot = memchr(path.p, '.', path.n);
		size_t n = dot ? (size_t)(dot - path.p) : path.n;

		o = step(o, wh_str(path.p, n));
		n += dot ? 1 : 0;
		path = wh_str(path.p + n, path.n - n);
	}
	return o;
}
