/* SPDX-License-Identifier: MIT */
/* Bringing due times nearer, a slice a transaction. Commit thread. */
#include "daemon/apply.h"

#define SLICE 256u /* operations a transaction: some milliseconds */

static bool
make_due(struct wh_lane *l, struct wh_lane_op *o)
{
	if (o->op.state != WH_OP_QUEUED || o != wh_lane_head(l))
		return false;
	o->op.next_at = l->rules->now.wall.ms;
	o->op.failures = 0;
	return true;
}

static bool
cut_wait(struct wh_lane *l, struct wh_lane_op *o)
{
	o->op.next_at = l->rules->now.wall.ms + wh_rules_longest_wait(l->rules);
	return true;
}

static int
change_one(struct wh_txn *t, const struct wh_rules *rules, struct wh_sweep *s)
{
	struct wh_lane l;
	struct wh_lane_op *o;
	int r = wh_lane_open_op(&l, &t->view, rules, s->at.seq, &o);

	if (r == 0 && (s->kind == WH_SWEEP_DUE ? make_due(&l, o) : cut_wait(&l, o))) {
		o->dirty = true;
		s->n++;
		r = wh_lane_close(&l, t);
	}
	wh_lane_fini(&l);
	return r;
}

/* What is due later than it may be stands behind this. */
static struct wh_due
start(const struct wh_rules *rules, enum wh_sweep_kind kind, enum wh_op_state state)
{
	int64_t from = rules->now.wall.ms;

	if (kind == WH_SWEEP_CUT)
		from += wh_rules_longest_wait(rules);
	return (struct wh_due){.state = (uint8_t)state, .due_at = from, .seq = UINT64_MAX};
}

/* Those of unknown outcome have no backoff, but they wait, too. */
static bool
next_state(const struct wh_rules *rules, struct wh_sweep *s)
{
	if (s->kind != WH_SWEEP_CUT || s->at.state != WH_OP_QUEUED)
		return false;
	s->at = start(rules, s->kind, WH_OP_UNKNOWN);
	return true;
}

int
wh_sweep_run(struct wh_txn *t, const struct wh_rules *rules, struct wh_sweep *s)
{
	int r = 0;

	s->done = s->kind == WH_SWEEP_NONE;
	if (!s->begun)
		s->at = start(rules, s->kind, WH_OP_QUEUED);
	s->begun = true;
	/* Those without index rows are read through for each that is looked for. */
	if (!s->done && wh_ops_behind(&t->view.meta) > WH_BEHIND_FEW)
		return wh_ops_catch_up(t, WH_BEHIND_FEW, WH_CATCH_UP);
	for (unsigned i = 0; r == 0 && !s->done && i < SLICE; i++) {
		size_t n = 0;

		r = wh_ops_due(&t->view, &s->at, &s->at, 1, &n);
		if (r == 0 && n > 0)
			r = change_one(t, rules, s);
		else if (r == 0)
			s->done = !next_state(rules, s);
	}
	return r;
}
