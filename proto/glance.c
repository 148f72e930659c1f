/* SPDX-License-Identifier: MIT */
/* Looking into encoded rows in place. */
#include "proto/glance.h"

enum head_kind { HEAD_OTHER, HEAD_TEXT, HEAD_ARRAY, HEAD_MAP };

struct head {
	enum head_kind kind;
	size_t size;    /* of the head and, but for arrays and maps, what belongs to it */
	uint64_t n;     /* items, members, or bytes of text */
	size_t text_at; /* where the text begins */
};

static uint64_t
number(const unsigned char *p, size_t width)
{
	uint64_t v = 0;

	for (size_t i = 0; i < width; i++)
		v = v << 8 | p[i];
	return v;
}

/* Width of the length, and kind, of the heads 0xc4 to 0xdf that have one. */
static const struct {
	uint8_t kind, width, fixed; /* fixed: bytes that follow, whatever the length */
} heads[28] = {
	[0x00] = {HEAD_TEXT, 1, 0},  [0x01] = {HEAD_TEXT, 2, 0},  [0x02] = {HEAD_TEXT, 4, 0},
	[0x06] = {HEAD_OTHER, 0, 4}, [0x07] = {HEAD_OTHER, 0, 8}, [0x08] = {HEAD_OTHER, 0, 1},
	[0x09] = {HEAD_OTHER, 0, 2}, [0x0a] = {HEAD_OTHER, 0, 4}, [0x0b] = {HEAD_OTHER, 0, 8},
	[0x0c] = {HEAD_OTHER, 0, 1}, [0x0d] = {HEAD_OTHER, 0, 2}, [0x0e] = {HEAD_OTHER, 0, 4},
	[0x0f] = {HEAD_OTHER, 0, 8}, [0x15] = {HEAD_TEXT, 1, 0},  [0x16] = {HEAD_TEXT, 2, 0},
	[0x17] = {HEAD_TEXT, 4, 0},  [0x18] = {HEAD_ARRAY, 2, 0}, [0x19] = {HEAD_ARRAY, 4, 0},
	[0x1a] = {HEAD_MAP, 2, 0},   [0x1b] = {HEAD_MAP, 4, 0},
};

static struct head
short_head(unsigned char b)
{
	if (b >= 0xa0 && b < 0xc0)
		return (struct head){HEAD_TEXT, 1, b & 0x1fu, 1};
	if (b >= 0x90 && b < 0xa0)
		return (struct head){HEAD_ARRAY, 1, b & 0x0fu, 0};
	if (b >= 0x80 && b < 0x90)
		return (struct head){HEAD_MAP, 1, b & 0x0fu, 0};
	return (struct head){HEAD_OTHER, 1, 0, 0}; /* small numbers, nil, false, true */
}

/* Splits one head off *rest, with the text that belongs to it. False if it is cut or unknown.
 */
static bool
take_head(struct wh_str *rest, struct head *h, struct wh_str *ret_text)
{
	const unsigned char *p = (const unsigned char *)rest->p;
	size_t width = 0;

	*ret_text = WH_STR_NULL;
	if (rest->n == 0 || p[0] == 0xc1 || (p[0] >= 0xc7 && p[0] <= 0xc9) ||
	    (p[0] >= 0xd4 && p[0] <= 0xd8))
		return false; /* no ext types: we use none */
	*h = short_head(p[0]);
	if (p[0] >= 0xc4 && p[0] < 0xe0) {
		width = heads[p[0] - 0xc4].width;
		if (rest->n < 1 + width)
			return false;
		*h = (struct head){(enum head_kind)heads[p[0] - 0xc4].kind,
				   1 + width + heads[p[0] - 0xc4].fixed, number(p + 1, width),
				   1 + width};
	}
	if (h->kind == HEAD_TEXT) {
		if (h->n > rest->n - h->text_at)
			return false;
		*ret_text = wh_str(rest->p + h->text_at, (size_t)h->n);
		h->size = h->text_at + (size_t)h->n;
	}
	if (h->size > rest->n)
		return false;
	*rest = wh_str(rest->p + h->size, rest->n - h->size);
	return true;
}

/* Passes over what belongs to a head: the items of an array, the members of a map. */
static bool
skip_content(struct wh_str *rest, const struct head *h)
{
	uint64_t left = h->kind == HEAD_ARRAY ? h->n : h->kind == HEAD_MAP ? 2 * h->n : 0;
	struct wh_str text;
	struct head inner;

	for (; left > 0; left--) {
		if (!take_head(rest, &inner, &text))
			return false;
		if (inner.kind == HEAD_ARRAY)
			left += inner.n;
		else if (inner.kind == HEAD_MAP)
			left += 2 * inner.n;
	}
	return true;
}

static bool
take_member(struct wh_str *rest, struct wh_glance *g)
{
	struct wh_str name, text;
	struct head h;

	if (!take_head(rest, &h, &name) || h.kind != HEAD_TEXT || !take_head(rest, &h, &text))
		return false;
	enum wh_field f = wh_field_by_name(name);

	if (f < WH_F_COUNT && wh_fields[f].type != WH_FT_SET && h.kind == HEAD_TEXT) {
		g->text[f] = text;
		g->seen |= 1u << f;
	}
	if (f < WH_F_COUNT && wh_fields[f].type == WH_FT_SET && h.kind == HEAD_ARRAY) {
		g->set[f] = (struct wh_items){*rest, (uint32_t)h.n};
		g->seen |= 1u << f;
	}
	return skip_content(rest, &h);
}

int
wh_glance(struct wh_str body, struct wh_glance *ret)
{
	struct wh_str text;
	struct head h;

	*ret = (struct wh_glance){0};
	if (!take_head(&body, &h, &text) || h.kind != HEAD_MAP)
		return WH_EPROTO;
	for (uint64_t i = 0; i < h.n; i++)
		if (!take_member(&body, ret))
			return WH_EPROTO;
	return body.n == 0 ? 0 : WH_EPROTO;
}

bool
wh_items_next(struct wh_items *items, struct wh_str *ret)
{
	struct head h;

	while (items->n > 0) {
		items->n--;
		if (!take_head(&items->rest, &h, ret) || !skip_content(&items->rest, &h))
			items->n = 0;
		else if (h.kind == HEAD_TEXT)
			return true;
	}
	return false;
}
