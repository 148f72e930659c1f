/* SPDX-License-Identifier: MIT */
/*
 * How LMDB 0.9 lays out its pages, on a machine with 64 bits. Internal to
 * pages*.c.
 */
#pragma once

#include "store/pages.h"

#define NO_PAGE UINT64_MAX
#define META_PAGES 2
#define KEY_MAX 511 /* bytes; LMDB has none longer */

/* Flags of pages and of the rows on them. */
#define BRANCH 0x01u
#define LEAF 0x02u
#define OVERFLOW 0x04u
#define META 0x08u
#define KIND (BRANCH | LEAF | OVERFLOW | META)
#define FIXED 0x60u /* forms of pages that whd's tables never have */
#define LARGE 0x01u
#define TABLE 0x02u
#define DUPLICATES 0x04u

#define LMDB_MAGIC 0xBEEFC0DEu
#define LMDB_VERSION 1u
#define PAGE_SIZE_MIN 256u
#define PAGE_SIZE_MAX 32768u /* offsets in a page have 16 bits */

struct head {
	uint64_t number;
	uint16_t pad, flags, lower, upper;
};

struct tree {
	uint32_t pad;
	uint16_t flags, depth;
	uint64_t branches, leaves, overflows, entries, root;
};

struct meta {
	struct head head;
	uint32_t magic, version;
	uint64_t address, map_size;
	struct tree free, main;
	uint64_t last, txn;
};

struct node {
	uint16_t low, high, flags, key_size;
};

_Static_assert(sizeof(struct head) == 16 && sizeof(struct tree) == 48 &&
		       sizeof(struct meta) == 152 && sizeof(struct node) == 8,
	       "as LMDB 0.9 has them");
