/* SPDX-License-Identifier: MIT */
/*
 * Questions about borrowed text: is it UTF-8, does it hold control characters,
 * is it a GUID, which number does it spell.
 *
 * Called by everything that takes text from outside, on any thread. It never
 * allocates, never changes what it looks at and knows no locale.
 */
#include "proto/base.h"

static unsigned char
byte_at(struct wh_str s, size_t i)
{
	return (unsigned char)s.p[i];
}

static unsigned char
ascii_lower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
}

bool
wh_str_ieq(struct wh_str a, struct wh_str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (ascii_lower(byte_at(a, i)) != ascii_lower(byte_at(b, i)))
			return false;
	return true;
}

/*
 * The well-formed sequences by their first byte, as the Unicode standard lists
 * them (table 3-7): the range of the second byte is what excludes overlong
 * forms, surrogates and what lies beyond U+10FFFF.
 */
struct utf8_form {
	unsigned char first_min, first_max;
	unsigned char second_min, second_max;
	unsigned char len;
};

static const struct utf8_form utf8_forms[] = {
	{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
	{0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
	{0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

static bool
utf8_form_fits(const struct utf8_form *form, struct wh_str s)
{
	if (s.n < form->len)
		return false;
	if (byte_at(s, 1) < form->second_min || byte_at(s, 1) > form->second_max)
		return false;
	for (size_t i = 2; i < form->len; i++)
		if ((byte_at(s, i) & 0xc0) != 0x80)
			return false;
	return true;
}

size_t
wh_utf8_len(struct wh_str s)
{
	if (s.n == 0)
		return 0;
	unsigned char first = byte_at(s, 0);

	if (first < 0x80)
		return 1;
	for (size_t i = 0; i < wh_array_len(utf8_forms); i++) {
		const struct utf8_form *form = &utf8_forms[i];

		if (first >= form->first_min && first <= form->first_max)
			return utf8_form_fits(form, s) ? form->len : 0;
	}
	return 0;
}

/* Most text is ASCII: passes over it eight bytes at a time. */
static size_t
ascii_prefix(struct wh_str s)
{
	size_t i = 0;

	for (; i + 8 <= s.n; i += 8) {
		uint64_t eight;

		memcpy(&eight, s.p + i, sizeof(eight));
		if (eight & UINT64_C(0x8080808080808080))
			break;
	}
	while (i < s.n && byte_at(s, i) < 0x80)
		i++;
	return i;
}

bool
wh_utf8_valid(struct wh_str s)
{
	size_t i = ascii_prefix(s);

	while (i < s.n) {
		size_t len = wh_utf8_len(wh_str(s.p + i, s.n - i));

		if (len == 0)
			return false;
		i += len;
	}
	return true;
}

size_t
wh_control_len(struct wh_str s)
{
	if (s.n == 0)
		return 0;
	unsigned char first = byte_at(s, 0);

	if (first < 0x20 || first == 0x7f)
		return 1;
	bool c1 = first == 0xc2 && s.n > 1 && byte_at(s, 1) >= 0x80 && byte_at(s, 1) <= 0x9f;

	return c1 ? 2 : 0;
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Which bytes, all below 0x80, are not below c: their high bit. */
static uint64_t
from(uint64_t bytes, unsigned char c)
{
	return bytes + EACH(0x80u - c);
}

/* So many bytes, by eights, are printable ASCII. */
static size_t
plain_prefix(const char *p, size_t n)
{
	size_t i = 0;

	for (; i + 8 <= n; i += 8) {
		uint64_t eight, low;

		memcpy(&eight, p + i, sizeof(eight));
		low = eight & EACH(0x7f);
		if ((from(low, 0x20) & ~from(low, 0x7f) & ~eight & EACH(0x80)) != EACH(0x80))
			break;
	}
	return i;
}

bool
wh_str_has_control(struct wh_str s)
{
	for (size_t i = plain_prefix(s.p, s.n); i < s.n; i++) {
		if (wh_control_len(wh_str(s.p + i, s.n - i)))
			return true;
		if (i % 8 == 7)
			i += plain_prefix(s.p + i + 1, s.n - i - 1);
	}
	return false;
}

static uint64_t
load(const char *a, const char *b)
{
	uint32_t half[2];
	uint64_t eight;

	memcpy(&half[0], a, sizeof(half[0]));
	memcpy(&half[1], b, sizeof(half[1]));
	memcpy(&eight, half, sizeof(eight));
	return eight;
}

/* Eight bytes at once: digits, or letters when the bit is set that makes them small. */
static bool
is_hex(uint64_t bytes)
{
	uint64_t low = bytes & EACH(0x7f), small = low | EACH(0x20);
	uint64_t digits = from(low, '0') & ~from(low, '9' + 1);
	uint64_t letters = from(small, 'a') & ~from(small, 'f' + 1);

	return ((digits | letters) & ~bytes & EACH(0x80)) == EACH(0x80);
}

/* Looked at for each id of a call. */
bool
wh_str_is_guid(struct wh_str s)
{
	const char *p = s.p;

	if (s.n != WH_GUID || p[8] != '-' || p[13] != '-' || p[18] != '-' || p[23] != '-')
		return false;
	return is_hex(load(p, p + 4)) && is_hex(load(p + 9, p + 14)) &&
	       is_hex(load(p + 19, p + 24)) && is_hex(load(p + 28, p + 32));
}

bool
wh_parse_i64(struct wh_str s, int64_t min, int64_t max, int64_t *ret)
{
	bool negative = s.n > 0 && s.p[0] == '-';
	size_t i = negative ? 1 : 0;
	int64_t v = 0;

	if (i == s.n)
		return false;
	/* Summed up below zero, where there is room for INT64_MIN too. */
	for (; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_sub_overflow(v, s.p[i] - '0', &v))
			return false;
	}
	if (!negative && __builtin_sub_overflow((int64_t)0, v, &v))
		return false;
	if (v < min || v > max)
		return false;
	*ret = v;
	return true;
}
