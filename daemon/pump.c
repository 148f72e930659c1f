/* SPDX-License-Identifier: MIT */
/*
 * What the pump keeps: the rate, the clock, its life. One turn of it is in
 * pump_turn.c; what a turn does is in pump_flight.c and pump_list.c.
 */
#include "daemon/pump.h"

#include <stdlib.h>

#include "daemon/core/retry.h"
#include "daemon/pump_own.h"
#include "daemon/rules_now.h"

/* After a start: those who wait for whd come first. */
#define FIRST_LIST_MS 20
#define CLOCK_SLACK_MS 1000 /* a wall clock that is set back by less is left alone */

/* ---------------------------------------------------------------- rate -- */

struct wh_bucket_limits
wh_pump_bucket_limits(const struct wh_pump *p)
{
	return (struct wh_bucket_limits){p->d->config->upstream_rate,
					 p->d->config->upstream_burst};
}

void
wh_pump_pay(struct wh_pump *p, int64_t n)
{
	const struct wh_bucket_limits lim = wh_pump_bucket_limits(p);

	wh_bucket_take(&p->bucket, &lim, n);
}

bool
wh_pump_bounded(const struct wh_pump *p)
{
	return p->d->config->upstream_rate || p->bucket.rate;
}

/* ---------------------------------------------------------- clock, reload -- */

static void
cut_waits(struct wh_pump *p)
{
	struct wh_mark *m = wh_xcalloc(1, sizeof(*m));

	m->job = (struct wh_job){
		.run = wh_mark_run, .done = wh_pump_mark_done, .class = WH_JOB_CONTROL};
	wh_rules_now(p->d, &m->rules);
	m->sweep.kind = WH_SWEEP_CUT;
	wh_writer_submit(p->d->writer, &m->job);
}

/*
 * Stored times are wall times. After the clock was set back they would be
 * waited for longer than anything may wait: they are brought nearer.
 */
void
wh_pump_watch_clock(struct wh_pump *p)
{
	int64_t apart = p->d->now.wall.ms - p->d->now.mono.ms;
	int64_t was_apart = p->clocks_apart;

	p->clocks_apart = apart;
	if (was_apart - apart <= CLOCK_SLACK_MS)
		return;
	p->confirmed_from = p->d->now.mono.ms + was_apart;
	wh_log(WH_LOG_WARNING, "queue", "the clock was set back, waits are cut", WH_LOG_PLAIN);
	cut_waits(p);
}

/* True if an operation waits for longer than any may. */
static bool
waits_too_long(const struct wh_pump *p)
{
	const enum wh_op_state states[] = {WH_OP_QUEUED, WH_OP_UNKNOWN};
	struct wh_rules rules;
	size_t n = 0;

	wh_rules_now(p->d, &rules);
	for (size_t i = 0; i < wh_array_len(states) && n == 0; i++) {
		struct wh_due at = {
			.state = (uint8_t)states[i],
			.due_at = rules.now.wall.ms + wh_rules_longest_wait(&rules),
			.seq = UINT64_MAX,
		};

		if (wh_ops_due(&p->d->view, &at, &at, 1, &n))
			return true;
	}
	return n > 0;
}

/* Nothing waits for longer than the configuration that is in force has it wait. */
static void
shorten_waits(struct wh_pump *p)
{
	int64_t now = p->d->now.mono.ms, soon = now + p->d->config->retry_base;

	wh_gates_hurry_link(&p->gates, (struct wh_mono){now + p->d->config->retry_cap});
	if (p->list_spacing.ms > soon)
		p->list_spacing.ms = soon;
	if (waits_too_long(p))
		cut_waits(p);
}

/* The interval counts from the last list on, whether it became shorter or longer; a second look
 * at a suspicious list stays where it is. */
void
wh_pump_reloaded(struct wh_pump *p)
{
	int64_t interval = p->d->config->sync_interval;
	int64_t due = p->list_began.ms + wh_retry_jitter(interval, wh_clock_random());

	if (interval != p->interval && p->list_began.ms &&
	    (!p->suspect || due < p->list_due.ms))
		p->list_due.ms = due;
	p->interval = interval;
	shorten_waits(p);
	wh_pump_known_forget(p); /* [sync] ignore_members may have changed */
	wh_pump_poke(p);
}

/* --------------------------------------------------------------- results -- */

void
wh_pump_on_chunk(struct wh_pump *p, struct wh_chunk *c)
{
	wh_pump_list_chunk(p, c);
}

void
wh_pump_on_result(struct wh_pump *p, struct wh_http_result *r)
{
	if (p->stopping) { /* what was in flight stays SENDING: it is looked up after the start
			    */
		wh_http_result_free(r);
		return;
	}
	switch (r->kind) {
	case WH_HTTP_LIST:
		wh_pump_list_result(p, r);
		break;
	case WH_HTTP_FIND:
		wh_pump_check_result(p, r);
		break;
	case WH_HTTP_SEND:
		wh_pump_op_result(p, r);
		break;
	case WH_HTTP_PROBE:
		wh_pump_probe_result(p, r);
		break;
	}
}

static void
note_changes(struct wh_pump *p)
{
	uint64_t brought = p->d->counters.enqueued + p->d->counters.coalesced;

	if (brought != p->brought)
		p->brought_at = p->d->now.mono;
	p->brought = brought;
}

void
wh_pump_on_commit(struct wh_pump *p, const struct wh_buf *touches)
{
	struct wh_mono now = p->d->now.mono;

	wh_pump_known_touched(p, touches);
	note_changes(p);
	p->ahead = wh_sched_ahead(p->ahead, p->answered, now.ms - p->committed_at.ms,
				  now.ms - p->brought_at.ms >= WH_ALONE_MS);
	p->answered = 0;
	p->committed_at = now;
}

uint64_t
wh_pump_list_now(struct wh_pump *p)
{
	uint64_t satisfies =
		p->list_last + 1; /* a running one may be older than the question */

	p->list_wanted = true;
	wh_pump_hurry(p);
	return satisfies;
}

void
wh_pump_hurry(struct wh_pump *p)
{
	wh_gates_hurry_link(&p->gates, p->d->now.mono);
	wh_pump_poke(p);
}

/* ------------------------------------------------------------ life cycle -- */

struct wh_pump *
wh_pump_start(struct whd *d)
{
	struct wh_pump *p = wh_xcalloc(1, sizeof(*p));
	struct wh_str memory;

	p->d = d;
	wh_alarm_init(&d->alarms, &p->timer);
	p->timer.data = p;
	p->ready_tail = &p->ready;
	wh_flights_init(&p->flights);
	wh_pump_known_init(p);
	p->list_last = d->view.meta.list_last;
	p->interval = d->config->sync_interval;
	p->list_due.ms = d->now.mono.ms + FIRST_LIST_MS;
	p->list_paged = true;
	p->clocks_apart = d->now.wall.ms - d->now.mono.ms;

	const struct wh_bucket_limits lim = wh_pump_bucket_limits(p);

	wh_bucket_init(&p->bucket, &lim, d->now.mono);
	p->confirmed_from = d->now.wall.ms;
	wh_gates_init(&p->gates);
	if (wh_meta_text(&d->view, "gates", &memory) == 0)
		wh_gates_load(&p->gates, memory, d->now);
	if (waits_too_long(p)) /* the clock may have been set back meanwhile */
		cut_waits(p);
	return p;
}

void
wh_pump_drain(struct wh_pump *p)
{
	p->draining = true;
	wh_pump_take_back_all(p);
}

bool
wh_pump_is_drained(const struct wh_pump *p)
{
	return wh_flights_busy(&p->flights) == 0;
}

void
wh_pump_stop(struct wh_pump *p)
{
	wh_pump_take_back_all(p);
	p->stopping = true;
	uv_timer_stop(&p->timer);
}

static void
on_closed(uv_handle_t *h)
{
	free(h->data);
}

struct wh_pump *
wh_pump_free(struct wh_pump *p)
{
	if (!p)
		return NULL;
	wh_pump_list_fini(p);
	wh_pump_known_fini(p);
	wh_pump_drop_ready(p);
	wh_pump_drop_parked(p);
	wh_pump_drop_lost(p);
	uv_close((uv_handle_t *)&p->timer, on_closed);
	return NULL;
}
