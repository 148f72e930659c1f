/* SPDX-License-Identifier: MIT */
/*
 * The pages that one transaction wrote.
 *
 * LMDB never writes to a page that the state before has in use: what is new in
 * a state are the pages that its trees lead to and those of the state before
 * do not. Only what differs is walked, so it costs as much as the transaction
 * wrote. Every offset is checked before it is followed. Internal to store/;
 * one thread; nobody may write to the pages meanwhile.
 */
#pragma once

#include "store/pages_form.h"

/* Where pages come from: mapped, or read one after the other. */
struct wh_fresh_file {
	const char *map; /* NULL: they are read from fd */
	int fd;
	size_t page_size;
	bool rewrites; /* the new pages are written again, with what they hold */
};

struct wh_fresh; /* what a walk needs of memory; kept from one to the next */

/* NULL if there is no memory for it. */
struct wh_fresh *wh_fresh_new(void);
void wh_fresh_free(struct wh_fresh *f);

/* Both states of a file. */
struct wh_states {
	struct meta was, is;
};

struct wh_fresh_result {
	uint64_t pages; /* that the newer state does not share with the other one */
	uint64_t sum;   /* hash of number and content of each, and of the newer meta page */
};

/* 0; WH_ABSENT: they are too many, or the trees are none of whd's, or go on behind the end of
 * the file; or a fault: nobody knows what they hold. */
WH_MUST_USE int wh_fresh_sum(struct wh_fresh *f, const struct wh_fresh_file *file,
			     const struct wh_states *states, struct wh_fresh_result *ret);
