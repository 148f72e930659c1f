/* SPDX-License-Identifier: MIT */
/*
 * What the bytes of a request tell before anything decodes them: its id, and
 * whether it is the one that is sent most. Pure; any thread.
 */
#pragma once

#include "proto/base.h"

/* A webhook.get of {"whid": whid}. */
struct wh_peeked_get {
	uint32_t id;
	struct wh_str whid; /* UTF-8, borrowed */
	size_t size;        /* bytes of the whole request */
};

/* The id of a request [0, id, ...], however it goes on; 0 if it is not there, or is not written
 * in one, two, three or five bytes. */
uint32_t wh_peek_id(struct wh_str data);
/*
 * True if data begins with a whole webhook.get that names a webhook and nothing else, written
 * as encoders write it. Such a one is within every limit on a request that can be set, so that
 * it needs no scan. False: to be scanned and decoded, for it may still be one.
 */
bool wh_peek_get(struct wh_str data, struct wh_peeked_get *ret);
