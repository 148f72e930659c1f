/* SPDX-License-Identifier: MIT */
/*
 * Three-way merge of one webhook, member by member: base (what the caller
 * saw), mine (what the caller wants), theirs (what the upstream has now).
 * `processes` is merged as a set. Pure; any thread.
 */
#pragma once

#include "daemon/core/op.h"

enum wh_merge_verdict {
	WH_MERGE_NOOP,     /* theirs already holds all of mine */
	WH_MERGE_SEND,     /* send `ret` */
	WH_MERGE_DISCARD,  /* policy remote-wins and theirs changed what mine changes: drop mine
			    */
	WH_MERGE_CONFLICT, /* both changed the same member to different values, or policy manual
			      and theirs changed at all */
};

/*
 * All comparisons are in normal form; a set never overlaps (see merge.c). With remote-wins the
 * members that overlap are left to the upstream and the others are sent.
 * mine holds only the members to change. 0, WH_ENOMEM, or the fault of ret->doc.
 */
struct wh_merged {
	enum wh_merge_verdict verdict;
	uint32_t overlap; /* bit per member that both changed differently, whatever the verdict
			   */
	struct wh_buf
		doc; /* SEND: a map of the six documented members, theirs with mine put in */
};
WH_MUST_USE int wh_merge(const struct wh_record *base, const struct wh_record *mine,
			 const struct wh_record *theirs, enum wh_policy policy,
			 struct wh_merged *ret);

/*
 * Rebases the change of a successor on the confirmed result of its predecessor:
 * for each member the predecessor had set, base takes the result's value (the
 * upstream may have normalised it); other members keep the caller's view.
 * Appends the new base map.
 */
void wh_merge_rebase(struct wh_buf *ret_base, const msgpack_object *base,
		     const struct wh_record *predecessor, const struct wh_record *result);

/* Set arithmetic on msgpack arrays of text: (from + add) - remove, order kept, no duplicates.
 * Items compare in normal form; items that are not text are dropped. Any argument may be NULL.
 */
void wh_set_apply(struct wh_buf *out, const msgpack_object *from, const msgpack_object *add,
		  const msgpack_object *remove);
