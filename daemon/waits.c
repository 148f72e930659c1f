/* SPDX-License-Identifier: MIT */
/*
 * Parked calls of every kind: kept, looked at again, answered, timed out.
 *
 * Handlers enter calls; commits, the pump and the one timer have them looked
 * at. Loop thread only. It knows no condition itself: those stand with their
 * methods. The timer runs only while a call waits.
 */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/wait_look.h"

#define TIMEOUT_DEFAULT 30000
#define TIMEOUT_MOST 300000

struct wh_waits {
	struct whd *d;
	uv_timer_t timer;
	int64_t timer_at; /* mono ms it is set to */
	struct wh_wait *all;
	size_t n, cap;
};

static wh_wait_look *const looks[] = {
	[WH_WAIT_OP] = wh_wait_look_op,       [WH_WAIT_WHD] = wh_wait_look_whd,
	[WH_WAIT_LIST] = wh_wait_look_list,   [WH_WAIT_EVENTS] = wh_wait_look_events,
	[WH_WAIT_PROBE] = wh_wait_look_probe,
};

int64_t
wh_waits_timeout(bool given, int64_t timeout_ms)
{
	if (!given)
		return TIMEOUT_DEFAULT;
	return timeout_ms < TIMEOUT_MOST ? timeout_ms : TIMEOUT_MOST;
}

void
wh_wait_fail(struct wh_wait_answer *a, enum wh_error code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(a->sentence, sizeof(a->sentence), fmt, ap);
	va_end(ap);
	a->settled = true;
	a->code = code;
}

void
wh_wait_fault(struct wh_wait_answer *a, int fault)
{
	if (fault == WH_ECORRUPT)
		wh_wait_fail(
			a, WH_ERR_CORRUPT,
			"a stored row of the answer is damaged: see whd's log, then ask again");
	else
		wh_wait_fail(a, WH_ERR_INTERNAL,
			     "the answer could not be read (%s): see whd's log",
			     wh_fault_str(fault));
}

/* Is there an answer now? Its buffer is used again and again. */
static bool
look(struct whd *d, const struct wh_wait *wait, bool time_is_up, struct wh_wait_answer *a)
{
	a->settled = false;
	a->code = WH_ERR_NONE;
	wh_buf_reset(&a->result);
	looks[wait->kind](d, wait, time_is_up, a);
	if (a->settled && a->code == WH_ERR_NONE && a->result.fault)
		wh_wait_fault(a, a->result.fault);
	return a->settled;
}

static void
answer_late(struct whd *d, const struct wh_wait *wait, const struct wh_wait_answer *a)
{
	if (a->code == WH_ERR_NONE && !wh_server_has_room(d->server, wait->ticket, a->result.n))
		wh_server_fail(d->server, wait->ticket, WH_ERR_BUSY,
			       "more calls of this connection were answered at once than it "
			       "has room for ([limits] out_max): ask again");
	else if (a->code == WH_ERR_NONE)
		wh_server_reply(d->server, wait->ticket, wh_buf_view(&a->result));
	else
		wh_server_fail(d->server, wait->ticket, a->code, "%s", a->sentence);
}

/* ----------------------------------------------------------------- timer -- */

static void look_at_all(struct wh_waits *w);

static void
on_timer(uv_timer_t *timer)
{
	struct wh_waits *w = timer->data;

	whd_tick(w->d);
	w->timer_at = WH_NEVER;
	look_at_all(w);
}

static void
arm(struct wh_waits *w)
{
	int64_t due = WH_NEVER;

	for (size_t i = 0; i < w->n; i++)
		if (w->all[i].deadline < due)
			due = w->all[i].deadline;
	if (due == w->timer_at)
		return;
	w->timer_at = due;
	if (due == WH_NEVER) {
		uv_timer_stop(&w->timer);
		return;
	}
	int64_t delay = due - w->d->now.mono.ms;

	wh_alarm_start(&w->d->alarms, &w->timer, on_timer, delay > 0 ? (uint64_t)delay : 1, 0);
}

/* Those that are not answered keep their order. */
static void
look_at_all(struct wh_waits *w)
{
	struct wh_wait_answer a = {0};
	int64_t now = w->d->now.mono.ms;
	size_t kept = 0;

	for (size_t i = 0; i < w->n; i++) {
		if (look(w->d, &w->all[i], w->all[i].deadline <= now, &a))
			answer_late(w->d, &w->all[i], &a);
		else
			w->all[kept++] = w->all[i];
	}
	w->n = kept;
	wh_buf_fini(&a.result);
	arm(w);
}

/* ---------------------------------------------------------------- public -- */

struct wh_waits *
wh_waits_new(struct whd *d)
{
	struct wh_waits *w = wh_xcalloc(1, sizeof(*w));

	w->d = d;
	w->timer_at = WH_NEVER;
	wh_alarm_init(&d->alarms, &w->timer);
	w->timer.data = w;
	return w;
}

static void
on_closed(uv_handle_t *handle)
{
	struct wh_waits *w = handle->data;

	free(w->all);
	free(w);
}

struct wh_waits *
wh_waits_free(struct wh_waits *w)
{
	if (w)
		uv_close((uv_handle_t *)&w->timer, on_closed);
	return NULL;
}

static void
append(struct wh_waits *w, const struct wh_wait *wait)
{
	if (w->n == w->cap) {
		size_t cap = w->cap ? w->cap * 2 : 16;
		struct wh_wait *more = wh_xcalloc(cap, sizeof(more[0]));

		if (w->n)
			memcpy(more, w->all, w->n * sizeof(more[0]));
		free(w->all);
		w->all = more;
		w->cap = cap;
	}
	w->all[w->n++] = *wait;
}

static void
answer_now(struct wh_call *c, const struct wh_wait_answer *a)
{
	if (a->code == WH_ERR_NONE)
		wh_buf_str(wh_call_result(c), wh_buf_view(&a->result));
	else
		wh_call_fail(c, a->code, "%s", a->sentence);
}

static size_t
waits_of(const struct wh_waits *w, uint64_t conn)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n; i++)
		n += w->all[i].ticket.conn == conn;
	return n;
}

static void
park(struct wh_call *c, struct wh_wait *wait)
{
	struct wh_waits *w = c->d->waits;

	if (waits_of(w, c->ticket.conn) >= (size_t)c->d->config->limits_waits) {
		c->d->counters.busy_refused++;
		wh_call_fail(
			c, WH_ERR_BUSY,
			"this connection has as many waiting calls as [limits] waits allows: "
			"let one end first");
		return;
	}
	wait->ticket = c->ticket;
	wait->deadline = c->d->now.mono.ms + wait->timeout_ms;
	append(w, wait);
	wh_call_park(c);
	arm(w);
}

void
wh_waits_enter(struct wh_call *c, const struct wh_wait *what)
{
	struct wh_wait wait = *what;
	struct wh_wait_answer a = {0};

	wait.timeout_ms = wh_waits_timeout(true, wait.timeout_ms);
	if (look(c->d, &wait, wait.timeout_ms <= 0, &a))
		answer_now(c, &a);
	else
		park(c, &wait);
	wh_buf_fini(&a.result);
}

void
wh_waits_park_sync(struct wh_call *c, uint64_t list, int64_t timeout_ms)
{
	wh_waits_enter(c, &(struct wh_wait){
				  .kind = WH_WAIT_LIST,
				  .list = list,
				  .timeout_ms = timeout_ms,
			  });
}

void
wh_waits_poke(struct wh_waits *w)
{
	if (w && w->n > 0)
		look_at_all(w);
}

void
wh_waits_list_ended(struct wh_waits *w, uint64_t list, struct wh_str summary,
		    enum wh_error code, struct wh_str sentence)
{
	size_t kept = 0;

	for (size_t i = 0; w && i < w->n; i++) {
		const struct wh_wait *wait = &w->all[i];

		if (wait->kind != WH_WAIT_LIST || wait->list > list)
			w->all[kept++] = *wait;
		else if (code == WH_ERR_NONE)
			wh_server_reply(w->d->server, wait->ticket, summary);
		else
			wh_server_fail(w->d->server, wait->ticket, code, "%.*s",
				       WH_STR_FMT(sentence));
	}
	if (!w)
		return;
	w->n = kept;
	arm(w);
}

void
wh_waits_probed(struct wh_waits *w, uint64_t probe, struct wh_str result)
{
	size_t kept = 0;

	if (!w)
		return;
	for (size_t i = 0; i < w->n; i++) {
		if (w->all[i].kind == WH_WAIT_PROBE && w->all[i].list == probe)
			wh_server_reply(w->d->server, w->all[i].ticket, result);
		else
			w->all[kept++] = w->all[i];
	}
	w->n = kept;
	arm(w);
}

void
wh_waits_closed(struct wh_waits *w, uint64_t conn)
{
	size_t kept = 0;

	if (!w || w->n == 0)
		return;
	for (size_t i = 0; i < w->n; i++)
		if (w->all[i].ticket.conn != conn)
			w->all[kept++] = w->all[i];
	w->n = kept;
	arm(w);
}

void
wh_waits_stop(struct wh_waits *w)
{
	for (size_t i = 0; i < w->n; i++)
		wh_server_fail(w->d->server, w->all[i].ticket, WH_ERR_SHUTTING_DOWN,
			       "whd is stopping: connect again when it is back");
	w->n = 0;
	arm(w);
}

void
wh_waits_dump(const struct wh_waits *w, struct wh_buf *out)
{
	static const char *const names[] = {
		[WH_WAIT_OP] = "queue.wait",        [WH_WAIT_WHD] = "wait",
		[WH_WAIT_LIST] = "sync.now",        [WH_WAIT_EVENTS] = "events.read",
		[WH_WAIT_PROBE] = "upstream.probe",
	};
	uint64_t n[wh_array_len(names)] = {0};

	for (size_t i = 0; i < w->n; i++)
		n[w->all[i].kind]++;
	wh_pack_map(out, wh_array_len(names) + 1);
	for (size_t i = 0; i < wh_array_len(names); i++)
		wh_pack_kv_uint(out, names[i], n[i]);
	wh_pack_c(out, "next_ms");
	if (w->timer_at == WH_NEVER)
		wh_pack_nil(out);
	else
		wh_pack_int(out, w->timer_at - w->d->now.mono.ms);
}
