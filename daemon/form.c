/* SPDX-License-Identifier: MIT */
/*
 * Hashing of normal forms: each member's normal form is hashed by itself and
 * the set as a sum, so that its order does not matter.
 */
#include "daemon/form.h"

#include <xxhash.h>

#include "daemon/core/marker.h"
#include "daemon/doc.h"

static void
mix(uint64_t ret[2], XXH128_hash_t h)
{
	ret[0] += h.low64;
	ret[1] += h.high64;
}

static int
hash_text(enum wh_field f, struct wh_str text, uint64_t ret[2])
{
	struct wh_buf b = WH_BUF_NULL;

	/* Who wants a webhook like this one wants it with or without a mark. */
	wh_norm_text(&b, f, f == WH_F_WHCOMMENT ? wh_marker_strip(text) : text);
	if (b.fault == 0)
		mix(ret, XXH3_128bits_withSeed(b.p ? b.p : "", b.n, (XXH64_hash_t)f + 1));

	int r = b.fault;

	wh_buf_fini(&b);
	return r;
}

static int
hash_set(enum wh_field f, const msgpack_object *set, uint64_t ret[2])
{
	int r = 0;

	for (uint32_t i = 0; r == 0 && set && i < set->via.array.size; i++) {
		struct wh_str item;

		if (wh_obj_str(&set->via.array.ptr[i], &item))
			r = hash_text(f, item, ret);
	}
	return r;
}

static int
form_of(const struct wh_record *rec, uint64_t ret[2])
{
	int r = 0;

	ret[0] = ret[1] = 0;
	for (int f = 0; r == 0 && f < WH_F_COUNT; f++) {
		if (wh_fields[f].type == WH_FT_SET)
			r = hash_set((enum wh_field)f, rec->set[f], ret);
		else
			r = hash_text((enum wh_field)f, rec->text[f], ret);
	}
	return r;
}

int
wh_form_of_body(struct wh_str body, uint64_t ret[2])
{
	struct wh_doc d = {0};
	int r = wh_doc_open(&d, body);

	if (r == 0)
		r = form_of(&d.record, ret);
	wh_doc_close(&d);
	return r;
}
