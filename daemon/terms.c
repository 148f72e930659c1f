/* SPDX-License-Identifier: MIT */
/* The terms of a webhook. */
#include "daemon/terms.h"

#include <xxhash.h>

#include "daemon/form.h"

uint64_t
wh_term(enum wh_field f, struct wh_str value)
{
	uint64_t h = XXH3_64bits_withSeed(value.p ? value.p : "", value.n, (XXH64_hash_t)f + 1);

	return h ? h : 1;
}

static void
add_term(struct wh_terms *t, uint64_t term)
{
	if (t->n == WH_TERMS_MAX)
		t->many = true;
	else
		t->term[t->n++] = term;
}

static void
add(struct wh_terms *t, enum wh_field f, struct wh_str value)
{
	add_term(t, wh_term(f, value));
}

static void
add_items(struct wh_terms *t, enum wh_field f, struct wh_items items)
{
	struct wh_str item;

	while (!t->many && wh_items_next(&items, &item))
		add(t, f, item);
}

/* One whose form cannot be told, for want of memory, is found by every question. */
static void
add_form(struct wh_terms *t, const struct wh_glance *g)
{
	uint64_t term;

	if (wh_form_term(g, &term))
		t->many = true;
	else
		add_term(t, term);
}

void
wh_terms_of_webhook(enum wh_scan_table table, struct wh_str body, struct wh_terms *ret)
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
	if (table == WH_SCAN_ROWS)
		add_form(ret, &g);
}
