/* SPDX-License-Identifier: MIT */
/*
 * After a start: what was being sent when the process ended has an unknown
 * outcome; what was being checked was not sent. And the small marks that need
 * a commit of their own. Commit thread.
 */
#include "daemon/apply.h"

static int
for_each_in_state(struct wh_txn *t, const struct wh_rules *rules, enum wh_op_state state,
		  int (*fn)(struct wh_lane *, struct wh_lane_op *), uint64_t *ret_n)
{
	uint64_t seq = 0;
	int r = 0;

	while (r == 0) {
		struct wh_lane l;
		struct wh_lane_op *o;

		r = wh_ops_next_in_state(&t->view, (uint8_t)state, seq, &seq);
		if (r == WH_ABSENT)
			return 0;
		if (r)
			return r;
		r = wh_lane_open_op(&l, &t->view, rules, seq, &o);
		if (r == 0)
			*ret_n += (uint64_t)fn(&l, o);
		if (r == 0)
			r = wh_lane_close(&l, t);
		wh_lane_fini(&l);
	}
	return r;
}

static int
sending_to_unknown(struct wh_lane *l, struct wh_lane_op *o)
{
	if (o->op.n_log > 0)
		o->op.log[o->op.n_log - 1].outcome = WH_STR("unknown");
	if (o->op.n_log > 0)
		o->op.log[o->op.n_log - 1].rule = WH_STR("whd ended before the answer came");
	wh_lane_look_anew(l, o);
	wh_lane_state(l, o, WH_OP_UNKNOWN, "restart");
	return 1;
}

static int
checking_to_queued(struct wh_lane *l, struct wh_lane_op *o)
{
	o->op.next_at = 0;
	wh_lane_state(l, o, WH_OP_QUEUED, "");
	return 1;
}

/* Visits the operations that are due after `from`: those that wait in a backoff. */
static int
for_each_waiting(struct wh_txn *t, const struct wh_rules *rules, int64_t from,
		 int (*fn)(struct wh_lane *, struct wh_lane_op *), uint64_t *ret_n)
{
	struct wh_due at = {.due_at = from, .seq = UINT64_MAX};
	int r = 0;

	while (r == 0) {
		struct wh_lane l;
		struct wh_lane_op *o;
		size_t n = 0;

		r = wh_ops_due(&t->view, &at, &at, 1, &n);
		if (r || n == 0)
			return r;
		r = wh_lane_open_op(&l, &t->view, rules, at.seq, &o);
		if (r == 0 && fn(&l, o)) {
			(*ret_n)++;
			r = wh_lane_close(&l, t);
		}
		wh_lane_fini(&l);
	}
	return r;
}

static int
cut_wait(struct wh_lane *l, struct wh_lane_op *o)
{
	o->op.next_at = l->rules->now.wall.ms + wh_rules_longest_wait(l->rules);
	o->dirty = true;
	return 1;
}

/* A wait must not outlive a clock that was set back: none is longer than it can be. */
static int
cut_waits(struct wh_txn *t, const struct wh_rules *rules)
{
	uint64_t n = 0;

	return for_each_waiting(t, rules, rules->now.wall.ms + wh_rules_longest_wait(rules),
				cut_wait, &n);
}

int
wh_boot_run(struct wh_job *job, struct wh_txn *t)
{
	struct wh_boot *b = (struct wh_boot *)job;
	int r;

	b->unknown = b->requeued = 0;
	b->rules.list_last = t->view.meta.list_last;
	r = for_each_in_state(t, &b->rules, WH_OP_SENDING, sending_to_unknown, &b->unknown);
	if (r == 0)
		r = for_each_in_state(t, &b->rules, WH_OP_CHECKING, checking_to_queued,
				      &b->requeued);
	return r ? r : cut_waits(t, &b->rules);
}

/* -------------------------------------------------------------- marks ----- */

static int
make_due_now(struct wh_lane *l, struct wh_lane_op *o)
{
	if (o->op.state != WH_OP_QUEUED || o != wh_lane_head(l))
		return 0;
	o->op.next_at = l->rules->now.wall.ms;
	o->op.failures = 0;
	o->dirty = true;
	return 1;
}

/* Only what waits in a backoff: those are at most the heads that were tried. */
int
wh_make_due(struct wh_txn *t, const struct wh_rules *rules, uint64_t *ret_n)
{
	*ret_n = 0;
	return for_each_waiting(t, rules, rules->now.wall.ms, make_due_now, ret_n);
}

int
wh_mark_run(struct wh_job *job, struct wh_txn *t)
{
	struct wh_mark *m = (struct wh_mark *)job;
	uint64_t due, revision;
	int r = 0;

	if (m->gates.n)
		r = wh_meta_put_text(t, "gates", wh_buf_view(&m->gates));
	if (r == 0 && m->gate_event) {
		struct wh_event ev = {.kind = "gate", .note = m->gate_event};

		r = wh_event_add(t, &ev, m->rules.now.wall, &revision);
	}
	if (r == 0 && m->make_due)
		r = wh_make_due(t, &m->rules, &due);
	if (r == 0 && m->cut_waits)
		r = cut_waits(t, &m->rules);
	if (m->accept_shrink)
		t->view.meta.accept_shrink = 1;
	return r;
}

void
wh_mark_fini(struct wh_mark *m)
{
	wh_buf_fini(&m->gates);
}
