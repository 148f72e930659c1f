/* SPDX-License-Identifier: MIT */
/*
 * Calls into the funnel, made as the handlers of webhook.* and queue.* make
 * them. What the caller saw, and which row of the coalescing table is due, is
 * read inside of the same transaction, just before the body runs.
 */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/core/coalesce.h"
#include "daemon/hook_pack.h"
#include "daemon/pump.h"
#include "daemon/rules_now.h"
#include "tests/sim/sim.h"

/* ------------------------------------------------------------------ coverage -- */

static int
row_after_tail(const struct wh_op *tail, enum wh_op_kind kind)
{
	bool sent = !wh_op_never_sent(tail);
	bool held = tail->state == WH_OP_HELD && wh_str_is(tail->reason, "admin");

	if (tail->kind == WH_OP_DELETE)
		return kind == WH_OP_DELETE ? SIM_ROW_DELETE_DELETE : SIM_ROW_DELETE_UPDATE;
	if (sent)
		return kind == WH_OP_DELETE ? SIM_ROW_SENT_DELETE : SIM_ROW_SENT_UPDATE;
	if (tail->kind == WH_OP_CREATE)
		return kind == WH_OP_DELETE ? SIM_ROW_CREATE_DELETE : SIM_ROW_CREATE_UPDATE;
	if (kind == WH_OP_DELETE)
		return held ? SIM_ROW_HELD_DELETE : SIM_ROW_UPDATE_DELETE;
	return SIM_ROW_UPDATE_UPDATE;
}

static void
look_at_lane(struct sim_call *c, const struct wh_view *v, struct wh_str whid)
{
	struct wh_lane lane;
	struct wh_lane_op *tail;

	c->row = -1;
	if (wh_lane_open(&lane, v, &c->e.rules, whid) == 0 &&
	    (tail = wh_lane_tail(&lane)) != NULL)
		c->row = row_after_tail(&tail->op, c->e.kind);
	wh_lane_fini(&lane);
}

static void
look_first(struct sim_call *c, const struct wh_view *v)
{
	char room[WH_KEY_MAX];
	struct wh_buf body = WH_BUF_NULL;
	struct wh_str whid;
	struct wh_hook h;

	wh_buf_reset(&c->seen);
	c->has_seen = false;
	if (c->e.kind == WH_OP_CREATE)
		return;
	whid = wh_lane_resolve(v, wh_buf_view(&c->e.whid));
	if (wh_hook_get(v, wh_key_fold(whid, room), WH_VIEW_EFFECTIVE, &body, &h) == 0) {
		wh_buf_str(&c->seen, h.body);
		c->has_seen = true;
	}
	wh_buf_fini(&body);
	look_at_lane(c, v, whid);
}

/* The conflicting row that a person is shown who decides about the operation. */
static void
look_at_conflict(struct sim_call *c, const struct wh_view *v)
{
	struct wh_oprow row;
	struct wh_op op;
	uint64_t seq;

	c->has_seen = wh_ops_find(v, c->v.id, &seq) == 0 && wh_ops_get(v, seq, &row) == 0 &&
		      wh_op_decode(&op, row.body) == 0 && op.theirs.n > 0;
	if (c->has_seen)
		wh_buf_str(&c->seen, op.theirs);
}

/* The webhook that a person says a create has made. */
static void
look_at_adopted(struct sim_call *c, const struct wh_view *v)
{
	char room[WH_KEY_MAX];
	struct wh_row row;

	c->has_seen = wh_rows_get(v, wh_key_fold(wh_buf_view(&c->v.whid), room), &row) == 0;
	if (c->has_seen)
		wh_buf_str(&c->seen, row.body);
}

static void
look_at_theirs(struct sim_call *c, const struct wh_view *v)
{
	wh_buf_reset(&c->seen);
	if (c->v.whid.n)
		look_at_adopted(c, v);
	else
		look_at_conflict(c, v);
}

int
sim_call_run(struct wh_job *job, struct wh_txn *t)
{
	struct sim_call *c = (struct sim_call *)job;
	int r;

	switch (c->what) {
	case SIM_CALL_CHANGE:
		look_first(c, &t->view);
		r = wh_enqueue_run(job, t);
		c->seq = t->view.meta.op_seq;
		return r;
	case SIM_CALL_VERB:
		look_at_theirs(c, &t->view);
		return wh_verb_run(job, t);
	case SIM_CALL_ACCEPT:
		return wh_mark_run(job, t);
	}
	return WH_EBUG;
}

void
sim_call_drop(struct wh_job *job)
{
	struct sim_call *c = (struct sim_call *)job;

	if (c->what == SIM_CALL_CHANGE)
		wh_enqueue_fini(&c->e);
	else if (c->what == SIM_CALL_VERB)
		wh_verb_fini(&c->v);
	else
		wh_mark_fini(&c->m);
	wh_buf_fini(&c->seen);
	free(c);
}

/* ------------------------------------------------------------------- answers -- */

/* Another create waits that wants the same. */
static bool
has_twin(struct sim *s, const struct sim_op *op)
{
	for (size_t i = 0; i < s->oracle.n; i++) {
		const struct sim_op *o = &s->oracle.ops[i];

		if (o != op && o->committed && o->kind == WH_OP_CREATE &&
		    wh_op_state_live(o->state) && sim_doc_diff(&o->want, &op->want) == 0)
			return true;
	}
	return false;
}

static void
cover_row(struct sim *s, const struct sim_call *c)
{
	const struct sim_op *op = sim_oracle_op(s, c->op);
	bool fresh = c->e.refusal.code == WH_ERR_NONE && c->e.queued;

	if (c->row >= 0 &&
	    (fresh || c->row == SIM_ROW_DELETE_DELETE || c->e.refusal.code == WH_ERR_DELETED))
		sim_cover_row(s->coverage, (enum sim_row_id)c->row);
	if (!c->e.refusal.code && !c->e.queued && op->kind == WH_OP_CREATE && !op->committed)
		sim_cover_row(s->coverage, SIM_ROW_CREATE_CREATE);
	if (fresh && op->kind == WH_OP_CREATE && op->allow_duplicate && has_twin(s, op))
		sim_cover_row(s->coverage, SIM_ROW_CREATE_ALLOWED);
	if (!fresh || strcmp(op->result, "noop") != 0)
		return;
	sim_cover_row(s->coverage, SIM_ROW_UPDATE_VOID);
}

static const char *
outcome_of(const struct wh_refusal *r)
{
	return r->code ? wh_errors[r->code].name : "taken";
}

/* A webhook whose create was acknowledged and has not ended can be addressed. */
static void
check_refusal(struct sim *s, const struct sim_op *op, enum wh_error code)
{
	for (size_t i = 0; code == WH_ERR_NOT_FOUND && i < s->oracle.n; i++) {
		const struct sim_op *o = &s->oracle.ops[i];

		if (o->acked && o->tmp[0] && strcmp(o->tmp, op->target) == 0 &&
		    wh_op_state_live(o->state))
			sim_fail(s, "%s is not found, although its create is %s", op->target,
				 wh_op_state_str(o->state));
	}
}

static void
change_done(struct wh_job *job, struct whd *d, int fault)
{
	struct sim_call *c = (struct sim_call *)job;
	struct sim *s = d->http->sim;
	struct sim_op *op = sim_oracle_op(s, c->op);
	struct sim_client *client = &s->people.clients[c->client];
	char name[64];

	sim_say(s, "answer", "%s: %s %s", sim_op_name(s, op, name),
		fault ? wh_fault_str(fault) : outcome_of(&c->e.refusal),
		c->e.queued ? "" : "(not a new operation)");
	client->busy = false;
	if (fault == 0) {
		op->acked = op->committed;
		if (op->acked)
			sim_oracle_answered(s, op);
		cover_row(s, c);
		check_refusal(s, op, c->e.refusal.code);
	}
	sim_call_drop(job);
}

static void
verb_done(struct wh_job *job, struct whd *d, int fault)
{
	struct sim_call *c = (struct sim_call *)job;
	struct sim *s = d->http->sim;
	bool hurry = c->what == SIM_CALL_VERB &&
		     (c->v.verb == WH_CMD_queue_flush || c->v.verb == WH_CMD_queue_retry);

	sim_say(s, "answer", "admin: %s",
		fault                      ? wh_fault_str(fault)
		: c->what == SIM_CALL_VERB ? outcome_of(&c->v.refusal)
					   : "taken");
	if (c->what == SIM_CALL_ACCEPT && fault == 0)
		wh_pump_list_now(d->pump);
	if (hurry)
		wh_pump_hurry(d->pump);
	sim_call_drop(job);
}

/* -------------------------------------------------------------------- asking -- */

static void
pack_set(struct wh_buf *b, const struct sim_doc *d)
{
	wh_pack_array(b, d->n_items);
	for (unsigned i = 0; i < d->n_items; i++)
		wh_pack_c(b, d->item[i]);
}

static void
pack_fields(struct wh_buf *b, const struct sim_op *op)
{
	size_t at = wh_pack_open_map(b), n = 0;

	for (unsigned f = 0; f < WH_F_COUNT; f++) {
		if (f == SIM_SET ? !op->whole_set : !(op->has >> f & 1u))
			continue;
		wh_pack_c(b, wh_fields[f].name);
		if (f == SIM_SET)
			pack_set(b, &op->want);
		else
			wh_pack_c(b, op->want.text[f]);
		n++;
	}
	wh_pack_close_map(b, at, n);
	if (n == 0)
		wh_buf_reset(b);
}

static void
fill_change(struct sim *s, struct wh_enqueue *e, const struct sim_op *op)
{
	static const enum wh_cmd_id methods[] = {WH_CMD_webhook_create, WH_CMD_webhook_update,
						 WH_CMD_webhook_delete};
	uint64_t bits[2] = {sim_dice_next(&s->whd_dice), sim_dice_next(&s->whd_dice)};

	e->kind = op->kind;
	e->method = methods[op->kind];
	e->uid = op->uid;
	wh_op_id_make(e->id, s->host.d.now.wall, (const uint8_t *)bits);
	wh_rules_now(&s->host.d, &e->rules);
	wh_buf_c(&e->whid, op->target);
	if (op->kind != WH_OP_DELETE)
		pack_fields(&e->fields, op);
	if (op->adds.n_items)
		pack_set(&e->add, &op->adds);
	if (op->drops.n_items)
		pack_set(&e->remove, &op->drops);
	wh_buf_c(&e->request_id, op->request_id);
	e->params_hash[0] = op->hash;
	e->has_revision = op->has_revision;
	e->if_revision = op->if_revision;
	e->has_policy = op->has_policy;
	e->policy = op->policy;
	e->force = op->force;
	e->allow_duplicate = op->allow_duplicate;
}

struct sim_call *
sim_call_new_change(struct sim *s, size_t op, size_t client)
{
	struct sim_call *c = wh_xcalloc(1, sizeof(*c));

	sim_host_enter(s);
	c->what = SIM_CALL_CHANGE;
	c->op = op;
	c->client = client;
	c->row = -1;
	c->job = (struct wh_job){
		.run = sim_call_run, .done = change_done, .class = WH_JOB_ENQUEUE};
	fill_change(s, &c->e, sim_oracle_op(s, op));
	return c;
}

struct sim_call *
sim_call_new_verb(struct sim *s, enum wh_cmd_id verb, size_t op)
{
	struct sim_call *c = wh_xcalloc(1, sizeof(*c));

	sim_host_enter(s);
	c->op = op;
	c->client = SIZE_MAX;
	c->row = -1;
	c->job = (struct wh_job){
		.run = sim_call_run, .done = verb_done, .class = WH_JOB_CONTROL};
	if (verb == WH_CMD_sync_accept) {
		c->what = SIM_CALL_ACCEPT;
		wh_rules_now(&s->host.d, &c->m.rules);
		c->m.accept_shrink = true;
		return c;
	}
	c->what = SIM_CALL_VERB;
	wh_rules_now(&s->host.d, &c->v.rules);
	c->v.verb = verb;
	c->v.admin = true;
	if (op != SIZE_MAX)
		memcpy(c->v.id, sim_oracle_op(s, op)->id, WH_OP_ID);
	return c;
}

void
sim_call_submit(struct sim *s, struct sim_call *c)
{
	wh_writer_submit(s->host.d.writer, &c->job);
}
