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
add_items(struct wh_buf *out, const char *how, const struct sim_doc *d)
{
	for (unsigned i = 0; i < d->n_items; i++)
		wh_buf_printf(out, " %s%s", how, d->item[i]);
}

static void
describe(struct sim *s, size_t client, const struct sim_op *op)
{
	struct wh_buf what = WH_BUF_NULL;
	char name[64];

	if (!s->trace)
		return;
	for (unsigned f = 0; f < WH_F_COUNT; f++)
		if (op->has >> f & 1u)
			wh_buf_printf(&what, " %s='%s'", wh_fields[f].name, op->want.text[f]);
	add_items(&what, "=", &op->want);
	add_items(&what, "+", &op->adds);
	add_items(&what, "-", &op->drops);
	sim_say(s, "client", "%zu: %s %s%.*s%s%s%s%s%s", client, sim_op_name(s, op, name),
		op->target, WH_STR_FMT(wh_buf_view(&what)), op->has_policy ? " policy " : "",
		op->has_policy ? wh_policy_str(op->policy) : "", op->force ? " force" : "",
		op->allow_duplicate ? " duplicate" : "",
		op->request_id[0] ? " request_id" : "");
	wh_buf_fini(&what);
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
