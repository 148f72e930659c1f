/* SPDX-License-Identifier: MIT */
/* Counting what a run met. coverage_report.c says what it missed. */
#include "tests/sim/coverage.h"

#include "tests/sim/sim.h"

static const char *const commits[SIM_COMMIT_COUNT] = {
#define SIM_COMMIT(id, name) name,
#include "tests/sim/coverage.def"
#undef SIM_COMMIT
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
sim_cover_way(struct sim_coverage *c, enum sim_way way)
{
	c->ways[way]++;
}

/* Does a list that is read now look for the outcome of an operation? */
static bool
looks(const struct sim *s)
{
	for (size_t i = 0; i < s->oracle.now.n; i++)
		if (s->oracle.now.at[i].state == WH_OP_UNKNOWN)
			return true;
	return false;
}

static enum sim_moment
moment_of(const struct sim *s, unsigned on)
{
	switch (on) {
	case SIM_ON_POST:
		return SIM_MOMENT_POST;
	case SIM_ON_PATCH:
		return SIM_MOMENT_PATCH;
	case SIM_ON_DELETE:
		return SIM_MOMENT_DELETE;
	case SIM_ON_FIND:
		return SIM_MOMENT_CHECK;
	default:
		return looks(s) ? SIM_MOMENT_LOOK : SIM_MOMENT_LIST;
	}
}

void
sim_cover_fault(struct sim *s, const struct sim_transfer *t, unsigned on)
{
	s->coverage->faults[t->fault][moment_of(s, on)]++;
}

void
sim_cover_strike(struct sim_coverage *c, const char *job, bool after)
{
	for (size_t i = 0; i < SIM_COMMIT_COUNT; i++)
		if (strcmp(commits[i], job) == 0)
			c->struck[i][after]++;
}

void
sim_cover_event(struct sim_coverage *c, struct sim *s, enum sim_event_id e)
{
	for (size_t i = 0; i < s->oracle.now.n; i++)
		c->events[e][s->oracle.now.at[i].state]++;
}

static size_t
tally(uint64_t n)
{
	return n < SIM_TALLY ? (size_t)n : SIM_TALLY - 1;
}

void
sim_cover_seed(struct sim_coverage *c, const struct sim *s)
{
	c->seeds++;
	c->steps += s->steps;
	c->crashes += s->crashes;
	c->twice += s->oracle.executed_twice;
	c->virtual_ms += (uint64_t)(s->mono - SIM_MONO_BEGIN);
	c->seeds_by_steps[tally(s->steps)]++;
	c->seeds_by_crashes[tally(s->crashes)]++;
}

void
sim_cover_add(struct sim_coverage *to, const struct sim_coverage *from)
{
	uint64_t *sum = (uint64_t *)to;
	const uint64_t *more = (const uint64_t *)from;

	_Static_assert(sizeof(*to) % sizeof(*sum) == 0, "nothing but counters");
	for (size_t i = 0; i < sizeof(*to) / sizeof(*sum); i++)
		sum[i] += more[i];
}
