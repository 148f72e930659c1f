/* SPDX-License-Identifier: MIT */
/*
 * The pages of a data file, read without LMDB.
 *
 * LMDB trusts its pages: a damaged one can end the process, or make a write
 * destroy what was whole. Here each page is read from the file and every
 * offset in it is checked before it is followed, so that damage is an answer.
 * Knows the form of LMDB 0.9 on the machine it runs on. Internal to store/; one
 * thread; nobody may write to the file meanwhile.
 */
#pragma once

#include <lmdb.h>

#include "proto/base.h"
#include "proto/buf.h"

#define WH_PAGES_DEPTH 32 /* levels of a tree; LMDB's own limit */

struct wh_pages {
	int fd;
	size_t size;   /* of a page, in bytes */
	uint64_t n;    /* whole pages in the file */
	uint64_t last; /* the last page that may be used */
	struct wh_tree {
		uint64_t root; /* ~0 = empty */
		unsigned depth;
	} free, main;   /* the list of free pages, and the table of tables */
	unsigned metas; /* of the two meta pages, how many could be read */
	uint64_t txn;   /* of the newer one */
	uint8_t *seen;  /* bit per page that a tree led to */
	uint64_t bad;   /* pages that trees led to and that cannot be read */
	uint64_t first_bad;
	const char *what;            /* is wrong with that one */
	bool cut;                    /* ... it would stand behind the end of the file */
	char *level[WH_PAGES_DEPTH]; /* the page at each level of the way down */
	struct wh_buf large;         /* a value that has pages of its own */
};

/* One row: both borrow, until the next call. A fault ends the walk. */
typedef int wh_pages_row(void *ctx, const MDB_val *key, const MDB_val *data);

/* The descriptor is borrowed. 0, WH_ESYS or WH_ENOMEM; a file whose meta pages are lost opens.
 */
WH_MUST_USE int wh_pages_open(struct wh_pages *p, int fd);
void wh_pages_close(struct wh_pages *p);

/*
 * All rows of a table in order; what stands behind damaged pages is passed
 * over. 0, WH_ABSENT: it cannot be told if there is such a table, or there is
 * none; WH_ECORRUPT: there may be more rows; or the fault of `row`.
 */
WH_MUST_USE int wh_pages_table(struct wh_pages *p, const char *name, wh_pages_row *row,
			       void *ctx);
/*
 * Rows on pages that no table which was walked led to: what a lost page hid,
 * and what was there some commits ago, in no order. 0 or the fault of `row`.
 */
WH_MUST_USE int wh_pages_strays(struct wh_pages *p, wh_pages_row *row, void *ctx);
/* Walks all trees and the list of free pages; the rows of table `name` are passed on. 0, or
 * WH_ECORRUPT with the first bad page, or the fault of `row`. */
WH_MUST_USE int wh_pages_verify(struct wh_pages *p, const char *name, wh_pages_row *row,
				void *ctx);
