/* SPDX-License-Identifier: MIT */
/*
 * Sets of text over msgpack arrays: read, look up, compare. The only memory is
 * one sorted array of views; nothing is copied.
 *
 * Called by norm and merge on any thread; pure.
 */
#include <stdlib.h>

#include "daemon/core/set.h"

static bool
is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct wh_str
wh_set_trim(struct wh_str s)
{
	while (s.n && is_space(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

static unsigned char
fold(char c)
{
	return (unsigned char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

static int
cmp_guids(struct wh_str a, struct wh_str b)
{
	for (size_t i = 0; i < a.n; i++) {
		if (fold(a.p[i]) != fold(b.p[i]))
			return fold(a.p[i]) < fold(b.p[i]) ? -1 : 1;
	}
	return 0;
}

/* GUIDs sort before all other text, so that the order stays total. */
int
wh_set_text_cmp(struct wh_str a, struct wh_str b)
{
	a = wh_set_trim(a);
	b = wh_set_trim(b);

	bool guid_a = wh_str_is_guid(a);
	bool guid_b = wh_str_is_guid(b);

	if (guid_a && guid_b)
		return cmp_guids(a, b);
	if (guid_a != guid_b)
		return guid_a ? -1 : 1;
	return wh_str_cmp(a, b);
}

static int
text_cmp(enum wh_set_form form, struct wh_str a, struct wh_str b)
{
	return form == WH_SET_EXACT ? wh_str_cmp(a, b) : wh_set_text_cmp(a, b);
}

static int
item_cmp(enum wh_set_form form, const void *left, const void *right)
{
	const struct wh_set_item *a = left;
	const struct wh_set_item *b = right;
	int c = text_cmp(form, a->text, b->text);

	return c ? c : (a->at > b->at) - (a->at < b->at);
}

static int
item_cmp_exact(const void *a, const void *b)
{
	return item_cmp(WH_SET_EXACT, a, b);
}

static int
item_cmp_normal(const void *a, const void *b)
{
	return item_cmp(WH_SET_NORMAL, a, b);
}

static void
drop_duplicates(struct wh_set *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (kept && text_cmp(s->form, s->items[kept - 1].text, s->items[i].text) == 0)
			continue;
		s->items[kept++] = s->items[i];
	}
	s->n = kept;
}

int
wh_set_init(struct wh_set *ret, const msgpack_object *array, enum wh_set_form form)
{
	*ret = (struct wh_set){.form = form};
	if (!array || array->type != MSGPACK_OBJECT_ARRAY || array->via.array.size == 0)
		return 0;

	ret->items = calloc(array->via.array.size, sizeof(*ret->items));
	if (!ret->items)
		return WH_ENOMEM;
	for (uint32_t i = 0; i < array->via.array.size; i++) {
		struct wh_str text;

		if (wh_obj_str(&array->via.array.ptr[i], &text))
			ret->items[ret->n++] = (struct wh_set_item){text, i};
	}
	qsort(ret->items, ret->n, sizeof(*ret->items),
	      form == WH_SET_EXACT ? item_cmp_exact : item_cmp_normal);
	drop_duplicates(ret);
	return 0;
}

void
wh_set_fini(struct wh_set *s)
{
	free(s->items);
	*s = WH_SET_NULL;
}

static const struct wh_set_item *
find(const struct wh_set *s, struct wh_str text)
{
	size_t low = 0;
	size_t high = s->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = text_cmp(s->form, text, s->items[mid].text);

		if (c == 0)
			return &s->items[mid];
		if (c < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

bool
wh_set_has(const struct wh_set *s, struct wh_str text)
{
	return find(s, text) != NULL;
}

bool
wh_set_is_first(const struct wh_set *s, struct wh_str text, uint32_t at)
{
	const struct wh_set_item *item = find(s, text);

	return item && item->at == at;
}

void
wh_set_subtract(struct wh_set *s, const struct wh_set *other)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (!wh_set_has(other, s->items[i].text))
			s->items[kept++] = s->items[i];
	}
	s->n = kept;
}

bool
wh_set_eq(const struct wh_set *a, const struct wh_set *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		if (text_cmp(a->form, a->items[i].text, b->items[i].text))
			return false;
	}
	return true;
}
