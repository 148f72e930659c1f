/* SPDX-License-Identifier: MIT */
/*
 * The bounding scanner that stands before msgpack-c: it finds the end of one
 * MessagePack object in a byte stream and refuses what is too large, too deep
 * or claims more elements than allowed, without allocating anything.
 *
 * Why: msgpack-c allocates what a 5-byte header claims (up to gigabytes) and
 * restarts from the first byte on partial input. The scanner is resumable:
 * bytes are looked at once, however they dribble in. Pure; any thread.
 */
#pragma once

#include "proto/base.h"

#define WH_FRAME_DEPTH 32u

struct wh_frame_limits {
	size_t bytes;      /* longest object */
	uint32_t depth;    /* deepest nesting of arrays and maps, at most WH_FRAME_DEPTH */
	uint32_t elements; /* all objects together, keys counted */
};

enum wh_frame_why {
	WH_FRAME_OK,
	WH_FRAME_TOO_LONG,
	WH_FRAME_TOO_DEEP,
	WH_FRAME_TOO_MANY,
	WH_FRAME_BAD_BYTE, /* 0xc1, or an ext type: we use none */
};

#define WH_FRAME_MORE 1 /* outcome: the object is not complete yet */

struct wh_frame {
	struct wh_frame_limits limits;
	size_t pos;        /* bytes of the object scanned so far */
	size_t skip;       /* payload bytes still to pass over */
	uint32_t elements; /* claimed so far; after 0: those of the object found */
	uint32_t depth;    /* levels begun; the outermost is the object itself */
	uint64_t left[1 + WH_FRAME_DEPTH]; /* objects still missing at each level */
	enum wh_frame_why why;
};

void wh_frame_init(struct wh_frame *f, const struct wh_frame_limits *limits);
/*
 * Looks at data, which starts at the object's first byte and holds n bytes in
 * all (those already scanned included). 0: complete, *ret_len is its length
 * and the scanner is ready for the next object. WH_FRAME_MORE: feed more; n is
 * then below the limit, so that a buffer of limits.bytes always suffices.
 * WH_EPROTO or WH_ELIMIT: refused, f->why says why; start over with init.
 */
WH_MUST_USE int wh_frame_scan(struct wh_frame *f, const char *data, size_t n, size_t *ret_len);
/* Scans exactly one object that fills data; 0 or a fault. */
WH_MUST_USE int wh_frame_check(struct wh_str data, const struct wh_frame_limits *limits);
const char *wh_frame_why_str(enum wh_frame_why why);
