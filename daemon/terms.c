/* SPDX-License-Identifier: MIT */
/* The terms of a webhook. */
#include "daemon/terms.h"

#include <xxhash.h>

uint64_t
wh_term(enum wh_field f, struct wh_str value)
{
	uint64_t h = XXH3_64bits_withSeed(value.p ? value.p : "", value.n, (XXH64_hash_t)f + 1);

	return h ? h : 1;
}

static void
add(struct wh_terms *t, enum wh_field f, struct wh_str value)
{
	if (t->n == WH_TERMS_MAX)
		t->many = true;
	else
		t->term[t->n++] = wh_term(f, value);
}

static void
add_items(struct wh_terms *t, enum wh_field f, struct wh_items items)
{
	struct wh_str item;

	while (!t->many && wh_items_next(&items, &item))
		add(t, f, item);
}

void
wh_terms_of_webhook(struct wh_str body, struct wh_terms *ret)
{
	struct wh_glance g;

	ret->n = 0;
	ret->many = false;
	if (wh_glance(body, &g))
		return; /* nobody is shown it either */
	for (int f = 0; f < WH_F_COUNT; f++) {
		if (wh_fields[f].type == WH_FT_SET)
			add_items(ret, (enum wh_field)f, g.set[f]);
		else if (f != WH_F_WHCOMMENT)
			add(ret, (enum wh_field)f, g.text[f]);
	}
}
