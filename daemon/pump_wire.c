/* SPDX-License-Identifier: MIT */
/*
 * The last step before the wire. What is marked goes out when a connection is
 * free for it, in the order of the marks. Updates and deletes may be marked
 * ahead of that (core/sched.h), so that the connections of a fast upstream do
 * not stand idle while the next marks are flushed; the first of these stand by
 * at the transport, which then does not wait for the loop either. What would
 * wait for long, or meets a gate that has shut meanwhile, is taken back into
 * the queue instead: nothing of it has left.
 */
#include <stdlib.h>

#include "daemon/pump_own.h"
#include "daemon/rules_now.h"

/* Longest wait for a connection: what was decided from must still hold. Some longer than what
 * is reckoned with, so that a slow answer does not bring all of them back. */
#define READY_MS (WH_AHEAD_MS + 100)

static uint32_t
concurrency(const struct wh_pump *p)
{
	return (uint32_t)p->d->config->queue_concurrency;
}

static uint32_t
width_of(const struct wh_pump *p)
{
	return wh_gates_width(&p->gates, concurrency(p));
}

/* most: that may be under way with it. */
static void
put_on_the_wire(struct wh_pump *p, struct flight *f, struct wh_send *s, uint32_t most)
{
	struct wh_http_request r = {
		.kind = WH_HTTP_SEND,
		.tag = s->seq,
		.whid = wh_buf_view(&s->whid),
		.body = wh_buf_view(&s->request),
		.most = most,
	};

	/* An empty id in the query could mean "all of them": never let it out. */
	wh_require(s->kind == WH_OP_CREATE || wh_whid_valid(r.whid));
	snprintf(r.method, sizeof(r.method), "%s", s->method);
	wh_pump_request_key(p, &r);
	wh_flights_turn(&p->flights, f, FLIGHT_WIRE);
	wh_log(WH_LOG_DEBUG, "queue", "sending", "op=%s whid=%s seq=%llu method=%s",
	       s->names.op, WH_LOGQ(wh_str_c(s->names.whid)), (unsigned long long)s->seq,
	       s->method);
	wh_http_submit(p->d->http, &r);
}

static void
read_first(struct wh_pump *p, struct flight *f, struct wh_send *s)
{
	struct wh_http_request r = {
		.kind = WH_HTTP_FIND,
		.tag = s->seq,
		.method = "GET",
		.whid = wh_buf_view(&s->whid),
	};

	wh_require(wh_whid_valid(r.whid));
	wh_pump_request_key(p, &r);
	wh_flights_turn(&p->flights, f, FLIGHT_CHECK);
	f->began = p->d->now;
	p->d->counters.checks++;
	wh_pump_pay(p, 1); /* the change that follows at once was paid for already */
	wh_http_submit(p->d->http, &r);
}

static struct wh_send *
first_ready(const struct wh_pump *p)
{
	return (struct wh_send *)p->ready;
}

static struct wh_send *
take_ready(struct wh_pump *p)
{
	struct wh_send *s = first_ready(p);

	p->ready = s->job.next;
	if (!p->ready)
		p->ready_tail = &p->ready;
	return s;
}

/* ------------------------------------------------------------- taken back -- */

static void
take_back_mark(struct wh_pump *p, struct flight *f)
{
	struct wh_result_job *j = wh_xcalloc(1, sizeof(*j));

	j->seq = f->seq;
	j->taken_back = true;
	j->facts = (struct wh_facts){.net = WH_NET_CANCELLED, .change = true, .took_ms = -1};
	j->outcome = wh_outcome_judge(f->kind, WH_STR_NULL, &j->facts);
	wh_pump_store_outcome(p, f, j);
}

static void
take_back(struct wh_pump *p)
{
	struct wh_send *s = take_ready(p);
	struct flight *f = wh_flights_find(&p->flights, s->seq);

	if (s->result == WH_SEND_CHECK)
		wh_pump_check_in_vain(p, f);
	else
		take_back_mark(p, f);
	wh_pump_free_send(s);
}

/* What has not left the transport yet. */
static void
take_back_standing(struct wh_pump *p)
{
	uint64_t seq;

	while ((seq = wh_http_withdraw(p->d->http)) != 0)
		take_back_mark(p, wh_flights_find(&p->flights, seq));
}

void
wh_pump_take_back_all(struct wh_pump *p)
{
	take_back_standing(p);
	while (p->ready)
		take_back(p);
}

/* ------------------------------------------------------------------ ready -- */

int64_t
wh_pump_ready_until(struct wh_pump *p)
{
	uint64_t seq = p->flights.in[FLIGHT_WIRE] ? wh_http_standing(p->d->http) : 0;

	if (seq == 0 && p->ready)
		seq = first_ready(p)->seq;
	return seq ? wh_flights_find(&p->flights, seq)->until.ms : WH_NEVER;
}

/* How many the transport may have, those that stand by among them: as many as are under way,
 * unless the line has just come back or each is paid for. */
static uint32_t
most_handed(const struct wh_pump *p, uint32_t width)
{
	return width < concurrency(p) || wh_pump_bounded(p) ? width : 2 * width;
}

/* Then more were marked than the pace is for, and how many may be is found anew. */
static bool
waits_too_long(struct wh_pump *p)
{
	bool too_long = wh_pump_ready_until(p) <= p->d->now.mono.ms;

	if (too_long)
		p->ahead = 0;
	return too_long;
}

void
wh_pump_send_ready(struct wh_pump *p)
{
	const uint32_t width = width_of(p), most = most_handed(p, width);

	if (width == 0 || p->draining || waits_too_long(p))
		wh_pump_take_back_all(p);
	else if (width < concurrency(p))
		take_back_standing(p);
	uint32_t n = p->flights.in[FLIGHT_WIRE] + p->flights.in[FLIGHT_CHECK];

	for (; p->ready && n < (first_ready(p)->result == WH_SEND_CHECK ? width : most); n++) {
		struct wh_send *s = take_ready(p);
		struct flight *f = wh_flights_find(&p->flights, s->seq);

		if (s->result == WH_SEND_CHECK)
			read_first(p, f, s);
		else
			put_on_the_wire(p, f, s, width);
		wh_pump_free_send(s);
	}
}

void
wh_pump_make_ready(struct wh_pump *p, struct flight *f, struct wh_send *s)
{
	wh_flights_turn(&p->flights, f, FLIGHT_READY);
	f->until.ms = p->d->now.mono.ms + READY_MS;
	s->job.next = NULL;
	*p->ready_tail = &s->job;
	p->ready_tail = &s->job.next;
	wh_pump_send_ready(p);
}

void
wh_pump_drop_ready(struct wh_pump *p)
{
	while (p->ready)
		wh_pump_free_send(take_ready(p));
}
