/* SPDX-License-Identifier: MIT */
/*
 * Holding a request back: see hold.h.
 *
 * Called by the faults and the deliverer on the thread of a connection.  The
 * only polling is for a client that went away, ten times a second.  It never
 * decides what happens to the request afterwards.
 */
#include "tests/whsim/hold.h"

#include "tests/whsim/clock.h"
#include "tests/whsim/whsim.h"

enum { HOLD_LOOK_MS = 100 };

enum wh_hold_end
wh_hold(struct whsim *sim, const struct wh_hold *hold)
{
	for (;;) {
		int64_t now = wh_clock_mono_ms();
		int64_t next = now + HOLD_LOOK_MS;

		if (sim->epoch != hold->epoch || sim->stopping)
			return HOLD_INTERRUPTED;
		if (hold->released && *hold->released)
			return HOLD_RELEASED;
		if (now >= hold->until_ms)
			return HOLD_TIME_UP;
		if (hold->watched && wh_conn_is_gone(hold->watched))
			return HOLD_CLIENT_GONE;
		wh_sim_wait_until(sim, next < hold->until_ms ? next : hold->until_ms);
	}
}
