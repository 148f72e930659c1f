/* SPDX-License-Identifier: MIT */
/*
 * The documented members of a stored webhook, found in its bytes without
 * decoding them: for who looks at many rows and keeps none. What is accepted
 * is what wh_record_view() accepts, and of a set that holds other things than
 * text the text. Pure, allocates nothing; any thread.
 *
 * For bodies that we wrote: a map in which a name stands twice is not refused.
 */
#pragma once

#include "proto/record.h"

struct wh_glance {
	uint32_t seen;                  /* bit per wh_field that is present */
	struct wh_str text[WH_F_COUNT]; /* all but SET fields; borrows from the body */
	struct wh_items {
		struct wh_str rest; /* encoded items */
		uint32_t n;
	} set[WH_F_COUNT]; /* SET fields only */
};

/* 0, or WH_EPROTO if the body is no map or is cut. */
WH_MUST_USE int wh_glance(struct wh_str body, struct wh_glance *ret);
/* The next item that is text, others are passed over; false at the end. */
bool wh_items_next(struct wh_items *items, struct wh_str *ret);
