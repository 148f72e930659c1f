/* SPDX-License-Identifier: MIT */
/*
 * Whose turn it is among creates that share callbackUrl or whname: they never
 * run at once. All that wait or run are members of the groups of both; only
 * one that is the first in each is due, so what waits behind it costs nobody
 * anything, however much it is. First are those on their way or undecided,
 * then the oldest. Whoever writes a create sees to it that the next is due.
 *
 * Commit thread, inside a transaction. Updates and deletes have no groups.
 */
#pragma once

#include "daemon/lane.h"

/* The place of a stored create in its groups. */
struct wh_turn {
	uint64_t group[WH_OP_GROUPS];
	bool in_hand;
};

/* As stored now; nothing for what is no create or not stored. */
WH_MUST_USE int wh_turn_of(const struct wh_view *v, const struct wh_op *op,
			   struct wh_turn *ret);
/* Fills in the groups of a row to be put, from the wish of its operation; it is not due if it
 * is not its turn. */
WH_MUST_USE int wh_turn_take(const struct wh_view *v, const struct wh_lane_op *o,
			     struct wh_oprow *row);
/* After o was written or has ended: makes the next of its groups, those of before among them,
 * due or not due. */
WH_MUST_USE int wh_turn_pass(const struct wh_lane *l, struct wh_txn *t,
			     const struct wh_lane_op *o, const struct wh_turn *before);
/* *ret = nobody of its groups is on its way or undecided. */
WH_MUST_USE int wh_turn_free(const struct wh_view *v, const struct wh_op *op, bool *ret);
