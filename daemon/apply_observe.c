/* SPDX-License-Identifier: MIT */
/*
 * Operations of unknown outcome, looked at in the light of a list. The
 * verdicts are core/observe's; here they are carried out. Nothing is ever sent
 * again without such a look. Commit thread.
 */
#include "daemon/apply.h"

#include <stdlib.h>

#include "daemon/core/marker.h"
#include "daemon/core/norm.h"
#include "daemon/core/observe.h"
#include "daemon/core/retry.h"
#include "daemon/doc.h"
#include "daemon/late.h"
#include "daemon/twin.h"

/* Lists come for many reasons. Those before the operation's own look neither put that off nor
 * use up its patience with lists that prove nothing. */
static bool
look_is_due(const struct wh_lane *l, const struct wh_op *op)
{
	return op->next_at <= l->rules->now.wall.ms;
}

static void
look_after(struct wh_lane *l, struct wh_lane_op *o, uint32_t looks)
{
	o->dirty = true;
	if (look_is_due(l, &o->op))
		o->op.next_at = l->rules->now.wall.ms +
				wh_retry_observe(looks, l->rules->settle_timeout);
}

static void
look_again(struct wh_lane *l, struct wh_lane_op *o)
{
	look_after(l, o, o->op.negatives + o->op.incompletes);
}

static void
queue_again(struct wh_lane *l, struct wh_lane_op *o)
{
	o->op.flags &= ~(uint32_t)(WH_OPF_MAYBE_SENT | WH_OPF_ANSWERED);
	o->op.flags |= WH_OPF_SENT_BEFORE;
	o->op.next_at = l->rules->now.wall.ms;
	if (wh_str_is(o->op.reason, "rejected_409")) {
		wh_lane_state(l, o, WH_OP_DEAD, "rejected");
		return;
	}
	if (o->op.poison >= WH_POISON_AFTER) {
		wh_lane_state(l, o, WH_OP_DEAD, "poison");
		return;
	}
	if (o->op.failures > 1)
		o->op.next_at += wh_retry_backoff(l->rules->retry_base, l->rules->retry_cap,
						  o->op.failures - 1, l->rules->random);
	wh_lane_state(l, o, WH_OP_QUEUED, "");
}

/* ------------------------------------------------------ update and delete -- */

static int
verdict_of(const struct wh_lane *l, const struct wh_op *op, const struct wh_sighting *s,
	   enum wh_observe *ret)
{
	struct wh_doc base = {0}, sent = {0};
	bool restored = op->flags & WH_OPF_RESTORED;
	bool has_sent = op->kind == WH_OP_UPDATE && !restored && op->request.n > 0;
	int r = l->has_row ? wh_doc_open(&base, l->row.body) : 0;

	if (r == 0 && has_sent)
		r = wh_doc_open_json(&sent, op->request);
	if (r == 0 && op->kind == WH_OP_UPDATE)
		*ret = wh_observe_update(op, &base.record, has_sent ? &sent.record : NULL, s);
	else if (r == 0)
		*ret = wh_observe_delete(op, &base.record, s);
	wh_doc_close(&base);
	wh_doc_close(&sent);
	return r;
}

/*
 * A list has shown the effect of one of its requests, or of none: the others may still be
 * carried out, but for one that was answered as that of a webhook that is not there.
 */
static int
note_late(const struct wh_lane *l, struct wh_txn *t, const struct wh_op *op,
	  enum wh_observe verdict)
{
	bool none = verdict == WH_OB_NOT_EXECUTED || verdict == WH_OB_THIRD ||
		    verdict == WH_OB_GONE || verdict == WH_OB_NO_COMPLETE;
	bool one_of_many = verdict == WH_OB_APPLIED && (op->flags & WH_OPF_SENT_BEFORE);

	if (wh_op_is_absent(op) || (!none && !one_of_many))
		return 0;
	return wh_late_note(l, t, op);
}

static int
obey(struct wh_lane *l, struct wh_lane_op *o, struct wh_txn *t, enum wh_observe verdict,
     const struct wh_look *look)
{
	struct wh_str body = look->body;

	switch (verdict) {
	case WH_OB_APPLIED:
		return wh_finish_update(l, o, t, body, "applied");
	case WH_OB_ABSENT_DONE:
		return wh_finish_delete(l, o, "applied");
	case WH_OB_NOT_EXECUTED:
	case WH_OB_THIRD:
		/* What the upstream has now is merged when it is sent again. */
		wh_lane_set_row(l, t, wh_lane_keep(l, body), look->read_at);
		queue_again(l, o);
		return 0;
	case WH_OB_GONE:
		wh_lane_drop_row(l);
		o->op.theirs = o->op.last_error = WH_STR_NULL;
		wh_lane_state(l, o, WH_OP_CONFLICT, "gone_upstream");
		return 0;
	case WH_OB_NO_COMPLETE:
		wh_lane_state(l, o, WH_OP_HELD, "no_complete_list");
		return 0;
	case WH_OB_AGAIN:
	case WH_OB_AMBIGUOUS:
	case WH_OB_LOST:
		look_again(l, o);
		return 0;
	}
	return WH_EBUG;
}

int
wh_observe_lane(struct wh_lane *l, struct wh_txn *t, const struct wh_look *look)
{
	struct wh_lane_op *o = wh_lane_head(l);
	struct wh_doc row = {0};
	struct wh_sighting s = {
		.complete = look->complete,
		.began_after = look->list > o->op.unknown_list,
	};
	enum wh_observe verdict = WH_OB_AGAIN;
	int r = 0;

	if (!s.began_after)
		return 0;
	/* For as long as a webhook is new, which is not long. */
	if (look->behind && !wh_op_is_absent(&o->op)) {
		look_after(l, o, 1);
		return 0;
	}
	if (look->present) {
		r = wh_doc_open(&row, look->body);
		s.row = &row.record;
	} else if (look->complete) {
		o->op.negatives++;
	} else {
		o->op.incompletes += look_is_due(l, &o->op);
	}
	if (r == 0)
		r = verdict_of(l, &o->op, &s, &verdict);
	if (r == 0)
		r = note_late(l, t, &o->op, verdict);
	if (r == 0)
		r = obey(l, o, t, verdict, look);
	wh_doc_close(&row);
	return r;
}

/* --------------------------------------------------------------- creates -- */

/* One create of unknown outcome and what the rows say of it. */
struct suspect {
	uint64_t seq, mark, sent_after;
	struct wh_doc sent;
	uint32_t exact, near;
	bool kin;
	char whid_room[WH_KEY_MAX];
	struct wh_str whid; /* the first exact one */
};

struct suspects {
	struct suspect *s;
	size_t n, cap;
	uint64_t oldest_mark;
};

#define SUSPECTS_MAX 1024u

static int
add_suspect(struct suspects *all, const struct wh_view *v, uint64_t seq)
{
	struct wh_oprow row;
	struct wh_op op;
	int r = wh_ops_get(v, seq, &row);

	if (r == 0)
		r = wh_op_decode(&op, row.body);
	if (r || op.kind != WH_OP_CREATE)
		return r;
	if (all->n == all->cap) {
		size_t cap = all->cap ? all->cap * 2 : 8;
		struct suspect *s = realloc(all->s, cap * sizeof(*s));

		if (!s)
			return WH_ENOMEM;
		all->s = s;
		all->cap = cap;
	}
	struct suspect *s = &all->s[all->n++];

	/* Of one that only a store since put back sent it is known that it was queued first. */
	*s = (struct suspect){
		.seq = seq, .mark = op.mark, .sent_after = op.sent_after ? op.sent_after : seq};
	if (all->n == 1 || op.mark < all->oldest_mark)
		all->oldest_mark = op.mark;
	return wh_doc_open_json(&s->sent, op.request);
}

static int
load_suspects(struct suspects *all, const struct wh_view *v)
{
	uint64_t seq = 0;
	int r = 0;

	while (r == 0 && all->n < SUSPECTS_MAX) {
		r = wh_ops_next_in_state(v, WH_OP_UNKNOWN, seq, &seq);
		if (r == WH_ABSENT)
			return 0;
		if (r == 0)
			r = add_suspect(all, v, seq);
	}
	return r;
}

/* A mark is stronger than all members together, which the upstream may have rewritten. */
static void
weigh(struct suspect *s, const struct wh_record *rec, struct wh_str key)
{
	enum wh_marker_match mark =
		wh_marker_match(s->sent.record.text[WH_F_WHCOMMENT], rec->text[WH_F_WHCOMMENT]);
	bool same = wh_norm_diff(rec, &s->sent.record) == 0;

	if (mark == WH_MARKER_OTHER)
		return;
	if (mark == WH_MARKER_SAME || (mark == WH_MARKER_NONE && same)) {
		if (s->exact++ == 0) {
			memcpy(s->whid_room, key.p, key.n);
			s->whid = wh_str(s->whid_room, key.n);
		}
	} else if (same || wh_norm_near(rec, &s->sent.record)) {
		s->near++;
	}
	s->kin |= wh_norm_kin(rec, &s->sent.record);
}

static int
weigh_row(struct suspects *all, const struct wh_view *v, struct wh_str key,
	  const struct wh_row *row)
{
	struct wh_doc d = {0};

	if (row->claim || row->first_list <= all->oldest_mark || key.n > WH_KEY_MAX)
		return 0;

	uint64_t named_from = wh_named_from(v, key);
	int r = wh_doc_open(&d, row->body);

	for (size_t i = 0; r == 0 && i < all->n; i++)
		if (row->first_list > all->s[i].mark && named_from > all->s[i].sent_after)
			weigh(&all->s[i], &d.record, key);
	wh_doc_close(&d);
	return r == WH_ENOMEM ? r : 0;
}

/* One pass over the rows for all suspects together. */
static int
weigh_rows(struct suspects *all, const struct wh_view *v)
{
	struct wh_scan scan;
	struct wh_str key;
	struct wh_row row;
	int r = wh_scan_begin(v, WH_SCAN_ROWS, WH_STR_NULL, &scan);

	if (r)
		return r;
	while (r == 0) {
		r = wh_scan_next(&scan, &key, &row, NULL);
		if (r == 0)
			r = weigh_row(all, v, key, &row);
		else if (r == WH_ECORRUPT)
			r = 0;
	}
	wh_scan_end(&scan);
	return r == WH_STORE_END ? 0 : r;
}

static int
adopt(struct wh_lane *l, struct wh_lane_op *o, struct wh_txn *t, const struct suspect *s,
      struct wh_list_end *e)
{
	struct wh_row row;
	int r = wh_rows_get(&t->view, s->whid, &row);

	if (r)
		return r < 0 ? r : WH_EBUG;
	if (row.claim) { /* taken by another create a moment ago */
		look_again(l, o);
		return 0;
	}
	e->duplicates += s->exact > 1;
	struct wh_made made = {s->whid, wh_lane_keep(l, row.body), "adopted"};

	return wh_finish_create(l, o, t, &made);
}

static int
obey_create(struct wh_lane *l, struct wh_lane_op *o, struct wh_txn *t, const struct suspect *s,
	    struct wh_list_end *e)
{
	bool complete = wh_list_is_believed(e);
	struct wh_sighting sight = {
		.complete = complete,
		.began_after = e->list > o->op.unknown_list,
		.exact = s->exact,
		.near = s->near,
		.kin = s->kin && (o->op.flags & WH_OPF_SENT_BEFORE),
		.refused = wh_str_is(o->op.reason, "rejected_409"),
		.settled = wh_observe_settled(&o->op, l->rules->boot, e->began,
					      l->rules->settle_timeout, l->rules->settle_error),
	};

	if (sight.began_after && s->exact == 0) {
		if (complete)
			o->op.negatives++;
		else
			o->op.incompletes += look_is_due(l, &o->op);
		o->dirty = true;
	}
	if (o->op.boot != l->rules->boot) { /* settle time starts anew after a restart */
		o->op.boot = l->rules->boot;
		o->op.settle_mono = l->rules->now.mono.ms;
		o->dirty = true;
	}
	switch (wh_observe_create(&o->op, &sight)) {
	case WH_OB_APPLIED:
		return adopt(l, o, t, s, e);
	case WH_OB_NOT_EXECUTED:
		queue_again(l, o);
		return 0;
	case WH_OB_AMBIGUOUS:
		wh_lane_state(l, o, WH_OP_HELD,
			      o->op.flags & WH_OPF_RESTORED ? "restored" : "ambiguous");
		return 0;
	case WH_OB_NO_COMPLETE:
		wh_lane_state(l, o, WH_OP_HELD, "no_complete_list");
		return 0;
	case WH_OB_LOST:
		e->vanished++;
		wh_lane_state(l, o, WH_OP_HELD, "vanished");
		return 0;
	case WH_OB_AGAIN:
	case WH_OB_ABSENT_DONE:
	case WH_OB_THIRD:
	case WH_OB_GONE:
		look_again(l, o);
		return 0;
	}
	return WH_EBUG;
}

static int
decide_suspect(const struct suspect *s, struct wh_txn *t, struct wh_list_end *e)
{
	struct wh_lane l;
	struct wh_lane_op *o;
	int r = wh_lane_open_op(&l, &t->view, &e->rules, s->seq, &o);

	if (r == 0)
		r = obey_create(&l, o, t, s, e);
	if (r == 0)
		r = wh_lane_close(&l, t);
	wh_lane_fini(&l);
	return r == WH_ABSENT ? 0 : r;
}

int
wh_observe_creates(struct wh_txn *t, struct wh_list_end *e)
{
	struct suspects all = {0};
	int r = load_suspects(&all, &t->view);

	if (r == 0 && all.n > 0)
		r = weigh_rows(&all, &t->view);
	for (size_t i = 0; r == 0 && i < all.n; i++)
		r = decide_suspect(&all.s[i], t, e);
	for (size_t i = 0; i < all.n; i++)
		wh_doc_close(&all.s[i].sent);
	free(all.s);
	return r;
}
