/* SPDX-License-Identifier: MIT */
/*
 * The methods queue.wait, wait and upstream.probe, and the conditions that
 * waiting calls (sync.now too) wait for.
 *
 * Called by dispatch, and by waits.c whenever something may have changed; loop
 * thread. It only reads: the store's view and what the pump says of itself.
 */
#include <inttypes.h>

#include "daemon/on_op.h"
#include "daemon/pump.h"
#include "daemon/status.h"
#include "daemon/wait_look.h"

/* ------------------------------------------------------------ queue.wait -- */

/* Has it ended, or does it need a person? From the index alone: this is asked after each
 * commit. */
static int
op_is_settled(struct whd *d, const uint8_t id[WH_OP_ID], bool *ret)
{
	struct wh_oprow row;
	uint64_t seq;
	int r = wh_ops_find(&d->view, id, &seq);

	if (r == WH_ABSENT) {
		*ret = true; /* it is in the history, or nowhere */
		return 0;
	}
	if (r == 0)
		r = wh_ops_get(&d->view, seq, &row);
	if (r == 0)
		*ret = wh_op_state_settled((enum wh_op_state)row.state);
	return r == WH_ABSENT ? WH_ECORRUPT : r;
}

static void
answer_with_op(struct whd *d, const struct wh_wait *wait, struct wh_wait_answer *ret)
{
	char text[WH_OP_TEXT_ID + 1];

	wh_op_id_text(wait->op, text);
	int r = wh_op_find_pack(d, wh_str_c(text), false, &ret->result);

	ret->settled = true;
	if (r == WH_ABSENT)
		wh_wait_fail(ret, WH_ERR_OP_NOT_FOUND,
			     "there is no operation %s: list the queue or the history", text);
	else if (r)
		wh_wait_fault(ret, r);
}

void
wh_wait_look_op(struct whd *d, const struct wh_wait *wait, bool time_is_up,
		struct wh_wait_answer *ret)
{
	bool settled = false;
	int r = op_is_settled(d, wait->op, &settled);

	if (r)
		wh_wait_fault(ret, r);
	else if (settled || time_is_up)
		answer_with_op(d, wait, ret);
}

void
on_queue_wait(struct wh_call *c, const struct wh_args_queue_wait *a)
{
	struct wh_wait wait = {
		.kind = WH_WAIT_OP,
		.timeout_ms =
			wh_waits_timeout(wh_has(a, queue_wait, timeout_ms), a->timeout_ms),
	};

	if (wh_op_id_parse(a->op, wait.op))
		wh_waits_enter(c, &wait);
	else
		wh_op_refuse_id(c);
}

/* ------------------------------------------------------------------ wait -- */

struct until_row {
	const char *name;
	bool (*is_so)(const struct wh_pump *);
	const char *not_so;
};

static const struct until_row untils[] = {
	[WH_UNTIL_SYNCED] = {"synced", wh_pump_synced,
			     "no whole and recent list of the upstream was seen"},
	[WH_UNTIL_IDLE] = {"idle", wh_pump_idle, "operations are still queued or under way"},
	[WH_UNTIL_ONLINE] = {"online", wh_pump_online,
			     "the upstream cannot be reached or does not let whd in"},
};

static void
fail_in_time(struct whd *d, const struct wh_wait *wait, bool is_so, struct wh_wait_answer *ret)
{
	const struct until_row *until = &untils[wait->until];

	if (!is_so)
		wh_wait_fail(ret, WH_ERR_TIMEOUT, "not %s: %s; status says more, or wait again",
			     until->name, until->not_so);
	else
		wh_wait_fail(ret, WH_ERR_TIMEOUT,
			     "%s, but the change log is at revision %" PRIu64
			     ", not yet at %" PRIu64 ": wait again",
			     until->name, d->view.meta.revision, wait->revision);
}

void
wh_wait_look_whd(struct whd *d, const struct wh_wait *wait, bool time_is_up,
		 struct wh_wait_answer *ret)
{
	bool is_so = untils[wait->until].is_so(d->pump);

	if (is_so && d->view.meta.revision >= wait->revision) {
		wh_status_pack(d, &ret->result);
		ret->settled = true;
	} else if (time_is_up) {
		fail_in_time(d, wait, is_so, ret);
	}
}

void
on_wait(struct wh_call *c, const struct wh_args_wait *a)
{
	struct wh_wait wait = {
		.kind = WH_WAIT_WHD,
		.revision = a->revision > 0 ? (uint64_t)a->revision : 0,
		.timeout_ms = wh_waits_timeout(wh_has(a, wait, timeout_ms), a->timeout_ms),
	};
	size_t i = 0;

	while (i < wh_array_len(untils) && !wh_str_is(a->until, untils[i].name))
		i++;
	if (i == wh_array_len(untils)) {
		wh_call_fail(c, WH_ERR_INVALID_PARAM, "until must be synced, idle or online");
		return;
	}
	if (a->revision < 0) {
		wh_call_fail(c, WH_ERR_INVALID_PARAM, "revision must not be negative");
		return;
	}
	wait.until = (enum wh_until)i;
	wh_waits_enter(c, &wait);
}

/* -------------------------------------------------------------- sync.now -- */

/* Answered by the end of a list, not by looking: only the end of the time is seen here. */
void
wh_wait_look_list(struct whd *d, const struct wh_wait *wait, bool time_is_up,
		  struct wh_wait_answer *ret)
{
	(void)d;
	(void)wait;
	if (time_is_up)
		wh_wait_fail(
			ret, WH_ERR_TIMEOUT,
			"the list has not ended in the time given: it goes on, see status");
}

/* -------------------------------------------------------- upstream.probe -- */

/* Answered by the end of the probe. */
void
wh_wait_look_probe(struct whd *d, const struct wh_wait *wait, bool time_is_up,
		   struct wh_wait_answer *ret)
{
	(void)d;
	(void)wait;
	if (time_is_up)
		wh_wait_fail(ret, WH_ERR_TIMEOUT,
			     "the upstream has not answered in the time given: see status, or "
			     "give it longer");
}

void
on_upstream_probe(struct wh_call *c, const struct wh_args_upstream_probe *a)
{
	struct wh_wait wait = {
		.kind = WH_WAIT_PROBE,
		.timeout_ms =
			wh_waits_timeout(wh_has(a, upstream_probe, timeout_ms), a->timeout_ms),
	};

	wait.list = wh_pump_probe_draw(c->d->pump);
	wh_waits_enter(c, &wait);
	if (c->state == WH_CALL_PARKED)
		wh_pump_probe(c->d->pump, wait.list);
}
