/* SPDX-License-Identifier: MIT */
/*
 * What became of an attempt is stored: done, queued again, unknown, held or
 * dead, always together with what the attempt's record says. The judgement
 * itself is core/outcome's; this file only carries it out. Commit thread.
 */
#include "daemon/apply.h"

#include "daemon/core/marker.h"
#include "daemon/core/norm.h"
#include "daemon/core/remote.h"
#include "daemon/core/retry.h"
#include "daemon/doc.h"
#include "daemon/withheld.h"
#include "proto/json.h"

static void
log_attempt(struct wh_result_job *j, struct wh_lane *l, struct wh_lane_op *o)
{
	struct wh_buf sentence = wh_buf_capped(600);

	if (o->op.n_log == 0)
		return;

	struct wh_attempt *a = &o->op.log[o->op.n_log - 1];

	a->took_ms = j->facts.took_ms;
	a->status = j->facts.status;
	a->outcome = wh_str_c(wh_executed_str(j->outcome.executed));
	a->rule = wh_str_c(j->outcome.rule);
	wh_outcome_sentence(&sentence, &j->facts, &j->outcome);
	sentence.fault = 0; /* capped: the start is what matters */
	a->error = j->outcome.executed == WH_X_EXECUTED
			   ? WH_STR_NULL
			   : wh_lane_keep(l, wh_buf_view(&sentence));
	o->op.last_error = a->error;
	wh_buf_fini(&sentence);
	o->dirty = true;
}

/* -------------------------------------------------------------- executed -- */

static const char *
applied(struct wh_str sent, struct wh_str row)
{
	uint32_t diff = 0;

	if (wh_doc_diff(sent, row, &diff) == 0 && (diff & wh_doc_members(sent)))
		return "applied_changed";
	return "applied";
}

/* The document that went out, as MessagePack. */
static int
sent_document(struct wh_buf *out, const struct wh_op *op)
{
	struct wh_json_error err;

	return wh_json_to_pack(op->request, 16, out, &err);
}

static bool
has_all_members(struct wh_str body)
{
	return wh_doc_members(body) == WH_RECORD_ALL;
}

static void
became_unknown(struct wh_result_job *j, struct wh_lane *l, struct wh_lane_op *o,
	       const char *reason)
{
	o->op.unknown_list = j->rules.list_last;
	o->op.negatives = o->op.incompletes = 0;
	o->op.boot = j->rules.boot;
	o->op.settle_mono = j->rules.now.mono.ms;
	o->op.next_at = j->rules.now.wall.ms + wh_retry_observe(0, j->rules.settle_timeout);
	wh_lane_state(l, o, WH_OP_UNKNOWN, reason);
}

/*
 * Is this id one that was there before the create, or another's? Then the reply speaks of
 * something else, such as a list that a gateway answered with.
 */
static int
is_taken(const struct wh_txn *t, const struct wh_op *op, struct wh_str id, bool *ret)
{
	char room[WH_KEY_MAX];
	struct wh_row row;
	int r = wh_rows_get(&t->view, wh_key_fold(id, room), &row);

	*ret = r == 0 && (row.claim ? row.claim != op->seq : row.first_list <= op->mark);
	return r < 0 && r != WH_ECORRUPT ? r : 0;
}

static void
created_without_id(struct wh_result_job *j, struct wh_lane *l, struct wh_lane_op *o)
{
	o->op.flags |= WH_OPF_EXECUTED;
	became_unknown(j, l, o, "created_without_id");
	o->op.next_at = j->rules.now.wall.ms;
	j->created_without_id = true;
}

/*
 * Does the reply show a name or a url, but neither the name nor the url that was sent? An
 * upstream may rewrite one of them, or both and nothing else; if not, the reply is that to
 * another request.
 */
static bool
shows_another(struct wh_str sent, struct wh_str shown)
{
	struct wh_doc s = {0}, r = {0};
	bool another = false;

	if (wh_doc_open(&s, sent) == 0 && wh_doc_open(&r, shown) == 0) {
		const struct wh_record *a = &s.record, *b = &r.record;
		const uint32_t both = 1u << WH_F_WHNAME | 1u << WH_F_CALLBACK;
		const uint32_t diff = wh_norm_diff(a, b);

		another = (b->seen & both) && (diff & both) == both && (diff & ~both) &&
			  wh_marker_match(a->text[WH_F_WHCOMMENT], b->text[WH_F_WHCOMMENT]) !=
				  WH_MARKER_SAME;
	}
	wh_doc_close(&s);
	wh_doc_close(&r);
	return another;
}

static int
create_executed(struct wh_result_job *j, struct wh_lane *l, struct wh_lane_op *o,
		struct wh_txn *t)
{
	char room[WH_WHID_MAX + 1];
	struct wh_str id = wh_outcome_created_id(&j->facts, room);
	struct wh_buf sent = WH_BUF_NULL, row = WH_BUF_NULL;

	bool taken = id.n == 0 || !wh_whid_valid(id);
	int r = taken ? 0 : is_taken(t, &o->op, id, &taken);

	if (r == 0)
		r = sent_document(&sent, &o->op);

	bool found = r == 0 && !taken && wh_remote_find(&row, j->facts.body, id) == 0;

	taken |= found && shows_another(wh_buf_view(&sent), wh_buf_view(&row));
	if (r == 0 && !taken && (!found || !has_all_members(wh_buf_view(&row)))) {
		wh_buf_reset(&row);
		r = wh_doc_patch(&row, WH_STR_NULL, wh_buf_view(&sent), id);
	}
	if (r == 0 && taken) {
		created_without_id(j, l, o);
	} else if (r == 0) {
		struct wh_made made = {id, wh_buf_view(&row),
				       applied(wh_buf_view(&sent), wh_buf_view(&row))};

		r = wh_finish_create(l, o, t, &made);
	}
	wh_buf_fini(&sent);
	wh_buf_fini(&row);
	return r;
}

static bool
same_documented(struct wh_str a, struct wh_str b)
{
	uint32_t diff = 0;

	return wh_doc_diff(a, b, &diff) == 0 && diff == 0;
}

/*
 * The reply to a PATCH may hold the new object, the old one or nothing. The
 * new one or a third is believed; the old one or nothing says no more than
 * that what was sent is in effect.
 */
static int
update_executed(struct wh_result_job *j, struct wh_lane *l, struct wh_lane_op *o,
		struct wh_txn *t)
{
	struct wh_buf sent = WH_BUF_NULL, row = WH_BUF_NULL;
	struct wh_str under = l->has_row ? l->row.body : WH_STR_NULL;
	int r = sent_document(&sent, &o->op);

	if (r)
		goto out;
	if (wh_remote_find(&row, j->facts.body, o->op.target) != 0 ||
	    !has_all_members(wh_buf_view(&row)) || same_documented(wh_buf_view(&row), under)) {
		wh_buf_reset(&row);
		r = wh_doc_patch(&row, under, wh_buf_view(&sent), o->op.target);
	}
	if (r == 0)
		r = wh_doc_lost_members(under, wh_buf_view(&row), &j->members_lost);
	if (r == 0)
		r = wh_finish_update(l, o, t, wh_buf_view(&row),
				     applied(wh_buf_view(&sent), wh_buf_view(&row)));
out:
	wh_buf_fini(&sent);
	wh_buf_fini(&row);
	return r;
}

static int
executed(struct wh_result_job *j, struct wh_lane *l, struct wh_lane_op *o, struct wh_txn *t)
{
	switch (o->op.kind) {
	case WH_OP_CREATE:
		return create_executed(j, l, o, t);
	case WH_OP_UPDATE:
		return update_executed(j, l, o, t);
	case WH_OP_DELETE:
		return wh_finish_delete(l, o, "applied");
	}
	return WH_EBUG;
}

/* ---------------------------------------------------------- not executed -- */

static void
not_executed(struct wh_result_job *j, struct wh_lane *l, struct wh_lane_op *o)
{
	bool gated = j->outcome.ask != WH_ASK_NONE && j->outcome.ask != WH_ASK_LINK;
	int64_t wait = 0;

	if (j->outcome.ask == WH_ASK_FORBIDDEN) {
		o->op.flags &= ~(uint32_t)WH_OPF_MAYBE_SENT;
		wh_lane_state(l, o, WH_OP_HELD, "forbidden");
		return;
	}
	/* Shut gates belong to the endpoint: they cost the operation nothing. */
	if (!gated) {
		wait = wh_retry_backoff(j->rules.retry_base, j->rules.retry_cap, o->op.failures,
					j->rules.random);
		o->op.failures++;
	}
	o->op.next_at = j->rules.now.wall.ms + wait;
	o->op.flags &= ~(uint32_t)WH_OPF_MAYBE_SENT;
	wh_lane_state(l, o, WH_OP_QUEUED, "");
}

static void
rejected(struct wh_result_job *j, struct wh_lane *l, struct wh_lane_op *o)
{
	if (j->outcome.observe_first) {
		o->op.flags |= WH_OPF_ANSWERED;
		became_unknown(j, l, o, "rejected_409");
		return;
	}
	o->op.flags &= ~(uint32_t)WH_OPF_MAYBE_SENT;
	wh_lane_state(l, o, WH_OP_DEAD, "rejected");
}

static void
unknown(struct wh_result_job *j, struct wh_lane *l, struct wh_lane_op *o)
{
	if (j->outcome.settle_short)
		o->op.flags |= WH_OPF_ANSWERED;
	bool failed = j->facts.status >= 400 || j->outcome.settle_short;

	if (failed && !j->outcome.absent && j->others_succeed)
		o->op.poison++;
	o->op.failures++;
	became_unknown(j, l, o, j->outcome.absent ? "absent" : "no_answer");
}

static void
taken_back(struct wh_lane *l, struct wh_lane_op *o)
{
	o->op.attempts -= o->op.attempts > 0;
	o->op.n_log -= o->op.n_log > 0;
	o->op.flags &= ~(uint32_t)WH_OPF_MAYBE_SENT;
	wh_lane_state(l, o, WH_OP_QUEUED, "");
}

static int
carry_out(struct wh_result_job *j, struct wh_lane *l, struct wh_lane_op *o, struct wh_txn *t)
{
	if (j->taken_back) {
		taken_back(l, o);
		return 0;
	}
	/* Whatever the outcome, lists that were on their way may be older. */
	wh_lane_touch(l, t);
	log_attempt(j, l, o);
	switch (j->outcome.executed) {
	case WH_X_EXECUTED:
		o->op.failures = o->op.poison = 0;
		return executed(j, l, o, t);
	case WH_X_NOT_EXECUTED:
		not_executed(j, l, o);
		return 0;
	case WH_X_REJECTED:
		rejected(j, l, o);
		return 0;
	case WH_X_UNKNOWN:
		unknown(j, l, o);
		return 0;
	}
	return WH_EBUG;
}

/* Rows that looked like a create which is decided now need not wait for the next list. */
static int
let_into_view(const struct wh_result_job *j, struct wh_txn *t)
{
	bool decided = j->state != WH_OP_UNKNOWN && j->state != WH_OP_SENDING;

	return decided ? wh_withheld_release(t, &j->rules) : 0;
}

int
wh_result_run(struct wh_job *job, struct wh_txn *t)
{
	struct wh_result_job *j = (struct wh_result_job *)job;
	struct wh_lane lane;
	struct wh_lane_op *o;
	int r = wh_lane_open_op(&lane, &t->view, &j->rules, j->seq, &o);

	j->created_without_id = j->members_lost = false;
	if (r == 0)
		wh_op_name(&j->names, &o->op);
	if (r == 0 && o->op.state == WH_OP_SENDING) {
		r = carry_out(j, &lane, o, t);
		j->state = o->moved ? WH_OP_DONE : o->op.state;
		j->ended = wh_op_state_ended(j->state);
		if (r == 0)
			r = wh_lane_close(&lane, t);
		if (r == 0)
			r = let_into_view(j, t);
	}
	wh_lane_fini(&lane);
	return r == WH_ABSENT ? 0 : r;
}

void
wh_result_fini(struct wh_result_job *j)
{
	wh_buf_fini(&j->body);
	wh_buf_fini(&j->content_type);
	wh_buf_fini(&j->location);
	wh_buf_fini(&j->error);
}
