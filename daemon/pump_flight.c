/* SPDX-License-Identifier: MIT */
/*
 * One operation on its way: mark (flushed), perhaps read its row, send
 * (pump_wire.c), store the outcome (flushed). Each arrow ends in a completion
 * on the loop that finds the flight by its sequence number; one that is gone is
 * passed over.
 */
#include <stdlib.h>

#include "daemon/pump_own.h"
#include "daemon/rules_now.h"

/* ------------------------------------------------------------------ park -- */

/*
 * What the upstream said must be stored, and if the store cannot take it now
 * (a full disk) it waits until it can. The flight stays meanwhile, so nothing
 * is sent twice and no operation is forgotten in a state of the pump.
 */
static void
park(struct wh_pump *p, struct wh_job *job, uint64_t seq, const struct wh_op_names *names,
     int fault)
{
	if (!p->parked)
		wh_log(WH_LOG_ERROR, "queue",
		       "an answer could not be stored; it is kept and tried again every second",
		       "op=%s whid=%s seq=%llu fault=%s", names->op,
		       WH_LOGQ(wh_str_c(names->whid)), (unsigned long long)seq,
		       WH_LOGQ(wh_str_c(wh_fault_str(fault))));
	job->next = p->parked;
	p->parked = job;
	p->parked_until.ms = p->d->now.mono.ms + WH_PUMP_COOL_MS;
}

void
wh_pump_free_send(struct wh_send *s)
{
	if (!s)
		return;
	wh_send_fini(s);
	free(s);
}

static void
free_result(struct wh_result_job *j)
{
	wh_result_fini(j);
	free(j);
}

/* ------------------------------------------------------------------ mark -- */

static void
cool_down(struct wh_pump *p, struct flight *f)
{
	wh_flights_turn(&p->flights, f, FLIGHT_COOL);
	f->until.ms = p->d->now.mono.ms + WH_PUMP_COOL_MS;
}

/* None of the others would have room either: they are tried again together, and one line tells
 * of it. */
static bool
had_no_room(struct wh_pump *p, const struct wh_send *s, int fault)
{
	if (fault == 0)
		p->full_until.ms = 0;
	if (!wh_fault_is_no_room(fault))
		return false;
	if (!wh_pump_has_no_room(p))
		wh_log(WH_LOG_ERROR, "queue",
		       "the store has no room to send from; it is tried again every "
		       "second: " WHD_MAKE_ROOM,
		       "op=%s whid=%s seq=%llu fault=%s", s->names.op,
		       WH_LOGQ(wh_str_c(s->names.whid)), (unsigned long long)s->seq,
		       WH_LOGQ(wh_str_c(wh_fault_str(fault))));
	p->full_until.ms = p->d->now.mono.ms + WH_PUMP_COOL_MS;
	return true;
}

/* Others may have changed the webhook by the time that there is room: it is read anew then. */
static void
forget_look(struct wh_send *s)
{
	s->check_failed = s->check_gated = true;
	wh_buf_fini(&s->check_row);
}

static void
send_done(struct wh_job *job, struct whd *d, int fault)
{
	struct wh_send *s = (struct wh_send *)job;
	struct wh_pump *p = d->pump;
	struct flight *f = wh_flights_find(&p->flights, s->seq);

	if (fault && s->checked && !p->stopping) {
		forget_look(s);
		park(p, job, s->seq, &s->names, fault);
		return;
	}
	if (!had_no_room(p, s, fault) && fault)
		wh_log(WH_LOG_ERROR, "queue", "an operation could not be marked for sending",
		       "op=%s whid=%s seq=%llu fault=%s", s->names.op,
		       WH_LOGQ(wh_str_c(s->names.whid)), (unsigned long long)s->seq,
		       WH_LOGQ(wh_str_c(wh_fault_str(fault))));
	if (s->want_list)
		p->list_wanted = true;
	if (f && fault)
		cool_down(p, f);
	else if (f && p->stopping)
		wh_flights_drop(&p->flights,
				f); /* marked but not sent: observed after the start */
	else if (f && s->result != WH_SEND_NOTHING)
		wh_pump_make_ready(p, f, wh_steal(&s));
	else if (f && s->changed)
		wh_flights_drop(&p->flights, f);
	else if (f)
		cool_down(p, f);
	wh_pump_free_send(s);
}

static struct wh_send *
new_send(struct wh_pump *p, uint64_t seq)
{
	struct wh_send *s = wh_xcalloc(1, sizeof(*s));

	s->job =
		(struct wh_job){.run = wh_send_run, .done = send_done, .class = WH_JOB_CONTROL};
	wh_rules_now(p->d, &s->rules);
	s->seq = seq;
	return s;
}

void
wh_pump_begin_op(struct wh_pump *p, const struct wh_cand *c)
{
	struct wh_send *s = new_send(p, c->seq);

	wh_flights_add(&p->flights, &(struct flight){
					    .seq = c->seq,
					    .kind = c->kind,
					    .phase = FLIGHT_MARKING,
					    .keys = c->keys,
					    .bytes = c->bytes,
					    .began = p->d->now,
				    });
	s->create_fresh = c->kind == WH_OP_CREATE && c->fresh;
	wh_writer_submit(p->d->writer, &s->job);
}

/* ----------------------------------------------------------------- check -- */

/* It comes back to the queue as it was. */
void
wh_pump_check_in_vain(struct wh_pump *p, struct flight *f)
{
	struct wh_send *s = new_send(p, f->seq);

	s->checked = s->check_failed = s->check_gated = true;
	wh_flights_turn(&p->flights, f, FLIGHT_MARKING);
	wh_writer_submit(p->d->writer, &s->job);
}

void
wh_pump_check_result(struct wh_pump *p, struct wh_http_result *r)
{
	struct flight *f = wh_flights_find(&p->flights, r->tag);
	struct wh_outcome o = wh_outcome_judge_find(&r->facts);
	struct wh_send *s;

	if (o.ask == WH_ASK_AUTH && wh_pump_next_key(p, &r->facts))
		o.ask = WH_ASK_NONE;
	wh_pump_note(p, &o, &r->facts);
	if (!f) {
		wh_http_result_free(r);
		return;
	}
	s = new_send(p, r->tag);
	s->checked = true;
	s->check_refused = o.executed == WH_X_REJECTED;
	s->check_failed = o.executed != WH_X_EXECUTED && !s->check_refused;
	s->check_gated = o.ask != WH_ASK_NONE && o.ask != WH_ASK_LINK;
	s->check_found = r->found;
	s->check_began = f->began.wall.ms;
	s->check_row = r->row;
	r->row = WH_BUF_NULL;
	wh_flights_turn(&p->flights, f, FLIGHT_MARKING);
	wh_http_result_free(r);
	wh_writer_submit(p->d->writer, &s->job);
}

/* --------------------------------------------------------------- outcome -- */

static void
count_sent(struct whd *d, enum wh_op_kind kind)
{
	d->counters.sent_creates += kind == WH_OP_CREATE;
	d->counters.sent_updates += kind == WH_OP_UPDATE;
	d->counters.sent_deletes += kind == WH_OP_DELETE;
}

static void
count_outcome(struct whd *d, const struct wh_result_job *j)
{
	struct wh_counters *c = &d->counters;

	switch (j->outcome.executed) {
	case WH_X_EXECUTED:
		c->outcomes_executed++;
		break;
	case WH_X_REJECTED:
		c->outcomes_rejected++;
		break;
	case WH_X_NOT_EXECUTED:
		c->outcomes_not_executed++;
		break;
	case WH_X_UNKNOWN:
		c->outcomes_unknown++;
		break;
	}
	c->resends_stopped += j->facts.net == WH_NET_RESEND;
}

/* What whd does not send the API may forget: only a person can tell whether that matters. */
static void
note_lost_members(struct whd *d, const struct wh_result_job *j)
{
	if (!j->members_lost)
		return;
	d->counters.alarms_members_lost++;
	wh_log(WH_LOG_WARNING, "queue",
	       "the upstream dropped members of a webhook that an update did not send; to send "
	       "them back set [queue] patch_body = full",
	       "op=%s whid=%s seq=%llu", j->names.op, WH_LOGQ(wh_str_c(j->names.whid)),
	       (unsigned long long)j->seq);
}

static void
log_outcome(const struct wh_result_job *j)
{
	bool good = j->outcome.executed == WH_X_EXECUTED || j->taken_back;
	struct wh_buf error = wh_buf_capped(240);

	if (!good)
		wh_outcome_sentence(&error, &j->facts, &j->outcome);
	wh_log(good ? WH_LOG_INFO : WH_LOG_WARNING, "queue", "attempt ended",
	       "op=%s whid=%s seq=%llu outcome=%s status=%d state=%s rule=%s error=%s",
	       j->names.op, WH_LOGQ(wh_str_c(j->names.whid)), (unsigned long long)j->seq,
	       wh_executed_str(j->outcome.executed), j->facts.status, wh_op_state_str(j->state),
	       WH_LOGQ(wh_str_c(j->outcome.rule)), WH_LOGQ(wh_buf_view(&error)));
	wh_buf_fini(&error);
}

void
wh_pump_unpark(struct wh_pump *p)
{
	struct wh_job *job = p->parked;

	if (!job || p->parked_until.ms > p->d->now.mono.ms)
		return;
	p->parked = NULL;
	while (job) {
		struct wh_job *next = job->next;

		wh_writer_submit(p->d->writer, job);
		job = next;
	}
}

void
wh_pump_drop_parked(struct wh_pump *p)
{
	while (p->parked) {
		struct wh_job *job = p->parked;

		p->parked = job->next;
		if (job->run == wh_send_run)
			wh_pump_free_send((struct wh_send *)job);
		else
			free_result((struct wh_result_job *)job);
	}
}

static void
result_done(struct wh_job *job, struct whd *d, int fault)
{
	struct wh_result_job *j = (struct wh_result_job *)job;
	struct wh_pump *p = d->pump;
	struct flight *f = wh_flights_find(&p->flights, j->seq);

	if (fault) {
		park(p, job, j->seq, &j->names, fault);
		return;
	}
	count_outcome(d, j);
	log_outcome(j);
	note_lost_members(d, j);
	if (f)
		wh_flights_drop(&p->flights, f);
	if (j->created_without_id)
		p->list_wanted = true;
	free_result(j);
}

void
wh_pump_store_outcome(struct wh_pump *p, struct flight *f, struct wh_result_job *j)
{
	j->job = (struct wh_job){
		.run = wh_result_run, .done = result_done, .class = WH_JOB_OUTCOME};
	wh_rules_now(p->d, &j->rules);
	if (f)
		wh_flights_turn(&p->flights, f, FLIGHT_RESULT);
	wh_writer_submit(p->d->writer, &j->job);
}

/* The facts' text moves with the job: the commit thread reads it. */
static void
take_facts(struct wh_result_job *j, struct wh_http_result *r)
{
	j->facts = r->facts;
	j->body = r->body;
	r->body = WH_BUF_NULL;
	wh_buf_str(&j->content_type, r->facts.content_type);
	wh_buf_str(&j->location, r->facts.location);
	wh_buf_str(&j->error, r->facts.error);
	j->facts.body = wh_buf_view(&j->body);
	j->facts.content_type = wh_buf_view(&j->content_type);
	j->facts.location = wh_buf_view(&j->location);
	j->facts.error = wh_buf_view(&j->error);
}

/*
 * Did other requests succeed since this one failed last? Then its failures are
 * its own; if everything fails it is the endpoint, and they count for nothing.
 */
static bool
others_succeeded(struct wh_pump *p, uint64_t seq)
{
	struct failed_op *f = NULL;
	bool others = false;

	for (size_t i = 0; i < FAILED_KEPT; i++)
		if (p->failed[i].seq == seq)
			f = &p->failed[i];
	if (f)
		others = p->successes > f->successes;
	else
		f = &p->failed[p->next_failed++ % FAILED_KEPT];
	*f = (struct failed_op){seq, p->successes};
	return others;
}

void
wh_pump_op_result(struct wh_pump *p, struct wh_http_result *r)
{
	struct wh_result_job *j = wh_xcalloc(1, sizeof(*j));
	struct flight *f = wh_flights_find(&p->flights, r->tag);

	if (f)
		count_sent(p->d, f->kind);
	j->seq = r->tag;
	take_facts(j, r);
	j->outcome = r->outcome;
	if (j->outcome.ask == WH_ASK_AUTH) {
		j->key_retry = wh_pump_next_key(p, &j->facts);
		wh_pump_take_back_all(p); /* they would be sent with the key that was refused */
	}
	struct wh_outcome noted = j->outcome;

	if (j->key_retry)
		noted.ask = WH_ASK_NONE;
	if (j->outcome.executed == WH_X_EXECUTED) {
		p->successes++;
		p->answered++;
	} else {
		j->others_succeed = others_succeeded(p, r->tag);
	}
	wh_pump_note(p, &noted, &j->facts);
	wh_http_result_free(r);
	wh_crash_at(&p->d->crash, WH_CRASH_REPLY_JUDGED);
	wh_pump_store_outcome(p, f, j);
	wh_pump_send_ready(p); /* its connection is free */
}
