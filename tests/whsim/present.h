/* SPDX-License-Identifier: MIT */
/*
 * How the simulated API shows what it holds.
 *
 * Turns stored rows into the text of a reply, bent by the switches: names,
 * ids, shapes, pages.  Works under the simulator's lock and changes nothing.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "tests/whsim/buf.h"
#include "tests/whsim/rows.h"
#include "tests/whsim/switches.h"

struct wh_present {
	const struct wh_switches *sw;
	enum wh_members members; /* which documented ones are shown */
	uint64_t serial;         /* of the request: what differs "by request" */
};

/* Of a list, or else of the reply to a GET with whid or to a change. */
struct wh_present wh_present_begin(const struct wh_switches *sw, bool list, uint64_t serial);

/* Appends one row as the switches want it. */
void wh_present_row(const struct wh_present *show, const struct wh_row *row,
		    struct wh_buf *ret_text);

/* As wh_present_row, for an object that is not a stored row. */
void wh_present_object(const struct wh_present *show, json_t *object, struct wh_buf *ret_text);

/* Returns the id as a new JSON value, under the switches a number too. */
json_t *wh_present_id(const struct wh_switches *sw, const char *id);
