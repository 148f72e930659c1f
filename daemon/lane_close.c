/* SPDX-License-Identifier: MIT */
/*
 * Writing a lane back: the one place where the effective view is folded, held
 * successors follow their predecessor, ended operations become history, due
 * times are set and the change log grows. Commit thread, inside a transaction;
 * only the fold is also used on the loop, for dry runs.
 */
#include "daemon/lane.h"

#include "daemon/doc.h"
#include "daemon/job.h"
#include "daemon/turn.h"
#include "daemon/withheld.h"

#define TRIMMED_PER_OP 2u /* of the history for each that is added */

/* ------------------------------------------------------------- effective -- */

static enum wh_webhook_state
state_of(const struct wh_lane *l, uint32_t *ret_pending)
{
	enum wh_webhook_state s = WH_HOOK_SYNCED;
	bool conflict = false, held = false, creating = false, deleting = false;

	*ret_pending = 0;
	for (size_t i = 0; i < l->n_ops; i++) {
		const struct wh_op *op = &l->ops[i].op;

		if (l->ops[i].moved || !wh_op_state_live(op->state))
			continue;
		(*ret_pending)++;
		conflict |= op->state == WH_OP_CONFLICT;
		held |= op->state == WH_OP_HELD;
		creating |= op->kind == WH_OP_CREATE;
		deleting = op->kind == WH_OP_DELETE;
		s = WH_HOOK_UPDATING;
	}
	if (conflict)
		return WH_HOOK_CONFLICT;
	if (held)
		return WH_HOOK_HELD;
	if (deleting)
		return WH_HOOK_DELETING;
	return creating ? WH_HOOK_CREATING : s;
}

/* A create that died: its local id stays readable as rejected, out of lists. */
static const struct wh_op *
dead_create(const struct wh_lane *l)
{
	for (size_t i = 0; i < l->n_ops; i++)
		if (!l->ops[i].moved && l->ops[i].op.state == WH_OP_DEAD &&
		    l->ops[i].op.kind == WH_OP_CREATE)
			return &l->ops[i].op;
	return NULL;
}

/* Puts the members of `change` over the body in acc. */
static int
fold_one(struct wh_buf *acc, struct wh_str change, struct wh_str whid)
{
	struct wh_buf next = WH_BUF_NULL;
	int r = wh_doc_patch(&next, wh_buf_view(acc), change, whid);

	if (r) {
		wh_buf_fini(&next);
		return r;
	}
	wh_buf_fini(acc);
	*acc = next;
	return 0;
}

/* An update whose row is gone upstream stands over what its caller saw. */
static int
fold_change(struct wh_buf *acc, const struct wh_op *op)
{
	bool is_create = op->kind == WH_OP_CREATE;
	int r = 0;

	if (op->fields.n == 0)
		return 0;
	if (!is_create && acc->n == 0 && op->base.n)
		r = fold_one(acc, op->base, op->target);
	return r ? r : fold_one(acc, op->fields, is_create ? op->target : WH_STR_NULL);
}

static int
fold_ops(const struct wh_lane *l, struct wh_buf *acc, struct wh_effect *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < l->n_ops; i++) {
		const struct wh_op *op = &l->ops[i].op;

		if (l->ops[i].moved || !wh_op_state_live(op->state))
			continue;
		if (op->kind == WH_OP_DELETE) {
			e->hidden = true;
			continue;
		}
		if (op->kind == WH_OP_CREATE)
			e->tmp_id = op->tmp_id;
		r = fold_change(acc, op);
	}
	return r;
}

int
wh_lane_fold(const struct wh_lane *l, struct wh_effect *e, struct wh_buf *out)
{
	const struct wh_op *dead = dead_create(l);
	int r = 0;

	*e = (struct wh_effect){0};
	e->state = state_of(l, &e->pending);
	if (l->has_row)
		wh_buf_str(out, l->row.body);

	if (e->pending == 0 && dead && !l->has_row) {
		e->tmp_id = dead->tmp_id;
		e->state = WH_HOOK_REJECTED;
		e->hidden = true;
		r = fold_one(out, dead->fields, dead->target);
	} else {
		r = fold_ops(l, out, e);
	}
	e->hidden |= l->withheld;
	e->exists = out->n > 0;
	e->overlay = e->pending > 0 || e->hidden;
	return r ? r : out->fault;
}

/* ----------------------------------------------------------- change log -- */

static void
pack_fields(struct wh_buf *b, uint32_t fields)
{
	size_t at = wh_pack_open_array(b), n = 0;

	for (int f = 0; f < WH_F_COUNT; f++)
		if (fields & (1u << f)) {
			wh_pack_c(b, wh_fields[f].name);
			n++;
		}
	wh_pack_close_array(b, at, n);
}

static size_t
pack_event_op(struct wh_buf *b, const struct wh_op *op)
{
	char text[WH_OP_TEXT_ID + 1];

	wh_op_id_text(op->id, text);
	wh_pack_kv_c(b, "op", text);
	wh_pack_kv_c(b, "state", wh_op_state_str(op->state));
	if (op->reason.n == 0)
		return 2;
	wh_pack_kv_str(b, "reason", op->reason);
	return 3;
}

static size_t
pack_event(struct wh_buf *b, const struct wh_event *e, struct wh_wall now)
{
	size_t n = 2;

	wh_pack_kv_int(b, "at", now.ms);
	wh_pack_kv_c(b, "kind", e->kind);
	if (e->whid.n) {
		wh_pack_kv_str(b, "whid", e->whid);
		n++;
	}
	if (e->old_whid.n) {
		wh_pack_kv_str(b, "old_whid", e->old_whid);
		n++;
	}
	if (e->op)
		n += pack_event_op(b, e->op);
	if (e->note) {
		wh_pack_kv_c(b, "state", e->note);
		n++;
	}
	if (e->fields) {
		wh_pack_c(b, "fields");
		pack_fields(b, e->fields);
		n++;
	}
	return n;
}

int
wh_event_add(struct wh_txn *t, const struct wh_event *e, struct wh_wall now,
	     uint64_t *ret_revision)
{
	struct wh_buf b = WH_BUF_NULL;
	size_t at = wh_pack_open_map(&b);
	size_t n = pack_event(&b, e, now);

	wh_pack_close_map(&b, at, n);

	int r = b.fault ? b.fault
			: wh_changes_add(t, wh_buf_view(&b), WH_CHANGES_KEPT, ret_revision);

	wh_buf_fini(&b);
	return r;
}

/* ---------------------------------------------------------------- close -- */

/* The event that says how the effective view changed; *ret_revision keeps its value if not. */
static int
note_change(struct wh_lane *l, struct wh_txn *t, const struct wh_effect *e, struct wh_str body,
	    uint64_t *ret_revision)
{
	bool visible = e->exists && !e->hidden;
	struct wh_event ev = {.whid = l->key};
	bool same = wh_str_eq(wh_buf_view(&l->before), body);

	if (l->quiet || (!visible && !l->visible_before))
		return 0;
	if (l->renamed_from.n && visible) {
		ev.kind = "renamed";
		ev.old_whid = l->renamed_from;
	} else if (visible && !l->visible_before) {
		ev.kind = "created";
	} else if (!visible) {
		ev.kind = "deleted";
	} else if (!same) {
		int r = wh_doc_diff(wh_buf_view(&l->before), body, &ev.fields);

		if (r)
			return r;
		ev.kind = "updated";
	} else {
		return 0;
	}
	return wh_event_add(t, &ev, l->rules->now.wall, ret_revision);
}

static bool
blocks_successors(enum wh_op_state s)
{
	return s == WH_OP_DEAD || s == WH_OP_HELD || s == WH_OP_CONFLICT;
}

/* It goes at once: a wait from before may be one of a clock that has been set back since. */
static void
revive(struct wh_lane *l, struct wh_lane_op *o)
{
	o->op.next_at = 0;
	wh_lane_state(l, o, WH_OP_QUEUED, "");
}

/* Successors of a blocked operation are held, and go on when it is not blocked any more. */
static void
settle_successors(struct wh_lane *l)
{
	bool blocked = false;

	for (size_t i = 0; i < l->n_ops; i++) {
		struct wh_lane_op *o = &l->ops[i];

		if (o->moved || wh_op_state_ended(o->op.state))
			continue;
		if (blocked && o->op.state == WH_OP_QUEUED)
			wh_lane_state(l, o, WH_OP_HELD, "dependency");
		else if (!blocked && o->op.state == WH_OP_HELD &&
			 wh_str_is(o->op.reason, "dependency"))
			revive(l, o);
		blocked |= blocks_successors(o->op.state);
	}
}

/*
 * What comes from a store that was put back may have been sent before: at its
 * turn, and whenever a person lets it go, it is looked for first.
 */
static void
look_first(struct wh_lane *l)
{
	const uint32_t in_doubt = WH_OPF_RESTORED | WH_OPF_MAYBE_SENT;
	struct wh_lane_op *head = wh_lane_head(l);

	if (!head || head->op.state != WH_OP_QUEUED || (head->op.flags & in_doubt) != in_doubt)
		return;
	wh_lane_look_anew(l, head);
	wh_lane_state(l, head, WH_OP_UNKNOWN, "restored");
}

/* A list passes over a row that it knows: this one it is to show, for what became of its
 * operation. */
static void
ask_for_row(struct wh_lane *l, struct wh_txn *t)
{
	const struct wh_lane_op *head = wh_lane_head(l);

	if (head && head->op.state == WH_OP_UNKNOWN && head->was != WH_OP_UNKNOWN)
		wh_lane_touch(l, t);
}

/* One that was not the head when the clock was set back may wait for a time long past. */
static void
cut_wait(struct wh_lane *l)
{
	struct wh_lane_op *head = wh_lane_head(l);
	int64_t latest = l->rules->now.wall.ms + wh_rules_longest_wait(l->rules);

	if (!head || head->op.next_at <= latest)
		return;
	head->op.next_at = latest;
	head->dirty = true;
}

static int64_t
due_of(const struct wh_lane_op *o, const struct wh_lane_op *head)
{
	if (o != head || (o->op.state != WH_OP_QUEUED && o->op.state != WH_OP_UNKNOWN))
		return WH_NOT_DUE;
	return o->op.next_at > 0 ? o->op.next_at : 0;
}

static bool
has_follower(const struct wh_lane *l, const struct wh_lane_op *o)
{
	for (size_t i = 0; i < l->n_ops; i++)
		if (l->ops[i].op.seq > o->op.seq && !l->ops[i].moved &&
		    wh_op_state_live(l->ops[i].op.state))
			return true;
	return false;
}

/*
 * A create that waits is findable by what it wants, so that the same wish is
 * not queued twice; but not if what follows deletes it again, or makes
 * something else of it: then who wants the same wants another one.
 */
static int
take_wish(const struct wh_lane *l, struct wh_lane_op *o, struct wh_oprow *row)
{
	if (o->op.kind != WH_OP_CREATE || !wh_op_state_live(o->op.state))
		return 0;
	int r = wh_wish_keep(o->op.fields, &o->wish);

	row->form = has_follower(l, o) ? 0 : o->wish.form[0];
	return r;
}

static int
write_live(struct wh_lane *l, struct wh_txn *t, struct wh_lane_op *o, int64_t due)
{
	struct wh_buf b = WH_BUF_NULL;
	struct wh_oprow row = {
		.seq = o->op.seq,
		.lane = l->key,
		.state = (uint8_t)o->op.state,
		.due_at = due,
	};

	memcpy(row.id, o->op.id, sizeof(row.id));
	o->fields_at = wh_op_encode(&b, &o->op);
	row.body = wh_buf_view(&b);

	int r = b.fault ? b.fault : take_wish(l, o, &row);

	if (r == 0)
		r = wh_turn_take(&t->view, o, &row);
	if (r == 0)
		r = l->is_new ? wh_ops_add(t, &row) : wh_ops_put(t, &row);
	wh_buf_fini(&b);
	return r;
}

/* Whoever adds to the history takes the oldest out, so that it stays bounded whatever happens;
 * lists take out what is too old while nothing is added. */
static int
trim_history(const struct wh_rules *r, struct wh_txn *t)
{
	return wh_history_trim(t, r->history_max_ops, r->now.wall.ms - r->history_max_age,
			       TRIMMED_PER_OP);
}

static int
write_past(struct wh_lane *l, struct wh_txn *t, struct wh_lane_op *o)
{
	struct wh_buf b = WH_BUF_NULL;
	struct wh_past past = {
		.ended_at = l->rules->now.wall.ms,
		.state = (uint8_t)o->op.state,
		.lane = l->key,
	};
	int r = o->fresh ? 0 : wh_ops_del(t, o->op.seq);

	if (r < 0)
		return r;
	o->op.ended_at = past.ended_at;
	o->op.next_at = 0;
	/* What only served to carry it out is not kept: the history is the larger part of a
	 * store. */
	o->op.method = o->op.request = o->op.base = o->op.theirs = WH_STR_NULL;
	memcpy(past.id, o->op.id, sizeof(past.id));
	wh_op_encode(&b, &o->op);
	past.body = wh_buf_view(&b);
	r = b.fault ? b.fault : wh_history_add(t, &past);
	wh_buf_fini(&b);
	return r ? r : trim_history(l->rules, t);
}

static int
write_op(struct wh_lane *l, struct wh_txn *t, struct wh_lane_op *o,
	 const struct wh_lane_op *head)
{
	bool ended = wh_op_state_ended(o->op.state);
	struct wh_turn turn = {0};
	int r = o->fresh ? 0 : wh_turn_of(&t->view, &o->op, &turn);

	if (r == 0)
		r = ended ? write_past(l, t, o) : write_live(l, t, o, due_of(o, head));
	if (r == 0 && !o->fresh) /* one that comes last is before nobody */
		r = wh_turn_pass(l, t, o, &turn);
	return r;
}

static bool
came_into_state(const struct wh_lane_op *o)
{
	return o->fresh || o->was != o->op.state;
}

/* Every change of state but the pump's own steps is an event. */
static bool
worth_an_event(const struct wh_lane_op *o)
{
	return came_into_state(o) && o->op.state != WH_OP_CHECKING &&
	       o->op.state != WH_OP_SENDING;
}

static void
count(struct wh_tally *tally, const struct wh_lane_op *o)
{
	if (!tally || !came_into_state(o))
		return;
	tally->conflicts += o->op.state == WH_OP_CONFLICT;
	tally->held += o->op.state == WH_OP_HELD;
	tally->dead += o->op.state == WH_OP_DEAD;
	tally->adopted += o->op.state == WH_OP_DONE && wh_str_is(o->op.result, "adopted");
}

static int
write_ops(struct wh_lane *l, struct wh_txn *t)
{
	const struct wh_lane_op *head = wh_lane_head(l);
	int r = 0;

	for (size_t i = 0; r == 0 && i < l->n_ops; i++) {
		struct wh_lane_op *o = &l->ops[i];
		uint64_t revision;

		if (o->moved)
			continue;
		r = write_op(l, t, o, head);
		count(t->ctx, o);
		if (r == 0 && worth_an_event(o))
			r = wh_event_add(t,
					 &(struct wh_event){.kind = "op",
							    .whid = o->op.target,
							    .op = &o->op},
					 l->rules->now.wall, &revision);
	}
	return r;
}

static int
write_row(struct wh_lane *l, struct wh_txn *t, const struct wh_effect *e)
{
	int r = 0;

	if (l->has_row && l->had_overlay && !e->overlay) {
		l->had_overlay = false; /* it goes with it */
		return wh_rows_settle(t, l->key, &l->row);
	}
	if (l->has_row)
		return wh_rows_put(t, l->key, &l->row);
	if (l->had_row)
		r = wh_rows_del(t, l->key);
	return r < 0 ? r : wh_tombs_put(t, l->key, ++t->view.meta.confirm);
}

/* 0 if none is left that is stored. */
static uint64_t
newest_op(const struct wh_lane *l)
{
	uint64_t newest = 0;

	for (size_t i = 0; i < l->n_ops; i++) {
		const struct wh_lane_op *o = &l->ops[i];

		if (!o->moved && !wh_op_state_ended(o->op.state) && o->op.seq > newest)
			newest = o->op.seq;
	}
	return newest;
}

/* What readers see of a create that waits alone is mostly what it wants behind its local id,
 * which need not be stored twice; the store sees whether it is. */
static void
share_fields(const struct wh_lane *l, struct wh_overlay *o)
{
	const struct wh_lane_op *create = l->ops;
	struct wh_str wanted;
	uint32_t n;

	if (l->n_ops != 1 || create->fields_at == 0 || create->op.kind != WH_OP_CREATE ||
	    wh_map_split(create->op.fields, &n, &wanted))
		return;
	o->shared = (uint32_t)wanted.n;
	o->shared_at = (uint32_t)(create->fields_at + create->op.fields.n - wanted.n);
}

static int
write_overlay(struct wh_lane *l, struct wh_txn *t, const struct wh_effect *e,
	      struct wh_str body, uint64_t revision)
{
	struct wh_overlay o = {
		.revision = revision,
		.pending = e->pending,
		.state = (uint8_t)e->state,
		.hidden = e->hidden,
		.tmp_id = e->tmp_id,
		.body = body,
		.newest = newest_op(l),
	};

	int r = 0;

	share_fields(l, &o);
	if (wh_overlay_withholds(&o) && !l->was_withheld)
		r = wh_withheld_note(t, l->key);
	if (r)
		return r;
	if (e->overlay)
		return l->is_new ? wh_overlays_add(t, l->key, &o)
				 : wh_overlays_put(t, l->key, &o);
	r = l->had_overlay ? wh_overlays_del(t, l->key) : 0;

	return r < 0 ? r : 0;
}

int
wh_lane_close(struct wh_lane *l, struct wh_txn *t)
{
	struct wh_buf body = WH_BUF_NULL;
	struct wh_effect e;
	uint64_t revision = l->revision_before;

	settle_successors(l);
	look_first(l);
	ask_for_row(l, t);
	cut_wait(l);

	int r = l->fault ? l->fault : wh_lane_fold(l, &e, &body);

	if (r == 0)
		r = note_change(l, t, &e, wh_buf_view(&body), &revision);
	if (r == 0 && l->has_row && l->row.revision != revision && !e.overlay) {
		l->row.revision = revision;
		l->row_dirty = true;
	}
	if (r == 0 && l->row_dirty)
		r = write_row(l, t, &e);
	if (r == 0)
		r = write_ops(l, t);
	if (r == 0)
		r = write_overlay(l, t, &e, wh_buf_view(&body), revision);
	wh_buf_fini(&body);
	return r;
}
