/* SPDX-License-Identifier: MIT */
/* Inside of known.c and known_block.c. */
#pragma once

#include "daemon/core/known.h"

/* The blocks of one list. */
struct wh_known_record {
	struct wh_known_block *blocks;
	uint32_t *order; /* their elements, one block after the other */
	uint32_t n_blocks, cap_blocks, n_order, cap_order;
	bool open; /* a block is being added to: elements from `from` on */
	uint32_t after, from;
};

struct wh_known {
	uint64_t seed;
	/* elements; those with a text of zeros are dead */
	struct wh_hash *text, *key;
	uint32_t *opens; /* the block of `was` behind it, or WH_KNOWN_NONE */
	uint64_t *ticks; /* a bit each */
	uint32_t n, cap, dead;
	size_t ticked;
	uint32_t *slots; /* by text: element + 1, 0 = free */
	uint32_t n_slots;
	struct wh_known_record was, now;
};

static inline bool
wh_known_is_dead(const struct wh_known *k, uint32_t at)
{
	return k->text[at].lo == 0 && k->text[at].hi == 0;
}

static inline bool
wh_known_is_ticked(const struct wh_known *k, uint32_t at)
{
	return k->ticks[at / 64] >> (at % 64) & 1u;
}

void wh_known_record_fini(struct wh_known_record *r);
/* Forgets both records. */
void wh_known_blocks_reset(struct wh_known *k);
