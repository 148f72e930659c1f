/* SPDX-License-Identifier: MIT */
/*
 * What a list leaves behind on its way from the transport to the store: chunks
 * of rows, and the set of ids it held. Made on the HTTP thread, handed by
 * pointer to the loop and on to the commit thread; one owner at a time.
 */
#pragma once

#include "daemon/core/known.h"
#include "proto/buf.h"

/* Rows of a list, at most 500 or 384 KiB and a row: LMDB keeps as many pages in memory as the
 * largest transaction wrote. Owned by whoever holds the pointer. */
struct wh_chunk {
	uint64_t tag;
	struct wh_buf bytes; /* its rows, or ... */
	const char *base;    /* ... those of somebody who outlives it; NULL = its own */
	size_t *at;          /* where each begins */
	size_t n, cap;
};
struct wh_chunk *wh_chunk_new(uint64_t tag);
struct wh_chunk *wh_chunk_free(struct wh_chunk *c); /* NULL is fine; returns NULL */
/* Copies a row in. 0 or WH_ENOMEM. */
WH_MUST_USE int wh_chunk_add(struct wh_chunk *c, struct wh_str whid, struct wh_str body,
			     struct wh_hash text);
/* One of the rows at its base. 0 or WH_ENOMEM. */
WH_MUST_USE int wh_chunk_add_at(struct wh_chunk *c, size_t at);
/* Large enough to be sent on. */
bool wh_chunk_full(const struct wh_chunk *c);
struct wh_str wh_chunk_whid(const struct wh_chunk *c, size_t i);
struct wh_str wh_chunk_body(const struct wh_chunk *c, size_t i);
struct wh_hash wh_chunk_text(const struct wh_chunk *c, size_t i);
/* Of one row as it stands in the bytes. */
struct wh_str wh_chunk_row_whid(const char *row);
size_t wh_chunk_row_size(const char *row);

/*
 * Which webhooks a list held: those that are ticked in what was known before,
 * and the hashes of the keys of all others.
 */
struct wh_seen {
	struct wh_known *known; /* owned while here */
	struct wh_hash *ids;
	size_t n, cap;
	bool closed;     /* no more will come; ids are sorted */
	bool all;        /* ids are those of the ticked ones, too */
	bool duplicates; /* found at the close */
};
/* One that is not ticked. 0, or WH_ENOMEM. */
WH_MUST_USE int wh_seen_add(struct wh_seen *s, struct wh_str key);
/* To be called once, after the last add: sorts, and notices duplicates. */
void wh_seen_close(struct wh_seen *s);
/* Before wh_seen_has(): costs time and memory in proportion to the list. 0, or WH_ENOMEM. */
WH_MUST_USE int wh_seen_gather(struct wh_seen *s);
bool wh_seen_has(const struct wh_seen *s, struct wh_str key); /* key: folded whid */
void wh_seen_fini(struct wh_seen *s);                         /* known included */
