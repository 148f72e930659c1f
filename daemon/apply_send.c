/* SPDX-License-Identifier: MIT */
/*
 * The step before a request leaves: the operation is read again, everything
 * the scheduler relied on is checked again, the three-way merge is made, and
 * SENDING is stored together with the exact bytes that may go out. From then
 * on the operation is immutable until its outcome is known.
 *
 * If the row was not seen recently enough, CHECKING is stored instead and the
 * loop comes back here with the upstream's answer. Commit thread.
 */
#include "daemon/apply.h"

#include <stdio.h>

#include "daemon/core/marker.h"
#include "daemon/core/merge.h"
#include "daemon/core/observe.h"
#include "daemon/core/remote.h"
#include "daemon/core/retry.h"
#include "daemon/doc.h"
#include "daemon/form.h"
#include "daemon/late.h"
#include "daemon/shown.h"
#include "daemon/turn.h"
#include "daemon/twin.h"

/* Of the newest operations, by whoever asks what is due: no more while there is a line. */
#define LOOKED_THROUGH 64u

#define NOT_FOUND "not_found" /* reason: a read of the row alone did not find it */
#define NOT_SHOWN "not_shown" /* ... left out a member that may be empty now */
#define RECHECK_LEAST_MS 100  /* between such reads, however little check_age is */
#define LISTS_ASKED 3u        /* in vain, before a list is not waited for any more */

/* The reason for which a list must tell; "" = it need not. */
static const char *
asks_list(const struct wh_op *op)
{
	if (wh_str_is(op->reason, NOT_FOUND))
		return NOT_FOUND;
	return wh_str_is(op->reason, NOT_SHOWN) ? NOT_SHOWN : "";
}

/*
 * A read did not find the row, or not all of it. A whole list begun since then
 * says what is so: of a row it lacked, or holds as it is. Like the read it
 * stands in for it counts from its end, so that an operation does not wait for
 * ever behind an upstream that finds nothing and lists slowly.
 */
static bool
list_decided(const struct wh_send *s, const struct wh_lane *l, const struct wh_op *op)
{
	if (!*asks_list(op) || !s->rules.list_just_ended ||
	    l->view->meta.list_complete <= op->unknown_list)
		return false;
	return !l->has_row || l->row.confirm <= s->rules.list_fence;
}

static bool
row_fresh(const struct wh_send *s, const struct wh_lane *l, const struct wh_op *op)
{
	if (list_decided(s, l, op))
		return true;
	if (wh_str_is(op->reason, NOT_SHOWN))
		return false; /* the read is newer than what is held */
	if (!l->has_row) /* a local id, whose create was given up, tells the upstream nothing */
		return s->rules.list_fresh || wh_tmp_id_is(op->target);
	if (op->kind == WH_OP_UPDATE && wh_shown_members(l->row.body) != WH_RECORD_ALL)
		return false; /* a look may show what lists leave out */
	return wh_rules_row_fresh(&s->rules, l->row.confirm, l->row.confirmed_at);
}

/* ------------------------------------------------------- storing SENDING -- */

static int
begin_attempt(struct wh_send *s, struct wh_lane *l, struct wh_lane_op *o, const char *method)
{
	struct wh_attempt a = {
		.at = s->rules.now.wall.ms,
		.took_ms = -1,
		.outcome = WH_STR("running"),
	};

	o->op.method = wh_str_c(method);
	o->op.request = wh_lane_keep(l, wh_buf_view(&s->request));
	o->op.next_at = 0;
	o->op.attempts++;
	o->op.flags |= WH_OPF_MAYBE_SENT;
	o->op.flags &= ~(uint32_t)WH_OPF_ANSWERED;
	wh_op_log(&o->op, &a);
	wh_lane_state(l, o, WH_OP_SENDING, "");

	s->kind = o->op.kind;
	snprintf(s->method, sizeof(s->method), "%s", method);
	if (o->op.kind != WH_OP_CREATE)
		wh_buf_str(&s->whid, o->op.target);
	s->result = WH_SEND_REQUEST;
	return s->request.fault ? s->request.fault : s->whid.fault;
}

static int
body_of(struct wh_buf *out, struct wh_str doc, struct wh_body_form form)
{
	struct wh_doc d = {0};
	int r = wh_doc_open(&d, doc);

	if (r == 0)
		r = wh_remote_body(out, &d.tree.root, form);
	wh_doc_close(&d);
	return r;
}

/* ---------------------------------------------------------------- create -- */

/* The short mark that a create leaves in whcomment when that is configured. */
static struct wh_str
marker_of(const struct wh_rules *rules, const struct wh_op *op, char out[WH_OP_TEXT_ID + 1])
{
	if (!rules->marker)
		return WH_STR_NULL;
	wh_op_id_text(op->id, out);
	return wh_str(out + WH_OP_TEXT_ID - 12, 12); /* the random tail of the id */
}

int
wh_create_request(struct wh_buf *out, const struct wh_rules *rules, const struct wh_op *op)
{
	char mark[WH_OP_TEXT_ID + 1];

	return body_of(out, op->fields,
		       (struct wh_body_form){
			       .create = true,
			       .full = rules->patch_full,
			       .marker = marker_of(rules, op, mark),
		       });
}

/* The webhook that says what this one says. WH_ABSENT. */
static int
twin_of(const struct wh_view *v, struct wh_str like, wh_twin_fits *fits, void *ctx,
	struct wh_made *ret)
{
	struct wh_twin twin;
	int r = wh_twin_find(v, like, fits, ctx, &twin);

	if (r == 0) {
		ret->whid = twin.whid;
		ret->body = twin.row.body;
	}
	return r;
}

/* Could the row be what a request with this document made, going by its mark? */
static bool
mark_fits(const struct wh_doc *sent, struct wh_str row)
{
	struct wh_doc shown = {0};
	enum wh_marker_match match = WH_MARKER_OTHER;

	if (wh_doc_open(&shown, row) == 0)
		match = wh_marker_match(sent->record.text[WH_F_WHCOMMENT],
					shown.record.text[WH_F_WHCOMMENT]);
	wh_doc_close(&shown);
	return match == WH_MARKER_NONE || match == WH_MARKER_SAME;
}

/* A request that went out before. */
struct earlier {
	const struct wh_op *op;
	const struct wh_view *view;
	struct wh_doc sent;
};

/* A wh_twin_fits. */
static bool
may_be_made_by(void *ctx, struct wh_str whid, const struct wh_row *row)
{
	const struct earlier *e = ctx;

	return !row->claim && row->first_list > e->op->mark &&
	       wh_named_from(e->view, whid) > e->op->sent_after &&
	       mark_fits(&e->sent, row->body);
}

/*
 * What an earlier request of this create made after all: it was looked for in
 * vain, and has come since. body: what would go out now; a create that was
 * changed in between wants something else than that request.
 */
static int
made_late(const struct wh_op *op, const struct wh_view *v, struct wh_str body,
	  struct wh_made *ret)
{
	struct earlier e = {.op = op, .view = v};
	int r = WH_ABSENT;

	if (op->attempts > 0 && wh_str_eq(op->request, body))
		r = wh_doc_open_json(&e.sent, body);
	if (r == 0)
		r = twin_of(v, wh_buf_view(&e.sent.bytes), may_be_made_by, &e, ret);
	wh_doc_close(&e.sent);
	return r;
}

/*
 * A wh_twin_fits: what a queued change deletes, or makes something else of, is
 * not what the create wants, though the upstream still shows it as it was.
 */
static bool
stays_as_it_is(void *ctx, struct wh_str whid, const struct wh_row *row)
{
	const struct wh_view *v = *(const struct wh_view **)ctx;
	uint64_t is[2], becomes[2];
	struct wh_buf room = WH_BUF_NULL;
	struct wh_overlay o;
	int r = wh_overlays_get(v, whid, &room, &o);
	bool stays = r == WH_ABSENT || (r == 0 && o.pending == 0);

	if (r == 0 && !stays && !o.hidden)
		stays = wh_form_of_body(row->body, is) == 0 &&
			wh_form_of_body(o.body, becomes) == 0 &&
			memcmp(is, becomes, sizeof(is)) == 0;
	wh_buf_fini(&room);
	return stays;
}

/* A webhook that makes sending the create needless. WH_ABSENT. */
static int
find_made(const struct wh_op *op, const struct wh_view *v, struct wh_str body,
	  struct wh_made *ret)
{
	int r = made_late(op, v, body, ret);

	if (r != WH_ABSENT || (op->flags & WH_OPF_ALLOW_DUPLICATE))
		return r;
	return twin_of(v, op->fields, stays_as_it_is, &v, ret);
}

static int
send_create(struct wh_send *s, struct wh_lane *l, struct wh_lane_op *o, struct wh_txn *t)
{
	struct wh_made made = {.result = "adopted"};

	if (!s->create_fresh) {
		s->want_list = true;
		return 0;
	}
	bool free = false;
	int r = wh_turn_free(&t->view, &o->op, &free);

	if (r || !free) /* one like it is on its way: its turn comes when that is decided */
		return r;
	r = wh_create_request(&s->request, &s->rules, &o->op);
	if (r == 0)
		r = find_made(&o->op, &t->view, wh_buf_view(&s->request), &made);
	if (r < 0)
		return r;
	if (r == 0)
		return wh_finish_create(l, o, t, &made);
	o->op.mark = t->view.meta.list_complete;
	if (o->op.sent_after == 0)
		o->op.sent_after = t->view.meta.op_seq;
	return begin_attempt(s, l, o, "POST");
}

/* ------------------------------------------------------ update and delete -- */

static void
conflict(struct wh_send *s, struct wh_lane *l, struct wh_lane_op *o, const char *reason)
{
	o->op.theirs = l->has_row ? wh_lane_keep(l, l->row.body) : WH_STR_NULL;
	o->op.last_error = WH_STR_NULL; /* an old one is not why */
	wh_lane_state(l, o, WH_OP_CONFLICT, reason);
	s->result = WH_SEND_NOTHING;
}

/* Everything of the row as it will be, of which the body of the request is taken. */
static int
send_merged(struct wh_send *s, struct wh_lane *l, struct wh_lane_op *o, struct wh_str doc)
{
	struct wh_buf full = WH_BUF_NULL;
	int r = wh_doc_patch(&full, l->row.body, doc, WH_STR_NULL);

	if (r == 0)
		r = body_of(&s->request, wh_buf_view(&full),
			    (struct wh_body_form){.full = s->rules.patch_full});
	wh_buf_fini(&full);
	return r ? r : begin_attempt(s, l, o, "PATCH");
}

static int
obey_merge(struct wh_send *s, struct wh_lane *l, struct wh_lane_op *o, struct wh_txn *t,
	   const struct wh_merged *m)
{
	int r;

	switch (m->verdict) {
	case WH_MERGE_SEND:
		return send_merged(s, l, o, wh_buf_view(&m->doc));
	case WH_MERGE_NOOP:
		return wh_finish_update(l, o, t, l->row.body, "noop");
	case WH_MERGE_DISCARD:
		r = wh_finish_update(l, o, t, l->row.body, "noop");
		o->op.reason = WH_STR("remote_wins");
		return r;
	case WH_MERGE_CONFLICT:
		conflict(s, l, o, "both_changed");
		return 0;
	}
	return WH_EBUG;
}

/* What is older than the upstream's row, for all we know, does not win over it by itself. */
static enum wh_policy
policy_of(const struct wh_op *op)
{
	if (op->policy == WH_POLICY_LOCAL_WINS && (op->flags & WH_OPF_RESTORED))
		return WH_POLICY_MERGE;
	return op->policy;
}

static bool
deletes_whatever_changed(const struct wh_op *op)
{
	if (op->flags & WH_OPF_RESTORED)
		return false;
	return op->flags & WH_OPF_FORCE || op->policy == WH_POLICY_LOCAL_WINS;
}

static int
send_update(struct wh_send *s, struct wh_lane *l, struct wh_lane_op *o, struct wh_txn *t)
{
	struct wh_merged merged = {0};

	if (!l->has_row) {
		conflict(s, l, o, "gone_upstream");
		return 0;
	}
	int r = wh_lane_merge(l, &o->op, policy_of(&o->op), &merged);

	if (r == 0)
		r = obey_merge(s, l, o, t, &merged);
	wh_buf_fini(&merged.doc);
	return r;
}

static int
send_delete(struct wh_send *s, struct wh_lane *l, struct wh_lane_op *o)
{
	uint32_t changed = 0;

	if (!l->has_row)
		return wh_finish_delete(l, o, "already");

	int r = o->op.base.n ? wh_doc_diff(o->op.base, l->row.body, &changed) : 0;

	if (r)
		return r;
	if (changed && !deletes_whatever_changed(&o->op)) {
		conflict(s, l, o, "changed_upstream");
		return 0;
	}
	return begin_attempt(s, l, o, "DELETE");
}

/* ------------------------------------------------------------------ steps -- */

/*
 * A list may have changed the row while it was being read by itself. Nobody
 * can say which of the two answers is the newer one: it is read again.
 */
static bool
overtaken(const struct wh_lane *l, const struct wh_op *op)
{
	if (!l->has_row || op->mark == 0)
		return l->has_row != (op->mark != 0);
	return l->row.confirm >= op->mark;
}

static void
begin_check(struct wh_send *s, struct wh_lane *l, struct wh_lane_op *o, const struct wh_txn *t)
{
	o->op.mark = l->has_row ? t->view.meta.confirm + 1 : 0;
	wh_lane_state(l, o, WH_OP_CHECKING, asks_list(&o->op));
	wh_buf_str(&s->whid, o->op.target);
	s->kind = o->op.kind;
	s->result = WH_SEND_CHECK;
}

/*
 * Back to the queue: the row could not be read, or a list must say whether it
 * is gone, or partly empty. For that list the wait is kept short, so that its
 * end is not missed; but not so short that the row is read without a pause
 * while it is under way, nor while lists are not whole, which decide nothing.
 */
static void
check_in_vain(struct wh_send *s, struct wh_lane *l, struct wh_lane_op *o, const char *reason)
{
	int64_t most = wh_rules_just_ended(&s->rules) / 2;
	int64_t wait = 0;

	if (!s->check_gated)
		wait = wh_retry_backoff(s->rules.retry_base, s->rules.retry_cap,
					o->op.failures++, s->rules.random);
	if (!s->check_failed && !s->rules.list_in_part && wait > most)
		wait = most;
	if (!s->check_failed && wait < RECHECK_LEAST_MS)
		wait = RECHECK_LEAST_MS;
	if (*reason && (!wh_str_is(o->op.reason, reason) || o->op.boot != s->rules.boot))
		wh_lane_look_anew(l, o);
	o->op.next_at = s->rules.now.wall.ms + wait;
	s->want_list = !s->check_failed;
	wh_lane_state(l, o, WH_OP_QUEUED, reason);
}

/* Another change of the webhook may still be carried out, over this one. */
static int
wait_for_late(struct wh_send *s, struct wh_lane *l, struct wh_lane_op *o, struct wh_txn *t,
	      bool *ret)
{
	int64_t left = 0;
	int r = o->op.kind == WH_OP_UPDATE ? wh_late_wait(l, t, &o->op, &left) : 0;

	*ret = left > 0;
	if (r || !*ret)
		return r;
	o->op.next_at = s->rules.now.wall.ms + left;
	o->op.reason = WH_STR(WH_OP_SETTLING);
	o->dirty = s->changed = true;
	return 0;
}

/* What a list shows, and no look did: this operation's did not, as what it showed is noted. */
static void
learn_of_list(const struct wh_lane *l, const struct wh_op *op, struct wh_meta *meta)
{
	if (wh_str_is(op->reason, NOT_SHOWN) && l->has_row)
		meta->look_hides |= wh_shown_filled(l->row.body) & ~meta->look_shows;
}

static int
send_change(struct wh_send *s, struct wh_lane *l, struct wh_lane_op *o, struct wh_txn *t)
{
	bool waits = false;
	int r = s->checked ? 0 : wait_for_late(s, l, o, t, &waits);

	if (r || waits)
		return r;
	if (!s->checked && !row_fresh(s, l, &o->op)) {
		begin_check(s, l, o, t);
		return s->whid.fault;
	}
	if (!s->checked)
		learn_of_list(l, &o->op, &t->view.meta);
	return o->op.kind == WH_OP_UPDATE ? send_update(s, l, o, t) : send_delete(s, l, o);
}

/* Where no list has shown any webhook so far, the next one may show them all. */
static uint64_t
lists_may_show(const struct wh_meta *meta)
{
	return meta->list_shows ? meta->list_shows : WH_RECORD_ALL;
}

/* Several lists told nothing, the last ones after all that they may lag behind. */
static bool
lists_asked_in_vain(const struct wh_send *s, const struct wh_op *op)
{
	return wh_str_is(op->reason, NOT_SHOWN) &&
	       s->rules.list_last - op->unknown_list > LISTS_ASKED &&
	       wh_observe_settled(op, s->rules.boot, s->rules.now.mono, s->rules.settle_error,
				  s->rules.settle_error);
}

/*
 * Has somebody emptied what the look leaves out, or do looks never show it? Of
 * a member that none has shown so far only a list can tell. Taken for what it
 * was, an update would write the old value over the empty one. Once a list had
 * it otherwise, or several in turn told nothing, looks are known to leave it
 * out, and no other operation waits.
 */
static bool
list_must_tell(const struct wh_send *s, const struct wh_lane *l, const struct wh_op *op,
	       struct wh_meta *meta)
{
	uint32_t shown = wh_shown_members(wh_buf_view(&s->check_row));
	uint32_t filled = shown == WH_RECORD_ALL ? 0 : wh_shown_filled(l->row.body);
	uint64_t in_lists = lists_may_show(meta);
	uint64_t doubt = wh_shown_doubtful(shown, filled) & in_lists &
			 ~(meta->look_shows | meta->look_hides);

	if (!doubt || (shown & ~in_lists)) /* a list would tell less than the look */
		return false;
	meta->look_shows |= shown;
	if (!lists_asked_in_vain(s, op))
		return true;
	meta->look_hides |= doubt;
	return false;
}

static int
set_looked_at(struct wh_send *s, struct wh_lane *l, struct wh_txn *t)
{
	struct wh_str body = wh_buf_view(&s->check_row);
	struct wh_str known = l->has_row ? l->row.body : WH_STR_NULL;
	struct wh_meta *meta = &t->view.meta;
	struct wh_buf room = WH_BUF_NULL;
	/* Left out by a list that shows it of others, too. */
	uint64_t empty = l->has_row ? meta->list_shows & ~wh_shown_members(known) : 0;
	uint64_t at_times = meta->look_shows | empty;
	int r = wh_shown_fill(&room, &body, known, &at_times);

	meta->look_shows |= wh_shown_members(wh_buf_view(&s->check_row));
	if (r == 0)
		wh_lane_set_row(l, t, wh_lane_keep(l, body), s->check_began);
	wh_buf_fini(&room);
	return r;
}

static int
step(struct wh_send *s, struct wh_lane *l, struct wh_lane_op *o, struct wh_txn *t)
{
	if (s->checked) {
		if (o->op.state != WH_OP_CHECKING)
			return 0;
		s->changed = true;
		/* Gone is what a complete list lacked before and a read does not find now. */
		if (s->check_failed || s->check_refused || (!s->check_found && l->has_row)) {
			check_in_vain(s, l, o, s->check_failed ? asks_list(&o->op) : NOT_FOUND);
			return 0;
		}
		if (s->check_found && overtaken(l, &o->op)) {
			wh_lane_state(l, o, WH_OP_QUEUED, "");
			return 0;
		}
		if (s->check_found && l->has_row &&
		    list_must_tell(s, l, &o->op, &t->view.meta)) {
			check_in_vain(s, l, o, NOT_SHOWN);
			return 0;
		}

		int r = s->check_found ? set_looked_at(s, l, t) : 0;

		if (r)
			return r;
	} else if (o->op.state != WH_OP_QUEUED || o->op.next_at > s->rules.now.wall.ms) {
		return 0;
	}
	return o->op.kind == WH_OP_CREATE ? send_create(s, l, o, t) : send_change(s, l, o, t);
}

static void
reset_results(struct wh_send *s)
{
	s->result = WH_SEND_NOTHING;
	s->want_list = s->changed = false;
	wh_buf_reset(&s->whid);
	wh_buf_reset(&s->request);
}

int
wh_send_run(struct wh_job *job, struct wh_txn *t)
{
	struct wh_send *s = (struct wh_send *)job;
	struct wh_lane lane;
	struct wh_lane_op *o;

	reset_results(s);

	bool caught_up = t->view.meta.ops_tail != t->was.ops_tail; /* others wait, too */
	int r = caught_up ? 0 : wh_ops_catch_up(t, LOOKED_THROUGH, WH_CATCH_UP);

	if (r)
		return r;
	r = wh_lane_open_op(&lane, &t->view, &s->rules, s->seq, &o);
	if (r == 0)
		wh_op_name(&s->names, &o->op);
	if (r == 0 && o == wh_lane_head(&lane)) {
		enum wh_op_state before = o->op.state;

		r = step(s, &lane, o, t);
		s->changed |= o->moved || o->op.state != before;
		if (r == 0)
			r = wh_lane_close(&lane, t);
	}
	wh_lane_fini(&lane);
	return r == WH_ABSENT ? 0 : r; /* ended meanwhile: nothing to send */
}

void
wh_send_fini(struct wh_send *s)
{
	wh_buf_fini(&s->check_row);
	wh_buf_fini(&s->whid);
	wh_buf_fini(&s->request);
}
