/* SPDX-License-Identifier: MIT */
/*
 * The way of a request: it leaves, arrives, is executed or not, and whd is
 * told of it or not. What has left goes on without whd; the reply finds it or
 * does not.
 */
#include "tests/sim/net.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/http_guard.h"
#include "daemon/pump.h"
#include "tests/sim/sim.h"

#define TIMEOUT_MS 60000
#define CONNECT_TIMEOUT_MS 10000

static bool
counts(enum wh_http_kind kind)
{
	return kind == WH_HTTP_SEND || kind == WH_HTTP_FIND;
}

static void
drop_first_standing(struct sim_net *n)
{
	struct sim_standing *w = n->standing;

	n->standing = w->next;
	wh_buf_fini(&w->whid);
	wh_buf_fini(&w->body);
	free(w);
}

void
sim_net_fini(struct sim_net *n)
{
	while (n->standing)
		drop_first_standing(n);
	for (size_t i = 0; i < n->n; i++) {
		struct sim_transfer *t = n->all[i];

		wh_buf_fini(&t->body);
		wh_buf_fini(&t->reply);
		wh_buf_fini(&t->link);
		sim_read_fini(&t->in);
		free(t->shown);
		free(t);
	}
	free(n->all);
	*n = (struct sim_net){0};
}

struct sim_transfer *
sim_net_get(struct sim_net *n, uint64_t id)
{
	return n->all[id - 1];
}

static struct sim_transfer *
new_transfer(struct sim *s, const struct wh_http_request *r)
{
	struct sim_net *n = &s->net;
	struct sim_transfer *t = wh_xcalloc(1, sizeof(*t));

	if (n->n == n->cap) {
		n->cap = n->cap ? n->cap * 2 : 64;
		n->all = realloc(n->all, n->cap * sizeof(*n->all));
		wh_require(n->all != NULL);
	}
	n->all[n->n++] = t;
	t->id = n->n;
	t->epoch = s->host.epoch;
	t->kind = r->kind;
	t->tag = r->tag;
	snprintf(t->method, sizeof(t->method), "%s", r->method);
	snprintf(t->whid, sizeof(t->whid), "%.*s", WH_STR_FMT(r->whid));
	wh_buf_str(&t->body, r->body);
	t->submitted = s->mono;
	t->left = t->executed = t->told = t->died = SIM_NEVER;
	t->retry_after_ms = -1;
	t->op = t->row = SIZE_MAX;
	return t;
}

static unsigned
on_of(const struct sim_transfer *t)
{
	if (t->kind == WH_HTTP_LIST)
		return SIM_ON_LIST;
	if (t->kind == WH_HTTP_FIND)
		return SIM_ON_FIND;
	if (strcmp(t->method, "POST") == 0)
		return SIM_ON_POST;
	return strcmp(t->method, "PATCH") == 0 ? SIM_ON_PATCH : SIM_ON_DELETE;
}

/* One way over the net. */
static int64_t
trip(struct sim *s)
{
	if (!s->calm && sim_dice_chance(&s->dice, (unsigned)s->plan.slow_permille))
		return sim_dice_between(&s->dice, 500, 27000);
	return sim_dice_between(&s->dice, 2, 60);
}

/* -------------------------------------------------------------------- told -- */

void
sim_net_facts(const struct sim_transfer *t, struct wh_http_result *r, int64_t took)
{
	const struct sim_fault_info *f = &sim_faults[t->fault];

	r->kind = t->kind;
	r->tag = t->tag;
	snprintf(r->location, sizeof(r->location), "%s", t->location);
	r->facts = (struct wh_facts){
		.net = f->net,
		.may_have_left = f->left,
		.whole = f->net == WH_NET_OK && f->whole,
		.status = t->status,
		.retry_after_ms = t->retry_after_ms,
		.took_ms = took,
		.key = 0,
		.change = t->kind == WH_HTTP_SEND,
		.content_type = wh_str_c(t->type),
		.location = wh_str_c(r->location),
		.error = f->net == WH_NET_OK ? WH_STR_NULL : wh_str_c(f->name),
	};
}

static void begin(struct sim *s, const struct wh_http_request *r);

static bool
must_stand(const struct sim_net *n, const struct wh_http_request *r)
{
	return r->most > 0 && (n->under_way >= r->most || n->unjudged);
}

static void
begin_standing(struct sim *s)
{
	struct sim_net *n = &s->net;

	while (n->standing && !must_stand(n, &n->standing->request)) {
		begin(s, &n->standing->request);
		drop_first_standing(n);
	}
}

static struct wh_outcome
judge(const struct sim_transfer *t, const struct wh_facts *f)
{
	const unsigned on = on_of(t);

	return wh_outcome_judge(on == SIM_ON_POST    ? WH_OP_CREATE
				: on == SIM_ON_PATCH ? WH_OP_UPDATE
						     : WH_OP_DELETE,
				wh_str_c(t->whid), f);
}

/* What stands by does not wait for whd to hear of a success, but of anything else. */
static void
hand_over(struct sim *s, const struct sim_transfer *t, struct wh_http_result *r)
{
	struct wh_pump *p = s->host.d.pump;

	s->net.under_way -= counts(t->kind);
	if (t->kind == WH_HTTP_SEND) {
		r->outcome = judge(t, &r->facts);
		s->net.unjudged = r->outcome.executed != WH_X_EXECUTED;
	}
	begin_standing(s);
	wh_pump_on_result(p, r);
	wh_pump_poke(p);
	s->net.unjudged = false;
	begin_standing(s);
}

void
sim_net_tell(struct sim *s, struct sim_transfer *t, struct wh_http_result *r)
{
	struct sim_host *h = &s->host;

	for (size_t i = 0; i < h->keys.n; i++)
		if (h->keys.index[i] == t->key)
			r->facts.key = (int)i;
	t->told = s->mono;
	sim_cover_reply(s, t);
	sim_oracle_told(s, t);
	sim_host_enter(s);
	hand_over(s, t, r);
}

static void
tell(struct sim *s, uint64_t id)
{
	struct sim_transfer *t = sim_net_get(&s->net, id);
	struct wh_http_result *r;

	if (sim_host_draws_crash(s)) {
		sim_host_crash(s, "as a reply came in");
		return;
	}
	sim_say(s, "net", "#%llu %s %s: %s, status %d", (unsigned long long)t->id, t->method,
		t->whid, sim_faults[t->fault].name, t->status);
	if (t->kind != WH_HTTP_SEND) {
		sim_read_begin(s, t);
		return;
	}
	r = wh_xcalloc(1, sizeof(*r));
	sim_net_facts(t, r, s->mono - t->submitted);
	wh_buf_str(&r->body, wh_buf_view(&t->reply));
	r->facts.body = wh_buf_view(&r->body);
	sim_net_tell(s, t, r);
}

static void
tell_at(struct sim *s, const struct sim_transfer *t, int64_t delay)
{
	if (t->epoch == s->host.epoch && s->host.up)
		sim_later_in_whd(s, delay, tell, t->id);
}

/* ----------------------------------------------------------------- the way -- */

static void
execute_late(struct sim *s, uint64_t id)
{
	sim_upstream_execute(s, sim_net_get(&s->net, id));
}

/* A request that whd will be told has failed takes effect after that. */
static void
plan_late(struct sim *s, const struct sim_transfer *t, int64_t told_in)
{
	const struct wh_config *c = &s->host.config;
	bool answered = t->status >= 500 && t->status != 504;
	int64_t settle = answered ? c->queue_settle_error : c->queue_settle_timeout;

	if (sim_faults[t->fault].exec == SIM_EXEC_LATE)
		sim_later(s, told_in + sim_dice_between(&s->dice, 1, settle), execute_late,
			  t->id);
	else if (sim_faults[t->fault].exec == SIM_EXEC_TOO_LATE)
		sim_later(s, told_in + settle + sim_dice_between(&s->dice, 1, 2 * settle),
			  execute_late, t->id);
}

static void
arrive(struct sim *s, uint64_t id)
{
	struct sim_transfer *t = sim_net_get(&s->net, id);
	const struct sim_fault_info *f = &sim_faults[t->fault];
	int64_t back = trip(s);

	sim_upstream_serve(s, t);
	if (f->net == WH_NET_RESEND && wh_http_may_send(t->kind, 2))
		sim_upstream_serve(s, t);
	if (f->net == WH_NET_TIMEOUT)
		back = t->left + TIMEOUT_MS - s->mono;
	plan_late(s, t, back);
	tell_at(s, t, back);
}

static void
leave(struct sim *s, uint64_t id)
{
	struct sim_transfer *t = sim_net_get(&s->net, id);
	const struct sim_fault_info *f = &sim_faults[t->fault];

	if (sim_host_draws_crash(s)) {
		sim_host_crash(s, "before a request left");
		return;
	}
	if (!f->left) {
		tell_at(s, t, f->net == WH_NET_TIMEOUT ? CONNECT_TIMEOUT_MS : trip(s));
		return;
	}
	t->left = s->mono;
	sim_later(s, trip(s), arrive, t->id);
	if (sim_host_draws_crash(s))
		sim_host_crash(s, "after a request left");
}

static void
begin(struct sim *s, const struct wh_http_request *r)
{
	struct sim_transfer *t = new_transfer(s, r);
	struct sim_luck luck = {
		.weather = s->weather,
		.permille = s->calm ? 0 : s->plan.fault_permille,
		.favourite = s->plan.favourite,
	};

	s->net.under_way += counts(r->kind);
	t->in.known = r->known;
	t->in.spill = r->spill;
	t->in.news = r->news;
	t->key = s->host.keys.index[r->key_index];
	t->fault = sim_fault_draw(&s->dice, &luck, on_of(t));
	if (s->net.keys_valid >> t->key & 1u ? false : sim_faults[t->fault].left)
		t->fault = SIM_FAULT_E401;
	sim_say(s, "pump", "#%llu %s %s %.*s", (unsigned long long)t->id, t->method, t->whid,
		WH_STR_FMT(wh_buf_view(&t->body)));
	sim_cover_fault(s, t, on_of(t));
	sim_oracle_sends(s, t);
	sim_later_in_whd(s, sim_dice_between(&s->dice, 0, 3), leave, t->id);
}

static void
stand(struct sim_net *n, const struct wh_http_request *r)
{
	struct sim_standing *w = wh_xcalloc(1, sizeof(*w));

	wh_buf_str(&w->whid, r->whid);
	wh_buf_str(&w->body, r->body);
	w->request = *r;
	w->request.whid = wh_buf_view(&w->whid);
	w->request.body = wh_buf_view(&w->body);
	if (!n->standing)
		n->standing_tail = &n->standing;
	*n->standing_tail = w;
	n->standing_tail = &w->next;
}

void
sim_net_submit(struct sim *s, const struct wh_http_request *r)
{
	if (must_stand(&s->net, r))
		stand(&s->net, r);
	else
		begin(s, r);
}

uint64_t
sim_net_standing(const struct sim *s)
{
	return s->net.standing ? s->net.standing->request.tag : 0;
}

uint64_t
sim_net_withdraw(struct sim *s)
{
	uint64_t tag = sim_net_standing(s);

	if (tag)
		drop_first_standing(&s->net);
	return tag;
}

void
sim_net_died(struct sim *s)
{
	while (s->net.standing)
		drop_first_standing(&s->net);
	s->net.under_way = 0;
	s->net.unjudged = false;
	for (size_t i = 0; i < s->net.n; i++) {
		struct sim_transfer *t = s->net.all[i];

		if (t->epoch != s->host.epoch || t->told != SIM_NEVER)
			continue;
		if (t->died == SIM_NEVER)
			t->died = s->mono;
		sim_read_fini(&t->in);
	}
}
