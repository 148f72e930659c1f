/* SPDX-License-Identifier: MIT */
/* What a run met, and what it missed. */
#include <inttypes.h>
#include <stdio.h>

#include "tests/sim/sim.h"

#define FULL_RUN 2000u /* seeds from which on everything must have been met ... */
#define LEAST 20u      /* ... so often */
#define FEW_SEEDS 100u /* fewer say nothing of the middle one */
#define STEPS_LEAST 300u
#define CRASHES_LEAST 3u

static const struct {
	const char *table, *text;
} rows[SIM_ROW_COUNT] = {
#define SIM_ROW(id, table, text) {table, text},
#include "tests/sim/coverage.def"
#undef SIM_ROW
};

static const struct {
	const char *table, *text, *why;
} no_rows[] = {
#define SIM_NO_ROW(table, text, why) {table, text, why},
#include "tests/sim/coverage.def"
#undef SIM_NO_ROW
};

static const struct {
	const char *text;
	unsigned on;
} moments[SIM_MOMENT_COUNT] = {
#define SIM_MOMENT(id, text, on) {text, on},
#include "tests/sim/coverage.def"
#undef SIM_MOMENT
};

static const char *const events[SIM_EVENT_COUNT] = {
#define SIM_EVENT(id, text) text,
#include "tests/sim/coverage.def"
#undef SIM_EVENT
};

static const char *const commits[SIM_COMMIT_COUNT] = {
#define SIM_COMMIT(id, name) name,
#include "tests/sim/coverage.def"
#undef SIM_COMMIT
};

static const struct {
	enum wh_op_state from, to;
	const char *why;
} nevers[] = {
#define SIM_NO_EDGE(from, to, why) {WH_OP_##from, WH_OP_##to, why},
#include "tests/sim/coverage.def"
#undef SIM_NO_EDGE
};

/* A report in the making. */
struct report {
	const struct sim_coverage *c;
	uint64_t least;
	unsigned missed;
};

/* The mark behind a number. */
static const char *
judge(struct report *r, uint64_t n)
{
	if (n >= r->least)
		return "";
	r->missed++;
	return n ? " TOO SELDOM" : " NEVER MET";
}

/* ------------------------------------------------------------------- edges -- */

static const char *
why_never(enum wh_op_state from, enum wh_op_state to)
{
	for (size_t i = 0; i < wh_array_len(nevers); i++)
		if (nevers[i].from == from && nevers[i].to == to)
			return nevers[i].why;
	return NULL;
}

static void
report_edge(struct report *r, enum wh_op_state from, enum wh_op_state to)
{
	uint64_t n = r->c->edges[from][to];
	const char *why = why_never(from, to);

	printf("  %-10s -> %-10s %9" PRIu64, wh_op_state_str(from), wh_op_state_str(to), n);
	if (!why)
		printf("%s\n", judge(r, n));
	else
		printf("%s%s\n", n ? " TAKEN, though it cannot be: " : " cannot be: ", why);
	r->missed += why && n;
}

static void
report_edges(struct report *r)
{
	puts("edges of operations");
#define WH_OP_EDGE(from, to) report_edge(r, WH_OP_##from, WH_OP_##to);
#include "daemon/core/op.def"
#undef WH_OP_EDGE
}

/* ----------------------------------------------------------- rows and ways -- */

static void
report_rows(struct report *r)
{
	puts("rows of the rule tables");
	for (size_t i = 0; i < SIM_ROW_COUNT; i++)
		printf("  %-9s %-60s %9" PRIu64 "%s\n", rows[i].table, rows[i].text,
		       r->c->rows[i], judge(r, r->c->rows[i]));
	for (size_t i = 0; i < wh_array_len(no_rows); i++)
		printf("  %-9s %-60s cannot be: %s\n", no_rows[i].table, no_rows[i].text,
		       no_rows[i].why);
}

static void
report_ways(struct report *r)
{
	puts("ways of the upstream, by variation");
	for (int i = 0; i < SIM_WAY_COUNT; i++)
		printf("  %u %-10s %-24s %9" PRIu64 "%s\n", sim_way_variation((enum sim_way)i),
		       sim_way_subject((enum sim_way)i), sim_way_str((enum sim_way)i),
		       r->c->ways[i], judge(r, r->c->ways[i]));
}

/* ------------------------------------------------------------------ faults -- */

static void
report_fault(struct report *r, enum sim_fault f)
{
	printf("  %-18s", sim_faults[f].name);
	for (size_t m = 0; m < SIM_MOMENT_COUNT; m++) {
		uint64_t n = r->c->faults[f][m];

		if (!(sim_faults[f].on & moments[m].on))
			printf("        -");
		else
			printf(" %7" PRIu64 "%c", n, *judge(r, n) ? '!' : ' ');
	}
	puts("");
}

static void
report_faults(struct report *r)
{
	puts("faults at each moment (! = too seldom)");
	for (size_t m = 0; m < SIM_MOMENT_COUNT; m++)
		printf("  column %zu: %s\n", m + 1, moments[m].text);
	for (int f = 0; f < SIM_FAULT_COUNT; f++)
		report_fault(r, (enum sim_fault)f);
}

static void
report_event(struct report *r, enum sim_event_id e)
{
	printf("  %-22s", events[e]);
	for (unsigned st = 0; st <= WH_OP_DEAD; st++)
		printf(" %8" PRIu64 "%c", r->c->events[e][st],
		       *judge(r, r->c->events[e][st]) ? '!' : ' ');
	puts("");
}

static void
report_events(struct report *r)
{
	printf("events by state         ");
	for (unsigned st = 0; st <= WH_OP_DEAD; st++)
		printf(" %9s", wh_op_state_str((enum wh_op_state)st));
	puts("");
	for (int e = 0; e < SIM_EVENT_COUNT; e++)
		report_event(r, (enum sim_event_id)e);
	puts("crashes at the edges of commits   before     after");
	for (size_t i = 0; i < SIM_COMMIT_COUNT; i++)
		printf("  %-25s %11" PRIu64 "%c %8" PRIu64 "%c\n", commits[i],
		       r->c->struck[i][0], *judge(r, r->c->struck[i][0]) ? '!' : ' ',
		       r->c->struck[i][1], *judge(r, r->c->struck[i][1]) ? '!' : ' ');
}

/* ------------------------------------------------------------------- seeds -- */

static uint64_t
median(const uint64_t by[SIM_TALLY], uint64_t seeds)
{
	uint64_t n = 0, at = 0;

	while (at + 1 < SIM_TALLY && (n += by[at]) * 2 < seeds)
		at++;
	return at;
}

static void
report_seeds(struct report *r)
{
	const struct sim_coverage *c = r->c;
	uint64_t steps = median(c->seeds_by_steps, c->seeds);
	uint64_t crashes = median(c->seeds_by_crashes, c->seeds);
	bool enough =
		c->seeds < FEW_SEEDS || (steps >= STEPS_LEAST && crashes >= CRASHES_LEAST);

	r->missed += !enough;
	printf("median of a seed: %" PRIu64 " steps, %" PRIu64 " crashes%s\n", steps, crashes,
	       enough ? "" : " TOO FEW");
	printf("seeds %" PRIu64 ", steps %" PRIu64 ", crashes %" PRIu64
	       ", virtual hours %" PRIu64 ", creates executed twice by a late upstream %" PRIu64
	       "\n",
	       c->seeds, c->steps, c->crashes, c->virtual_ms / 3600000, c->twice);
}

bool
sim_cover_report(const struct sim_coverage *c)
{
	struct report r = {.c = c, .least = c->seeds >= FULL_RUN ? LEAST : 0};

	report_edges(&r);
	report_rows(&r);
	report_ways(&r);
	report_faults(&r);
	report_events(&r);
	report_seeds(&r);
	if (r.missed)
		printf("%u things that can be were met less than %u times\n", r.missed, LEAST);
	return r.missed == 0;
}
