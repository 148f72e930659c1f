/* SPDX-License-Identifier: MIT */
/*
 * Decoders of the rows that more than one file of the store reads: the table
 * itself, the scans and the check. Each gets a value whose checksum and least
 * prefix length were verified, and, if it can find more damage, returns 0 or
 * WH_ECORRUPT; what it returns borrows from the value. Internal to store/; any thread.
 */
#pragma once

#include "store/table.h"

/* Prefix lengths of format 1: the least a row of the table has. */
#define WH_ROW_PREFIX 40
#define WH_OVERLAY_PREFIX 16
#define WH_OVERLAY_PREFIX_NEWEST (WH_OVERLAY_PREFIX + 8)
#define WH_OVERLAY_PREFIX_SHARED (WH_OVERLAY_PREFIX_NEWEST + 8)
#define WH_TOMB_PREFIX 8
#define WH_LATE_PREFIX 25
#define WH_OP_PREFIX 27
#define WH_OP_PREFIX_GROUPED (WH_OP_PREFIX + 8 * WH_OP_GROUPS + 1)
#define WH_OP_PREFIX_ALL (WH_OP_PREFIX_GROUPED + 8)
#define WH_PAST_PREFIX 27
#define WH_REQUEST_PREFIX 40
#define WH_DAMAGED_PREFIX 17
#define WH_LOG_PREFIX 8

#define WH_LOG_FORMAT 3 /* of stores that have the change log where it is */

void wh_row_decode(const struct wh_value *v, struct wh_row *ret);
void wh_row_draft(const struct wh_row *row, struct wh_draft *ret);
void wh_late_decode(const struct wh_value *v, struct wh_late *ret);
void wh_damaged_decode(uint64_t seq, const struct wh_value *v, struct wh_damaged *ret);
/* With what is shared the body is only how it begins. */
WH_MUST_USE int wh_overlay_decode(const struct wh_value *v, struct wh_overlay *ret);
/* Is what it shares within the body of its newest operation? */
bool wh_overlay_fits(const struct wh_overlay *o, struct wh_str op_body);
/* Puts the whole body together in room, if it is not in one place. */
WH_MUST_USE int wh_overlay_join(const struct wh_view *v, struct wh_buf *room,
				struct wh_overlay *inout);
WH_MUST_USE int wh_oprow_decode(uint64_t seq, const struct wh_value *v, struct wh_oprow *ret);
WH_MUST_USE int wh_past_decode(uint64_t end, const struct wh_value *v, struct wh_past *ret);
/* Fills op, params_hash and at. */
void wh_request_decode(const struct wh_value *v, struct wh_request *ret);

/* The entries of a row of the change log: from the first revision to the one in its key. */
struct wh_entries {
	uint64_t first;
	struct wh_str rest; /* of what was not taken yet */
};
struct wh_entries wh_entries_decode(const struct wh_value *v);
/* The newest ones, of the row that is still open. 0, WH_ABSENT or a fault. */
WH_MUST_USE int wh_entries_open(const struct wh_view *v, struct wh_entries *ret);
/* The revision of the last one. 0 if they are not what they should be. */
uint64_t wh_entries_last(struct wh_entries e);

/* Kinds of index rows: the first byte of their keys. */
#define WH_BY_DUE 'd'   /* state, time, seq */
#define WH_BY_FORM 'f'  /* form, seq */
#define WH_BY_GROUP 'g' /* which, group, 0 if in hand else 1, seq */
#define WH_BY_ID 'i'    /* id -> number */
#define WH_BY_LANE 'l'  /* lane, 0x00, number */
#define WH_BY_STATE 's' /* state, number */
#define WH_BY_AGE 'a'   /* time, request key */

#define WH_BY_ID_PREFIX 8
#define WH_BY_AGE_HEAD 9 /* kind and time, before the key of the request */
#define WH_BY_FORM_HEAD 9
#define WH_BY_GROUP_HEAD 10 /* without whether it is in hand */

#define WH_OP_STATES 7 /* queued .. dead */

/* How many operations are in a state, by their counter; 0 for a state that has none. */
uint64_t wh_meta_ops(const struct wh_meta *m, uint8_t state);

/* Counts down, but not below 0: a counter that damage made wrong must not
 * turn into a huge one. The check tells. */
static inline void
wh_meta_sub(uint64_t *counter, uint64_t n)
{
	*counter = *counter < n ? 0 : *counter - n;
}
