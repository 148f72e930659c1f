/* SPDX-License-Identifier: MIT */
/*
 * An older state of the store is put back: what was stored since is lost, and
 * nobody promised it. What was sent since stands at the upstream like the work
 * of others.
 */
#include "tests/sim/sim.h"

/* Its requests are nobody's from now on. */
static void
disown(struct sim *s, size_t at)
{
	for (size_t i = 0; i < s->net.n; i++)
		if (s->net.all[i]->op == at)
			s->net.all[i]->op = SIZE_MAX;
}

static void
forget(struct sim *s, struct sim_op *op)
{
	disown(s, (size_t)(op - s->oracle.ops));
	op->committed = op->acked = op->stopped = op->recreated = op->has_base = false;
	op->tmp[0] = op->whid[0] = op->reason[0] = op->result[0] = '\0';
	memset(op->id, 0, sizeof(op->id));
	op->into = SIZE_MAX;
	op->state = SIM_NEW;
	op->n_decided = 0;
	op->read_from = INT64_MAX;
}

/* What it made is a webhook of its own until it is found again. */
static void
part_from_rows(struct sim *s, const struct sim_op *create)
{
	for (size_t i = 0; i < s->world.n; i++)
		if (s->world.rows[i].obj == create->obj)
			s->world.rows[i].obj = 0;
}

/* That somebody decided to recreate it was later than the copy. */
static void
not_recreated(struct sim *s, struct sim_op *op)
{
	op->recreated = false;
	op->tmp[0] = '\0';
	op->obj = sim_oracle_object(s, op->target);
}

static void
go_back(struct sim *s, struct sim_op *op, const struct wh_view *v)
{
	struct sim_change c = {0};

	memcpy(c.id, op->id, WH_OP_ID);
	if (!sim_oracle_get(v, &c)) {
		/* Unless it had ended before, and its history was trimmed. */
		if (!wh_op_state_ended(op->state) || op->seq > v->meta.op_seq)
			forget(s, op);
		return;
	}
	if (op->recreated && !c.creates)
		not_recreated(s, op);
	op->state = c.to;
	op->in_doubt = !wh_op_state_ended(c.to);
	op->doubted = s->mono;
	if (op->in_doubt && (op->kind == WH_OP_CREATE || op->recreated))
		part_from_rows(s, op);
	op->sent_anew = 0;
	memcpy(op->reason, c.reason, sizeof(op->reason));
	memcpy(op->result, c.result, sizeof(op->result));
	memcpy(op->whid, c.whid, sizeof(op->whid));
	if (c.into[0] == '\0')
		op->into = SIZE_MAX;
}

void
sim_oracle_put_back(struct sim *s, const struct wh_view *v)
{
	struct sim_oracle *o = &s->oracle;

	o->put_back = true;
	o->revision = 0; /* of another instance, so readers do not compare them */
	for (size_t i = 0; i < o->n; i++)
		if (o->ops[i].committed)
			go_back(s, &o->ops[i], v);
	for (size_t i = 0; i < o->cap_objs; i++)
		o->sent_seq[i] = 0;
	for (size_t i = 0; i < s->world.n; i++) {
		s->world.rows[i].known = s->world.rows[i].held = false;
		s->world.rows[i].seen = 0;
		s->world.rows[i].last_hash = 0;
	}
	sim_oracle_list(s, v);
}
