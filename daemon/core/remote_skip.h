/* SPDX-License-Identifier: MIT */
/*
 * Passing over what a list's body has in common with the one before: a block
 * of elements that comes again, byte for byte, is known by its hash and need
 * not be split. What is found never depends on whether blocks are passed over,
 * nor on how the body is cut into pieces.
 *
 * It is told of each element that the splitter found, says whether a block may
 * follow, and records the blocks of this body for the next list. Pure, but for
 * memory; used by core/remote_list only.
 */
#pragma once

#include "daemon/core/known.h"
#include "proto/buf.h"

#define WH_SKIP_BLOCK ((size_t)16 * 1024)     /* a block has at least so many bytes ... */
#define WH_SKIP_BLOCK_MAX ((size_t)64 * 1024) /* ... and at most so many */

struct wh_skip_hash; /* the running hash of an open block */

struct wh_skip {
	struct wh_known *known;             /* borrowed; NULL: nothing is known or recorded */
	const struct wh_known_block *block; /* that may follow here; NULL: none */
	struct wh_buf held;                 /* its bytes that have come, if not all yet */
	struct wh_skip_hash *hash;
	size_t open_bytes; /* of the block being recorded */
	bool open;
};

enum wh_skip_step {
	WH_SKIP_MORE,   /* all bytes are held: the block has not ended */
	WH_SKIP_PASSED, /* the block came again: *ret_elements */
	WH_SKIP_OTHER,  /* something else came: wh_skip_held() is to be split, then the rest */
};

/* known may be NULL. Without memory for it, nothing is recorded. */
void wh_skip_init(struct wh_skip *s, struct wh_known *known);
void wh_skip_fini(struct wh_skip *s);
/* Another body: no block is open or held. */
void wh_skip_restart(struct wh_skip *s);

/* The splitter consumed these bytes. */
void wh_skip_bytes(struct wh_skip *s, struct wh_str bytes);
/* They ended with an element: a known one, or WH_KNOWN_NONE. Then a block may follow. */
void wh_skip_element(struct wh_skip *s, uint32_t at);
/* Takes bytes of the block that may follow from the front of *bytes. */
enum wh_skip_step wh_skip_block(struct wh_skip *s, struct wh_str *bytes,
				uint32_t *ret_elements);
/* The bytes that were held, handed over to the caller, who finishes them. No block follows. */
struct wh_buf wh_skip_held(struct wh_skip *s);
