/* SPDX-License-Identifier: MIT */
/*
 * Values to text.
 *
 * Called by the printers and by status.c. It never fails on a type it does
 * not expect: what is not known is shown as JSON.
 */
#include <inttypes.h>
#include <time.h>

#include "ctl/render.h"
#include "proto/json.h"

#define PATH_MAX_BYTES 1024

static bool
ends_with(struct wh_str s, const char *end)
{
	size_t n = strlen(end);

	return s.n >= n && memcmp(s.p + s.n - n, end, n) == 0;
}

static bool
is_time(struct wh_str path)
{
	return ends_with(path, "_at") || ends_with(path, ".at") || wh_str_is(path, "at") ||
	       ends_with(path, ".since") || ends_with(path, ".until");
}

void
wh_render_duration(struct wh_buf *out, int64_t ms)
{
	int64_t s = ms / 1000;

	if (ms < 1000)
		wh_buf_printf(out, "%" PRId64 "ms", ms);
	else if (s < 60)
		wh_buf_printf(out, "%" PRId64 "s", s);
	else if (s < 3600)
		wh_buf_printf(out, "%" PRId64 "min %" PRId64 "s", s / 60, s % 60);
	else if (s < 86400)
		wh_buf_printf(out, "%" PRId64 "h %" PRId64 "min", s / 3600, s % 3600 / 60);
	else
		wh_buf_printf(out, "%" PRId64 "d %" PRId64 "h", s / 86400, s % 86400 / 3600);
}

void
wh_render_size(struct wh_buf *out, uint64_t bytes)
{
	static const char *const names[] = {"KiB", "MiB", "GiB", "TiB"};
	double v = (double)bytes;
	size_t i = 0;

	if (bytes < 1024) {
		wh_buf_printf(out, "%" PRIu64 " B", bytes);
		return;
	}
	for (v /= 1024; v >= 1024 && i + 1 < wh_array_len(names); i++)
		v /= 1024;
	wh_buf_printf(out, "%.1f %s", v, names[i]);
}

/* Local date and time of day. */
static void
render_time(struct wh_buf *out, int64_t at_ms)
{
	time_t t = (time_t)(at_ms / 1000);
	struct tm tm;
	char text[64];

	if (localtime_r(&t, &tm) && strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm))
		wh_buf_c(out, text);
	else
		wh_buf_printf(out, "%" PRId64, at_ms);
}

static bool
render_meaning(struct wh_buf *out, int64_t v, struct wh_str path)
{
	if (is_time(path) && v > 0)
		render_time(out, v);
	else if (ends_with(path, "_ms") && v >= 0)
		wh_render_duration(out, v);
	else
		return false;
	return true;
}

static void
render_number(struct wh_buf *out, const msgpack_object *v, struct wh_str path,
	      enum wh_render_mode mode)
{
	int64_t n;

	if (mode == WH_RENDER_HUMAN && wh_obj_i64(v, &n) && render_meaning(out, n, path))
		return;
	wh_json_from_obj(out, v, 0);
}

static bool
is_plain(const msgpack_object *v)
{
	return v->type != MSGPACK_OBJECT_ARRAY && v->type != MSGPACK_OBJECT_MAP;
}

static bool
is_plain_list(const msgpack_object *v)
{
	if (v->type != MSGPACK_OBJECT_ARRAY)
		return false;
	for (uint32_t i = 0; i < v->via.array.size; i++)
		if (!is_plain(&v->via.array.ptr[i]))
			return false;
	return true;
}

static void
render_deep(struct wh_buf *out, const msgpack_object *v, enum wh_escape_mode escape)
{
	struct wh_buf json = WH_BUF_NULL;

	wh_json_from_obj(&json, v, 0);
	wh_escape(out, wh_buf_view(&json), escape);
	wh_buf_fini(&json);
}

void
wh_render(struct wh_buf *out, const msgpack_object *v, struct wh_str path,
	  enum wh_render_mode mode)
{
	enum wh_escape_mode escape = mode == WH_RENDER_TSV ? WH_ESCAPE_TSV : WH_ESCAPE_LINE;
	struct wh_str s;
	bool yes;

	if (wh_obj_is_nil(v))
		return;
	if (wh_obj_str(v, &s)) {
		wh_escape(out, s, escape);
		return;
	}
	if (wh_obj_bool(v, &yes)) {
		wh_buf_c(out, yes ? "true" : "false");
		return;
	}
	if (is_plain(v)) {
		render_number(out, v, path, mode);
		return;
	}
	if (!is_plain_list(v)) {
		render_deep(out, v, escape);
		return;
	}
	for (uint32_t i = 0; i < v->via.array.size; i++) {
		if (i)
			wh_buf_byte(out, ',');
		wh_render(out, &v->via.array.ptr[i], path, mode);
	}
}

struct flat {
	struct wh_buf path;
	wh_member_fn *fn;
	void *arg;
};

static void flatten(struct flat *f, const msgpack_object *v);

/* Extends the path by a name or number, goes down, and takes it back. */
static void
flatten_below(struct flat *f, struct wh_str name, uint32_t i, const msgpack_object *v)
{
	size_t before = f->path.n;

	if (before)
		wh_buf_byte(&f->path, '.');
	if (name.p)
		wh_buf_str(&f->path, name);
	else
		wh_buf_printf(&f->path, "%" PRIu32, i);
	flatten(f, v);
	f->path.n = before;
	f->path.fault = 0;
}

static void
flatten(struct flat *f, const msgpack_object *v)
{
	if (is_plain(v) || is_plain_list(v)) {
		f->fn(wh_buf_view(&f->path), v, f->arg);
		return;
	}
	if (v->type == MSGPACK_OBJECT_ARRAY) {
		for (uint32_t i = 0; i < v->via.array.size; i++)
			flatten_below(f, WH_STR_NULL, i, &v->via.array.ptr[i]);
		return;
	}
	for (uint32_t i = 0; i < v->via.map.size; i++) {
		struct wh_str name = WH_STR("?");

		wh_obj_str(&v->via.map.ptr[i].key, &name);
		flatten_below(f, name, 0, &v->via.map.ptr[i].val);
	}
}

void
wh_flatten(const msgpack_object *map, wh_member_fn *fn, void *arg)
{
	struct flat f = {wh_buf_capped(PATH_MAX_BYTES), fn, arg};

	flatten(&f, map);
	wh_buf_fini(&f.path);
}
