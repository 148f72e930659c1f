/* SPDX-License-Identifier: MIT */
/*
 * The methods events.read and events.subscribe.
 *
 * Called by dispatch, and by waits.c for reads that wait; loop thread. Both
 * give the same events: a reader polls from a revision, a subscriber has them
 * pushed. Either is told to start over when the log cannot be continued from
 * where it stands.
 */
#include "daemon/wait_look.h"
#include "daemon/watch.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MOST 1000

/* The result of events.read, but for the array. */
static void
pack_frame(const struct whd *d, struct wh_buf *out, struct wh_str array, uint64_t revision,
	   bool reset)
{
	wh_pack_map(out, reset ? 4 : 3);
	wh_pack_kv_raw(out, "events", array);
	wh_pack_kv_uint(out, "revision", revision);
	wh_pack_kv_c(out, "instance", d->instance);
	if (reset)
		wh_pack_kv_bool(out, "reset", true);
}

static void
pack_none(const struct whd *d, struct wh_buf *out, bool reset)
{
	const char empty_array = (char)0x90;

	pack_frame(d, out, wh_str(&empty_array, 1), d->view.meta.revision, reset);
}

static int
pack_behind(struct whd *d, const struct wh_wait *wait, struct wh_buf *out)
{
	struct wh_watch_batch behind = {0};
	int r = wh_watch_read(d, wait->revision, wait->limit, &behind);

	if (r == 0)
		pack_frame(d, out, wh_buf_view(&behind.array), behind.last, false);
	else if (r == WH_ECORRUPT) /* the log cannot be continued, as for who subscribed */
		pack_none(d, out, true);
	wh_buf_fini(&behind.array);
	return r == WH_ECORRUPT ? 0 : r;
}

void
wh_wait_look_events(struct whd *d, const struct wh_wait *wait, bool time_is_up,
		    struct wh_wait_answer *ret)
{
	bool continues = wh_watch_continues(d, wait->revision, WH_STR_NULL);
	bool has_more = wait->revision != d->view.meta.revision;
	int r = 0;

	if (continues && !has_more && !time_is_up)
		return;
	ret->settled = true;
	if (!continues || !has_more)
		pack_none(d, &ret->result, !continues);
	else
		r = pack_behind(d, wait, &ret->result);
	if (r < 0)
		wh_wait_fault(ret, r);
}

/* False, and the call is answered, if the parameters are out of range. */
static bool
check_range(struct wh_call *c, int64_t since, int64_t limit)
{
	if (since >= 0 && limit >= 1 && limit <= LIMIT_MOST)
		return true;
	wh_call_fail(c, WH_ERR_INVALID_PARAM,
		     since < 0 ? "since must not be negative: give a revision seen before"
			       : "limit must be 1 to 1000");
	return false;
}

void
on_events_read(struct wh_call *c, const struct wh_args_events_read *a)
{
	int64_t limit = wh_has(a, events_read, limit) ? a->limit : LIMIT_DEFAULT;
	struct wh_wait wait = {
		.kind = WH_WAIT_EVENTS,
		.revision = (uint64_t)a->since,
		.limit = (uint32_t)limit,
		.timeout_ms =
			wh_waits_timeout(wh_has(a, events_read, timeout_ms), a->timeout_ms),
	};

	if (!check_range(c, a->since, limit))
		return;
	if (!wh_has(a, events_read, since))
		pack_none(c->d, wh_call_result(c), false);
	else if (!wh_watch_continues(c->d, wait.revision, a->instance))
		pack_none(c->d, wh_call_result(c), true);
	else
		wh_waits_enter(c, &wait);
}

void
on_events_subscribe(struct wh_call *c, const struct wh_args_events_subscribe *a)
{
	uint64_t head = c->d->view.meta.revision;
	uint64_t since = wh_has(a, events_subscribe, since) ? (uint64_t)a->since : head;

	if (!check_range(c, a->since, LIMIT_DEFAULT))
		return;
	bool reset = !wh_watch_continues(c->d, since, a->instance);
	struct wh_buf *out = wh_call_result(c);

	wh_pack_map(out, reset ? 3 : 2);
	wh_pack_kv_uint(out, "revision", reset ? head : since);
	wh_pack_kv_c(out, "instance", c->d->instance);
	if (reset)
		wh_pack_kv_bool(out, "reset", true);
	wh_watch_subscribe(c->d->watch, c->ticket.conn, reset ? head : since);
}
