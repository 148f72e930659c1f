/* SPDX-License-Identifier: MIT */
/*
 * What a list leaves behind on its way from the transport to the store: chunks
 * of rows, and the set of ids it held. Made on the HTTP thread, handed by
 * pointer to the loop and on to the commit thread; one owner at a time.
 */
#pragma once

#include "proto/buf.h"

/* Rows of a list, at most 1,000 or about 1 MiB. Owned by whoever holds the pointer. */
struct wh_chunk {
	uint64_t tag;
	struct wh_buf bytes;
	struct wh_chunk_row {
		size_t whid_at, whid_n, body_at, body_n; /* into bytes */
	} * rows;
	size_t n, cap;
};
struct wh_chunk *wh_chunk_new(uint64_t tag);
struct wh_chunk *wh_chunk_free(struct wh_chunk *c); /* NULL is fine; returns NULL */
/* Copies a row in. 0 or WH_ENOMEM. */
WH_MUST_USE int wh_chunk_add(struct wh_chunk *c, struct wh_str whid, struct wh_str body);
/* Large enough to be sent on. */
bool wh_chunk_full(const struct wh_chunk *c);
struct wh_str wh_chunk_whid(const struct wh_chunk *c, size_t i);
struct wh_str wh_chunk_body(const struct wh_chunk *c, size_t i);

/* The ids a list held: 128-bit hashes of their keys, sorted at the end of the list. */
struct wh_seen {
	struct wh_seen_id {
		uint64_t lo, hi;
	} * ids;
	size_t n, cap;
	uint64_t seed; /* drawn for each list, so that nobody can aim at collisions */
	bool duplicates;
};
/* 0, or WH_ENOMEM. */
WH_MUST_USE int wh_seen_add(struct wh_seen *s, struct wh_str key);
/* To be called once, after the last add: sorts, and notices duplicates. */
void wh_seen_sort(struct wh_seen *s);
bool wh_seen_has(const struct wh_seen *s, struct wh_str key); /* key: folded whid */
void wh_seen_fini(struct wh_seen *s);
