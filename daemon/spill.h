/* SPDX-License-Identifier: MIT */
/*
 * The rows of a first list, which may be many and come in any order, in a file
 * without a name until all have come; then they are stored in the order of
 * their ids. Put as they come they would fall on pages all over the table, and
 * each commit would write most of it again: ten times the bytes in all, and
 * pages two thirds full.
 *
 * One owner at a time. NULL is a spill that takes nothing and holds nothing.
 */
#pragma once

#include "daemon/chunk.h"

struct wh_spill;

/* Takes the descriptor over; -1 or no memory gives NULL. */
struct wh_spill *wh_spill_new(int fd);
struct wh_spill *wh_spill_free(struct wh_spill *s); /* returns NULL */
/* Copies the rows of a chunk in. False if that fails, and from then on: hand them on. */
bool wh_spill_add(struct wh_spill *s, const struct wh_chunk *c);
size_t wh_spill_count(const struct wh_spill *s);
/* After the last add: puts them in order. Returns s; NULL if it is empty, or cannot be read. */
struct wh_spill *wh_spill_sort(struct wh_spill *s);
/* The next rows, at most 2000 or 1 MiB and a row; NULL: no more. Borrows from the spill. */
struct wh_chunk *wh_spill_next(struct wh_spill *s, uint64_t tag);
bool wh_spill_is_through(const struct wh_spill *s);
/* For tests: at most so many rows at once. */
void wh_spill_slice(struct wh_spill *s, size_t rows);
