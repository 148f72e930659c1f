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

/* The number of rows on a branch or leaf whose insides fit; -1 if they do not. */
static inline int
wh_page_rows(const char *page, size_t size)
{
	struct head h;

	memcpy(&h, page, sizeof(h));
	if (h.flags & FIXED || h.lower < sizeof(h) || h.lower > h.upper || h.upper > size ||
	    (h.lower - sizeof(h)) % 2 != 0)
		return -1;
	return (int)((h.lower - sizeof(h)) / 2);
}

/* Row i of a page: its head, and where its key begins. False if it does not fit. */
static inline bool
wh_page_node(const char *page, size_t size, int i, struct node *ret, const char **key)
{
	struct head h;
	uint16_t at;

	memcpy(&h, page, sizeof(h));
	memcpy(&at, page + sizeof(h) + 2 * (size_t)i, sizeof(at));
	if (at < h.upper || at > size - sizeof(*ret))
		return false;
	memcpy(ret, page + at, sizeof(*ret));
	*key = page + at + sizeof(*ret);
	return ret->key_size <= size - at - sizeof(*ret);
}

/* The page that a row of a branch leads to. */
static inline uint64_t
wh_node_child(const struct node *node)
{
	return node->low | (uint64_t)node->high << 16 | (uint64_t)node->flags << 32;
}
