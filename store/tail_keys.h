/* SPDX-License-Identifier: MIT */
/*
 * The keys of the tail of the queue, in memory: which operations are there, and
 * which of them have an id, a lane, a form or a group in common.
 *
 * Operations have places, in order of seq, which are numbered on and on; one
 * that ended leaves its place empty. Those of one bucket are chained in the
 * same order, so that a search takes as long as there are such, however long
 * the tail is. Keys are kept as half hashes: what is found may be another one.
 * Of the thread that owns them. Internal to store/.
 */
#pragma once

#include "store/store.h"

#define WH_TAIL_MAX 131072u /* places; a power of 2 above the queue's length by default */

enum wh_tail_key {
	WH_TAIL_ID,
	WH_TAIL_LANE,
	WH_TAIL_FORM,
	WH_TAIL_GROUP,                                  /* + which */
	WH_TAIL_IN_HAND = WH_TAIL_GROUP + WH_OP_GROUPS, /* + which: of the group, if in hand */
	WH_TAIL_KEYS = WH_TAIL_IN_HAND + WH_OP_GROUPS,
	WH_TAIL_ANY = WH_TAIL_KEYS, /* all of them */
};

#define WH_TAIL_BUCKET_BITS 15 /* more take more memory when there are few */
#define WH_TAIL_NOWHERE UINT32_MAX

struct wh_tail_place {
	uint64_t seq;
	bool here;
};

/* Places in chains are one higher than they are; 0 = none. */
struct wh_tail_link {
	uint32_t tag; /* of the key; 0 = it has none */
	uint32_t next;
};

/* Most searches are for what is not there, and end without a look at the links. */
struct wh_tail_chain {
	uint32_t first, last;
	uint32_t tags; /* a bit for each tag that came in since it was empty */
};

/* All zeros: an empty one, of which only what is used takes memory. */
struct wh_tail_keys {
	uint32_t start, end; /* the places that are taken, with empty ones among them */
	struct wh_tail_place place[WH_TAIL_MAX];
	struct wh_tail_link link[WH_TAIL_KEYS][WH_TAIL_MAX];
	struct wh_tail_chain chain[WH_TAIL_KEYS][1u << WH_TAIL_BUCKET_BITS];
};

static inline uint32_t
wh_tail_keys_length(const struct wh_tail_keys *t)
{
	return t->end - t->start;
}

static inline uint64_t
wh_tail_keys_seq(const struct wh_tail_keys *t, uint32_t at)
{
	return t->place[at % WH_TAIL_MAX].seq;
}

/* The first place with a seq from `from` on that may have the key (0 has none), and the next
 * behind place `at`. WH_TAIL_NOWHERE. */
uint32_t wh_tail_keys_first(const struct wh_tail_keys *t, enum wh_tail_key kind, uint64_t key,
			    uint64_t from);
uint32_t wh_tail_keys_next(const struct wh_tail_keys *t, enum wh_tail_key kind, uint64_t key,
			   uint32_t at);
/* Adds it, or gives it other keys. False if there is no place for it: all are taken, or it is
 * not among them and came before the last. */
WH_MUST_USE bool wh_tail_keys_put(struct wh_tail_keys *t, uint64_t seq,
				  const uint64_t key[WH_TAIL_KEYS]);
void wh_tail_keys_del(struct wh_tail_keys *t, uint64_t seq);
void wh_tail_keys_drop_before(struct wh_tail_keys *t, uint64_t seq);
void wh_tail_keys_clear(struct wh_tail_keys *t);
