/* SPDX-License-Identifier: MIT */
/*
 * Operations: what was asked for, what was stored and acknowledged, and every
 * change of state. None may be lost, none may end without its reason.
 */
#include "tests/sim/oracle.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/funnel.h"
#include "tests/sim/sim.h"

#define COMMITS_MAX_MS 10000 /* longest way of a list that was told into the store */

/* ------------------------------------------------------------------ records -- */

void
sim_oracle_init(struct sim *s)
{
	s->oracle = (struct sim_oracle){.booted = s->mono};
}

void
sim_oracle_fini(struct sim_oracle *o)
{
	free(o->ops);
	free(o->now.at);
	free(o->next.at);
	free(o->changes);
	free(o->sent_seq);
	*o = (struct sim_oracle){0};
}

size_t
sim_oracle_new_op(struct sim_oracle *o)
{
	if (o->n == o->cap) {
		o->cap = o->cap ? o->cap * 2 : 32;
		o->ops = realloc(o->ops, o->cap * sizeof(*o->ops));
		wh_require(o->ops != NULL);
	}
	o->ops[o->n] =
		(struct sim_op){.into = SIZE_MAX, .state = SIM_NEW, .read_from = INT64_MAX};
	return o->n++;
}

struct sim_op *
sim_oracle_op(struct sim *s, size_t at)
{
	return at < s->oracle.n ? &s->oracle.ops[at] : NULL;
}

struct sim_op *
sim_oracle_by_id(struct sim *s, const uint8_t id[WH_OP_ID])
{
	for (size_t i = s->oracle.n; i > 0; i--)
		if (memcmp(s->oracle.ops[i - 1].id, id, WH_OP_ID) == 0)
			return &s->oracle.ops[i - 1];
	return NULL;
}

struct sim_op *
sim_oracle_by_seq(struct sim *s, uint64_t seq)
{
	for (size_t i = s->oracle.n; i > 0; i--)
		if (s->oracle.ops[i - 1].committed && s->oracle.ops[i - 1].seq == seq)
			return &s->oracle.ops[i - 1];
	return NULL;
}

const char *
sim_op_name(struct sim *s, const struct sim_op *op, char out[64])
{
	snprintf(out, 64, "op %zu (seq %" PRIu64 ", %s)", (size_t)(op - s->oracle.ops), op->seq,
		 wh_op_kind_str(op->kind));
	return out;
}

/* ------------------------------------------------------------------ objects -- */

static size_t
new_object(struct sim_oracle *o)
{
	size_t at = ++o->objs;

	if (at >= o->cap_objs) {
		size_t cap = o->cap_objs ? o->cap_objs * 2 : 64;

		o->sent_seq = realloc(o->sent_seq, cap * sizeof(*o->sent_seq));
		wh_require(o->sent_seq != NULL);
		memset(o->sent_seq + o->cap_objs, 0,
		       (cap - o->cap_objs) * sizeof(*o->sent_seq));
		o->cap_objs = cap;
	}
	return at;
}

static size_t
object_of_row(struct sim *s, struct sim_row *r)
{
	const struct sim_transfer *t = r->born_by ? sim_net_get(&s->net, r->born_by) : NULL;

	const struct sim_op *op = t && t->op != SIZE_MAX ? &s->oracle.ops[t->op] : NULL;

	/* What another request of a create made is a webhook of its own. */
	if (r->obj == 0 && op && sim_text_same(op->whid, r->whid))
		r->obj = op->obj;
	if (r->obj == 0)
		r->obj = new_object(&s->oracle);
	return r->obj;
}

size_t
sim_oracle_object(struct sim *s, const char *name)
{
	size_t row;

	for (size_t i = 0; i < s->oracle.n; i++)
		if (s->oracle.ops[i].tmp[0] && strcmp(s->oracle.ops[i].tmp, name) == 0)
			return s->oracle.ops[i].obj;
	row = sim_world_find(&s->world, wh_str_c(name));
	return row == SIZE_MAX ? new_object(&s->oracle) : object_of_row(s, &s->world.rows[row]);
}

bool
sim_oracle_carries(struct sim *s, const struct sim_op *carrier, const struct sim_op *op)
{
	for (unsigned depth = 0; depth < 64; depth++) {
		if (op == carrier)
			return true;
		if (op->into == SIZE_MAX)
			return false;
		op = &s->oracle.ops[op->into];
	}
	return false;
}

/* ------------------------------------------------------------------ listing -- */

static struct sim_listed *
listing_add(struct sim_listing *l)
{
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 32;
		l->at = realloc(l->at, l->cap * sizeof(*l->at));
		wh_require(l->at != NULL);
	}
	return &l->at[l->n++];
}

static void
listing_copy(struct sim_listing *to, const struct sim_listing *from)
{
	to->n = 0;
	for (size_t i = 0; i < from->n; i++)
		*listing_add(to) = from->at[i];
}

/* All operations that have not ended, as queue.list shows them. */
static void
listing_read(struct sim_listing *l, const struct wh_view *v)
{
	uint64_t seq = 0;

	l->n = 0;
	while (wh_ops_next(v, seq, &seq) == 0) {
		struct wh_oprow row;
		struct sim_listed *e;

		wh_require(wh_ops_get(v, seq, &row) == 0);
		e = listing_add(l);
		e->seq = seq;
		e->state = row.state;
		memcpy(e->id, row.id, WH_OP_ID);
	}
}

void
sim_oracle_list(struct sim *s, const struct wh_view *v)
{
	listing_read(&s->oracle.now, v);
	listing_copy(&s->oracle.next, &s->oracle.now);
	s->oracle.n_changes = 0;
}

/* As queue.get shows it; from the history if it has ended. False if it is nowhere. */
bool
sim_oracle_get(const struct wh_view *v, struct sim_change *c)
{
	struct wh_oprow row;
	struct wh_past past;
	struct wh_op op;
	uint64_t seq;
	int r = wh_ops_find(v, c->id, &seq);

	if (r == 0) {
		wh_require(wh_ops_get(v, seq, &row) == 0);
		wh_require(wh_op_decode(&op, row.body) == 0);
	} else {
		if (wh_history_find(v, c->id, &past))
			return false;
		wh_require(wh_op_decode(&op, past.body) == 0);
	}
	c->to = op.state;
	c->creates = op.tmp_id.n > 0;
	snprintf(c->reason, sizeof(c->reason), "%.*s", WH_STR_FMT(op.reason));
	snprintf(c->result, sizeof(c->result), "%.*s", WH_STR_FMT(op.result));
	snprintf(c->whid, sizeof(c->whid), "%.*s", WH_STR_FMT(op.target));
	snprintf(c->into, sizeof(c->into), "%.*s", WH_STR_FMT(op.into));
	return true;
}

static void
add_change(struct sim *s, struct wh_txn *t, const struct sim_listed *e, enum wh_op_state from,
	   const struct wh_job *job)
{
	struct sim_oracle *o = &s->oracle;
	struct sim_change *c;

	if (o->n_changes == o->cap_changes) {
		o->cap_changes = o->cap_changes ? o->cap_changes * 2 : 16;
		o->changes = realloc(o->changes, o->cap_changes * sizeof(*o->changes));
		wh_require(o->changes != NULL);
	}
	c = &o->changes[o->n_changes++];
	*c = (struct sim_change){.seq = e->seq, .from = from, .job = sim_job_str(job)};
	c->by_call = job->run == sim_call_run;
	memcpy(c->id, e->id, WH_OP_ID);
	if (!sim_oracle_get(&t->view, c))
		sim_fail(s, "operation seq %" PRIu64 " is neither queued nor in the history",
			 e->seq);
}

/* A new operation that ended in the transaction that stored it never shows in a listing. */
static void
add_ended_at_once(struct sim *s, struct wh_txn *t, const struct wh_job *job)
{
	const struct sim_call *call = (const struct sim_call *)job;
	struct sim_listed e = {0};

	if (job->run != sim_call_run || call->what != SIM_CALL_CHANGE || !call->e.queued)
		return;
	e.seq = call->seq;
	memcpy(e.id, call->e.answer, WH_OP_ID);
	for (size_t i = 0; i < s->oracle.next.n; i++)
		if (memcmp(s->oracle.next.at[i].id, e.id, WH_OP_ID) == 0)
			return;
	add_change(s, t, &e, SIM_NEW, job);
}

void
sim_oracle_ran(struct sim *s, const struct wh_job *job, struct wh_txn *t)
{
	struct sim_oracle *o = &s->oracle;
	struct sim_listing fresh = {0}, old = o->next;
	size_t a = 0, b = 0;

	listing_read(&fresh, &t->view);
	while (a < old.n || b < fresh.n) {
		bool gone = b == fresh.n || (a < old.n && old.at[a].seq < fresh.at[b].seq);
		bool came = !gone && (a == old.n || fresh.at[b].seq < old.at[a].seq);

		if (gone)
			add_change(s, t, &old.at[a], (enum wh_op_state)old.at[a].state, job);
		else if (came)
			add_change(s, t, &fresh.at[b], SIM_NEW, job);
		else if (old.at[a].state != fresh.at[b].state)
			add_change(s, t, &fresh.at[b], (enum wh_op_state)old.at[a].state, job);
		a += !came;
		b += !gone;
	}
	o->next = fresh;
	free(old.at);
	add_ended_at_once(s, t, job);
}

void
sim_oracle_aborted(struct sim *s)
{
	s->oracle.n_changes = 0;
	listing_copy(&s->oracle.next, &s->oracle.now);
}

/* --------------------------------------------------------------- what is told -- */

struct sim_op *
sim_oracle_follower(struct sim *s, const struct sim_op *create)
{
	struct sim_op *next = NULL;

	for (size_t i = 0; i < s->oracle.n; i++) {
		struct sim_op *o = &s->oracle.ops[i];

		if (o->state != SIM_NEW && o->obj == create->obj && o->seq > create->seq &&
		    wh_op_state_live(o->state) && (!next || o->seq < next->seq))
			next = o;
	}
	return next;
}

static void
move_base(struct sim *s, struct sim_op *decided, bool adopted, const struct sim_doc *to)
{
	struct sim_op *op = adopted ? sim_oracle_follower(s, decided) : decided;

	if (!op)
		return;
	op->base_adopted = adopted;
	op->has_base = true;
	op->base = *to;
	op->base_seq = 0;
	for (size_t i = 0; i < s->oracle.n; i++)
		if (s->oracle.ops[i].committed && s->oracle.ops[i].seq > op->base_seq)
			op->base_seq = s->oracle.ops[i].seq;
}

/* A person decided: what was seen at that moment may be overwritten. */
static void
verb_committed(struct sim *s, const struct sim_call *call, struct sim_op *op)
{
	struct wh_str take = wh_buf_view(&call->v.take);

	if (op->in_doubt && call->v.verb != WH_CMD_queue_hold)
		op->sent_anew = s->mono;
	if (call->v.verb != WH_CMD_queue_resolve)
		return;
	if (wh_str_is(take, "recreate"))
		op->sent_anew = s->mono;
	if (wh_str_is(take, "recreate") && op->kind == WH_OP_UPDATE && !op->recreated) {
		op->recreated = true;
		op->obj = new_object(&s->oracle);
		snprintf(op->tmp, sizeof(op->tmp), "tmp-");
		wh_op_id_text(op->id, op->tmp + 4);
	}
	if (op->n_decided == SIM_DECISIONS)
		op->n_decided--;
	if (!call->has_seen ||
	    !sim_doc_from_pack(&op->decided[op->n_decided], wh_buf_view(&call->seen)))
		op->decided[op->n_decided] = (struct sim_doc){0};
	if (call->has_seen)
		move_base(s, op, wh_str_is(take, "adopt"), &op->decided[op->n_decided]);
	op->n_decided++;
}

/* The operation a change was answered with. */
static struct sim_op *
answered_with(struct sim *s, const struct sim_call *call)
{
	uint8_t id[WH_OP_ID];
	struct wh_tree tree;
	bool known;

	if (wh_unpack(&tree, wh_buf_view(&call->e.op), NULL))
		return NULL;
	known = wh_op_id_parse(wh_obj_str_at(&tree.root, "op"), id);
	wh_tree_fini(&tree);
	return known ? sim_oracle_by_id(s, id) : NULL;
}

/* The request_id was outdated, so the wish was taken as a new one: it gets a record of its own.
 */
static struct sim_op *
same_wish_again(struct sim *s, size_t at)
{
	size_t again = sim_oracle_new_op(&s->oracle);
	struct sim_op fresh = s->oracle.ops[again], *op = &s->oracle.ops[again];

	*op = s->oracle.ops[at];
	memcpy(op->tmp, fresh.tmp, sizeof(op->tmp));
	op->request_id[0] = '\0';
	op->into = fresh.into;
	op->state = fresh.state;
	op->read_from = fresh.read_from;
	op->n_decided = 0;
	op->has_base = false;
	op->acked = op->recreated = op->stopped = false;
	return op;
}

static void
call_committed(struct sim *s, const struct sim_call *call)
{
	struct sim_op *op = sim_oracle_op(s, call->op), *answered;
	char name[64], other[64];

	if (call->what == SIM_CALL_VERB && call->v.refusal.code == WH_ERR_NONE && op)
		verb_committed(s, call, op);
	if (call->what != SIM_CALL_CHANGE || call->e.refusal.code)
		return;
	answered = answered_with(s, call);
	if (op->committed && !s->far_jump && (call->e.queued || (answered && answered != op)))
		sim_fail(s, "request_id %s was answered with a second operation: %s, %s",
			 op->request_id, sim_op_name(s, op, name),
			 answered ? sim_op_name(s, answered, other) : "a new one");
	if (!call->e.queued) {
		if (answered && answered != op) {
			answered->forced |= op->force && answered->kind == WH_OP_DELETE;
			sim_oracle_same_wish(s, op, answered);
		}
		return;
	}
	if (op->committed)
		op = same_wish_again(s, call->op);
	memcpy(op->id, call->e.answer, WH_OP_ID);
	op->committed = true;
	op->seq = call->seq;
	op->forced = op->force;
	op->has_seen = call->has_seen && sim_doc_from_pack(&op->seen, wh_buf_view(&call->seen));
	if (op->kind == WH_OP_CREATE) {
		snprintf(op->tmp, sizeof(op->tmp), "tmp-");
		wh_op_id_text(op->id, op->tmp + 4);
		op->obj = new_object(&s->oracle);
	} else {
		op->obj = sim_oracle_object(s, op->target);
	}
	op->behind = sim_oracle_is_behind(&s->oracle, op);
}

/* Who carries whom is known before anything is held against it. */
static void
take_carrier(struct sim *s, const struct sim_change *c)
{
	struct sim_op *op = sim_oracle_by_id(s, c->id);
	const struct sim_op *carrier = NULL;
	uint8_t into[WH_OP_ID];

	if (op && c->into[0] && wh_op_id_parse(wh_str_c(c->into), into))
		carrier = sim_oracle_by_id(s, into);
	if (carrier)
		op->into = (size_t)(carrier - s->oracle.ops);
}

static void
take_change(struct sim *s, struct sim_change *c)
{
	struct sim_op *op = sim_oracle_by_id(s, c->id);
	char name[64];

	if (!op || !op->committed) {
		sim_fail(s, "there is an operation nobody asked for: seq %" PRIu64, c->seq);
		return;
	}
	sim_cover_edge(s->coverage, c->from, c->to);
	sim_say(s, "op", "%s %s -> %s %s%s%s (%s)", sim_op_name(s, op, name),
		c->from == SIM_NEW ? "new" : wh_op_state_str(c->from), wh_op_state_str(c->to),
		c->reason, c->result[0] ? " " : "", c->result, c->job);
	sim_mix(s, c->seq);
	sim_mix(s, (uint64_t)c->from << 8 | (uint64_t)c->to);
	op->state = c->to;
	op->since = s->mono;
	memcpy(c->reason_was, op->reason, sizeof(op->reason));
	memcpy(op->reason, c->reason, sizeof(op->reason));
	memcpy(op->result, c->result, sizeof(op->result));
	memcpy(op->whid, c->whid, sizeof(op->whid));
	sim_oracle_changed(s, op, c);
}

void
sim_oracle_committed(struct sim *s, const struct wh_job *first, const struct wh_job *end)
{
	struct sim_oracle *o = &s->oracle;

	for (const struct wh_job *j = first; j && j != end; j = j->next) {
		if (j->run == sim_call_run)
			call_committed(s, (const struct sim_call *)j);
		else if (j->run == wh_list_end_run)
			sim_oracle_list_stored(s, (const struct wh_list_end *)j);
	}
	for (size_t i = 0; i < o->n_changes; i++)
		take_carrier(s, &o->changes[i]);
	for (size_t i = 0; i < o->n_changes && !s->failed; i++)
		take_change(s, &o->changes[i]);
	o->n_changes = 0;
	listing_copy(&o->now, &o->next);
}

void
sim_oracle_answered(struct sim *s, const struct sim_op *op)
{
	struct sim_change c = {0};
	char name[64];

	memcpy(c.id, op->id, WH_OP_ID);
	if (!s->far_jump && !sim_oracle_get(&s->host.d.view, &c))
		sim_fail(s, "%s is acknowledged, but readers do not see it yet",
			 sim_op_name(s, op, name));
}

/* ----------------------------------------------------------- life and death -- */

/* When the last read of the operation's webhook by itself began. */
static bool
was_read(struct sim *s, uint64_t seq, int64_t *ret)
{
	for (size_t i = s->net.n; i > 0; i--) {
		const struct sim_transfer *t = s->net.all[i - 1];

		if (t->kind == WH_HTTP_FIND && t->tag == seq) {
			*ret = t->submitted;
			return true;
		}
	}
	return false;
}

/* A list stands in for a read that found nothing; it counts from its end, which is stored. */
static int64_t
last_list_from(struct sim *s)
{
	int64_t age = s->host.config.queue_check_age;
	int64_t window = (age > 1000 ? age : 1000) + COMMITS_MAX_MS;

	for (size_t i = s->net.n; i > 0; i--) {
		const struct sim_transfer *t = s->net.all[i - 1];

		if (t->kind == WH_HTTP_LIST && t->complete && t->told != SIM_NEVER)
			return t->told + window >= s->mono ? t->submitted : INT64_MAX;
	}
	return INT64_MAX;
}

void
sim_oracle_submitted(struct sim *s, const struct wh_job *job)
{
	const struct wh_send *send = (const struct wh_send *)job;
	struct sim_op *op;

	if (job->run != wh_send_run)
		return;
	op = sim_oracle_by_seq(s, send->seq);
	if (!op)
		return;
	op->proposed = s->mono;
	op->read_from = INT64_MAX;
	if (was_read(s, send->seq, &op->read_from) && !send->checked)
		op->read_from = last_list_from(s);
}

void
sim_oracle_died(struct sim *s)
{
	sim_oracle_aborted(s);
}

/* Every operation that was stored must still be there, or have ended. */
static void
check_none_lost(struct sim *s)
{
	struct sim_oracle *o = &s->oracle;
	char name[64];

	for (size_t i = 0; i < o->n; i++) {
		const struct sim_op *op = &o->ops[i];
		struct sim_change c = {0};

		if (!op->committed)
			continue;
		memcpy(c.id, op->id, WH_OP_ID);
		if (!sim_oracle_get(&s->host.d.view, &c)) {
			if (s->far_jump && wh_op_state_ended(op->state))
				continue; /* the history is kept for a time only */
			sim_fail(s, "%s was stored%s and is lost", sim_op_name(s, op, name),
				 op->acked ? ", acknowledged" : "");
		}
		if (c.to != op->state)
			sim_fail(s, "%s was %s and is %s after a start",
				 sim_op_name(s, op, name), wh_op_state_str(op->state),
				 wh_op_state_str(c.to));
	}
}

void
sim_oracle_started(struct sim *s)
{
	s->oracle.booted = s->mono;
	check_none_lost(s);
	sim_oracle_aliases(s);
	if (s->host.d.view.meta.revision < s->oracle.revision)
		sim_fail(s,
			 "readers were shown revision %" PRIu64
			 ", after a crash it is %" PRIu64,
			 s->oracle.revision, s->host.d.view.meta.revision);
	sim_oracle_look(s);
}
