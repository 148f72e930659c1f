/* SPDX-License-Identifier: MIT */
/*
 * A webhook, or a part of one, decoded for a moment: its bytes, the tree and
 * the documented members. Every place that compares or merges opens one or
 * more, and closes them at its end, whatever came between.
 *
 * Any thread. A zeroed one may be closed. Members borrow from the body that
 * was opened, which must outlive them.
 */
#pragma once

#include "proto/record.h"

struct wh_doc {
	struct wh_buf bytes; /* only of one that was opened from JSON */
	struct wh_tree tree;
	struct wh_record record;
};

/* An empty body is a document without members. 0 or a fault. */
WH_MUST_USE int wh_doc_open(struct wh_doc *d, struct wh_str body);
/* The same from JSON text, such as a request that was sent. */
WH_MUST_USE int wh_doc_open_json(struct wh_doc *d, struct wh_str json);
void wh_doc_close(struct wh_doc *d);

/* Makes it a set, no webhook: (from + add) - remove, each an array, and else the empty one.
 * They may be what d held before. */
WH_MUST_USE int wh_doc_become_set(struct wh_doc *d, const msgpack_object *from,
				  const msgpack_object *add, const msgpack_object *remove);

/* Bit per documented member that differs in normal form. */
WH_MUST_USE int wh_doc_diff(struct wh_str a, struct wh_str b, uint32_t *ret_diff);
/* Which documented members a body holds: a bit each, 0 if it cannot be read. */
uint32_t wh_doc_members(struct wh_str body);
/* Does `before` hold a member that is not documented, and that `after` lacks? */
WH_MUST_USE int wh_doc_lost_members(struct wh_str before, struct wh_str after, bool *ret);
/* `under` (may be empty) with the documented members of `over` put in; whid as in
 * wh_record_patch. */
WH_MUST_USE int wh_doc_patch(struct wh_buf *out, struct wh_str under, struct wh_str over,
			     struct wh_str whid);
