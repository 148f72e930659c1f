/* SPDX-License-Identifier: MIT */
/*
 * Local clients: each asks for one thing at a time and waits for the answer.
 * If whd dies first, those who gave a request_id ask again, the others never
 * know.
 */
#include <stdio.h>

#include "tests/sim/sim.h"

static void client_turn(struct sim *s, uint64_t client);

static void
describe(struct sim *s, size_t client, const struct sim_op *op)
{
	char name[64], what[256] = "";
	size_t n = 0;

	for (unsigned f = 0; f < WH_F_COUNT && op->kind == WH_OP_UPDATE; f++)
		if (op->has >> f & 1u && n < sizeof(what))
			n += (size_t)snprintf(what + n, sizeof(what) - n, " %s='%s'",
					      wh_fields[f].name, op->want.text[f]);
	sim_say(s, "client", "%zu: %s %s%s%s%s%s%s", client, sim_op_name(s, op, name),
		op->target, op->kind == WH_OP_CREATE ? op->want.text[WH_F_WHNAME] : what,
		op->has_policy ? " policy " : "",
		op->has_policy ? wh_policy_str(op->policy) : "", op->force ? " force" : "",
		op->request_id[0] ? " request_id" : "");
}

static void
ask(struct sim *s, size_t client, size_t op)
{
	struct sim_client *c = &s->people.clients[client];

	c->busy = true;
	c->op = op;
	c->again = false;
	describe(s, client, sim_oracle_op(s, op));
	sim_call_submit(s, sim_call_new_change(s, op, client));
}

static bool
can_ask(const struct sim *s, const struct sim_client *c)
{
	return s->host.up && !s->host.stopping && !c->busy;
}

static void
client_turn(struct sim *s, uint64_t client)
{
	struct sim_client *c = &s->people.clients[client];

	if (s->calm)
		return;
	if (can_ask(s, c)) {
		size_t op = c->again ? c->op : sim_wish_draw(s);

		ask(s, client, op);
		/* Sometimes the same again, as if the answer had been lost. */
		if (sim_oracle_op(s, op)->request_id[0] && sim_dice_chance(&s->dice, 40))
			sim_call_submit(s, sim_call_new_change(s, op, client));
	}
	sim_later(s, sim_about(s, s->plan.call_every), client_turn, client);
}

void
sim_people_died(struct sim *s)
{
	for (size_t i = 0; i < s->plan.clients; i++) {
		struct sim_client *c = &s->people.clients[i];

		if (!c->busy)
			continue;
		c->busy = false;
		c->again = sim_oracle_op(s, c->op)->request_id[0] != '\0';
	}
}

void
sim_people_started(struct sim *s)
{
	for (size_t i = 0; i < s->plan.clients; i++)
		if (s->people.clients[i].again && can_ask(s, &s->people.clients[i]))
			ask(s, i, s->people.clients[i].op);
}

void
sim_people_begin(struct sim *s)
{
	for (size_t i = 0; i < s->plan.clients; i++)
		sim_later(s, sim_about(s, s->plan.call_every), client_turn, i);
	if (s->plan.admin_every)
		sim_later(s, sim_about(s, s->plan.admin_every), sim_admin_turn, 0);
	if (s->plan.others_every)
		sim_later(s, sim_about(s, s->plan.others_every), sim_others_turn, 0);
}

void
sim_people_settle(struct sim *s)
{
	sim_later(s, 1000, sim_admin_turn, 1);
}
