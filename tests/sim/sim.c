/* SPDX-License-Identifier: MIT */
/*
 * A life: the seed draws how rough it will be, events follow one another until
 * the active part is over; then all faults end, and everything must come to
 * rest. Virtual time costs nothing, so waits of hours are simulated in full.
 */
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define REST_MAX_MS (INT64_C(12) * 3600 * 1000) /* longest way to rest */
#define REST_LOOK_MS 5000
#define STEPS_MAX 400000u

/* ------------------------------------------------------------------- events -- */

static void
put_event(struct sim *s, int64_t delay, sim_fn *fn, uint64_t arg, uint64_t epoch)
{
	struct sim_event e = {
		.at = s->mono + (delay > 0 ? delay : 0), .fn = fn, .arg = arg, .epoch = epoch};

	sim_agenda_put(&s->agenda, e);
}

void
sim_later(struct sim *s, int64_t delay, sim_fn *fn, uint64_t arg)
{
	put_event(s, delay, fn, arg, 0);
}

void
sim_later_in_whd(struct sim *s, int64_t delay, sim_fn *fn, uint64_t arg)
{
	put_event(s, delay, fn, arg, s->host.epoch);
}

int64_t
sim_about(struct sim *s, int64_t mean)
{
	return sim_dice_between(&s->dice, mean / 10, 2 * mean);
}

static bool
step(struct sim *s)
{
	struct sim_event e;

	if (s->failed || !sim_agenda_take(&s->agenda, &e))
		return false;
	s->mono = e.at;
	if (e.epoch && (e.epoch != s->host.epoch || !s->host.up))
		return true; /* of a process that is no more */
	s->steps++;
	sim_mix(s, (uint64_t)e.at);
	sim_mix(s, e.arg);
	e.fn(s, e.arg);
	return true;
}

/* -------------------------------------------------------------------- plan -- */

static void
draw_plan(struct sim *s)
{
	struct sim_dice *d = &s->dice;
	bool rough = sim_dice_chance(d, 600);

	s->plan = (struct sim_plan){
		.fault_permille = (unsigned)sim_dice_between(d, 0, rough ? 400 : 120),
		/* One after the other, so that none is left to chance. */
		.favourite = (enum sim_fault)(1 + s->seed % (SIM_FAULT_COUNT - 1)),
		.burns_permille = 10,
		.length = 1,
		.crash_permille = sim_dice_chance(d, 850)
					  ? (unsigned)sim_dice_between(d, 3, rough ? 25 : 8)
					  : 0,
		.full_permille = sim_dice_chance(d, 200) ? 30 : 0,
		.slow_permille = sim_dice_chance(d, 500) ? sim_dice_between(d, 5, 200) : 0,
		.spell_every =
			sim_dice_chance(d, 500) ? sim_dice_between(d, 60, 1800) * 1000 : 0,
		.jump_every = sim_dice_chance(d, 400) ? sim_dice_between(d, 20, 900) * 1000 : 0,
		.crash_every =
			sim_dice_chance(d, 500) ? sim_dice_between(d, 20, 900) * 1000 : 0,
		/* In one life out of seven an older state of the store is put back. */
		.copy_every = s->seed % 7 == 3 ? (20 + (int64_t)(s->seed % 280)) * 1000 : 0,
		.rotate_every =
			sim_dice_chance(d, 250) ? sim_dice_between(d, 60, 900) * 1000 : 0,
		.others_every =
			sim_dice_chance(d, 800) ? sim_dice_between(d, 2, 120) * 1000 : 0,
		.call_every = sim_dice_between(d, 200, 60000),
		.admin_every = sim_dice_chance(d, 800) ? sim_dice_between(d, 5, 300) * 1000 : 0,
		.clients = (unsigned)sim_dice_between(d, 1, SIM_CLIENTS_MAX),
		.rows = (unsigned)sim_dice_between(d, 0, 14),
	};
}

/* A long and quiet life but for some changes over which the upstream breaks again and again. */
static void
draw_burning(struct sim *s)
{
	struct sim_plan *p = &s->plan;

	p->burns_permille = 150;
	p->length = 4;
	p->fault_permille = p->crash_permille = p->full_permille = 0;
	p->slow_permille = p->spell_every = p->jump_every = p->rotate_every = 0;
	p->crash_every = sim_dice_between(&s->dice, 200, 900) * 1000;
	p->others_every = p->copy_every = 0;
	p->call_every = sim_dice_between(&s->dice, 10000, 40000);
	s->host.config.sync_interval = 60000;
}

static void
fill_world(struct sim *s)
{
	for (unsigned i = 0; i < s->plan.rows; i++) {
		struct sim_version v = {.at = s->mono, .by = SIM_BY_OTHERS};

		sim_wish_doc(s, &v.doc);
		sim_world_add(&s->world, &s->dice, &v);
	}
}

static void
begin(struct sim *s)
{
	sim_dice_seed(&s->dice, s->seed);
	sim_dice_seed(&s->whd_dice, ~s->seed);
	s->mono = SIM_MONO_BEGIN;
	s->wall_offset = INT64_C(1800000000000) + sim_dice_between(&s->dice, 0, 1000000000);
	s->net.keys_valid = (1u << SIM_KEYS_MAX) - 1;
	draw_plan(s);
	sim_shim_begin(s);
	sim_host_init(s);
	if (sim_dice_chance(&s->dice, 30))
		draw_burning(s);
	sim_ways_draw(&s->world.ways, &s->dice, s->host.config.queue_settle_error);
	sim_oracle_init(s);
	fill_world(s);
	sim_say(s, "seed",
		"list %s, ids %s as %s, POST %s, keeps %s, lag %" PRId64 " ms, settle %" PRId64
		"/%" PRId64 " ms, check_age %" PRId64 " ms, policy %s",
		sim_way_str(s->world.ways.list), sim_way_str(s->world.ways.id_form),
		sim_way_str(s->world.ways.id_name), sim_way_str(s->world.ways.post),
		sim_way_str(s->world.ways.keep), s->world.ways.lag,
		s->host.config.queue_settle_timeout, s->host.config.queue_settle_error,
		s->host.config.queue_check_age, s->host.config.queue_policy);
	sim_later(s, 0, sim_host_start, 0);
	sim_people_begin(s);
	sim_nature_begin(s);
}

/* --------------------------------------------------------------------- rest -- */

/* Faults end; what is open must end as well, with an admin's help where a person is asked. */
static void
come_to_rest(struct sim *s)
{
	int64_t until = s->mono + REST_MAX_MS, look = s->mono;

	sim_say(s, "calm", "no faults from here on");
	s->calm = true;
	sim_nature_calm(s);
	sim_people_settle(s);
	while (s->mono < until && s->steps < STEPS_MAX) {
		if (!step(s))
			return;
		if (s->mono < look || !s->host.up)
			continue;
		look = s->mono + REST_LOOK_MS;
		if (sim_oracle_at_rest(s))
			return;
	}
}

static void
end(struct sim *s)
{
	sim_host_fini(s);
	sim_oracle_fini(&s->oracle);
	sim_net_fini(&s->net);
	sim_world_fini(&s->world);
	sim_agenda_fini(&s->agenda);
}

bool
sim_live(uint64_t seed, const struct sim_limits *limits, bool trace,
	 struct sim_coverage *coverage, uint64_t *hash)
{
	struct sim *s = wh_xcalloc(1, sizeof(*s));
	bool good;

	s->seed = seed;
	s->trace = trace;
	s->coverage = coverage;
	begin(s);
	while (s->steps < limits->steps * s->plan.length && step(s))
		continue;
	if (!s->failed)
		come_to_rest(s);
	if (!s->failed)
		sim_oracle_end(s);
	sim_cover_seed(coverage, s);
	if (hash)
		*hash = *hash * UINT64_C(0x100000001b3) ^ s->hash;
	good = !s->failed;
	if (!good && !trace)
		printf("seed %" PRIu64 " failed: %s\n", seed, s->why);
	end(s);
	free(s);
	return good;
}
