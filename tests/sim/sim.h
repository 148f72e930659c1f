/* SPDX-License-Identifier: MIT */
/*
 * One simulated life: a model of the upstream, the net between, whd's own
 * code over a real store, people who use it, and an oracle that watches. All
 * of it hangs off struct sim; there is one thread and no clock but s->mono.
 *
 * A run is a sequence of events taken from the agenda. Everything random comes
 * from two dice seeded by the seed, so that a seed tells the same story again.
 */
#pragma once

#include "tests/sim/agenda.h"
#include "tests/sim/coverage.h"
#include "tests/sim/host.h"
#include "tests/sim/net.h"
#include "tests/sim/oracle.h"
#include "tests/sim/people.h"
#include "tests/sim/world.h"

#define SIM_MONO_BEGIN INT64_C(1000000)

/* What a seed draws before it begins: how rough its life is. */
struct sim_plan {
	unsigned fault_permille; /* of requests on a calm day */
	enum sim_fault favourite;
	unsigned length;         /* of its active part, in the usual ones */
	unsigned burns_permille; /* of comments over which the upstream breaks */
	unsigned crash_permille; /* at each edge of a commit and each step of a request */
	unsigned full_permille;  /* of commits that fail because the store is full */
	int64_t slow_permille;   /* of requests and commits that take long */
	int64_t spell_every;     /* ms between spells of bad weather, on average; 0 = none */
	int64_t jump_every;      /* ms between jumps of the wall clock */
	int64_t crash_every;     /* ms between crashes at any moment */
	int64_t copy_every;      /* ms between copies of the store; 0 = none is ever put back */
	int64_t rotate_every;    /* ms between rotations of keys */
	int64_t others_every;    /* ms between changes by other people */
	int64_t call_every;      /* ms between calls of one client */
	int64_t admin_every;     /* ms between verbs of the admin */
	unsigned clients;
	unsigned rows; /* rows the upstream begins with */
};

struct sim {
	uint64_t seed;
	struct sim_dice dice;     /* the world's */
	struct sim_dice whd_dice; /* whd's */
	struct sim_plan plan;
	struct sim_agenda agenda;
	int64_t mono;        /* virtual monotonic ms, from SIM_MONO_BEGIN on */
	int64_t wall_offset; /* wall = mono + this; jumps */
	bool far_jump;       /* by so much that histories and request_ids are outdated */
	struct sim_world world;
	struct sim_net net;
	struct sim_host host;
	struct sim_people people;
	struct sim_oracle oracle;
	struct sim_coverage *coverage; /* shared by all seeds */
	enum sim_weather weather;
	bool calm; /* no faults any more: now all must come to rest */
	uint64_t steps, crashes;
	uint64_t hash; /* of all that happened, to tell two lives apart */
	bool trace;
	bool failed;
	char why[1024];
};

/* Enters an event of the world `delay` ms from now. */
void sim_later(struct sim *s, int64_t delay, sim_fn *fn, uint64_t arg);
/* The same for one of whd's process: it dies with it. */
void sim_later_in_whd(struct sim *s, int64_t delay, sim_fn *fn, uint64_t arg);
/* About `mean` ms, between a tenth and twice of it. */
int64_t sim_about(struct sim *s, int64_t mean);

/* Takes a fact into the hash of the life. */
void sim_mix(struct sim *s, uint64_t fact);
/* One line of the trace; cheap if nobody asked for it. */
WH_PRINTF(3, 4) void sim_say(struct sim *s, const char *who, const char *fmt, ...);
/* A promise was broken: the run ends here. The first one counts. */
WH_PRINTF(2, 3) void sim_fail(struct sim *s, const char *fmt, ...);

struct sim_limits {
	uint64_t steps; /* events of the active part of a life */
};
/* Lives one life; false if a promise was broken, which was told on stdout. What happened is
 * taken into *hash, if given. */
bool sim_live(uint64_t seed, const struct sim_limits *limits, bool trace,
	      struct sim_coverage *coverage, uint64_t *hash);
