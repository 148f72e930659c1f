/* SPDX-License-Identifier: MIT */
/*
 * What a person may do to an operation, and in which states: one table. The
 * successors in the lane follow when the lane is closed. Commit thread.
 */
#include "daemon/apply.h"

#include "daemon/doc.h"

struct verb_rule {
	enum wh_cmd_id verb;
	const char *name;
	unsigned states; /* bit per wh_op_state in which it is legal */
};

#define IN(s) (1u << WH_OP_##s)

static const struct verb_rule verb_rules[] = {
	{WH_CMD_queue_retry, "retry", IN(DEAD) | IN(HELD) | IN(QUEUED)},
	{WH_CMD_queue_cancel, "cancel", IN(QUEUED) | IN(HELD) | IN(CONFLICT) | IN(DEAD)},
	{WH_CMD_queue_hold, "hold", IN(QUEUED)},
	{WH_CMD_queue_release, "release", IN(HELD)},
	{WH_CMD_queue_resolve, "resolve", IN(CONFLICT) | IN(HELD)},
};

static bool
legal(enum wh_cmd_id verb, enum wh_op_state state)
{
	for (size_t i = 0; i < wh_array_len(verb_rules); i++)
		if (verb_rules[i].verb == verb)
			return verb_rules[i].states & (1u << state);
	return false;
}

static void
refuse(struct wh_verb *v, enum wh_error code, const char *sentence)
{
	v->refusal.code = code;
	wh_buf_reset(&v->refusal.text);
	wh_buf_c(&v->refusal.text, sentence);
}

/* Names the state and the verbs that are legal in it. */
static void
refuse_state(struct wh_verb *v, enum wh_op_state state)
{
	const char *sep = "";

	refuse(v, WH_ERR_BAD_STATE, "");
	if (wh_op_state_ended(state)) {
		wh_buf_printf(&v->refusal.text,
			      "the operation has ended (%s): nothing can be done to it",
			      wh_op_state_str(state));
		return;
	}
	wh_buf_printf(&v->refusal.text,
		      "the operation is %s; legal now: ", wh_op_state_str(state));
	for (size_t i = 0; i < wh_array_len(verb_rules); i++)
		if (verb_rules[i].states & (1u << state)) {
			wh_buf_printf(&v->refusal.text, "%s%s", sep, verb_rules[i].name);
			sep = ", ";
		}
	if (*sep == '\0')
		wh_buf_c(&v->refusal.text, "nothing, wait for it");
}

/* ---------------------------------------------------------------- verbs --- */

static void
go_on(struct wh_verb *v, struct wh_lane *l, struct wh_lane_op *o)
{
	o->op.next_at = v->rules.now.wall.ms;
	o->op.failures = o->op.poison = 0;
	o->dirty = true;
	/* Whatever may have reached the upstream is looked up before it is sent again; what
	 * waits behind another one at its turn. */
	if (o->op.state == WH_OP_HELD && (o->op.flags & WH_OPF_MAYBE_SENT) &&
	    wh_lane_head(l) == o) {
		o->op.negatives = o->op.incompletes = 0;
		wh_lane_state(l, o, WH_OP_UNKNOWN, "released");
	} else if (o->op.state != WH_OP_QUEUED) {
		wh_lane_state(l, o, WH_OP_QUEUED, "");
	}
}

static bool
may_cancel(const struct wh_verb *v, const struct wh_lane_op *o)
{
	return v->admin || (o->op.uid == v->uid && !(o->op.flags & WH_OPF_SHARED));
}

/* Is f cancelled together with o? */
static bool
goes_along(const struct wh_lane_op *f, const struct wh_lane_op *o)
{
	return f->op.seq > o->op.seq && legal(WH_CMD_queue_cancel, f->op.state);
}

static bool
may_cancel_followers(const struct wh_verb *v, const struct wh_lane *l,
		     const struct wh_lane_op *o)
{
	for (size_t i = 0; i < l->n_ops; i++)
		if (goes_along(&l->ops[i], o) && !may_cancel(v, &l->ops[i]))
			return false;
	return true;
}

static void
cancel_followers(struct wh_lane *l, const struct wh_lane_op *o)
{
	for (size_t i = 0; i < l->n_ops; i++)
		if (goes_along(&l->ops[i], o))
			wh_lane_state(l, &l->ops[i], WH_OP_CANCELLED, "cascade");
}

static bool
has_followers(const struct wh_lane *l, const struct wh_lane_op *o)
{
	for (size_t i = 0; i < l->n_ops; i++)
		if (l->ops[i].op.seq > o->op.seq && !wh_op_state_ended(l->ops[i].op.state))
			return true;
	return false;
}

static void
cancel(struct wh_verb *v, struct wh_lane *l, struct wh_lane_op *o)
{
	if (!may_cancel(v, o)) {
		refuse(v, WH_ERR_NOT_PERMITTED,
		       "only an admin or the user who queued it may cancel this operation, and "
		       "only an admin if changes of others were joined with it");
		return;
	}
	if (o->op.kind == WH_OP_CREATE && has_followers(l, o) && !v->cascade) {
		refuse(v, WH_ERR_BAD_STATE,
		       "other operations follow this create and make no sense without it: "
		       "cancel "
		       "with cascade, or cancel those first");
		return;
	}
	if (v->cascade && !may_cancel_followers(v, l, o)) {
		refuse(v, WH_ERR_NOT_PERMITTED,
		       "operations of other users follow this one: only an admin may cancel "
		       "them with it");
		return;
	}
	if (v->cascade)
		cancel_followers(l, o);
	wh_lane_state(l, o, WH_OP_CANCELLED, "admin");
}

static void
show(struct wh_verb *v, const struct wh_op *after)
{
	v->state = after->state;
	wh_op_name(&v->names, after);
	wh_op_pack(&v->op, after, NULL);
}

/* -------------------------------------------------------------- resolve --- */

static void
resolve_mine(struct wh_verb *v, struct wh_lane *l, struct wh_lane_op *o)
{
	/* What was shown is the new base; what others did after that is a new conflict. */
	if (o->op.theirs.n)
		o->op.base = o->op.theirs;
	o->op.theirs = WH_STR_NULL;
	o->op.flags &= ~(uint32_t)WH_OPF_RESTORED; /* a person has looked */
	go_on(v, l, o);
}

static void
resolve_theirs(struct wh_lane *l, struct wh_lane_op *o)
{
	o->op.theirs = WH_STR_NULL;
	o->op.last_error = WH_STR_NULL;
	wh_lane_state(l, o, WH_OP_CANCELLED, "theirs");
}

static int
merge_recreate(struct wh_lane *l, struct wh_lane_op *o)
{
	struct wh_buf doc = WH_BUF_NULL;
	int r = wh_doc_patch(&doc, o->op.base, o->op.fields, WH_STR_NULL);

	o->op.fields = wh_lane_keep_buf(l, &doc);
	return r;
}

/* A person has looked and says that it was not made: it goes out once more. */
static void
send_anew(struct wh_verb *v, struct wh_lane *l, struct wh_lane_op *o)
{
	o->op.flags &= ~(uint32_t)(WH_OPF_MAYBE_SENT | WH_OPF_EXECUTED | WH_OPF_RESTORED |
				   WH_OPF_ANSWERED);
	o->op.next_at = v->rules.now.wall.ms;
	o->op.failures = o->op.poison = 0;
	wh_lane_state(l, o, WH_OP_QUEUED, "recreate");
}

/* The webhook was deleted upstream: the wish becomes a create under a local id of its own. */
static int
resolve_recreate(struct wh_verb *v, struct wh_lane *l, struct wh_lane_op *o, struct wh_txn *t)
{
	char tmp[WH_TMP_ID + 1] = "tmp-";
	struct wh_lane to;
	struct wh_lane_op *made;

	if (o->op.kind == WH_OP_CREATE && o->op.state == WH_OP_HELD) {
		send_anew(v, l, o);
		return 0;
	}
	if (l->has_row || o->op.kind != WH_OP_UPDATE || o->op.state != WH_OP_CONFLICT) {
		refuse(v, WH_ERR_BAD_STATE,
		       "recreate is for a held create, or an update whose webhook is gone "
		       "upstream: take mine, theirs or discard");
		return 0;
	}
	int r = merge_recreate(l, o);

	if (r)
		return r;
	wh_op_id_text(o->op.id, tmp + 4);
	r = wh_lane_open(&to, &t->view, l->rules, wh_str_c(tmp));
	if (r == 0) {
		made = wh_lane_move(o, &to, to.key);
		r = made ? 0 : WH_ENOMEM;
	}
	if (r == 0) {
		made->op.kind = WH_OP_CREATE;
		made->op.tmp_id = made->op.target;
		made->op.base = made->op.theirs = WH_STR_NULL;
		made->op.flags &= WH_OPF_SHARED;
		made->op.next_at = 0;
		wh_lane_state(&to, made, WH_OP_QUEUED, "recreate");
		r = wh_lane_close(&to, t);
	}
	if (r == 0)
		show(v, &made->op);
	wh_lane_fini(&to);
	return r;
}

/* Hidden from readers, because a create of unknown outcome may have made it. */
static int
is_withheld(const struct wh_view *v, struct wh_str whid, const struct wh_rules *rules,
	    bool *ret)
{
	struct wh_lane l;
	int r = wh_lane_open(&l, v, rules, whid);

	*ret = l.withheld;
	wh_lane_fini(&l);
	return r;
}

static int
resolve_adopt(struct wh_verb *v, struct wh_lane *l, struct wh_lane_op *o, struct wh_txn *t)
{
	char room[WH_KEY_MAX];
	struct wh_str whid = wh_key_fold(wh_buf_view(&v->whid), room);
	struct wh_row row;

	if (o->op.kind != WH_OP_CREATE || o->op.state != WH_OP_HELD || v->whid.n == 0) {
		refuse(v, WH_ERR_BAD_STATE,
		       "adopt is for a held create and needs the whid of the webhook it made");
		return 0;
	}
	int r = whid.n ? wh_rows_get(&t->view, whid, &row) : WH_ABSENT;

	if (r == WH_ABSENT) {
		refuse(v, WH_ERR_NOT_FOUND,
		       "no webhook has the whid to adopt: list them, or sync first");
		return 0;
	}
	bool withheld = false;

	if (r == 0)
		r = is_withheld(&t->view, whid, l->rules, &withheld);
	if (r)
		return r;
	if (withheld) {
		refuse(v, WH_ERR_BAD_STATE,
		       "another create, whose outcome is not known yet, may have made this "
		       "webhook: wait until that is decided, then adopt what is left");
		return 0;
	}
	struct wh_made made = {whid, wh_lane_keep(l, row.body), "adopted"};

	return wh_finish_create(l, o, t, &made);
}

static int
resolve(struct wh_verb *v, struct wh_lane *l, struct wh_lane_op *o, struct wh_txn *t)
{
	struct wh_str take = wh_buf_view(&v->take);

	if (wh_str_is(take, "recreate"))
		return resolve_recreate(v, l, o, t);
	if (wh_str_is(take, "adopt"))
		return resolve_adopt(v, l, o, t);
	if (wh_str_is(take, "mine"))
		resolve_mine(v, l, o);
	else if (wh_str_is(take, "theirs") || wh_str_is(take, "discard"))
		resolve_theirs(l, o);
	else
		refuse(v, WH_ERR_INVALID_PARAM,
		       "take must be mine, theirs, recreate, discard or adopt");
	return 0;
}

/* ------------------------------------------------------------------- run -- */

/* What is left of a damaged operation can be taken away, and nothing else. */
static bool
is_remnant(const struct wh_verb *v, const struct wh_op *op)
{
	struct wh_str take = wh_buf_view(&v->take);

	if (!wh_str_is(op->reason, "damaged") || v->verb == WH_CMD_queue_cancel)
		return false;
	return v->verb != WH_CMD_queue_resolve ||
	       !(wh_str_is(take, "discard") || wh_str_is(take, "theirs"));
}

static int
act(struct wh_verb *v, struct wh_lane *l, struct wh_lane_op *o, struct wh_txn *t)
{
	if (is_remnant(v, &o->op)) {
		refuse(v, WH_ERR_BAD_STATE,
		       "the operation was damaged and nobody knows what it was to change: "
		       "cancel it, and ask for the change again");
		return 0;
	}
	if (!legal(v->verb, o->op.state)) {
		refuse_state(v, o->op.state);
		return 0;
	}
	if (v->verb == WH_CMD_queue_resolve)
		return resolve(v, l, o, t);
	if (v->verb == WH_CMD_queue_cancel)
		cancel(v, l, o);
	else if (v->verb == WH_CMD_queue_hold)
		wh_lane_state(l, o, WH_OP_HELD, "admin");
	else
		go_on(v, l, o);
	return 0;
}

/* The op as it is after the lane was closed, wherever it went. */
static int
pack_after(struct wh_verb *v, const struct wh_view *view)
{
	struct wh_oprow row;
	struct wh_past past;
	struct wh_op op;
	uint64_t seq;
	int r = v->op.n ? WH_STORE_END : wh_ops_find(view, v->id, &seq);

	if (r == WH_STORE_END)
		return 0;
	if (r == 0) {
		r = wh_ops_get(view, seq, &row);
		if (r == 0)
			r = wh_op_decode(&op, row.body);
	} else if (r == WH_ABSENT) {
		r = wh_history_find(view, v->id, &past);
		if (r == 0)
			r = wh_op_decode(&op, past.body);
	}
	if (r == 0)
		show(v, &op);
	return r ? r : v->op.fault;
}

static int
refuse_unknown_op(struct wh_verb *v, const struct wh_view *view)
{
	struct wh_past past;
	int r = wh_history_find(view, v->id, &past);

	if (r < 0)
		return r;
	if (r == 0)
		refuse_state(v, (enum wh_op_state)past.state);
	else
		refuse(v, WH_ERR_OP_NOT_FOUND,
		       "no operation has this id: list them with queue.list or history.list");
	return 0;
}

static int
run_on_op(struct wh_verb *v, struct wh_txn *t)
{
	struct wh_lane l;
	struct wh_lane_op *o;
	uint64_t seq;
	int r = wh_ops_find(&t->view, v->id, &seq);

	if (r == WH_ABSENT)
		return refuse_unknown_op(v, &t->view);
	if (r)
		return r;
	r = wh_lane_open_op(&l, &t->view, &v->rules, seq, &o);
	if (r == 0)
		r = act(v, &l, o, t);
	if (r == 0 && v->refusal.code == WH_ERR_NONE)
		r = wh_lane_close(&l, t);
	wh_lane_fini(&l);
	if (r == 0 && v->refusal.code == WH_ERR_NONE)
		r = pack_after(v, &t->view);
	return r;
}

int
wh_verb_run(struct wh_job *job, struct wh_txn *t)
{
	struct wh_verb *v = (struct wh_verb *)job;

	v->refusal.code = WH_ERR_NONE;
	wh_buf_reset(&v->refusal.text);
	wh_buf_reset(&v->op);
	v->swept = v->sweep;
	if (v->verb == WH_CMD_queue_flush)
		return wh_sweep_run(t, &v->rules, &v->swept);
	return run_on_op(v, t);
}

void
wh_verb_fini(struct wh_verb *v)
{
	wh_buf_fini(&v->take);
	wh_buf_fini(&v->whid);
	wh_buf_fini(&v->refusal.text);
	wh_buf_fini(&v->op);
}
