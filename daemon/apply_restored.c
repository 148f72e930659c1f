/* SPDX-License-Identifier: MIT */
/*
 * A store that was put back knows what was queued when it was copied, and
 * nothing of what was sent since. So nothing is sent by itself: each operation
 * counts as one whose outcome is unknown. Updates and deletes are held against
 * the upstream's row; a create that no list shows is held for a person.
 *
 * At start, before anything else runs; commit thread's place.
 */
#include "daemon/apply.h"

#include "daemon/core/coalesce.h"

/*
 * So much is added to the revision: whoever follows the change log of the
 * store as it was never meets a number twice.
 */
#define REVISIONS_AHEAD ((uint64_t)1 << 32)

/* What a list is searched for: the request as it would have gone out. One that went out stays.
 */
static int
set_request(struct wh_lane *l, struct wh_lane_op *o, bool never_sent, const struct wh_txn *t)
{
	struct wh_buf request = WH_BUF_NULL;

	if (o->op.attempts == 0)
		o->op.mark = t->view.meta.list_complete;
	if (!never_sent && o->op.request.n)
		return 0;
	int r = wh_create_request(&request, l->rules, &o->op);

	o->op.request = wh_lane_keep_buf(l, &request);
	return r;
}

/*
 * One that waits for a person goes on waiting: it is looked at when it is let
 * go. A conflict is looked at anew, since what it shows is old.
 */
static int
doubt(struct wh_lane *l, struct wh_lane_op *o, const struct wh_txn *t)
{
	bool never_sent = wh_op_never_sent(&o->op);
	int r = o->op.kind == WH_OP_CREATE ? set_request(l, o, never_sent, t) : 0;

	if (r)
		return r;
	o->op.flags |= WH_OPF_RESTORED | WH_OPF_MAYBE_SENT;
	o->op.flags &= ~(uint32_t)WH_OPF_ANSWERED;
	o->dirty = true;
	switch (o->op.state) {
	case WH_OP_SENDING:
		wh_lane_state(l, o, WH_OP_UNKNOWN, "restored");
		break;
	case WH_OP_CHECKING:
		wh_lane_state(l, o, WH_OP_QUEUED, "");
		break;
	case WH_OP_CONFLICT:
		o->op.theirs = WH_STR_NULL;
		wh_lane_state(l, o, WH_OP_QUEUED, "");
		break;
	case WH_OP_UNKNOWN:
	case WH_OP_QUEUED:
	case WH_OP_HELD:
	case WH_OP_DEAD:
	case WH_OP_DONE:
	case WH_OP_CANCELLED:
	case WH_OP_SUPERSEDED:
	case WH_OP_STATE_COUNT:
		break;
	}
	if (o->op.state == WH_OP_UNKNOWN)
		wh_lane_look_anew(l, o);
	return 0;
}

static int
doubt_one(struct wh_txn *t, const struct wh_rules *rules, uint64_t seq)
{
	struct wh_lane l;
	struct wh_lane_op *o;
	int r = wh_lane_open_op(&l, &t->view, rules, seq, &o);

	if (r == 0)
		r = doubt(&l, o, t);
	if (r == 0)
		r = wh_lane_close(&l, t);
	wh_lane_fini(&l);
	return r;
}

static int
begin_new_log(struct wh_txn *t, const struct wh_rules *rules)
{
	const struct wh_event ev = {.kind = "reset", .note = "restored"};
	uint64_t revision;
	int r = wh_changes_jump(t, REVISIONS_AHEAD);

	return r ? r : wh_event_add(t, &ev, rules->now.wall, &revision);
}

int
wh_restored_run(struct wh_txn *t, const struct wh_rules *rules, uint64_t *ret_n)
{
	uint64_t seq = 0;
	int r = begin_new_log(t, rules);

	*ret_n = 0;
	while (r == 0) {
		r = wh_ops_next(&t->view, seq, &seq);
		if (r == WH_ABSENT)
			return 0;
		if (r == 0)
			r = doubt_one(t, rules, seq);
		*ret_n += r == 0;
	}
	return r;
}
