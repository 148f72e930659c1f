/* SPDX-License-Identifier: MIT */
/*
 * Keys of the tables, built on the stack of the caller.
 *
 * A key is appended to field by field. What does not fit, an empty webhook id
 * or a lane that holds the separator makes the key bad: table functions take
 * a bad key as absent when reading and as WH_EINVAL when writing, so callers
 * need no checks of their own. Internal to store/; any thread.
 */
#pragma once

#include "proto/base.h"
#include "store/bytes.h"

#define WH_KEY_ROOM 320 /* the longest key is an index row of a lane: 266 bytes */

struct wh_key {
	size_t n;
	bool bad;
	uint8_t b[WH_KEY_ROOM];
};

static inline void
wh_key_init(struct wh_key *k)
{
	k->n = 0;
	k->bad = false;
}

static inline void
wh_key_num(struct wh_key *k, uint64_t v, size_t width)
{
	if (k->n + width > WH_KEY_ROOM) {
		k->bad = true;
		return;
	}
	wh_be_put(k->b + k->n, v, width);
	k->n += width;
}

static inline struct wh_str
wh_key_view(const struct wh_key *k)
{
	return wh_str((const char *)k->b, k->n);
}

/* Appends bytes; over-long ones make the key bad. */
void wh_key_add(struct wh_key *k, struct wh_str s);
/* A whole key that is one webhook id: 1..WH_KEY_MAX bytes. */
void wh_key_id(struct wh_key *k, struct wh_str whid);
/* A whole key that is one number: order, revision. */
void wh_key_order(struct wh_key *k, uint64_t number);
/* kind, lane, 0x00: what the index rows of one lane begin with. */
void wh_key_lane(struct wh_key *k, char kind, struct wh_str lane);

static inline bool
wh_lane_valid(struct wh_str lane)
{
	return lane.n > 0 && lane.n <= 256 && !memchr(lane.p, 0, lane.n);
}
