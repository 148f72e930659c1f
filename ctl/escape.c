/* SPDX-License-Identifier: MIT */
/*
 * Escapes foreign text for people and for lines.
 *
 * Every printer of whctl calls it on the only thread there is. It never looks
 * at the locale: what is dangerous is so in each of them.
 */
#include "ctl/escape.h"

/* Characters that are invisible or change how their neighbours are shown. */
static const struct {
	uint32_t first, last;
} hidden[] = {
	{0x0000, 0x001f},   /* C0 */
	{0x007f, 0x009f},   /* DEL and C1 */
	{0x00ad, 0x00ad},   /* soft hyphen */
	{0x061c, 0x061c},   /* Arabic letter mark */
	{0x115f, 0x1160},   /* Hangul fillers */
	{0x17b4, 0x17b5},   /* Khmer inherent vowels */
	{0x180e, 0x180e},   /* Mongolian vowel separator */
	{0x200b, 0x200f},   /* zero-width characters, direction marks */
	{0x2028, 0x202e},   /* line and paragraph separators, embeddings */
	{0x2060, 0x206f},   /* word joiner, invisible operators, isolates */
	{0x3164, 0x3164},   /* Hangul filler */
	{0xfeff, 0xfeff},   /* byte order mark */
	{0xffa0, 0xffa0},   /* halfwidth Hangul filler */
	{0xfff0, 0xfffb},   /* interlinear annotations */
	{0x1d173, 0x1d17a}, /* musical format controls */
	{0xe0000, 0xe0fff}, /* tags, more selectors */
};

static bool
is_hidden(uint32_t c)
{
	for (size_t i = 0; i < wh_array_len(hidden); i++)
		if (c >= hidden[i].first && c <= hidden[i].last)
			return true;
	return false;
}

/* Decodes the well-formed sequence of n bytes at p. */
static uint32_t
decode(const char *p, size_t n)
{
	static const unsigned char lead[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t c = (unsigned char)p[0] & lead[n];

	for (size_t i = 1; i < n; i++)
		c = c << 6 | ((unsigned char)p[i] & 0x3fu);
	return c;
}

/* JSON knows only four digits: what lies beyond is written as two halves. */
static void
escape_json(struct wh_buf *out, uint32_t c)
{
	if (c < 0x10000) {
		wh_buf_printf(out, "\\u%04x", c);
		return;
	}
	c -= 0x10000;
	wh_buf_printf(out, "\\u%04x\\u%04x", 0xd800 + (c >> 10), 0xdc00 + (c & 0x3ff));
}

static void
escape_hidden(struct wh_buf *out, uint32_t c)
{
	if (c == '\n')
		wh_buf_c(out, "\\n");
	else if (c == '\r')
		wh_buf_c(out, "\\r");
	else if (c == '\t')
		wh_buf_c(out, "\\t");
	else if (c < 0x80)
		wh_buf_printf(out, "\\x%02x", c);
	else if (c < 0x10000)
		wh_buf_printf(out, "\\u%04x", c);
	else
		wh_buf_printf(out, "\\U%08x", c);
}

static bool
stays(uint32_t c, enum wh_escape_mode mode)
{
	return (mode == WH_ESCAPE_TEXT || mode == WH_ESCAPE_JSON) && (c == '\n' || c == '\t');
}

/* Bytes at the start of s that print as themselves in any mode. */
static size_t
plain_len(struct wh_str s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] >= ' ' && s.p[n] <= '~' && s.p[n] != '\\')
		n++;
	return n;
}

void
wh_escape(struct wh_buf *out, struct wh_str s, enum wh_escape_mode mode)
{
	while (s.n) {
		size_t plain = plain_len(s);

		wh_buf_add(out, s.p, plain);
		s = wh_str(s.p + plain, s.n - plain);
		if (!s.n)
			break;
		size_t n = wh_utf8_len(s);
		uint32_t c = n ? decode(s.p, n) : 0;

		if (n == 0)
			wh_buf_printf(out, "\\x%02x", (unsigned char)s.p[0]);
		else if (c == '\\' && mode == WH_ESCAPE_TSV)
			wh_buf_c(out, "\\\\");
		else if (!is_hidden(c) || stays(c, mode))
			wh_buf_add(out, s.p, n);
		else if (mode == WH_ESCAPE_JSON)
			escape_json(out, c);
		else
			escape_hidden(out, c);
		n = n ? n : 1;
		s = wh_str(s.p + n, s.n - n);
	}
}

void
wh_cut(struct wh_buf *b, size_t most)
{
	if (b->n > most) {
		b->n = most;
		while (b->n && ((unsigned char)b->p[b->n] & 0xc0) == 0x80)
			b->n--;
	}
	b->fault = 0;
	wh_buf_c(b, "...");
}
