/* SPDX-License-Identifier: MIT */
/*
 * What becomes of a new operation when its lane already holds one that
 * provably never left: the table of the manual, row by row. Pure; any thread.
 *
 *   earlier + new        result
 *   create + update      the create carries the merged members; new one is absorbed
 *   create + delete      both cancelled, nothing is sent
 *   update + update      one update, members merged, the first base kept; appended if
 *                        their policies differ
 *   update + delete      the delete takes over, the first base kept
 *   delete + update      refused: DELETED
 *   delete + delete      the same operation is returned
 * If the earlier one may have been sent, the new one is appended behind it; a
 * delete refuses updates and stands for further deletes sent or not, because
 * the webhook is gone for every reader from the moment it was accepted.
 * What an admin holds takes over members and may be cancelled, but is not
 * replaced by a delete: the delete waits behind it, so that the hold holds.
 *
 * The caller decides two rows of the manual's table by comparing members in
 * normal form (wh_norm_diff): a create like one that waits, and an update that
 * changes nothing of the effective webhook or ends where its base was.
 */
#pragma once

#include "daemon/core/op.h"

enum wh_coalesce {
	WH_CO_APPEND,      /* queue it behind what is there */
	WH_CO_ABSORB,      /* tail takes over the members; new op ends as merged into tail */
	WH_CO_CANCEL_BOTH, /* tail and new op end as cancelled */
	WH_CO_REPLACE,     /* tail ends as superseded by the new op, which takes tail's base */
	WH_CO_SAME,        /* return tail itself */
	WH_CO_REFUSE_DELETED /* tail is a delete */
};

/* tail: the last live operation of the lane, NULL if there is none. kind and policy are the new
 * one's. */
enum wh_coalesce wh_coalesce(const struct wh_op *tail, enum wh_op_kind kind,
			     enum wh_policy policy);
/* True if the op was provably never sent: queued, or held with the reason "admin" or
 * "dependency", and no attempt may have reached the upstream: one that was looked for and not
 * found may still do so late. */
bool wh_op_never_sent(const struct wh_op *op);
/* Members of `earlier` with those of `later` put over them, appended as one map. */
void wh_coalesce_fields(struct wh_buf *out, const struct wh_record *earlier,
			const struct wh_record *later);
