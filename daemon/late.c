/* SPDX-License-Identifier: MIT */
/*
 * Time counts as for creates: from the end of the request, by the monotonic
 * clock of one process, anew after a start.
 */
#include "daemon/late.h"

#include "daemon/core/observe.h"

int
wh_late_note(const struct wh_lane *l, struct wh_txn *t, const struct wh_op *op)
{
	const struct wh_late late = {
		.seq = op->seq,
		.boot = op->boot,
		.since = op->settle_mono,
		.answered = op->flags & WH_OPF_ANSWERED,
	};

	return wh_late_put(t, l->key, &late);
}

/* Stamps it if another process did, forgets it if it is settled. *ret_ms: what is left. */
static int
look_at(struct wh_txn *t, const struct wh_rules *r, struct wh_str whid, struct wh_late *late,
	int64_t *ret_ms)
{
	bool stamped = late->boot == r->boot;
	struct wh_settle s = {.since = {late->since}, .answered = late->answered};

	if (!stamped) {
		late->boot = r->boot;
		late->since = s.since.ms = r->now.mono.ms;
	}
	*ret_ms = wh_settle_left(&s, r->now.mono, r->settle_timeout, r->settle_error);
	if (*ret_ms == 0)
		return wh_late_del(t, whid);
	return stamped ? 0 : wh_late_put(t, whid, late);
}

/* Of a damaged row it is not known which operation it is about, nor since when. */
static int
readable(int fault, struct wh_late *late)
{
	if (fault == WH_ECORRUPT)
		*late = (struct wh_late){0};
	return fault == WH_ECORRUPT ? 0 : fault;
}

int
wh_late_wait(const struct wh_lane *l, struct wh_txn *t, const struct wh_op *op, int64_t *ret_ms)
{
	struct wh_late late;
	int r = WH_ABSENT;

	*ret_ms = 0;
	if (t->view.meta.late > 0)
		r = readable(wh_late_get(&t->view, l->key, &late), &late);
	if (r == WH_ABSENT || (r == 0 && late.seq == op->seq))
		return 0;
	return r ? r : look_at(t, l->rules, l->key, &late, ret_ms);
}

int
wh_late_trim(struct wh_txn *t, const struct wh_rules *rules)
{
	char room[WH_KEY_MAX];
	struct wh_str whid = WH_STR_NULL;
	struct wh_late late;
	int64_t left;
	int r = t->view.meta.late > 0 ? 0 : WH_ABSENT;

	while (r == 0) {
		r = readable(wh_late_next(&t->view, room, &whid, &late), &late);
		if (r == 0)
			r = look_at(t, rules, whid, &late, &left);
	}
	return r == WH_ABSENT ? 0 : r;
}
