/* SPDX-License-Identifier: MIT */
/*
 * A new change meets its lane: existence, revision, limits, duplicates and
 * coalescing are decided here, inside the transaction that stores it, by the
 * pure functions of core/. The same decision over a view is a dry run.
 *
 * Commit thread (dry run: loop). Refusals leave no trace.
 */
#include "daemon/apply.h"

#include "daemon/core/coalesce.h"
#include "daemon/core/merge.h"
#include "daemon/core/norm.h"
#include "daemon/doc.h"
#include "daemon/form.h"

/* The state of one decision. */
struct decision {
	struct wh_enqueue *e;
	struct wh_lane *lane;
	const struct wh_view *view;
	struct wh_buf effect; /* effective body before */
	struct wh_effect before;
	struct wh_asked asked; /* by the new op */
	struct wh_lane_op *op; /* the op to report; NULL when refused */
};

static int
refuse(struct wh_refusal *r, enum wh_error code, const char *sentence)
{
	r->code = code;
	wh_buf_reset(&r->text);
	wh_buf_c(&r->text, sentence);
	return 0;
}

/* ---------------------------------------------------------------- limits -- */

static uint64_t
ops_stored(const struct wh_meta *m)
{
	return m->ops_queued + m->ops_checking + m->ops_sending + m->ops_unknown +
	       m->ops_conflict + m->ops_held + m->ops_dead;
}

bool
wh_queue_full(const struct wh_meta *m, const struct wh_rules *r)
{
	return ops_stored(m) >= r->max_ops || m->op_bytes >= r->max_bytes;
}

/* Even what changes nothing is kept: in the history, and under its request_id. */
static bool
is_stored(const struct decision *d)
{
	return d->e->request_id.n > 0 || (d->op && d->op->dirty);
}

static void
check_store(struct decision *d)
{
	if (!d->e->rules.store_full || d->e->refusal.code || !is_stored(d))
		return;
	d->e->coalesced = false;
	refuse(&d->e->refusal, WH_ERR_STORE_FULL,
	       "the store or its file system is nearly full: free disk space or raise "
	       "[store] max_size, then call again");
}

static void
check_room(struct decision *d)
{
	const struct wh_rules *r = &d->e->rules;

	if (wh_queue_full(&d->view->meta, r))
		refuse(&d->e->refusal, WH_ERR_QUEUE_FULL,
		       "the queue has reached [queue] max_ops or max_bytes: wait until it "
		       "drains, "
		       "or cancel operations");
	else if (d->lane->n_ops >= WH_LANE_MAX)
		refuse(&d->e->refusal, WH_ERR_QUEUE_FULL,
		       "this webhook has too many operations waiting: wait until some are "
		       "done");
}

/* ------------------------------------------------------------- new ops ---- */

static enum wh_policy
policy_of(const struct wh_enqueue *e)
{
	return e->has_policy ? e->policy : e->rules.policy;
}

static void
describe(struct decision *d, struct wh_lane_op *o)
{
	struct wh_enqueue *e = d->e;

	memcpy(o->op.id, e->id, sizeof(o->op.id));
	o->op.kind = e->kind;
	o->op.state = WH_OP_QUEUED;
	o->op.policy = policy_of(e);
	o->op.flags = (e->force ? WH_OPF_FORCE : 0u) |
		      (e->allow_duplicate ? WH_OPF_ALLOW_DUPLICATE : 0u);
	o->op.uid = e->uid;
	o->op.pid = e->pid;
	o->op.created_at = o->op.changed_at = e->rules.now.wall.ms;
	o->op.fields = d->asked.fields;
	o->op.base = d->asked.base;
	o->op.target = wh_lane_keep(d->lane, d->lane->key);
}

static struct wh_lane_op *
new_op(struct decision *d)
{
	struct wh_lane_op *o = wh_lane_append(d->lane);

	if (!o)
		return NULL;
	describe(d, o);
	d->op = o;
	return o;
}

static struct wh_str
text_id(struct wh_lane *l, const struct wh_op *op)
{
	char text[WH_OP_TEXT_ID + 1];

	wh_op_id_text(op->id, text);
	return wh_lane_keep(l, wh_str_c(text));
}

/* ---------------------------------------------------------------- create -- */

/* The first create that waits and has the form. WH_ABSENT. */
static int
find_wish(const struct wh_view *v, const uint64_t form[2], struct wh_op *ret)
{
	uint64_t seq, found[2];
	struct wh_oprow row;
	int r = wh_ops_first_of_form(v, form[0], &seq);

	if (r == 0)
		r = wh_ops_get(v, seq, &row);
	if (r == 0)
		r = wh_op_decode(ret, row.body);
	if (r == 0)
		r = wh_form_of_body(ret->fields, found);
	if (r == 0 && found[1] != form[1]) /* half of the hash is in the index */
		r = WH_ABSENT;
	return r;
}

static int
same_wish(struct decision *d, bool *ret_found)
{
	struct wh_op op;
	int r = wh_wish_keep(wh_buf_view(&d->e->fields), &d->e->wish);

	*ret_found = false;
	if (r || d->e->allow_duplicate)
		return r;
	r = find_wish(d->view, d->e->wish.form, &op);
	if (r)
		return r == WH_ABSENT ? 0 : r;
	*ret_found = true;
	wh_op_pack(&d->e->op, &op, NULL);
	memcpy(d->e->answer, op.id, sizeof(d->e->answer)); /* what request_id shall remember */
	return d->e->op.fault;
}

static int
decide_create(struct decision *d)
{
	bool found;
	int r = same_wish(d, &found);

	if (r || found)
		return r;
	check_room(d);
	if (d->e->refusal.code)
		return 0;

	d->asked.fields = wh_buf_view(&d->e->fields);

	struct wh_lane_op *o = new_op(d);

	if (o) {
		o->op.tmp_id = o->op.target;
		o->wish = d->e->wish;
	}
	return 0;
}

/* ------------------------------------------------- existing webhooks ------ */

static int
refuse_unknown(struct wh_enqueue *e)
{
	refuse(&e->refusal, WH_ERR_NOT_FOUND, "no webhook has the id ");
	wh_buf_printable(&e->refusal.text, wh_buf_view(&e->whid), WH_WHID_MAX);
	wh_buf_c(&e->refusal.text, ": list them with webhook.list");
	return 0;
}

static int
check_target(struct decision *d)
{
	struct wh_enqueue *e = d->e;
	int r = wh_lane_fold(d->lane, &d->before, &d->effect);

	if (r)
		return r;
	if (!d->before.exists || (d->before.hidden && d->lane->withheld)) {
		if (d->view->meta.synced_at == 0)
			return refuse(
				&e->refusal, WH_ERR_NOT_SYNCED,
				"the first list has not arrived, so it is not known whether "
				"this webhook exists: wait for it with wait until=synced");
		return refuse_unknown(e);
	}
	if (d->before.state == WH_HOOK_REJECTED)
		return refuse(
			&e->refusal, WH_ERR_BAD_STATE,
			"this webhook's create was rejected: retry or cancel that operation, "
			"or create it anew");
	if (e->has_revision && e->if_revision != d->lane->revision_before)
		return refuse(
			&e->refusal, WH_ERR_CONFLICT,
			"the webhook was changed since if_revision: read it again and repeat "
			"the change if it still applies");
	return 0;
}

/* A delete of what is to be deleted. With force it goes on, whatever others changed. */
static void
ask_again(struct decision *d, struct wh_lane_op *o)
{
	uint32_t flags = (d->e->force ? WH_OPF_FORCE : 0u) |
			 (d->e->uid != o->op.uid ? WH_OPF_SHARED : 0u);

	d->op = o;
	o->dirty |= (o->op.flags & flags) != flags;
	o->op.flags |= flags;
	if (!d->e->force || o->op.state != WH_OP_CONFLICT)
		return;
	o->op.theirs = WH_STR_NULL;
	o->op.next_at = d->e->rules.now.wall.ms;
	wh_lane_state(d->lane, o, WH_OP_QUEUED, "");
}

/* Carries out what core/coalesce decided about the new op and the lane's tail. */
static int
coalesce(struct decision *d, struct wh_lane_op *tail, enum wh_coalesce how)
{
	size_t tail_at = tail ? (size_t)(tail - d->lane->ops) : 0;

	if (how == WH_CO_SAME) {
		ask_again(d, tail);
		return 0;
	}
	if (how == WH_CO_REFUSE_DELETED)
		return refuse(&d->e->refusal, WH_ERR_DELETED,
			      "a delete of this webhook is queued: cancel it first");
	if (how == WH_CO_APPEND) /* else one of the two ends at once */
		check_room(d);
	if (d->e->refusal.code)
		return 0;

	struct wh_lane_op *o = new_op(d);

	if (!o)
		return 0;
	tail = tail ? &d->lane->ops[tail_at] : NULL; /* the array may have moved */
	d->e->coalesced = how != WH_CO_APPEND;

	switch (how) {
	case WH_CO_ABSORB:
		o->op.into = text_id(d->lane, &tail->op);
		return wh_absorb(d->lane, tail, o);
	case WH_CO_CANCEL_BOTH:
		wh_lane_state(d->lane, tail, WH_OP_CANCELLED, "deleted");
		wh_lane_state(d->lane, o, WH_OP_CANCELLED, "never_created");
		return 0;
	case WH_CO_REPLACE:
		o->op.base = tail->op.base;
		o->op.flags |= tail->op.flags & WH_OPF_SHARED;
		if (tail->op.uid != o->op.uid)
			o->op.flags |= WH_OPF_SHARED;
		tail->op.into = text_id(d->lane, &o->op);
		wh_lane_state(d->lane, tail, WH_OP_SUPERSEDED, "deleted");
		return 0;
	case WH_CO_APPEND:
	case WH_CO_SAME:
	case WH_CO_REFUSE_DELETED:
		break;
	}
	return 0;
}

static int
append(struct decision *d)
{
	struct wh_lane_op *tail = wh_lane_tail(d->lane);

	return coalesce(d, tail,
			wh_coalesce(tail ? &tail->op : NULL, d->e->kind, policy_of(d->e)));
}

static int
decide_update(struct decision *d)
{
	struct wh_enqueue *e = d->e;

	if (d->before.hidden)
		return refuse(&e->refusal, WH_ERR_DELETED,
			      "a delete of this webhook is queued: cancel it first");

	int r = wh_asked_update(d->lane, e, wh_buf_view(&d->effect), &d->asked);

	if (r || e->refusal.code)
		return r;
	if (d->asked.members)
		return append(d);
	if (new_op(d))
		wh_lane_done(d->lane, d->op, "noop");
	return 0;
}

static int
decide_delete(struct decision *d)
{
	int r = wh_asked_base(d->lane, wh_buf_view(&d->effect), &d->asked.base);

	return r ? r : append(d);
}

static int
decide(struct decision *d)
{
	if (d->e->kind == WH_OP_CREATE)
		return decide_create(d);

	int r = check_target(d);

	if (r || d->e->refusal.code)
		return r;
	return d->e->kind == WH_OP_UPDATE ? decide_update(d) : decide_delete(d);
}

/* ------------------------------------------------------------------ runs -- */

static int
open_lane(struct wh_enqueue *e, struct wh_lane *l, const struct wh_view *v)
{
	char tmp[WH_TMP_ID + 1] = "tmp-";

	if (e->kind != WH_OP_CREATE)
		return wh_lane_open(l, v, &e->rules, wh_lane_resolve(v, wh_buf_view(&e->whid)));
	wh_op_id_text(e->id, tmp + 4);
	return wh_lane_begin(l, v, &e->rules, wh_str_c(tmp));
}

static int
store(struct decision *d, struct wh_txn *t)
{
	struct wh_enqueue *e = d->e;
	int r = 0;

	if (d->op) {
		if (d->op->fresh)
			d->op->op.seq = ++t->view.meta.op_seq;
		memcpy(e->answer, d->op->op.id, sizeof(e->answer));
		r = wh_lane_close(d->lane, t);
		e->queued = d->op->fresh;
	}
	return r ? r : wh_request_remember(e, t);
}

/*
 * The answer of a dry run. If the operation that would carry the change is in
 * conflict by what is known already, it is shown as that.
 */
static int
show_dry(struct decision *d)
{
	struct wh_lane_op *head = wh_lane_head(d->lane), *tail = wh_lane_tail(d->lane);
	const char *reason = NULL;
	int r = 0;

	if (tail && tail == head && tail->op.state == WH_OP_QUEUED)
		r = wh_lane_foresee(d->lane, &tail->op, &reason);
	if (r || !reason) {
		wh_op_pack(&d->e->op, &d->op->op, NULL);
		return r;
	}
	struct wh_op seen = tail->op;

	seen.theirs = d->lane->has_row ? d->lane->row.body : WH_STR_NULL;
	wh_op_set_state(&seen, WH_OP_CONFLICT, reason, d->e->rules.now.wall);
	wh_op_pack(&d->e->op, &seen, NULL);
	return 0;
}

static int
run(struct wh_enqueue *e, const struct wh_view *v, struct wh_txn *t)
{
	struct wh_lane lane = {0};
	struct decision d = {.e = e, .lane = &lane, .view = v};
	int r = open_lane(e, &lane, v);

	if (r == 0)
		r = decide(&d);
	if (r == 0 && lane.fault)
		r = lane.fault;
	if (r == 0)
		check_store(&d);
	if (r == 0 && e->refusal.code == WH_ERR_NONE && t)
		r = store(&d, t);
	if (r == 0 && e->refusal.code == WH_ERR_NONE && d.op && t)
		wh_op_pack(&e->op, &d.op->op, NULL);
	else if (r == 0 && e->refusal.code == WH_ERR_NONE && d.op)
		r = show_dry(&d);
	wh_buf_fini(&d.effect);
	wh_lane_fini(&lane);
	return r ? r : e->op.fault;
}

static void
reset_results(struct wh_enqueue *e)
{
	e->refusal.code = WH_ERR_NONE;
	wh_buf_reset(&e->refusal.text);
	wh_buf_reset(&e->op);
	e->queued = e->coalesced = false;
}

int
wh_enqueue_run(struct wh_job *job, struct wh_txn *t)
{
	struct wh_enqueue *e = (struct wh_enqueue *)job;

	reset_results(e);

	int r = wh_request_answer(e, &t->view);

	return r == WH_ABSENT ? run(e, &t->view, t) : r;
}

int
wh_enqueue_dry_run(struct wh_enqueue *e, const struct wh_view *v)
{
	reset_results(e);
	return run(e, v, NULL);
}

void
wh_enqueue_fini(struct wh_enqueue *e)
{
	wh_buf_fini(&e->whid);
	wh_buf_fini(&e->fields);
	wh_buf_fini(&e->add);
	wh_buf_fini(&e->remove);
	wh_buf_fini(&e->request_id);
	wh_buf_fini(&e->refusal.text);
	wh_buf_fini(&e->op);
}
