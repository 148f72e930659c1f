/* SPDX-License-Identifier: MIT */
/*
 * Ended operations whose index rows by lane wait to be written for many at
 * once: those of one webhook lie far from those of the next, so that each is a
 * page of its own, and hardly anybody asks for the history of a webhook in the
 * moment in which an operation ends. Who does looks through them.
 *
 * They are the entries from meta.history_behind on. Internal to store/.
 */
#pragma once

#include "store/index.h"

#define WH_HISTORY_BEHIND_MAX 32768u

static inline bool
wh_history_is_behind(const struct wh_meta *m, uint64_t end)
{
	return m->history_behind != 0 && end >= m->history_behind;
}

/* The newest of either name that is behind and below `before`. An entry that cannot be taken
 * apart is passed over; one whose checksum is wrong is not. 0, WH_ABSENT or a fault. */
WH_MUST_USE int wh_history_look_through(const struct wh_view *v, uint64_t before,
					struct wh_str lane, struct wh_str other,
					uint64_t *ret_end);

/* ------------------------------------------------------- commit thread -- */

/* The entry `end` was added. */
WH_MUST_USE int wh_history_join(struct wh_txn *t, uint64_t end);
