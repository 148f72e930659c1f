/* SPDX-License-Identifier: MIT */
/*
 * The ends and stops of operations: each is held against what the upstream's
 * log says. An operation is not called done unless it is, not cancelled unless
 * somebody asked, not dead unless the upstream refused it.
 */
#include <inttypes.h>
#include <stdio.h>

#include "tests/sim/sim.h"

/* Was there ever a version of the row that holds the wish? */
static bool
version_grants(const struct sim_version *v, const struct sim_wish *w, bool marked)
{
	for (unsigned f = 0; f < WH_F_COUNT; f++) {
		if (f == SIM_SET || !(w->has >> f & 1u) || (marked && f == WH_F_WHCOMMENT))
			continue;
		if (!sim_text_same(v->doc.text[f], w->want.text[f]) &&
		    !sim_text_same(v->sent.text[f], w->want.text[f]))
			return false;
	}
	for (unsigned i = 0; i < w->adds.n_items; i++)
		if (!sim_doc_has_item(&v->doc, w->adds.item[i]))
			return false;
	for (unsigned i = 0; i < w->drops.n_items; i++)
		if (sim_doc_has_item(&v->doc, w->drops.item[i]))
			return false;
	return true;
}

static bool
was_granted(struct sim *s, const struct sim_row *r, const struct sim_wish *w)
{
	bool marked = strcmp(s->host.config.queue_create_marker, "comment") == 0;

	for (size_t i = 0; i < r->n; i++)
		if (!r->versions[i].gone && version_grants(&r->versions[i], w, marked))
			return true;
	return false;
}

bool
sim_oracle_found_done(struct sim *s, const struct sim_op *op, const struct sim_transfer *t)
{
	const struct sim_row *r = &s->world.rows[t->row];
	struct sim_wish w;

	if (op->kind == WH_OP_DELETE)
		return r->denied;

	sim_oracle_wish(s, op, &w);
	for (size_t i = 0; i < r->n; i++)
		if (r->versions[i].by == SIM_BY_OTHERS && r->versions[i].at >= t->left &&
		    !r->versions[i].gone && version_grants(&r->versions[i], &w, false))
			return true;
	return false;
}

static struct sim_transfer *
executed_by(struct sim *s, const struct sim_op *op)
{
	for (size_t i = s->net.n; i > 0; i--) {
		struct sim_transfer *t = s->net.all[i - 1];

		if (t->kind == WH_HTTP_SEND && t->op == (size_t)(op - s->oracle.ops) &&
		    t->executed != SIM_NEVER)
			return t;
	}
	return NULL;
}

static struct sim_transfer *
last_sent(struct sim *s, const struct sim_op *op)
{
	for (size_t i = s->net.n; i > 0; i--) {
		struct sim_transfer *t = s->net.all[i - 1];

		if (t->kind == WH_HTTP_SEND && t->op == (size_t)(op - s->oracle.ops))
			return t;
	}
	return NULL;
}

/* --------------------------------------------------------------------- done -- */

/* It was asked for before: then who wants the same wants another webhook. */
static bool
is_to_be_deleted(struct sim *s, const struct sim_op *op)
{
	size_t obj = sim_oracle_object(s, op->whid);

	for (size_t i = 0; i < s->oracle.n; i++) {
		const struct sim_op *o = &s->oracle.ops[i];

		if (o->state != SIM_NEW && o->kind == WH_OP_DELETE && o->obj == obj &&
		    o->seq < op->seq && wh_op_state_live(o->state))
			return true;
	}
	return false;
}

static void
create_done(struct sim *s, struct sim_op *op, bool by_call)
{
	size_t row = sim_world_find(&s->world, wh_str_c(op->whid));
	const struct sim_transfer *born;
	struct sim_wish w;
	char name[64];

	if (row == SIZE_MAX) {
		sim_fail(s, "%s is done as %s, which never was at the upstream",
			 sim_op_name(s, op, name), op->whid);
		return;
	}
	born = s->world.rows[row].born_by ? sim_net_get(&s->net, s->world.rows[row].born_by)
					  : NULL;
	sim_oracle_wish(s, op, &w);
	w.adds = w.want;
	if (strcmp(op->result, "adopted") != 0) {
		if (!born || born->op != (size_t)(op - s->oracle.ops))
			sim_fail(s, "%s is done as %s, which another made",
				 sim_op_name(s, op, name), op->whid);
	} else if (!op->n_decided && !(born && born->op == (size_t)(op - s->oracle.ops)) &&
		   !was_granted(s, &s->world.rows[row], &w)) {
		sim_fail(s, "%s adopted %s, which never was what it wants",
			 sim_op_name(s, op, name), op->whid);
	}
	if (strcmp(op->result, "adopted") == 0 && !by_call && is_to_be_deleted(s, op))
		sim_fail(s, "%s adopted %s, which is to be deleted", sim_op_name(s, op, name),
			 op->whid);
}

static void
update_done(struct sim *s, struct sim_op *op)
{
	size_t row = sim_world_find(&s->world, wh_str_c(op->whid));
	bool applied = strncmp(op->result, "applied", 7) == 0;
	struct sim_wish w;
	char name[64];

	if (row == SIZE_MAX) {
		sim_fail(s, "%s is %s at %s, which never was at the upstream",
			 sim_op_name(s, op, name), op->result, op->whid);
		return;
	}
	if (op->policy == WH_POLICY_REMOTE_WINS || (applied && executed_by(s, op)))
		return;
	sim_oracle_wish(s, op, &w);
	sim_oracle_forget_set_back(s, op, &w);
	if (!was_granted(s, &s->world.rows[row], &w))
		sim_fail(s, "%s ended as %s, but %s never held it", sim_op_name(s, op, name),
			 op->result, op->whid);
}

static void
delete_done(struct sim *s, struct sim_op *op)
{
	size_t row = sim_world_find(&s->world, wh_str_c(op->whid));
	char name[64];

	if (row == SIZE_MAX || s->world.rows[row].denied)
		return;
	for (size_t i = 0; i < s->world.rows[row].n; i++)
		if (s->world.rows[row].versions[i].gone)
			return;
	sim_fail(s, "%s ended as %s, but %s was never deleted", sim_op_name(s, op, name),
		 op->result, op->whid);
}

/* Its caller saw what the create asks for; what became of that has the create's mark. */
static bool
adds_the_mark(const struct sim_op *op, const char *comment)
{
	const char *mark = strrchr(op->target, '-');
	char marked[2 * SIM_TEXT];

	if (strncmp(op->target, "tmp-", 4) != 0)
		return false;
	snprintf(marked, sizeof(marked), "%s [whd:%s]", op->seen.text[WH_F_WHCOMMENT],
		 mark + 1);
	return sim_text_same(marked, comment);
}

static void
noop_at_once(struct sim *s, struct sim_op *op)
{
	struct sim_wish w;
	char name[64];

	sim_oracle_wish(s, op, &w);
	if (op->n_decided) /* its base is what the person saw */
		return;
	if (!sim_oracle_is_behind(&s->oracle, op))
		sim_oracle_forget_set_back(s, op, &w);
	if (adds_the_mark(op, w.want.text[WH_F_WHCOMMENT]))
		w.has &= ~(1u << WH_F_WHCOMMENT);
	if ((w.has & ~(1u << SIM_SET)) || w.adds.n_items || w.drops.n_items)
		sim_fail(s, "%s ended as noop, but it changes what its caller saw",
			 sim_op_name(s, op, name));
}

static void
is_done(struct sim *s, struct sim_op *op, const struct sim_change *c)
{
	char name[64];

	if (strcmp(op->result, "merged") == 0) {
		if (op->into == SIZE_MAX)
			sim_fail(s, "%s was merged into nothing", sim_op_name(s, op, name));
		return;
	}
	if (strcmp(op->result, "noop") == 0 && c->by_call) {
		noop_at_once(s, op);
		return;
	}
	switch (op->recreated ? WH_OP_CREATE : op->kind) {
	case WH_OP_CREATE:
		create_done(s, op, c->by_call);
		break;
	case WH_OP_UPDATE:
		update_done(s, op);
		break;
	case WH_OP_DELETE:
		delete_done(s, op);
		break;
	}
}

/* ------------------------------------------------------------------- stopped -- */

static void
is_dead(struct sim *s, struct sim_op *op)
{
	const struct sim_transfer *t = last_sent(s, op);
	int status = t ? t->status : 0;
	char name[64];

	bool poison = strcmp(op->reason, "poison") == 0;
	/* Of these the outcome is unknown, too: it was looked for in vain again and again. */
	bool failed = status >= 500 || status == 404 || status == 408;

	if (poison ? failed : status >= 400 && status <= 499)
		return;
	sim_fail(s, "%s is dead (%s), but the upstream's last word was status %d",
		 sim_op_name(s, op, name), op->reason, status);
}

static bool
changed_by_others(const struct sim_row *r)
{
	for (size_t i = 1; i < r->n; i++)
		if (r->versions[i].by != SIM_BY_WHD)
			return true;
	return false;
}

/* It was asked for over the wish of another one that never came true. */
static bool
was_built_upon(struct sim *s, const struct sim_op *op)
{
	for (size_t i = 0; i < s->oracle.n; i++) {
		const struct sim_op *o = &s->oracle.ops[i];

		if (o->committed && sim_oracle_same_webhook(&s->oracle, o, op) &&
		    o->seq < op->seq &&
		    (o->state == WH_OP_CANCELLED || o->n_decided || o->stopped ||
		     o->policy == WH_POLICY_REMOTE_WINS))
			return true;
	}
	return false;
}

static void
is_in_conflict(struct sim *s, struct sim_op *op)
{
	size_t row = sim_world_find(&s->world, wh_str_c(op->whid));
	struct sim_row *r = row == SIZE_MAX ? NULL : &s->world.rows[row];
	char name[64];

	if (was_built_upon(s, op) || s->oracle.put_back)
		return;
	if (!r || changed_by_others(r) || r->denied || s->world.ways.keep == SIM_keep_REWRITE)
		return;
	if (strcmp(op->reason, "gone_upstream") == 0 && !sim_row_alive(r))
		return;
	sim_fail(s, "%s is in conflict (%s), but nobody else changed %s",
		 sim_op_name(s, op, name), op->reason, op->whid);
}

/* -------------------------------------------------------------------- rows --- */

static void
cover_create(struct sim_coverage *c, const struct sim_op *op, const struct sim_change *ch)
{
	bool unknown = ch->from == WH_OP_UNKNOWN;

	if (ch->to == WH_OP_DONE && ch->from == WH_OP_SENDING)
		sim_cover_row(c, SIM_ROW_CREATE_WITH_ID);
	if (ch->to == WH_OP_DONE && ch->from == WH_OP_QUEUED)
		sim_cover_row(c, SIM_ROW_CREATE_TWIN);
	if (ch->to == WH_OP_UNKNOWN && strcmp(op->reason, "created_without_id") == 0)
		sim_cover_row(c, SIM_ROW_CREATE_WITHOUT_ID);
	if (unknown && ch->to == WH_OP_DONE)
		sim_cover_row(c, SIM_ROW_CREATE_FOUND);
	if (unknown && ch->to == WH_OP_QUEUED)
		sim_cover_row(c, SIM_ROW_CREATE_ABSENT);
	if (unknown && ch->to == WH_OP_DEAD && strcmp(op->reason, "rejected") == 0)
		sim_cover_row(c, SIM_ROW_CREATE_409);
	if (unknown && ch->to == WH_OP_DONE && strcmp(ch->reason_was, "rejected_409") == 0)
		sim_cover_row(c, SIM_ROW_CREATE_409_MADE);
	if (strcmp(op->reason, "ambiguous") == 0)
		sim_cover_row(c, SIM_ROW_CREATE_NEAR);
	if (strcmp(op->reason, "no_complete_list") == 0)
		sim_cover_row(c, SIM_ROW_CREATE_UNSEEN);
	if (strcmp(op->reason, "vanished") == 0)
		sim_cover_row(c, SIM_ROW_CREATE_VANISHED);
}

static void
cover_update(struct sim_coverage *c, const struct sim_op *op, const struct sim_change *ch)
{
	bool unknown = ch->from == WH_OP_UNKNOWN;
	bool noop = ch->to == WH_OP_DONE && strcmp(op->result, "noop") == 0;

	if (noop && ch->by_call && ch->from != SIM_NEW)
		sim_cover_row(c, SIM_ROW_UPDATE_BACK);
	noop &= !ch->by_call;

	if (unknown && ch->to == WH_OP_DONE)
		sim_cover_row(c, SIM_ROW_UPDATE_FOUND);
	if (unknown && ch->to == WH_OP_QUEUED)
		sim_cover_row(c, SIM_ROW_UPDATE_AGAIN);
	if (unknown && ch->to == WH_OP_CONFLICT)
		sim_cover_row(c, SIM_ROW_UPDATE_GONE);
	if (noop)
		sim_cover_row(c, op->policy == WH_POLICY_REMOTE_WINS ? SIM_ROW_MERGE_REMOTE
								     : SIM_ROW_MERGE_SAME);
	if (ch->to == WH_OP_CONFLICT && strcmp(op->reason, "gone_upstream") == 0)
		sim_cover_row(c, SIM_ROW_GONE);
	else if (ch->to == WH_OP_CONFLICT)
		sim_cover_row(c, op->policy == WH_POLICY_MANUAL ? SIM_ROW_MERGE_MANUAL
								: SIM_ROW_MERGE_OVERLAP);
}

static void
cover_delete(struct sim_coverage *c, const struct sim_op *op, const struct sim_change *ch)
{
	bool unknown = ch->from == WH_OP_UNKNOWN;

	if (unknown && ch->to == WH_OP_DONE)
		sim_cover_row(c, SIM_ROW_DELETE_FOUND);
	if (unknown && ch->to == WH_OP_QUEUED)
		sim_cover_row(c, SIM_ROW_DELETE_AGAIN);
	if (ch->to == WH_OP_UNKNOWN && strcmp(op->reason, "absent") == 0)
		sim_cover_row(c, SIM_ROW_DELETE_404);
	if (ch->to == WH_OP_CONFLICT)
		sim_cover_row(c, SIM_ROW_DELETE_EDITED);
	if (ch->to == WH_OP_DONE && strcmp(op->result, "already") == 0)
		sim_cover_row(c, SIM_ROW_DELETE_ALREADY);
}

static void
cover_change(struct sim *s, const struct sim_op *op, const struct sim_change *ch)
{
	struct sim_coverage *c = s->coverage;

	if (strcmp(op->reason, "forbidden") == 0)
		sim_cover_row(c, SIM_ROW_FORBIDDEN);
	if (ch->to == WH_OP_DEAD && strcmp(op->reason, "rejected") == 0)
		sim_cover_row(c, SIM_ROW_REJECTED);
	if (strcmp(op->reason, "poison") == 0)
		sim_cover_row(c, SIM_ROW_POISON);
	if (ch->to == WH_OP_UNKNOWN && strcmp(op->reason, "restored") == 0)
		sim_cover_row(c, SIM_ROW_PUT_BACK);
	if (strcmp(op->reason, "recreate") == 0)
		sim_cover_row(c, SIM_ROW_RECREATED);
	if (strcmp(op->reason, "theirs") == 0)
		sim_cover_row(c, SIM_ROW_DISCARDED);
	switch (op->recreated ? WH_OP_CREATE : op->kind) {
	case WH_OP_CREATE:
		cover_create(c, op, ch);
		break;
	case WH_OP_UPDATE:
		cover_update(c, op, ch);
		break;
	case WH_OP_DELETE:
		cover_delete(c, op, ch);
		break;
	}
}

void
sim_oracle_changed(struct sim *s, struct sim_op *op, const struct sim_change *c)
{
	char name[64];

	cover_change(s, op, c);
	if (c->from == WH_OP_UNKNOWN && (c->to == WH_OP_QUEUED || c->to == WH_OP_DEAD))
		sim_oracle_concluded(s, op);
	switch (c->to) {
	case WH_OP_DONE:
		is_done(s, op, c);
		break;
	case WH_OP_CANCELLED:
	case WH_OP_SUPERSEDED:
		if (!c->by_call)
			sim_fail(s, "%s was %s, but nobody asked for that",
				 sim_op_name(s, op, name), wh_op_state_str(c->to));
		break;
	case WH_OP_DEAD:
		op->stopped = true;
		is_dead(s, op);
		break;
	case WH_OP_CONFLICT:
		is_in_conflict(s, op);
		break;
	case WH_OP_QUEUED:
	case WH_OP_CHECKING:
	case WH_OP_SENDING:
	case WH_OP_UNKNOWN:
	case WH_OP_STATE_COUNT:
		break;
	case WH_OP_HELD:
		op->stopped = true;
		break;
	}
}
