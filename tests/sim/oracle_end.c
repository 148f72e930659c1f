/* SPDX-License-Identifier: MIT */
/*
 * Rest: after faults have stopped, everything that can finish has finished,
 * the store is sound, and the upstream's rows, whd's confirmed rows and what
 * readers are shown are the same.
 */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/hook_scan.h"
#include "daemon/pump.h"
#include "tests/sim/sim.h"

enum { WHY = 300 };

static bool
ops_ended(struct sim *s, char why[WHY])
{
	char name[64];

	for (size_t i = 0; i < s->oracle.n; i++) {
		const struct sim_op *op = &s->oracle.ops[i];

		if (!op->committed || wh_op_state_ended(op->state))
			continue;
		snprintf(why, WHY, "%s is %s %s", sim_op_name(s, op, name),
			 wh_op_state_str(op->state), op->reason);
		return false;
	}
	return true;
}

/* The member that is in no manual, as every row has it in this way. */
static bool
has_more(struct wh_str body)
{
	struct wh_tree tree;
	bool has = false;

	if (wh_unpack(&tree, body, NULL) == 0) {
		has = wh_obj_bool_at(&tree.root, "active", false);
		wh_tree_fini(&tree);
	}
	return has;
}

static bool
same_row(struct sim *s, struct wh_str key, struct wh_str body, char why[WHY])
{
	size_t row = sim_world_find(&s->world, key);
	struct sim_doc doc;

	if (row == SIZE_MAX || !sim_row_alive(&s->world.rows[row])) {
		snprintf(why, WHY, "%.*s is shown, but it is not at the upstream",
			 WH_STR_FMT(key));
		return false;
	}
	if (sim_doc_from_pack(&doc, body) &&
	    sim_doc_diff(&doc, &sim_row_now(&s->world.rows[row])->doc) == 0 &&
	    (s->world.ways.more == SIM_more_NOTHING || has_more(body)))
		return true;
	snprintf(why, WHY, "%.*s is not shown as it is at the upstream", WH_STR_FMT(key));
	return false;
}

static bool
same_rows(struct sim *s, enum wh_hook_view view, char why[WHY])
{
	struct wh_hook_scan scan;
	struct wh_str key;
	struct wh_hook h;
	size_t n = 0;
	bool same = true;

	wh_require(wh_hook_scan_begin(&s->host.d.view, &(struct wh_hook_range){.view = view},
				      &scan) == 0);
	while (same && wh_hook_scan_next(&scan, &key, &h) == 0) {
		if (h.hidden)
			continue;
		same = same_row(s, key, h.body, why);
		n++;
	}
	wh_hook_scan_end(&scan);
	if (same && n != sim_world_alive(&s->world)) {
		snprintf(why, WHY, "%zu webhooks are shown %s, the upstream has %zu", n,
			 view == WH_VIEW_EFFECTIVE ? "to readers" : "as confirmed",
			 sim_world_alive(&s->world));
		same = false;
	}
	return same;
}

static bool
at_rest(struct sim *s, char why[WHY])
{
	if (!ops_ended(s, why))
		return false;
	if (!wh_pump_idle(s->host.d.pump)) {
		snprintf(why, WHY, "the pump is not idle");
		return false;
	}
	if (!wh_pump_online(s->host.d.pump)) {
		snprintf(why, WHY, "whd is not online");
		return false;
	}
	if (!wh_pump_synced(s->host.d.pump)) {
		snprintf(why, WHY, "the copy is stale");
		return false;
	}
	return same_rows(s, WH_VIEW_CONFIRMED, why) && same_rows(s, WH_VIEW_EFFECTIVE, why);
}

bool
sim_oracle_at_rest(struct sim *s)
{
	char why[WHY];

	return at_rest(s, why);
}

/* ----------------------------------------------------------------- the store -- */

static void
on_damage(void *ctx, const char *table, const char *sentence)
{
	sim_fail(ctx, "the store is unsound: %s: %s", table, sentence);
}

/* A local id leads to its webhook for ever. */
void
sim_oracle_aliases(struct sim *s)
{
	char name[64];

	for (size_t i = 0; i < s->oracle.n; i++) {
		const struct sim_op *op = &s->oracle.ops[i];
		struct wh_str to;

		if (!op->committed || op->kind != WH_OP_CREATE || op->state != WH_OP_DONE)
			continue;
		to = wh_lane_resolve(&s->host.d.view, wh_str_c(op->tmp));
		if (!wh_str_is(to, op->whid))
			sim_fail(s, "%s is done, but %s leads to %.*s, not to %s",
				 sim_op_name(s, op, name), op->tmp, WH_STR_FMT(to), op->whid);
	}
}

void
sim_oracle_end(struct sim *s)
{
	char why[WHY] = "";

	if (!s->host.up)
		sim_fail(s, "whd is down at the end");
	else if (!at_rest(s, why))
		sim_fail(s, "no rest within the time for it: %s", why);
	if (s->failed)
		return;
	sim_oracle_aliases(s);
	if (wh_store_check(s->host.d.store, true, on_damage, s) != 0)
		sim_fail(s, "the store's check faults");
}
