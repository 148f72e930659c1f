/* SPDX-License-Identifier: MIT */
/*
 * After a start: what was being sent when the process ended has an unknown
 * outcome; what was being checked was not sent. And the small marks that need
 * a commit of their own. Commit thread.
 */
#include "daemon/apply.h"

#include "daemon/withheld.h"

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
	return r || b->sparing ? r : wh_withheld_doubt(t);
}

/* -------------------------------------------------------------- marks ----- */

static int
mark_damage(const struct wh_mark *m, struct wh_txn *t)
{
	const struct wh_event ev = {.kind = "sync", .note = "damaged"};
	uint64_t revision;
	int r = m->damage ? wh_event_add(t, &ev, m->rules.now.wall, &revision) : 0;

	if (r == 0 && m->repair)
		r = wh_meta_put_text(t, WH_META_REPAIR, WH_STR("1"));
	if (r == 0 && m->sound)
		r = wh_meta_put_text(t, WH_META_DAMAGE, WH_STR_NULL);
	return r;
}

int
wh_mark_run(struct wh_job *job, struct wh_txn *t)
{
	struct wh_mark *m = (struct wh_mark *)job;
	uint64_t revision;
	int r = 0;

	m->swept = m->sweep;
	if (m->sweep.begun) /* the rest was done with the first slice */
		return wh_sweep_run(t, &m->rules, &m->swept);
	if (m->gates.n || m->gate_event)
		r = wh_meta_put_text(t, "gates", wh_buf_view(&m->gates));
	if (r == 0 && m->gate_event) {
		struct wh_event ev = {.kind = "gate", .note = m->gate_event};

		r = wh_event_add(t, &ev, m->rules.now.wall, &revision);
	}
	if (m->accept_shrink)
		t->view.meta.accept_shrink = 1;
	if (r == 0)
		r = mark_damage(m, t);
	return r ? r : wh_sweep_run(t, &m->rules, &m->swept);
}

void
wh_mark_fini(struct wh_mark *m)
{
	wh_buf_fini(&m->gates);
}
