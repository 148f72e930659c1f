/* SPDX-License-Identifier: MIT */
/*
 * An update or delete got no answer and a list shows it not to be in effect.
 * It may be sent again at once: it asks for the same. But the first request may
 * still be carried out, and what another change had made of the webhook until
 * then would be undone: an update waits until that cannot happen any more.
 * Commit thread, inside a lane that its caller closes.
 */
#pragma once

#include "daemon/lane.h"

/* The last request of this operation, which ended when its settle time began, may still be
 * carried out; of several, of whatever operation, the one that may be the latest counts. */
WH_MUST_USE int wh_late_note(const struct wh_lane *l, struct wh_txn *t, const struct wh_op *op);
/* *ret_ms: how long this update must wait for requests of others on its webhook; 0 = it may be
 * sent. */
WH_MUST_USE int wh_late_wait(const struct wh_lane *l, struct wh_txn *t, const struct wh_op *op,
			     int64_t *ret_ms);
/* Forgets those that cannot be carried out any more, and lets go who waits for them. */
WH_MUST_USE int wh_late_trim(struct wh_txn *t, const struct wh_rules *rules);
