/* SPDX-License-Identifier: MIT */
/*
 * What all seeds of a run met: edges of operations, rows of the rule tables,
 * faults, and events against the states in which they found operations. One
 * for the whole run; a run that missed an edge that can occur is a failure.
 */
#pragma once

#include "daemon/core/op.h"
#include "tests/sim/fault.h"

struct sim;

enum sim_row_id {
#define SIM_ROW(id, table, text) SIM_ROW_##id,
#include "tests/sim/coverage.def"
#undef SIM_ROW
	SIM_ROW_COUNT
};

enum sim_event_id {
#define SIM_EVENT(id, text) SIM_EVENT_##id,
#include "tests/sim/coverage.def"
#undef SIM_EVENT
	SIM_EVENT_COUNT
};

#define SIM_JOBS 8

struct sim_coverage {
	uint64_t seeds, steps, crashes, twice;
	int64_t virtual_ms;
	uint64_t edges[WH_OP_STATE_COUNT + 1][WH_OP_STATE_COUNT];
	uint64_t rows[SIM_ROW_COUNT];
	uint64_t faults[SIM_FAULT_COUNT];
	uint64_t events[SIM_EVENT_COUNT][WH_OP_STATE_COUNT];
	struct {
		const char *job;
		uint64_t before, after;
	} commits[SIM_JOBS];
};

void sim_cover_edge(struct sim_coverage *c, enum wh_op_state from, enum wh_op_state to);
void sim_cover_row(struct sim_coverage *c, enum sim_row_id row);
void sim_cover_fault(struct sim_coverage *c, enum sim_fault f, unsigned on);
void sim_cover_commit_edge(struct sim_coverage *c, const char *job, const char *edge);
/* Counts the event against the state of every operation there is. */
void sim_cover_event(struct sim_coverage *c, struct sim *s, enum sim_event_id e);
/* Prints all; false if something that can occur was never met (only if `strict`). */
bool sim_cover_report(const struct sim_coverage *c, bool strict);
