/* SPDX-License-Identifier: MIT */
/*
 * What all seeds of a run met: edges of operations, rows of the rule tables,
 * ways of the upstream, faults at each moment, events against the states in
 * which they found operations, crashes at each edge of a commit. Nothing but
 * counters, so that runs add up.
 */
#pragma once

#include "daemon/core/op.h"
#include "tests/sim/fault.h"
#include "tests/sim/world.h"

struct sim;
struct sim_transfer;

enum sim_row_id {
#define SIM_ROW(id, table, text) SIM_ROW_##id,
#include "tests/sim/coverage.def"
#undef SIM_ROW
	SIM_ROW_COUNT
};

enum sim_moment {
#define SIM_MOMENT(id, text, on) SIM_MOMENT_##id,
#include "tests/sim/coverage.def"
#undef SIM_MOMENT
	SIM_MOMENT_COUNT
};

enum sim_event_id {
#define SIM_EVENT(id, text) SIM_EVENT_##id,
#include "tests/sim/coverage.def"
#undef SIM_EVENT
	SIM_EVENT_COUNT
};

enum sim_commit_id {
#define SIM_COMMIT(id, name) SIM_COMMIT_##id,
#include "tests/sim/coverage.def"
#undef SIM_COMMIT
	SIM_COMMIT_COUNT
};

#define SIM_TALLY 4096 /* seeds by number of steps or crashes; the last one = more */

struct sim_coverage {
	uint64_t seeds, steps, crashes, twice, virtual_ms;
	uint64_t seeds_by_steps[SIM_TALLY], seeds_by_crashes[SIM_TALLY];
	uint64_t edges[WH_OP_STATE_COUNT + 1][WH_OP_STATE_COUNT];
	uint64_t rows[SIM_ROW_COUNT];
	uint64_t ways[SIM_WAY_COUNT];
	uint64_t faults[SIM_FAULT_COUNT][SIM_MOMENT_COUNT];
	uint64_t events[SIM_EVENT_COUNT][WH_OP_STATE_COUNT];
	uint64_t struck[SIM_COMMIT_COUNT][2]; /* crashes before and after it */
};

void sim_cover_edge(struct sim_coverage *c, enum wh_op_state from, enum wh_op_state to);
void sim_cover_row(struct sim_coverage *c, enum sim_row_id row);
void sim_cover_way(struct sim_coverage *c, enum sim_way way);
/* A request goes out and this fault will befall it. */
void sim_cover_fault(struct sim *s, const struct sim_transfer *t, unsigned on);
/* whd was told what came of a request. */
void sim_cover_reply(struct sim *s, const struct sim_transfer *t);
/* whd died just before or after the commit of such a job. */
void sim_cover_strike(struct sim_coverage *c, const char *job, bool after);
/* Counts the event against the state of every operation there is. */
void sim_cover_event(struct sim_coverage *c, struct sim *s, enum sim_event_id e);
void sim_cover_seed(struct sim_coverage *c, const struct sim *s);
void sim_cover_add(struct sim_coverage *to, const struct sim_coverage *from);

/* Prints all. False if something that can occur was met too seldom for a run of that length. */
bool sim_cover_report(const struct sim_coverage *c);
