/* SPDX-License-Identifier: MIT */
/*
 * Writes log lines: quoting of values, logfmt, JSON.
 *
 * log.c calls it on any thread. Whatever the values are, a line stays one
 * line and shows a terminal nothing but printable text: control characters,
 * bytes that are no UTF-8 and the marks that turn text around are spelt out.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "daemon/log_line.h"
#include "proto/json.h"

/* U+200B..200F, 202A..202E, 2060..206F and FEFF: invisible, or they reorder what is shown. */
static bool
is_invisible(struct wh_str s, size_t len)
{
	const unsigned char *p = (const unsigned char *)s.p;

	if (len != 3)
		return false;
	if (p[0] == 0xef)
		return p[1] == 0xbb && p[2] == 0xbf;
	if (p[0] != 0xe2)
		return false;
	if (p[1] == 0x80)
		return (p[2] >= 0x8b && p[2] <= 0x8f) || (p[2] >= 0xaa && p[2] <= 0xae);
	return p[1] == 0x81 && p[2] >= 0xa0 && p[2] <= 0xaf;
}

/* Bytes of s that may be shown as they are; 0 if the first must be spelt out. */
static size_t
printable_len(struct wh_str s)
{
	size_t len = wh_utf8_len(s);

	if (wh_control_len(s) || is_invisible(s, len))
		return 0;
	return len;
}

static bool
needs_quotes(struct wh_str s)
{
	if (s.n == 0)
		return true;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || strchr("\"=\\\x7f", s.p[i]) || (s.p[i] & 0x80))
			return true;
	return false;
}

/* Appends n bytes if they and what must still follow fit into cap. */
static bool
put(char *out, size_t *at, size_t cap, struct wh_str piece)
{
	const size_t kept_for_the_end = sizeof("...\"");

	if (*at + piece.n + kept_for_the_end > cap)
		return false;
	memcpy(out + *at, piece.p, piece.n);
	*at += piece.n;
	return true;
}

/* Appends the next character of s, spelt out if need be; *used is how much of s it was. */
static bool
put_next(char *out, size_t *at, size_t cap, struct wh_str s, size_t *used)
{
	size_t len = printable_len(s);
	char spelt[8];

	*used = len ? len : 1;
	if (len == 0)
		snprintf(spelt, sizeof(spelt), "\\x%02x", (unsigned char)s.p[0]);
	else if (s.p[0] == '"' || s.p[0] == '\\')
		snprintf(spelt, sizeof(spelt), "\\%c", s.p[0]);
	else
		return put(out, at, cap, wh_str(s.p, len));
	return put(out, at, cap, wh_str_c(spelt));
}

const char *
wh_log_quote(struct wh_str s, char *out, size_t cap)
{
	size_t at = 0, used = 0;

	wh_require(cap >= 16);
	if (!needs_quotes(s) && s.n < cap) {
		memcpy(out, s.p, s.n);
		out[s.n] = '\0';
		return out;
	}
	out[at++] = '"';
	for (size_t i = 0; i < s.n; i += used) {
		if (!put_next(out, &at, cap, wh_str(s.p + i, s.n - i), &used)) {
			memcpy(out + at, "...", 3);
			at += 3;
			break;
		}
	}
	out[at++] = '"';
	out[at] = '\0';
	return out;
}

static size_t
value_len(struct wh_str s)
{
	size_t i = 1;

	if (s.n == 0 || s.p[0] != '"') {
		const char *space = s.n ? memchr(s.p, ' ', s.n) : NULL;

		return space ? (size_t)(space - s.p) : s.n;
	}
	while (i < s.n && s.p[i] != '"')
		i += s.p[i] == '\\' ? 2 : 1;
	return i < s.n ? i + 1 : s.n;
}

bool
wh_log_next_field(struct wh_str *rest, struct wh_str *ret_key, struct wh_str *ret_value)
{
	while (rest->n && rest->p[0] == ' ')
		*rest = wh_str(rest->p + 1, rest->n - 1);
	const char *equals = rest->n ? memchr(rest->p, '=', rest->n) : NULL;

	if (!equals)
		return false;
	*ret_key = wh_str(rest->p, (size_t)(equals - rest->p));
	*rest = wh_str(equals + 1, rest->n - ret_key->n - 1);
	*ret_value = wh_str(rest->p, value_len(*rest));
	*rest = wh_str(rest->p + ret_value->n, rest->n - ret_value->n);
	return true;
}

void
wh_log_unquote(struct wh_buf *out, struct wh_str value)
{
	if (value.n < 2 || value.p[0] != '"') {
		wh_buf_str(out, value);
		return;
	}
	for (size_t i = 1; i + 1 < value.n; i++) {
		bool escaped = value.p[i] == '\\' && i + 2 < value.n &&
			       (value.p[i + 1] == '"' || value.p[i + 1] == '\\');

		i += escaped ? 1 : 0;
		wh_buf_byte(out, value.p[i]);
	}
}

static void
time_text(struct wh_wall at, char *out, size_t cap)
{
	time_t seconds = (time_t)(at.ms / 1000);
	struct tm tm;
	char whole[32];

	if (!gmtime_r(&seconds, &tm) ||
	    !strftime(whole, sizeof(whole), "%Y-%m-%dT%H:%M:%S", &tm))
		snprintf(whole, sizeof(whole), "unknown");
	snprintf(out, cap, "%s.%03dZ", whole, (int)(at.ms % 1000));
}

/* A value that its caller did not quote cannot break the line either. */
static void
flatten(struct wh_buf *out, size_t from)
{
	for (size_t i = from; i < out->n; i++)
		if ((unsigned char)out->p[i] < ' ' || out->p[i] == 0x7f)
			out->p[i] = '?';
}

void
wh_log_line_logfmt(struct wh_buf *out, const struct wh_log_line *l)
{
	size_t from = out->n;
	char at[48];

	if (l->at) {
		time_text(*l->at, at, sizeof(at));
		wh_buf_printf(out, "time=%s ", at);
	}
	wh_buf_printf(out, "level=%s group=%s msg=%s", wh_log_level_str(l->level), l->group,
		      WH_LOGQ(wh_str_c(l->msg)));
	if (l->fields.n) {
		wh_buf_byte(out, ' ');
		wh_buf_str(out, l->fields);
	}
	flatten(out, from);
	wh_buf_byte(out, '\n');
}

/* The fields as text members, after the members every line has. */
static size_t
pack_fields(struct wh_buf *map, struct wh_str fields)
{
	struct wh_buf text = WH_BUF_NULL;
	struct wh_str key, value;
	size_t n = 0;

	while (wh_log_next_field(&fields, &key, &value)) {
		wh_buf_reset(&text);
		wh_log_unquote(&text, value);
		wh_pack_str(map, key);
		wh_pack_str(map, wh_buf_view(&text));
		n++;
	}
	wh_buf_fini(&text);
	return n;
}

int
wh_log_line_json(struct wh_buf *out, const struct wh_log_line *l)
{
	struct wh_buf map = WH_BUF_NULL;
	size_t place = wh_pack_open_map(&map);
	size_t n = 3;
	char at[48];

	if (l->at) {
		time_text(*l->at, at, sizeof(at));
		wh_pack_kv_c(&map, "time", at);
		n++;
	}
	wh_pack_kv_c(&map, "level", wh_log_level_str(l->level));
	wh_pack_kv_c(&map, "group", l->group);
	wh_pack_kv_c(&map, "message", l->msg);
	n += pack_fields(&map, l->fields);
	wh_pack_close_map(&map, place, n);
	int r = map.fault ? map.fault : wh_json_from_pack(out, wh_buf_view(&map), 0);

	wh_buf_fini(&map);
	if (r == 0)
		wh_buf_byte(out, '\n');
	return r;
}
