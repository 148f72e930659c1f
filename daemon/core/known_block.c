/* SPDX-License-Identifier: MIT */
/*
 * Blocks of a list's body. Only runs of elements that were all known are
 * recorded, so that a block stands for a run of elements and nothing else. A
 * record that memory does not suffice for is dropped: it only saves time.
 */
#include "daemon/core/known_own.h"

#include <stdlib.h>

void
wh_known_record_fini(struct wh_known_record *r)
{
	free(r->blocks);
	free(r->order);
	*r = (struct wh_known_record){0};
}

void
wh_known_blocks_reset(struct wh_known *k)
{
	wh_known_record_fini(&k->was);
	wh_known_record_fini(&k->now);
}

const struct wh_known_block *
wh_known_behind(const struct wh_known *k, uint32_t after)
{
	uint32_t b = k->opens[after];

	return b == WH_KNOWN_NONE ? NULL : &k->was.blocks[b];
}

/* ------------------------------------------------------------------- record -- */

static bool
room_for_element(struct wh_known_record *r)
{
	if (r->n_order < r->cap_order)
		return true;

	uint32_t cap = r->cap_order ? r->cap_order + r->cap_order / 2 : 256;
	uint32_t *order = realloc(r->order, cap * sizeof(*order));

	if (!order)
		return false;
	r->order = order;
	r->cap_order = cap;
	return true;
}

static bool
room_for_block(struct wh_known_record *r)
{
	if (r->n_blocks < r->cap_blocks)
		return true;

	uint32_t cap = r->cap_blocks ? r->cap_blocks + r->cap_blocks / 2 : 64;
	struct wh_known_block *blocks = realloc(r->blocks, cap * sizeof(*blocks));

	if (!blocks)
		return false;
	r->blocks = blocks;
	r->cap_blocks = cap;
	return true;
}

void
wh_known_block_open(struct wh_known *k, uint32_t after)
{
	struct wh_known_record *r = &k->now;

	wh_known_block_drop(k);
	r->open = true;
	r->after = after;
	r->from = r->n_order;
}

void
wh_known_block_add(struct wh_known *k, uint32_t at)
{
	struct wh_known_record *r = &k->now;

	if (!r->open)
		return;
	if (room_for_element(r))
		r->order[r->n_order++] = at;
	else
		wh_known_block_drop(k);
}

void
wh_known_block_close(struct wh_known *k, struct wh_hash hash, uint32_t bytes)
{
	struct wh_known_record *r = &k->now;

	if (!r->open || r->n_order == r->from || !room_for_block(r)) {
		wh_known_block_drop(k);
		return;
	}
	r->blocks[r->n_blocks++] = (struct wh_known_block){
		.hash = hash,
		.bytes = bytes,
		.after = r->after,
		.first = r->from,
		.n = r->n_order - r->from,
	};
	r->open = false;
}

void
wh_known_block_drop(struct wh_known *k)
{
	struct wh_known_record *r = &k->now;

	if (r->open)
		r->n_order = r->from;
	r->open = false;
}

/* --------------------------------------------------------------------- tick -- */

/* Some of its elements may have been forgotten since, or stood elsewhere in this list. */
static bool
all_free(const struct wh_known *k, const uint32_t *order, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (wh_known_is_dead(k, order[i]) || wh_known_is_ticked(k, order[i]))
			return false;
	return true;
}

uint32_t
wh_known_tick_block(struct wh_known *k, const struct wh_known_block *b)
{
	const uint32_t *order = k->was.order + b->first;

	if (!all_free(k, order, b->n))
		return WH_KNOWN_NONE;
	wh_known_block_open(k, b->after);
	for (uint32_t i = 0; i < b->n; i++) {
		wh_known_tick(k, order[i]);
		wh_known_block_add(k, order[i]);
	}
	wh_known_block_close(k, b->hash, b->bytes);
	return order[b->n - 1];
}

/* ---------------------------------------------------------------------- end -- */

static void
set_opens(struct wh_known *k, bool on)
{
	for (uint32_t b = 0; b < k->was.n_blocks; b++)
		k->opens[k->was.blocks[b].after] = on ? b : WH_KNOWN_NONE;
}

void
wh_known_end(struct wh_known *k, bool whole)
{
	struct wh_known_record was = k->was;

	wh_known_block_drop(k);
	if (!whole)
		return;
	set_opens(k, false);
	k->was = k->now;
	k->now = was;
	set_opens(k, true);
}
