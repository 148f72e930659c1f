/* SPDX-License-Identifier: MIT */
/* What the pump tells of itself: conditions to wait for, status, dump. Only reads. */
#include "daemon/core/op_story.h"
#include "daemon/pump_own.h"

#define NEWS_MS 1000 /* so long it counts that the store had no room when it was tried */

static uint64_t
unfinished(const struct wh_meta *m)
{
	return m->ops_queued + m->ops_checking + m->ops_sending + m->ops_unknown;
}

bool
wh_pump_idle(const struct wh_pump *p)
{
	return unfinished(&p->d->view.meta) == 0 && wh_flights_busy(&p->flights) == 0;
}

bool
wh_pump_online(const struct wh_pump *p)
{
	return p->contact_good && wh_gates_open(&p->gates);
}

bool
wh_pump_gate_is_shut(const struct wh_pump *p, enum wh_gate_id id)
{
	return p->gates.g[id].shut;
}

int64_t
wh_pump_age(const struct wh_pump *p)
{
	const struct wh_meta *m = &p->d->view.meta;
	int64_t age;

	if (m->synced_at == 0)
		return -1;
	if (p->whole_began.ms)
		return p->d->now.mono.ms - p->whole_began.ms;
	age = p->d->now.wall.ms - (int64_t)m->synced_at;
	return age >= 0 ? age : -1; /* the clock was set back, who knows how far */
}

bool
wh_pump_synced(const struct wh_pump *p)
{
	int64_t age = wh_pump_age(p);

	return age >= 0 && age <= wh_config_stale_after(p->d->config);
}

void
wh_pump_rules(const struct wh_pump *p, struct wh_rules *ret)
{
	ret->list_last = p->list_last;
	ret->confirmed_from = p->confirmed_from;
	ret->online = wh_pump_online(p);
	ret->list_fence = p->whole_fence;
	ret->list_since = p->list.running ? p->list.began.wall.ms : 0;
	ret->list_just_ended =
		p->ended_any && p->last_whole &&
		p->d->now.mono.ms - p->list_counts_from.ms <= wh_rules_just_ended(ret);
	ret->list_in_part = p->ended_any && !p->last_whole;
	ret->list_fresh = p->whole_began.ms && p->last_whole &&
			  p->d->now.mono.ms - p->whole_began.ms < p->d->config->queue_check_age;
}

static void
kv_time(struct wh_buf *out, const char *key, int64_t wall_ms)
{
	if (wall_ms > 0)
		wh_pack_kv_int(out, key, wall_ms);
	else
		wh_pack_kv_nil(out, key);
}

static int64_t
wall_of(const struct wh_pump *p, struct wh_mono at)
{
	return p->d->now.wall.ms + (at.ms - p->d->now.mono.ms);
}

/* The gate that status shows; NULL if none is shut. */
static const struct wh_gate_one *
shut_gate(const struct wh_pump *p, const char **ret_name)
{
	enum wh_gate_id worst = wh_gates_worst(&p->gates);

	*ret_name = wh_gate_str(worst);
	return worst == WH_GATE_COUNT ? NULL : &p->gates.g[worst];
}

void
wh_pump_pack_gate(const struct wh_pump *p, struct wh_buf *out)
{
	const char *name;
	const struct wh_gate_one *g = shut_gate(p, &name);

	wh_pack_kv_c(out, "gate", name);
	kv_time(out, "until", g ? wall_of(p, g->until) : 0);
}

/* Who has nothing more to send does not learn that there is room again. */
bool
wh_pump_has_no_room(const struct wh_pump *p)
{
	return p->full_until.ms > 0 && p->d->now.mono.ms < p->full_until.ms + NEWS_MS;
}

int64_t
wh_pump_learned_rate(const struct wh_pump *p)
{
	return p->d->config->upstream_rate ? 0 : p->bucket.rate;
}

void
wh_pump_status_upstream(const struct wh_pump *p, struct wh_buf *out)
{
	const char *name;
	const struct wh_gate_one *g = shut_gate(p, &name);

	const int64_t learned = wh_pump_learned_rate(p);

	wh_pack_map(out, 8u + (p->d->keys_error != NULL) + (learned > 0));
	wh_pack_kv_c(out, "url", p->d->config->upstream_url);
	wh_pack_kv_bool(out, "online", wh_pump_online(p));
	wh_pack_kv_c(out, "gate", name);
	kv_time(out, "since", g ? g->since.ms : 0);
	kv_time(out, "until", g ? wall_of(p, g->until) : 0);
	wh_pack_kv_c(out, "last_error", p->last_error[0] ? p->last_error : NULL);
	kv_time(out, "last_error_at", p->last_error_at.ms);
	kv_time(out, "last_ok_at", p->last_ok.ms);
	if (p->d->keys_error)
		wh_pack_kv_c(out, "keys_error", p->d->keys_error);
	if (learned > 0)
		wh_pack_kv_int(out, "learned_an_hour", learned * 3600 / 1000);
}

static size_t
count_restless(const struct wh_churn *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		n += wh_churn_is_restless(&c->member[i]);
	return n;
}

static void
pack_restless(struct wh_buf *out, const struct wh_churn *c, size_t n)
{
	if (n == 0)
		return;
	wh_pack_c(out, "restless");
	wh_pack_array(out, n);
	for (size_t i = 0; i < c->n; i++)
		if (wh_churn_is_restless(&c->member[i]))
			wh_pack_c(out, c->member[i].name);
}

/* Due as the interval or somebody has it, or when the gates let it through. */
static struct wh_mono
next_list(const struct wh_pump *p)
{
	struct wh_mono now = p->d->now.mono, at = p->list_wanted ? now : p->list_due, gate;

	if (!wh_gates_may_read(&p->gates, now, &gate) && gate.ms > at.ms)
		at = gate;
	return at.ms > now.ms ? at : now;
}

void
wh_pump_status_sync(const struct wh_pump *p, struct wh_buf *out)
{
	const struct wh_meta *m = &p->d->view.meta;
	int64_t age = wh_pump_age(p);
	size_t restless = count_restless(&p->churn);

	wh_pack_map(out, restless ? 10 : 9);
	kv_time(out, "synced_at", (int64_t)m->synced_at);
	if (age >= 0)
		wh_pack_kv_int(out, "age_ms", age);
	else
		wh_pack_kv_nil(out, "age_ms");
	wh_pack_kv_bool(out, "stale", !wh_pump_synced(p));
	wh_pack_kv_uint(out, "list", m->list_complete);
	wh_pack_kv_uint(out, "rows", m->rows);
	wh_pack_kv_bool(out, "running", p->list.running);
	wh_pack_kv_uint(out, "suspect", p->suspect_missing);
	wh_pack_kv_c(out, "last_error", p->list_why[0] ? p->list_why : NULL);
	kv_time(out, "next_at", wall_of(p, next_list(p)));
	pack_restless(out, &p->churn, restless);
}

int64_t
wh_pump_shut_for(const struct wh_pump *p)
{
	struct wh_mono at;

	if (wh_gates_may_read(&p->gates, p->d->now.mono, &at))
		return 0;
	return at.ms - p->d->now.mono.ms;
}

void
wh_pump_around(const struct wh_pump *p, struct wh_op_around *ret)
{
	const struct wh_gate_one *g = shut_gate(p, &ret->gate);

	if (g)
		ret->gate_until = wall_of(p, g->until);
	else
		ret->gate = NULL;
}

static void
dump_flights(const struct wh_pump *p, struct wh_buf *out)
{
	static const char *const phases[] = {"marking", "ready",  "check",
					     "wire",    "result", "cool"};

	wh_pack_array(out, p->flights.n);
	for (size_t i = 0; i < p->flights.n; i++) {
		wh_pack_map(out, 3);
		wh_pack_kv_uint(out, "seq", p->flights.at[i].seq);
		wh_pack_kv_c(out, "kind", wh_op_kind_str(p->flights.at[i].kind));
		wh_pack_kv_c(out, "phase", phases[p->flights.at[i].phase]);
	}
}

void
wh_pump_dump(const struct wh_pump *p, struct wh_buf *out)
{
	wh_pack_map(out, 6);
	wh_pack_c(out, "upstream");
	wh_pump_status_upstream(p, out);
	wh_pack_c(out, "sync");
	wh_pump_status_sync(p, out);
	wh_pack_c(out, "flights");
	dump_flights(p, out);
	wh_pack_kv_uint(out, "list_last", p->list_last);
	wh_pack_kv_uint(out, "slow_start", p->gates.slow_start);
	wh_pack_kv_int(out, "learned_rate",
		       p->bucket.rate); /* thousandths a second, 0 = none */
}
