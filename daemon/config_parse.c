/* SPDX-License-Identifier: MIT */
/*
 * Values of settings by type: what is legal, and how it is written back.
 *
 * config.c calls it for defaults and for every line of a file; main thread and
 * loop. It looks at text only: never at the system, a clock or a file. A value
 * it prints parses back to the same value.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/config_value.h"

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit duration_units[] = {
	{"ms", 1}, {"s", 1000}, {"min", 60000}, {"h", 3600000}, {"d", 86400000},
};

static const struct unit size_units[] = {
	{"B", 1},
	{"KiB", INT64_C(1) << 10},
	{"MiB", INT64_C(1) << 20},
	{"GiB", INT64_C(1) << 30},
	{"TiB", INT64_C(1) << 40},
};

bool
wh_value_is_text(enum wh_value_type type)
{
	return type <= WH_VALUE_WORD;
}

static int
refuse(struct wh_buf *why, struct wh_str text, const char *phrase)
{
	wh_buf_c(why, "\"");
	wh_buf_printable(why, text, 64);
	wh_buf_printf(why, "\" %s", phrase);
	return WH_EINVAL;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static size_t
digits(struct wh_str s)
{
	size_t n = 0;

	while (n < s.n && is_digit(s.p[n]))
		n++;
	return n;
}

static struct wh_str
after(struct wh_str s, size_t n)
{
	return wh_str(s.p + n, s.n - n);
}

/* ------------------------------------------------------------- printing -- */

static void
print_units(struct wh_buf *out, int64_t v, const struct unit *units, size_t n)
{
	size_t best = 0;

	if (v == 0) {
		wh_buf_c(out, "0");
		return;
	}
	for (size_t i = 0; i < n; i++)
		if (v % units[i].factor == 0)
			best = i;
	wh_buf_printf(out, "%" PRId64 "%s", v / units[best].factor, units[best].name);
}

static void
print_rate(struct wh_buf *out, int64_t v)
{
	char fraction[8];
	int n = snprintf(fraction, sizeof(fraction), ".%03d", (int)(v % 1000));

	while (n > 0 && (fraction[n - 1] == '0' || fraction[n - 1] == '.'))
		n--;
	wh_buf_printf(out, "%" PRId64 "%.*s", v / 1000, n, fraction);
}

static void
print_number(enum wh_value_type type, int64_t v, struct wh_buf *out)
{
	switch (type) {
	case WH_VALUE_TEXT:
	case WH_VALUE_PATH:
	case WH_VALUE_LIST:
	case WH_VALUE_WORD:
		return;
	case WH_VALUE_BOOL:
		wh_buf_c(out, v ? "yes" : "no");
		return;
	case WH_VALUE_COUNT:
	case WH_VALUE_PERCENT:
		wh_buf_printf(out, "%" PRId64, v);
		return;
	case WH_VALUE_DURATION:
		print_units(out, v, duration_units, wh_array_len(duration_units));
		return;
	case WH_VALUE_SIZE:
		print_units(out, v, size_units, wh_array_len(size_units));
		return;
	case WH_VALUE_MODE:
		wh_buf_printf(out, "%04o", (unsigned)v);
		return;
	case WH_VALUE_RATE:
		print_rate(out, v);
		return;
	}
}

void
wh_value_print(enum wh_value_type type, const struct wh_value *value, struct wh_buf *out)
{
	if (wh_value_is_text(type))
		wh_buf_c(out, value->text);
	else
		print_number(type, value->number, out);
}

/* -------------------------------------------------------------- numbers -- */

/* Digits and a unit; 0 needs none. False if it is not that or does not fit 63 bits. */
static bool
parse_units(struct wh_str text, const struct unit *units, size_t n, int64_t *ret)
{
	size_t len = digits(text);
	struct wh_str name = after(text, len);
	int64_t v;

	if (!wh_parse_i64(wh_str(text.p, len), 0, INT64_MAX, &v))
		return false;
	if (name.n == 0 && v == 0) {
		*ret = 0;
		return true;
	}
	for (size_t i = 0; i < n; i++)
		if (wh_str_is(name, units[i].name))
			return !__builtin_mul_overflow(v, units[i].factor, ret);
	return false;
}

static bool
parse_octal(struct wh_str text, int64_t *ret)
{
	int64_t v = 0;

	if (text.n < 3 || text.n > 4)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '7')
			return false;
		v = v * 8 + (text.p[i] - '0');
	}
	*ret = v;
	return true;
}

/* A decimal number with up to three digits behind the point, times 1000. */
static bool
parse_rate(struct wh_str text, int64_t *ret)
{
	size_t len = digits(text);
	struct wh_str rest = after(text, len);
	int64_t whole, part = 0;

	if (!wh_parse_i64(wh_str(text.p, len), 0, INT64_MAX / 1000 - 1, &whole))
		return false;
	if (rest.n > 0) {
		struct wh_str fraction = after(rest, 1);

		if (rest.p[0] != '.' || fraction.n > 3 || digits(fraction) != fraction.n ||
		    !wh_parse_i64(fraction, 0, 999, &part))
			return false;
		for (size_t i = fraction.n; i < 3; i++)
			part *= 10;
	}
	*ret = whole * 1000 + part;
	return true;
}

static bool
parse_percent(struct wh_str text, int64_t *ret)
{
	if (text.n > 1 && text.p[text.n - 1] == '%')
		text.n--;
	return wh_parse_i64(text, 0, INT64_MAX, ret);
}

static bool
parse_bool(struct wh_str text, int64_t *ret)
{
	*ret = wh_str_is(text, "yes");
	return *ret || wh_str_is(text, "no");
}

static bool
parse_number(enum wh_value_type type, struct wh_str text, int64_t *ret)
{
	switch (type) {
	case WH_VALUE_TEXT:
	case WH_VALUE_PATH:
	case WH_VALUE_LIST:
	case WH_VALUE_WORD:
		return false;
	case WH_VALUE_BOOL:
		return parse_bool(text, ret);
	case WH_VALUE_COUNT:
		return wh_parse_i64(text, 0, INT64_MAX, ret);
	case WH_VALUE_DURATION:
		return parse_units(text, duration_units, wh_array_len(duration_units), ret);
	case WH_VALUE_SIZE:
		return parse_units(text, size_units, wh_array_len(size_units), ret);
	case WH_VALUE_MODE:
		return parse_octal(text, ret);
	case WH_VALUE_PERCENT:
		return parse_percent(text, ret);
	case WH_VALUE_RATE:
		return parse_rate(text, ret);
	}
	return false;
}

static const char *const not_a_number[] = {
	[WH_VALUE_BOOL] = "is neither yes nor no: write one of them",
	[WH_VALUE_COUNT] = "is no number: write digits only",
	[WH_VALUE_DURATION] =
		"is no duration: write a number with ms, s, min, h or d, for example 10s",
	[WH_VALUE_SIZE] =
		"is no size: write a number with B, KiB, MiB, GiB or TiB, for example 64MiB",
	[WH_VALUE_MODE] = "is no file mode: write three or four octal digits, for example 0660",
	[WH_VALUE_PERCENT] = "is no percentage: write a number from 0 to 100",
	[WH_VALUE_RATE] =
		"is no rate: write requests a second with at most three digits behind "
		"the point, for example 2.5",
};

static int
take_number(const struct wh_setting_info *info, enum wh_value_type type, struct wh_str text,
	    struct wh_value *ret, struct wh_buf *why)
{
	int64_t v;

	if (!parse_number(type, text, &v))
		return refuse(why, text, not_a_number[type]);
	if (v < info->min || v > info->max) {
		refuse(why, text, "is out of range: the least is ");
		print_number(type, info->min, why);
		wh_buf_c(why, ", the most ");
		print_number(type, info->max, why);
		return WH_EINVAL;
	}
	*ret = (struct wh_value){.number = v};
	return 0;
}

/* ----------------------------------------------------------------- text -- */

static int
check_text(const struct wh_setting_info *info, enum wh_value_type type, struct wh_str text,
	   struct wh_buf *why)
{
	if (text.n == 0 && info->min > 0) {
		wh_buf_c(why, "is empty: give a value, or take the line out for the default");
		return WH_EINVAL;
	}
	if ((int64_t)text.n > info->max) {
		wh_buf_printf(why, "is %zu bytes long, at most %" PRId64 " fit: shorten it",
			      text.n, info->max);
		return WH_EINVAL;
	}
	if (type == WH_VALUE_PATH && text.n > 0 && text.p[0] != '/')
		return refuse(why, text, "is a relative path: begin it with /");
	return 0;
}

/* Words apart by one space each. */
static char *
join_words(struct wh_str text)
{
	char *out = wh_xcalloc(text.n + 1, 1);
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		bool space = text.p[i] == ' ' || text.p[i] == '\t';

		if (space && (n == 0 || out[n - 1] == ' '))
			continue;
		out[n++] = space ? ' ' : text.p[i];
	}
	if (n > 0 && out[n - 1] == ' ')
		out[n - 1] = '\0';
	return out;
}

/* Cuts the next word off "a|b|c". */
static bool
next_word(struct wh_str *rest, struct wh_str *ret)
{
	const char *bar = rest->n ? memchr(rest->p, '|', rest->n) : NULL;

	if (rest->n == 0)
		return false;
	*ret = wh_str(rest->p, bar ? (size_t)(bar - rest->p) : rest->n);
	*rest = after(*rest, ret->n + (bar ? 1 : 0));
	return true;
}

static int
take_word(const struct wh_setting_info *info, struct wh_str text, struct wh_value *ret,
	  struct wh_buf *why)
{
	struct wh_str rest = wh_str_c(info->def), word;

	while (next_word(&rest, &word)) {
		if (!wh_str_eq(text, word))
			continue;
		*ret = (struct wh_value){.text = wh_xstrdup(word)};
		return 0;
	}
	rest = wh_str_c(info->def);
	refuse(why, text, "is not one of the words it may be: ");
	for (bool first = true; next_word(&rest, &word); first = false) {
		wh_buf_c(why, first ? "" : ", ");
		wh_buf_str(why, word);
	}
	return WH_EINVAL;
}

int
wh_value_parse(const struct wh_setting_info *info, enum wh_value_type type, struct wh_str text,
	       struct wh_value *ret, struct wh_buf *why)
{
	if (type == WH_VALUE_WORD)
		return take_word(info, text, ret, why);
	if (!wh_value_is_text(type))
		return take_number(info, type, text, ret, why);
	int r = check_text(info, type, text, why);

	if (r)
		return r;
	*ret = (struct wh_value){
		.text = type == WH_VALUE_LIST ? join_words(text) : wh_xstrdup(text),
	};
	return 0;
}
