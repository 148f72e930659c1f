/* SPDX-License-Identifier: MIT */
/*
 * Where does a JSON value end? Text is scanned a machine word at a time, since
 * most bytes of a list are text; between texts only quotes and brackets count.
 * Brackets are counted, not matched: what is wrong with them, the parser of
 * the element finds. Runs on the HTTP thread, over whole list bodies.
 */
#include "daemon/core/remote_token.h"

#define EACH_BYTE(c) (UINT64_C(0x0101010101010101) * (unsigned char)(c))

/* Not zero if any byte of w is zero. */
static uint64_t
zero_bytes(uint64_t w)
{
	return (w - EACH_BYTE(0x01)) & ~w & EACH_BYTE(0x80);
}

/* The next quote or backslash, or end. */
static const char *
find_text_end(const char *p, const char *end)
{
	uint64_t w;

	while (end - p >= (ptrdiff_t)sizeof w) {
		memcpy(&w, p, sizeof w);
		if (zero_bytes(w ^ EACH_BYTE('"')) | zero_bytes(w ^ EACH_BYTE('\\')))
			break;
		p += sizeof w;
	}
	while (p < end && *p != '"' && *p != '\\')
		p++;
	return p;
}

const char *
wh_split_pass_text(struct wh_split_token *t, const char *p, const char *end)
{
	while (p < end) {
		if (t->escaped) {
			t->escaped = false;
			p++;
			continue;
		}
		p = find_text_end(p, end);
		if (p == end)
			break;
		if (*p++ == '"') {
			t->in_text = false;
			break;
		}
		t->escaped = true;
	}
	return p;
}

static const char *
find_structure(const char *p, const char *end)
{
	static const bool counts[256] = {
		['"'] = true, ['{'] = true, ['}'] = true, ['['] = true, [']'] = true,
	};

	while (p < end && !counts[(unsigned char)*p])
		p++;
	return p;
}

static const char *
pass_nested(struct wh_split_token *t, const char *p, const char *end)
{
	while (p < end) {
		if (t->in_text) {
			p = wh_split_pass_text(t, p, end);
			continue;
		}
		p = find_structure(p, end);
		if (p == end)
			break;
		switch (*p++) {
		case '"':
			t->in_text = true;
			break;
		case '{':
		case '[':
			t->depth++;
			break;
		case '}':
		case ']':
			t->done = --t->depth == 0;
			break;
		}
		if (t->done)
			break;
	}
	return p;
}

static const char *
pass_text(struct wh_split_token *t, const char *p, const char *end)
{
	if (!t->in_text && p < end) {
		t->in_text = true;
		p++;
	}
	p = wh_split_pass_text(t, p, end);
	t->done = !t->in_text;
	return p;
}

static const char *
pass_word(struct wh_split_token *t, const char *p, const char *end)
{
	while (p < end && !memchr(" \t\r\n,]}[{\"", *p, 10))
		p++;
	t->done = p < end;
	return p;
}

const char *
wh_split_pass(struct wh_split_token *t, const char *p, const char *end)
{
	if (p == end)
		return p;
	if (!t->begun)
		t->first = *p;
	t->begun = true;
	if (t->first == '{' || t->first == '[')
		return pass_nested(t, p, end);
	return t->first == '"' ? pass_text(t, p, end) : pass_word(t, p, end);
}
