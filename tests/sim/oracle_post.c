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

bool
sim_oracle_too_late(const struct sim *s, const struct sim_transfer *t)
{
	return t->executed > ended_at(t) + settle_of(s, t);
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

/* There is one list at a time, and this is its end. */
void
sim_oracle_list_stored(struct sim *s, const struct wh_list_end *e)
{
	for (size_t i = s->net.n; e->suspect && i > 0; i--) {
		struct sim_transfer *t = s->net.all[i - 1];

		if (t->kind == WH_HTTP_LIST && t->told != SIM_NEVER) {
			t->suspect = true;
			return;
		}
	}
}

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

/* One that was put back with an older state of the store may lack what was joined to it since,
 * and was sent with it. */
static bool
still_wants(struct sim *s, const struct sim_op *op, const struct sim_row *r)
{
	struct sim_wish now;

	if (!op->in_doubt)
		return true;
	sim_oracle_wish(s, op, &now);
	return sim_doc_diff(&now.want, &r->versions[0].sent) == 0;
}

/* whd concludes that a request was not carried out: did it look, long enough, and see nothing?
 */
static void
check_looked(struct sim *s, const struct sim_op *op, const struct sim_transfer *t)
{
	int64_t ended = ended_at(t), settle = settle_of(s, t);
	int64_t from = ended > s->oracle.booted ? ended : s->oracle.booted;
	unsigned lists = 0, settled = 0;
	char name[64];

	for (size_t i = 0; i < s->net.n; i++) {
		const struct sim_transfer *l = s->net.all[i];

		if (l->kind != WH_HTTP_LIST || !l->complete || l->suspect ||
		    l->told == SIM_NEVER || l->submitted < ended)
			continue;
		lists++;
		settled += l->submitted >= from + settle;
		if (t->row != SIZE_MAX && shows(l, t->row) &&
		    recognisable(&s->world.rows[t->row]) &&
		    still_wants(s, op, &s->world.rows[t->row]) &&
		    !claimed_by_another(s, op, t->row))
			sim_fail(s,
				 "%s counts as not executed, although list #%" PRIu64
				 " showed what #%" PRIu64 " made",
				 sim_op_name(s, op, name), l->id, t->id);
	}
	if (lists < LISTS_NEEDED)
		sim_fail(s,
			 "%s counts as not executed, but after #%" PRIu64
			 " only %u complete lists were seen",
			 sim_op_name(s, op, name), t->id, lists);
	if (settled == 0)
		sim_fail(s,
			 "%s counts as not executed %" PRId64 " ms after #%" PRIu64
			 " ended, but no list began after the settle time of %" PRId64 " ms",
			 sim_op_name(s, op, name), s->mono - from, t->id, settle);
}

/* A person may have decided in whd's place. */
static bool
is_undecided_post(const struct sim *s, const struct sim_transfer *t, const struct sim_op *op)
{
	return t->op == (size_t)(op - s->oracle.ops) && strcmp(t->method, "POST") == 0 &&
	       !t->decided && !proven_not_executed(t) && op->sent_anew <= ended_at(t);
}

void
sim_oracle_concluded(struct sim *s, const struct sim_op *op)
{
	for (size_t i = 0; i < s->net.n; i++) {
		struct sim_transfer *t = s->net.all[i];

		if (!is_undecided_post(s, t, op))
			continue;
		check_looked(s, op, t);
		t->decided = true;
	}
}

/* Creates that share callbackUrl or whname do not run at once. */
static void
check_apart(struct sim *s, const struct sim_op *op)
{
	struct sim_wish mine, theirs;
	char name[64], other[64];

	sim_oracle_wish(s, op, &mine);
	for (size_t i = 0; i < s->oracle.n; i++) {
		const struct sim_op *o = &s->oracle.ops[i];

		if (o == op || !o->committed || o->kind != WH_OP_CREATE ||
		    o->since >= op->proposed ||
		    (o->state != WH_OP_SENDING && o->state != WH_OP_UNKNOWN))
			continue;
		sim_oracle_wish(s, o, &theirs);
		if (sim_text_same(mine.want.text[WH_F_CALLBACK],
				  theirs.want.text[WH_F_CALLBACK]) ||
		    sim_text_same(mine.want.text[WH_F_WHNAME], theirs.want.text[WH_F_WHNAME]))
			sim_fail(s, "%s goes out while %s, which shares its url or name, is %s",
				 sim_op_name(s, op, name), sim_op_name(s, o, other),
				 wh_op_state_str(o->state));
	}
}

void
sim_oracle_posts(struct sim *s, struct sim_transfer *t)
{
	const struct sim_op *op = sim_oracle_op(s, t->op);
	char name[64];

	for (size_t i = 0; i + 1 < s->net.n; i++) {
		const struct sim_transfer *u = s->net.all[i];

		if (is_undecided_post(s, u, op))
			sim_fail(s,
				 "%s is sent again as #%" PRIu64 ", but nobody looked for "
				 "what #%" PRIu64 " made",
				 sim_op_name(s, op, name), t->id, u->id);
	}
	if (op->kind == WH_OP_CREATE)
		check_apart(s, op);
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

/* --------------------------------------------------------------- the same --- */

/* What is queued behind it makes something else of it, or deletes it, so that who wants the
 * same wants another one. A follower that ends in this very commit may have ended before. */
void
sim_oracle_same_wish(struct sim *s, const struct sim_op *op, const struct sim_op *answered)
{
	const struct sim_op *next = sim_oracle_follower(s, answered);
	char name[64];

	for (size_t i = 0; next && i < s->oracle.n_changes; i++)
		if (memcmp(s->oracle.changes[i].id, next->id, WH_OP_ID) == 0)
			return;
	if (next && op->kind == WH_OP_CREATE && op->request_id[0] == '\0')
		sim_fail(s, "a create was answered with %s, behind which another waits",
			 sim_op_name(s, answered, name));
}
