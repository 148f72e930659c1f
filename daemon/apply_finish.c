/* SPDX-License-Identifier: MIT */
/*
 * An operation is in effect: the confirmed row takes the upstream's word, the
 * local id gets its alias, successors are rebased on the result. Used by the
 * outcome of an attempt, by observation and by an admin's decision alike.
 * Commit thread, inside a lane that its caller closes.
 */
#include "daemon/apply_set.h"

#include <stdlib.h>

#include "daemon/core/marker.h"
#include "daemon/core/merge.h"
#include "daemon/core/norm.h"
#include "daemon/doc.h"

/* The two operations of a lane that meet when the first one is in effect. */
struct meeting {
	struct wh_doc wanted; /* the predecessor's change */
	struct wh_doc sent;   /* its request, if it is an update that was sent; else empty */
	struct wh_doc result; /* what the upstream made of it */
	struct wh_doc base;   /* of a follower */
};

static int
meeting_open(struct meeting *m, const struct wh_op *o, const struct wh_op *s, struct wh_str row)
{
	int r = wh_doc_open(&m->wanted, o->fields);

	if (r == 0 && o->kind == WH_OP_UPDATE && o->request.n)
		r = wh_doc_open_json(&m->sent, o->request);
	if (r == 0)
		r = wh_doc_open(&m->result, row);
	return r ? r : wh_doc_open(&m->base, s->base);
}

static void
meeting_close(struct meeting *m)
{
	wh_doc_close(&m->wanted);
	wh_doc_close(&m->sent);
	wh_doc_close(&m->result);
	wh_doc_close(&m->base);
}

/* The same but for the mark that a create leaves: one, whatever marks were wanted themselves.
 */
static bool
is_as_wanted(enum wh_field f, const struct wh_record *wanted, const struct wh_record *result)
{
	struct wh_record bare = *result;

	if (wh_norm_field_eq(f, wanted, result))
		return true;
	if (f != WH_F_WHCOMMENT || !wh_record_has(result, f))
		return false;
	bare.text[f] = wh_marker_strip(result->text[f]);
	return wh_norm_field_eq(f, wanted, &bare);
}

/*
 * Leaves the members of which the upstream made something: what the policy
 * left to it was not sent and is somebody else's value, and so may be what a
 * webhook that was adopted holds besides what was wanted, or one that was taken
 * for good as it was.
 */
static void
keep_made(struct meeting *m, struct wh_str result)
{
	struct wh_record *w = &m->wanted.record;
	bool adopted = wh_str_is(result, "adopted"), noop = wh_str_is(result, "noop");

	for (int f = 0; f < WH_F_COUNT; f++) {
		bool set = wh_fields[f].type == WH_FT_SET;
		bool left = !set && m->sent.record.seen &&
			    !wh_norm_field_eq((enum wh_field)f, w, &m->sent.record);

		left |= (adopted || (noop && !set)) &&
			!is_as_wanted((enum wh_field)f, w, &m->result.record);
		if (left)
			w->seen &= ~(1u << f);
	}
}

static int
rebase(struct wh_lane *l, const struct wh_lane_op *o, struct wh_lane_op *s, struct wh_str made)
{
	struct wh_buf base = WH_BUF_NULL;
	struct meeting m = {0};

	if (s->op.base.n == 0)
		return 0;

	int r = meeting_open(&m, &o->op, &s->op, made);
	bool both_sets = false;

	if (r == 0) {
		keep_made(&m, o->op.result);
		both_sets = m.wanted.record.seen & WH_SET_MEMBER & wh_doc_members(s->op.fields);
		m.wanted.record.seen &= both_sets ? ~WH_SET_MEMBER : UINT32_MAX;
		wh_merge_rebase(&base, &m.base.tree.root, &m.wanted.record, &m.result.record);
		s->op.base = wh_lane_keep_buf(l, &base);
		s->dirty = true;
	}
	if (r == 0 && both_sets) {
		const struct wh_set_made sets = {
			.wanted = m.wanted.record.set[WH_F_PROCESSES],
			.made = m.result.record.set[WH_F_PROCESSES],
		};

		r = wh_set_rebase(l, s, &sets);
	}
	wh_buf_fini(&base);
	meeting_close(&m);
	return r;
}

/*
 * What the upstream made of an operation is the base of those that follow it in
 * the lane, else that would look like somebody else's change. of: the lane they
 * were queued in.
 */
static int
rebase_followers(struct wh_lane *l, const struct wh_lane_op *o, const struct wh_lane *of,
		 struct wh_str made)
{
	int r = 0;

	if (o->op.fields.n == 0)
		return 0;
	for (size_t i = 0; r == 0 && i < of->n_ops; i++) {
		uint64_t seq = of->ops[i].op.seq;
		struct wh_lane_op *s = seq > o->op.seq ? wh_lane_find(l, seq) : NULL;

		if (!s || s->moved || !wh_op_state_live(s->op.state))
			continue;
		r = rebase(l, o, s, made);
	}
	return r;
}

/*
 * What a reply confirms may be as old as its request, however late it came. A
 * list, or a look at our own copy, confirms nothing beyond what it says itself.
 */
static int64_t
confirmed_at(const struct wh_lane_op *o)
{
	if (o->op.state != WH_OP_SENDING || o->op.n_log == 0)
		return 0;
	return o->op.log[o->op.n_log - 1].at;
}

static int
by_seq(const void *a, const void *b)
{
	const struct wh_lane_op *x = a, *y = b;

	return x->op.seq < y->op.seq ? -1 : x->op.seq > y->op.seq;
}

/* Hands the create and all that follows it over to the lane of its whid, which may have
 * operations of its own. */
static int
hand_over(struct wh_lane *from, struct wh_lane *to, struct wh_str whid)
{
	for (size_t i = 0; i < from->n_ops; i++)
		if (!from->ops[i].moved && !wh_lane_move(&from->ops[i], to, whid))
			return WH_ENOMEM;
	qsort(to->ops, to->n_ops, sizeof(*to->ops), by_seq);
	return 0;
}

/* The create ends in the lane it was handed over to; what followed it there is rebased. */
static int
end_create(struct wh_lane *to, uint64_t create, const struct wh_lane *from,
	   const struct wh_made *made)
{
	struct wh_lane_op *o = wh_lane_find(to, create);

	if (!o)
		return WH_EBUG;
	wh_lane_done(to, o, made->result);
	return rebase_followers(to, o, from, made->body);
}

int
wh_finish_create(struct wh_lane *l, struct wh_lane_op *o, struct wh_txn *t,
		 const struct wh_made *made)
{
	uint64_t create = o->op.seq;
	struct wh_lane to;
	int r = wh_lane_open(&to, &t->view, l->rules, made->whid);

	if (r == 0) {
		bool claimed = to.has_row && to.row.claim != 0;

		to.renamed_from = l->key;
		to.withheld = false;
		/* A list that held it is younger than the reply that made it. */
		if (!to.has_row)
			wh_lane_set_row(&to, t, made->body, confirmed_at(o));
		to.row_dirty = true;
		if (!claimed)
			to.row.claim = create;
		r = hand_over(l, &to, made->whid);
	}
	if (r == 0)
		r = end_create(&to, create, l, made);
	if (r == 0)
		r = wh_aliases_put(t, l->key, made->whid);
	if (r == 0)
		r = wh_lane_close(&to, t);
	l->quiet = true; /* the local id went over to the whid: no deletion to report */
	wh_lane_fini(&to);
	return r;
}

int
wh_finish_update(struct wh_lane *l, struct wh_lane_op *o, struct wh_txn *t, struct wh_str body,
		 const char *result)
{
	struct wh_str kept = wh_lane_keep(l, body); /* body may be the row's own bytes */

	wh_lane_set_row(l, t, kept, confirmed_at(o));
	wh_lane_done(l, o, result);
	return rebase_followers(l, o, l, kept);
}

int
wh_finish_delete(struct wh_lane *l, struct wh_lane_op *o, const char *result)
{
	wh_lane_drop_row(l);
	wh_lane_done(l, o, result);
	return 0;
}
