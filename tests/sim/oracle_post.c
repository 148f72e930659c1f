/* SPDX-License-Identifier: MIT */
/*
 * Creates: none is executed twice, unless the upstream itself was so late that
 * the settle time had passed; and none is sent again before whd has looked for
 * what the first request may have made.
 */
#include <inttypes.h>
#include <stdio.h>

#include "tests/sim/sim.h"

#define LISTS_NEEDED 2u /* complete lists that lack a create before it is sent again */

/* When whd knew that the attempt had ended. */
static int64_t
ended_at(const struct sim_transfer *t)
{
	return t->told != SIM_NEVER ? t->told : t->died;
}

static int64_t
settle_of(const struct sim *s, const struct sim_transfer *t)
{
	const struct wh_config *c = &s->host.config;
	bool answered = t->told != SIM_NEVER && sim_faults[t->fault].whole &&
			((t->status >= 500 && t->status <= 599 && t->status != 504) ||
			 t->status == 409);

	return answered ? c->queue_settle_error : c->queue_settle_timeout;
}

/* Was whd told something that proves that the request was not carried out? */
static bool
proven_not_executed(const struct sim_transfer *t)
{
	const struct sim_fault_info *f = &sim_faults[t->fault];

	if (t->told == SIM_NEVER)
		return false;
	if (!f->left)
		return true;
	if (!f->whole || f->net != WH_NET_OK)
		return false;
	return t->status == 401 || t->status == 403 || t->status == 429 ||
	       f->body == SIM_BODY_ROUTE ||
	       (t->status >= 400 && t->status < 500 && t->status != 408 && t->status != 409);
}

/* ----------------------------------------------------------------- looking --- */

static bool
shows(const struct sim_transfer *list, size_t row)
{
	for (size_t i = 0; i < list->n_shown; i++)
		if (list->shown[i] == row)
			return true;
	return false;
}

static bool
claimed_by_another(struct sim *s, const struct sim_op *op, size_t row)
{
	for (size_t i = 0; i < s->oracle.n; i++) {
		const struct sim_op *o = &s->oracle.ops[i];

		if (o != op && o->kind == WH_OP_CREATE && o->state == WH_OP_DONE &&
		    sim_text_same(o->whid, s->world.rows[row].whid))
			return true;
	}
	return false;
}

/* The row still is what the request asked for, so that a look at it must recognise it. */
static bool
recognisable(const struct sim_row *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->versions[i].gone ||
		    sim_doc_diff(&r->versions[i].doc, &r->versions[0].sent))
			return false;
	return true;
}

/* A second POST: did whd look after the first one, and did it see that nothing came of it? */
static void
check_looked(struct sim *s, const struct sim_transfer *t, const struct sim_transfer *first)
{
	const struct sim_op *op = sim_oracle_op(s, t->op);
	int64_t ended = ended_at(first), settle = settle_of(s, first);
	int64_t from = ended > op->looked_boot ? ended : op->looked_boot;
	unsigned lists = 0;
	char name[64];

	if (op->sent_anew > ended)
		return; /* a person looked in its place */
	for (size_t i = 0; i < s->net.n; i++) {
		const struct sim_transfer *l = s->net.all[i];

		if (l->kind != WH_HTTP_LIST || !l->complete || l->told == SIM_NEVER ||
		    l->submitted < ended)
			continue;
		lists++;
		if (first->row != SIZE_MAX && shows(l, first->row) &&
		    recognisable(&s->world.rows[first->row]) &&
		    !claimed_by_another(s, op, first->row))
			sim_fail(s,
				 "%s is sent again as #%" PRIu64 ", although list #%" PRIu64
				 " showed what #%" PRIu64 " made",
				 sim_op_name(s, op, name), t->id, l->id, first->id);
	}
	if (lists < LISTS_NEEDED)
		sim_fail(s,
			 "%s is sent again as #%" PRIu64 ", but after #%" PRIu64
			 " only %u complete lists were seen",
			 sim_op_name(s, op, name), t->id, first->id, lists);
	if (op->looked < from + settle)
		sim_fail(s,
			 "%s is sent again as #%" PRIu64 " %" PRId64 " ms after #%" PRIu64
			 " ended, the settle time is %" PRId64 " ms",
			 sim_op_name(s, op, name), t->id, op->looked - from, first->id, settle);
}

/* Of an operation's requests only the last one counts: those before it were decided. */
static bool
is_last_of_op(const struct sim *s, size_t at)
{
	for (size_t i = at + 1; i < s->net.n; i++)
		if (s->net.all[i]->op == s->net.all[at]->op)
			return false;
	return true;
}

/* Creates that share callbackUrl or whname do not run at once. */
static void
check_apart(struct sim *s, const struct sim_transfer *t)
{
	const struct sim_op *op = sim_oracle_op(s, t->op);
	struct sim_doc mine, other;
	char name[64], name_other[64];

	if (!sim_doc_from_json(&mine, wh_buf_view(&t->body)))
		return;
	for (size_t i = 0; i + 1 < s->net.n; i++) {
		const struct sim_transfer *u = s->net.all[i];
		const struct sim_op *o = u->op == SIZE_MAX ? NULL : sim_oracle_op(s, u->op);

		if (!o || o == op || strcmp(u->method, "POST") != 0 || !is_last_of_op(s, i) ||
		    (o->state != WH_OP_SENDING && o->state != WH_OP_UNKNOWN) ||
		    !sim_doc_from_json(&other, wh_buf_view(&u->body)))
			continue;
		if (sim_text_same(mine.text[WH_F_CALLBACK], other.text[WH_F_CALLBACK]) ||
		    sim_text_same(mine.text[WH_F_WHNAME], other.text[WH_F_WHNAME]))
			sim_fail(s, "%s goes out while %s, which shares its url or name, is %s",
				 sim_op_name(s, op, name), sim_op_name(s, o, name_other),
				 wh_op_state_str(o->state));
	}
}

void
sim_oracle_posts(struct sim *s, struct sim_transfer *t)
{
	for (size_t i = 0; i + 1 < s->net.n && !s->failed; i++) {
		const struct sim_transfer *u = s->net.all[i];

		if (u->op == t->op && strcmp(u->method, "POST") == 0 && !proven_not_executed(u))
			check_looked(s, t, u);
	}
	check_apart(s, t);
}

/* ---------------------------------------------------------------- executing -- */

/* Both were executed. Nobody is to blame if the older one was too late to be seen in time. */
static bool
excused(struct sim *s, const struct sim_transfer *older, const struct sim_transfer *newer)
{
	int64_t known = ended_at(older);
	int64_t shown = older->executed + s->world.ways.lag;
	const struct sim_row *r = older->row == SIZE_MAX ? NULL : &s->world.rows[older->row];

	if (shown > known + settle_of(s, older) || older->executed >= newer->marked)
		return true;
	if (!r)
		return false;
	return sim_oracle_op(s, newer->op)->sent_anew > known || r->denied ||
	       !recognisable(r) ||
	       claimed_by_another(s, sim_oracle_op(s, newer->op), older->row);
}

void
sim_oracle_creates(struct sim *s, struct sim_transfer *t)
{
	char name[64];

	for (size_t i = 0; i < s->net.n && !s->failed; i++) {
		struct sim_transfer *u = s->net.all[i];
		const struct sim_transfer *older = u->id < t->id ? u : t;
		const struct sim_transfer *newer = u->id < t->id ? t : u;

		if (u == t || u->op != t->op || u->executed == SIM_NEVER ||
		    strcmp(u->method, "POST") != 0)
			continue;
		if (excused(s, older, newer))
			s->oracle.executed_twice++;
		else
			sim_fail(s, "%s is executed twice: as #%" PRIu64 " and as #%" PRIu64,
				 sim_op_name(s, sim_oracle_op(s, t->op), name), older->id,
				 newer->id);
	}
}
