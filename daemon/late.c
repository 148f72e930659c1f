/* SPDX-License-Identifier: MIT */
/*
 * Time counts as for creates: from the end of the request, by the monotonic
 * clock of one process, anew after a start.
 */
#include "daemon/late.h"

#include "daemon/core/observe.h"

/* Monotonic ms; those of another process are stamped anew first. */
static int64_t
left_of(struct wh_late *late, const struct wh_rules *r)
{
	if (late->boot != r->boot) {
		late->boot = r->boot;
		late->since = r->now.mono.ms;
	}
	const struct wh_settle s = {.since = {late->since}, .answered = late->answered};

	return wh_settle_left(&s, r->now.mono, r->settle_timeout, r->settle_error);
}

/* A damaged one does not tell which operation it is about, nor since when. */
static int
get(const struct wh_view *v, struct wh_str whid, struct wh_late *ret)
{
	int r = v->meta.late > 0 ? wh_late_get(v, whid, ret) : WH_ABSENT;

	if (r != WH_ECORRUPT)
		return r;
	*ret = (struct wh_late){0};
	return 0;
}

/* The one that ends later, in *late. Where several operations sent requests, each of them waits
 * for those of the others. */
static void
join(struct wh_late *late, struct wh_late *before, const struct wh_rules *r)
{
	uint64_t seq = before->seq == late->seq ? late->seq : 0;
	int64_t was = left_of(before, r);

	if (was == 0)
		return;
	if (was > left_of(late, r))
		*late = *before;
	late->seq = seq;
}

int
wh_late_note(const struct wh_lane *l, struct wh_txn *t, const struct wh_op *op)
{
	struct wh_late late = {
		.seq = op->seq,
		.boot = op->boot,
		.since = op->settle_mono,
		.answered = op->flags & WH_OPF_ANSWERED,
	};
	struct wh_late before;
	int r = get(&t->view, l->key, &before);

	if (r == 0)
		join(&late, &before, l->rules);
	return r < 0 ? r : wh_late_put(t, l->key, &late);
}

/* It can happen no more: who waits for that may go. */
static int
forget(struct wh_txn *t, const struct wh_rules *rules, struct wh_str whid)
{
	struct wh_lane l;
	int r = wh_late_del(t, whid);

	if (r < 0)
		return r;
	r = wh_lane_open(&l, &t->view, rules, whid);

	struct wh_lane_op *head = r == 0 ? wh_lane_head(&l) : NULL;

	if (head && head->op.state == WH_OP_QUEUED &&
	    wh_str_is(head->op.reason, WH_OP_SETTLING)) {
		head->op.next_at = 0;
		head->op.reason = WH_STR_NULL;
		head->dirty = true;
		r = wh_lane_close(&l, t);
	}
	wh_lane_fini(&l);
	return r;
}

int
wh_late_wait(const struct wh_lane *l, struct wh_txn *t, const struct wh_op *op, int64_t *ret_ms)
{
	struct wh_late late;
	int r = get(&t->view, l->key, &late);

	*ret_ms = 0;
	if (r || late.seq == op->seq)
		return r < 0 ? r : 0;
	*ret_ms = left_of(&late, l->rules);
	return *ret_ms > 0 ? wh_late_put(t, l->key, &late) : wh_late_del(t, l->key);
}

static int
trim_one(struct wh_txn *t, const struct wh_rules *rules, struct wh_str whid,
	 struct wh_late *late)
{
	if (left_of(late, rules) == 0)
		return forget(t, rules, whid);
	return wh_late_put(t, whid, late);
}

int
wh_late_trim(struct wh_txn *t, const struct wh_rules *rules)
{
	char room[WH_KEY_MAX];
	struct wh_str whid = WH_STR_NULL;
	struct wh_late late;
	int r = t->view.meta.late > 0 ? 0 : WH_ABSENT;

	while (r == 0) {
		r = wh_late_next(&t->view, room, &whid);
		if (r == 0)
			r = get(&t->view, whid, &late);
		if (r == 0)
			r = trim_one(t, rules, whid, &late);
	}
	return r == WH_ABSENT ? 0 : r;
}
