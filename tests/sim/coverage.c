/* SPDX-License-Identifier: MIT */
/* Counting what a run met, and saying what it missed. */
#include "tests/sim/coverage.h"

#include <inttypes.h>
#include <stdio.h>

#include "tests/sim/sim.h"

static const struct {
	const char *table, *text;
} rows[SIM_ROW_COUNT] = {
#define SIM_ROW(id, table, text) {table, text},
#include "tests/sim/coverage.def"
#undef SIM_ROW
};

static const char *const events[SIM_EVENT_COUNT] = {
#define SIM_EVENT(id, text) text,
#include "tests/sim/coverage.def"
#undef SIM_EVENT
};

static const struct {
	enum wh_op_state from, to;
	const char *why;
} nevers[] = {
#define SIM_NO_EDGE(from, to, why) {WH_OP_##from, WH_OP_##to, why},
#include "tests/sim/coverage.def"
#undef SIM_NO_EDGE
};

void
sim_cover_edge(struct sim_coverage *c, enum wh_op_state from, enum wh_op_state to)
{
	c->edges[from][to]++;
}

void
sim_cover_row(struct sim_coverage *c, enum sim_row_id row)
{
	c->rows[row]++;
}

void
sim_cover_fault(struct sim_coverage *c, enum sim_fault f, unsigned on)
{
	(void)on;
	c->faults[f]++;
}

void
sim_cover_commit_edge(struct sim_coverage *c, const char *job, const char *edge)
{
	for (size_t i = 0; i < SIM_JOBS; i++) {
		if (c->commits[i].job && strcmp(c->commits[i].job, job) != 0)
			continue;
		c->commits[i].job = job;
		if (*edge == 'b')
			c->commits[i].before++;
		else
			c->commits[i].after++;
		return;
	}
}

void
sim_cover_event(struct sim_coverage *c, struct sim *s, enum sim_event_id e)
{
	for (size_t i = 0; i < s->oracle.now.n; i++)
		c->events[e][s->oracle.now.at[i].state]++;
}

/* ------------------------------------------------------------------ report -- */

static bool
can_occur(enum wh_op_state from, enum wh_op_state to)
{
	for (size_t i = 0; i < wh_array_len(nevers); i++)
		if (nevers[i].from == from && nevers[i].to == to)
			return false;
	return true;
}

static bool
report_edge(const struct sim_coverage *c, enum wh_op_state from, enum wh_op_state to)
{
	uint64_t n = c->edges[from][to];
	bool good = can_occur(from, to) ? n > 0 : n == 0;

	printf("  %-10s -> %-10s %9" PRIu64 "%s\n", wh_op_state_str(from), wh_op_state_str(to),
	       n,
	       good                  ? ""
	       : can_occur(from, to) ? "  NEVER TAKEN"
				     : "  TAKEN: take it off the list in coverage.def");
	return good;
}

static bool
report_edges(const struct sim_coverage *c)
{
	bool good = true;

	puts("edges of operations");
#define WH_OP_EDGE(from, to) good &= report_edge(c, WH_OP_##from, WH_OP_##to);
#include "daemon/core/op.def"
#undef WH_OP_EDGE
	for (size_t i = 0; i < wh_array_len(nevers); i++)
		printf("  not expected: %s -> %s: %s\n", wh_op_state_str(nevers[i].from),
		       wh_op_state_str(nevers[i].to), nevers[i].why);
	return good;
}

static bool
report_rows(const struct sim_coverage *c)
{
	bool good = true;

	puts("rows of the rule tables");
	for (size_t i = 0; i < SIM_ROW_COUNT; i++) {
		printf("  %-9s %-62s %9" PRIu64 "%s\n", rows[i].table, rows[i].text, c->rows[i],
		       c->rows[i] ? "" : "  NEVER MET");
		good &= c->rows[i] > 0;
	}
	return good;
}

static bool
report_faults(const struct sim_coverage *c)
{
	bool good = true;

	puts("faults of requests");
	for (size_t i = 0; i < SIM_FAULT_COUNT; i++) {
		printf("  %-18s%9" PRIu64 "%s", sim_faults[i].name, c->faults[i],
		       i % 3 == 2 || i + 1 == SIM_FAULT_COUNT ? "\n" : "");
		good &= c->faults[i] > 0;
	}
	return good;
}

static void
report_events(const struct sim_coverage *c)
{
	printf("events by state         ");
	for (unsigned st = 0; st <= WH_OP_DEAD; st++)
		printf(" %9s", wh_op_state_str((enum wh_op_state)st));
	puts("");
	for (size_t e = 0; e < SIM_EVENT_COUNT; e++) {
		printf("  %-22s", events[e]);
		for (unsigned st = 0; st <= WH_OP_DEAD; st++)
			printf(" %9" PRIu64, c->events[e][st]);
		puts("");
	}
	puts("edges of commits a crash may strike   before     after");
	for (size_t i = 0; i < SIM_JOBS && c->commits[i].job; i++)
		printf("  %-30s %11" PRIu64 " %9" PRIu64 "\n", c->commits[i].job,
		       c->commits[i].before, c->commits[i].after);
}

bool
sim_cover_report(const struct sim_coverage *c, bool strict)
{
	uint64_t n = c->seeds ? c->seeds : 1;
	bool good = report_edges(c);

	good &= report_rows(c);
	good &= report_faults(c);
	report_events(c);
	printf("seeds %" PRIu64 ", steps a seed %" PRIu64 ", crashes a seed %" PRIu64
	       ".%" PRIu64 ", virtual hours %" PRId64
	       ", creates executed twice by a late upstream %" PRIu64 "\n",
	       c->seeds, c->steps / n, c->crashes / n, c->crashes * 10 / n % 10,
	       c->virtual_ms / 3600000, c->twice);
	return good || !strict;
}
