/* SPDX-License-Identifier: MIT */
/*
 * Hashing of normal forms: each member's normal form is hashed by itself and
 * the set as a sum, so that its order does not matter.
 */
#include "daemon/form.h"

#include <xxhash.h>

#include "daemon/core/marker.h"

struct form {
	uint64_t sum[2];
	struct wh_buf text; /* one after the other, in normal form */
};

static void
add_text(struct form *x, enum wh_field f, struct wh_str text)
{
	wh_buf_reset(&x->text);
	/* Who wants a webhook like this one wants it with or without a mark. */
	wh_norm_text(&x->text, f, f == WH_F_WHCOMMENT ? wh_marker_strip(text) : text);

	XXH128_hash_t h = XXH3_128bits_withSeed(x->text.n ? x->text.p : "", x->text.n,
						(XXH64_hash_t)f + 1);

	x->sum[0] += h.low64;
	x->sum[1] += h.high64;
}

static void
add_member(struct form *x, enum wh_field f, const struct wh_glance *g)
{
	struct wh_items items = g->set[f];
	struct wh_str item;

	if (wh_fields[f].type != WH_FT_SET)
		add_text(x, f, g->text[f]);
	while (wh_items_next(&items, &item))
		add_text(x, f, item);
}

static int
hash(const struct wh_glance *g, bool comment, uint64_t ret[2])
{
	struct form x = {.text = WH_BUF_NULL};

	for (int f = 0; f < WH_F_COUNT; f++)
		if (comment || f != WH_F_WHCOMMENT)
			add_member(&x, (enum wh_field)f, g);
	ret[0] = x.sum[0];
	ret[1] = x.sum[1];

	int r = x.text.fault;

	wh_buf_fini(&x.text);
	return r;
}

int
wh_form_of(const struct wh_glance *g, uint64_t ret[2])
{
	return hash(g, true, ret);
}

int
wh_form_of_body(struct wh_str body, uint64_t ret[2])
{
	struct wh_glance g = {0};
	int r = body.n ? wh_glance(body, &g) : 0;

	return r ? r : wh_form_of(&g, ret);
}

int
wh_form_term(const struct wh_glance *g, uint64_t *ret)
{
	uint64_t sum[2];
	int r = hash(g, false, sum);

	*ret = sum[0] ? sum[0] : 1;
	return r;
}
