/* SPDX-License-Identifier: MIT */
/*
 * What is known of the upstream's list from the lists before: the hash of each
 * element's text, and which webhook it stands for. An element that is found
 * here says what the confirmed row says, so it need not be parsed, compared or
 * written; it is ticked, once a list.
 *
 * Whoever keeps one must forget a webhook whenever its confirmed row is
 * written (store/store.h, touches), and may then learn which text stands for
 * the row as it is now.
 *
 * It also remembers whole blocks of the body: runs of elements that were all
 * known, under one hash. A block that comes again is ticked as a whole.
 *
 * Pure, but for memory; one owner at a time, any thread.
 */
#pragma once

#include "proto/base.h"

#define WH_KNOWN_NONE UINT32_MAX

struct wh_known;

/* The last word on one webhook. A text of zeros: nothing is known of it now. */
struct wh_known_item {
	struct wh_hash text, key;
};

/* Items gathered between two lists. Owned; zeroed is empty. */
struct wh_known_items {
	struct wh_known_item *items;
	size_t n, cap;
	bool forget_all; /* before any of them: some were lost */
};

/* Elements of the list before, in order, and the bytes that held them: from behind the element
 * `after` to the end of the last of them. */
struct wh_known_block {
	struct wh_hash hash;
	uint32_t bytes;
	uint32_t after; /* element */
	uint32_t first, n;
};

struct wh_known *wh_known_new(uint64_t seed); /* NULL: no memory */
struct wh_known *wh_known_free(struct wh_known *k);

struct wh_hash wh_known_hash(uint64_t seed, struct wh_str bytes);
uint64_t wh_known_seed(const struct wh_known *k);

/* Adds one, in place of the last if that is of the same webhook. When there are too many, or
 * memory is out, they give way to forget_all. */
void wh_known_items_add(struct wh_known_items *i, struct wh_known_item item);
void wh_known_items_fini(struct wh_known_items *i);
/* Takes items in; of several for one webhook the last counts. When memory is out all is
 * forgotten, which is never wrong. */
void wh_known_update(struct wh_known *k, const struct wh_known_items *items);
size_t wh_known_count(const struct wh_known *k);

/* A list begins: nothing is ticked. */
void wh_known_begin(struct wh_known *k);
/* The element with this text, or WH_KNOWN_NONE. */
uint32_t wh_known_find(const struct wh_known *k, struct wh_hash text);
/* False if it was ticked before. */
bool wh_known_tick(struct wh_known *k, uint32_t at);
size_t wh_known_ticked(const struct wh_known *k);
/* The next ticked one at or behind *at, which is then moved behind it; false: no more. */
bool wh_known_next_ticked(const struct wh_known *k, uint32_t *at, struct wh_hash *ret_key);

/* ------------------------------------------------- blocks: known_block.c --- */

/* The block that came behind this element in the list before, or NULL. */
const struct wh_known_block *wh_known_behind(const struct wh_known *k, uint32_t after);
/* Ticks all of a block, which then is part of this list's record, too. WH_KNOWN_NONE if that
 * cannot be: then nothing is ticked. Else its last element. */
uint32_t wh_known_tick_block(struct wh_known *k, const struct wh_known_block *b);
/* The record of this list: opens a block, adds to it, closes it. */
void wh_known_block_open(struct wh_known *k, uint32_t after);
void wh_known_block_add(struct wh_known *k, uint32_t at);
void wh_known_block_close(struct wh_known *k, struct wh_hash hash, uint32_t bytes);
void wh_known_block_drop(struct wh_known *k);
/* The list has ended: its record takes the place of the one before, if it is worth it. */
void wh_known_end(struct wh_known *k, bool whole);
