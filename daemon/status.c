/* SPDX-License-Identifier: MIT */
/*
 * The truth about whd: live, ready and fresh are three different things, and
 * each says no more than it means.
 *   live   the loop answers: always true in an answer
 *   ready  the store is open and can be read
 *   fresh  a whole list was seen and is not older than stale_after
 */
#include "daemon/status.h"

#include "daemon/apply.h"
#include "daemon/dispatch.h"
#include "daemon/pump.h"
#include "daemon/rules_now.h"

#define SPACE_EVERY_MS 1000
#define REFUSED_MS 10000 /* so long it counts that a change found no room */

/*
 * What was seen holds no longer than it may take to write a fifth of the map,
 * or half of the disk that changes may still take, at 1 MiB a ms: else a burst
 * of them takes the room that is kept for what becomes of them.
 */
static int64_t
space_holds(const struct whd *d)
{
	const struct wh_store_space *s = &d->space;
	uint64_t least = (uint64_t)d->config->store_min_free, room = s->map_size / 5;

	if (s->disk_free >= least && (s->disk_free - least) / 2 < room)
		room = (s->disk_free - least) / 2;

	int64_t ms = (int64_t)(room >> 20);

	return ms < SPACE_EVERY_MS ? ms : SPACE_EVERY_MS;
}

const struct wh_store_space *
wh_status_space(struct whd *d)
{
	struct wh_store_space now;

	if (d->space_at.ms && d->now.mono.ms - d->space_at.ms < space_holds(d))
		return &d->space;
	if (wh_store_space(d->store, &now) == 0)
		d->space = now;
	d->space_at = d->now.mono;
	return &d->space;
}

/* ---------------------------------------------------------------- status -- */

/* Age of the oldest operation that has not ended; -1 if there is none. */
static int64_t
oldest_age(struct whd *d)
{
	struct wh_oprow row;
	struct wh_op op;
	uint64_t seq = 0;

	if (wh_ops_next(&d->view, 0, &seq) != 0 || wh_ops_get(&d->view, seq, &row) != 0 ||
	    wh_op_decode(&op, row.body) != 0)
		return -1;

	int64_t age = d->now.wall.ms - op.created_at;

	return age > 0 ? age : 0;
}

static void
pack_queue(struct whd *d, const struct wh_rules *rules, struct wh_buf *out)
{
	const struct wh_meta *m = &d->view.meta;
	int64_t age = oldest_age(d);

	wh_pack_map(out, 10);
	wh_pack_kv_uint(out, "queued", m->ops_queued);
	wh_pack_kv_uint(out, "checking", m->ops_checking);
	wh_pack_kv_uint(out, "sending", m->ops_sending);
	wh_pack_kv_uint(out, "unknown", m->ops_unknown);
	wh_pack_kv_uint(out, "conflict", m->ops_conflict);
	wh_pack_kv_uint(out, "held", m->ops_held);
	wh_pack_kv_uint(out, "dead", m->ops_dead);
	wh_pack_kv_uint(out, "bytes", m->op_bytes);
	if (age >= 0)
		wh_pack_kv_int(out, "oldest_age_ms", age);
	else
		wh_pack_kv_nil(out, "oldest_age_ms");
	wh_pack_kv_bool(out, "full", wh_queue_full(m, rules));
}

/* Whether a change that found no room would find some by now shows the next one. */
static bool
is_full(const struct whd *d, const struct wh_rules *rules)
{
	bool refused = d->refused_at.ms && d->now.mono.ms - d->refused_at.ms < REFUSED_MS;

	return rules->store_full || refused || d->boot_waits || wh_pump_has_no_room(d->pump);
}

static void
pack_store(struct whd *d, const struct wh_rules *rules, struct wh_buf *out)
{
	const struct wh_store_space *s = wh_status_space(d);

	wh_pack_map(out, 8);
	wh_pack_kv_uint(out, "used", s->used);
	wh_pack_kv_uint(out, "max", s->map_size);
	wh_pack_kv_uint(out, "free_disk", s->disk_free);
	wh_pack_kv_uint(out, "revision", d->view.meta.revision);
	wh_pack_kv_uint(out, "history", d->view.meta.history_count);
	wh_pack_kv_bool(out, "full", is_full(d, rules));
	if (d->backup_at)
		wh_pack_kv_int(out, "backup_at", d->backup_at);
	else
		wh_pack_kv_nil(out, "backup_at");
	if (d->damage)
		wh_pack_kv_c(out, "damage", d->damage);
	else
		wh_pack_kv_nil(out, "damage");
}

void
wh_status_pack(struct whd *d, struct wh_buf *out)
{
	struct wh_rules rules;

	wh_rules_now(d, &rules);
	wh_pack_map(out, 10);
	wh_pack_kv_bool(out, "live", true);
	wh_pack_kv_bool(out, "ready", true);
	wh_pack_kv_bool(out, "fresh", wh_pump_synced(d->pump));
	wh_pack_kv_c(out, "version", WHD_VERSION);
	wh_pack_kv_c(out, "instance", d->instance);
	wh_pack_kv_int(out, "uptime_ms", d->now.mono.ms - d->started.mono.ms);
	wh_pack_c(out, "upstream");
	wh_pump_status_upstream(d->pump, out);
	wh_pack_c(out, "queue");
	pack_queue(d, &rules, out);
	wh_pack_c(out, "sync");
	wh_pump_status_sync(d->pump, out);
	wh_pack_c(out, "store");
	pack_store(d, &rules, out);
}

void
on_status(struct wh_call *c, const struct wh_args_status *a)
{
	(void)a;
	wh_status_pack(c->d, wh_call_result(c));
}

/* --------------------------------------------------------------- metrics -- */

static void
counters_text(const struct wh_counters *c, struct wh_buf *b)
{
#define WH_COUNTER(name, help)                                                                 \
	wh_buf_printf(b,                                                                       \
		      "# TYPE whd_" #name " counter\n# HELP whd_" #name " " help "\n"          \
		      "whd_" #name "_total %llu\n",                                            \
		      (unsigned long long)c->name);
#include "daemon/counters.def"
#undef WH_COUNTER
}

static void
gauge(struct wh_buf *b, const char *name, const char *help, double value)
{
	wh_buf_printf(b, "# TYPE whd_%s gauge\n# HELP whd_%s %s\nwhd_%s %.17g\n", name, name,
		      help, name, value);
}

static void
queue_gauges(const struct wh_meta *m, struct wh_buf *b)
{
	const struct {
		const char *state;
		uint64_t n;
	} rows[] = {
		{"queued", m->ops_queued},     {"checking", m->ops_checking},
		{"sending", m->ops_sending},   {"unknown", m->ops_unknown},
		{"conflict", m->ops_conflict}, {"held", m->ops_held},
		{"dead", m->ops_dead},
	};

	wh_buf_c(b, "# TYPE whd_ops gauge\n# HELP whd_ops operations by state\n");
	for (size_t i = 0; i < wh_array_len(rows); i++)
		wh_buf_printf(b, "whd_ops{state=\"%s\"} %llu\n", rows[i].state,
			      (unsigned long long)rows[i].n);
}

static void
gate_gauges(const struct wh_pump *p, struct wh_buf *b)
{
	wh_buf_c(b, "# TYPE whd_gate_shut gauge\n"
		    "# HELP whd_gate_shut 1 = nothing is sent because of it\n");
	for (unsigned id = 0; id < WH_GATE_COUNT; id++)
		wh_buf_printf(b, "whd_gate_shut{gate=\"%s\"} %d\n",
			      wh_gate_str((enum wh_gate_id)id),
			      wh_pump_gate_is_shut(p, (enum wh_gate_id)id));
}

/* Ends in "# EOF\n", as the OpenMetrics text format asks; all of it is legal in Prometheus'
 * older text format, too, which has no type "info". */
static void
metrics_text(struct whd *d, struct wh_buf *b)
{
	const struct wh_store_space *s = wh_status_space(d);
	int64_t age = wh_pump_age(d->pump), oldest = oldest_age(d);
	struct wh_server_stats peers;
	struct wh_rules rules;

	wh_rules_now(d, &rules);
	wh_server_stats(d->server, &peers);
	wh_buf_printf(b,
		      "# TYPE whd_build_info gauge\n# HELP whd_build_info version\n"
		      "whd_build_info{version=\"%s\"} 1\n",
		      WHD_VERSION);
	counters_text(&d->counters, b);
	queue_gauges(&d->view.meta, b);
	gauge(b, "rows", "confirmed webhooks", (double)d->view.meta.rows);
	gauge(b, "online", "1 = no gate is shut and the last contact succeeded",
	      wh_pump_online(d->pump));
	gate_gauges(d->pump, b);
	gauge(b, "learned_rate", "most requests a second, as 429 answers taught, 0 = no limit",
	      (double)wh_pump_learned_rate(d->pump) / 1000);
	gauge(b, "fresh", "1 = the copy is whole and not stale", wh_pump_synced(d->pump));
	gauge(b, "sync_age_seconds", "age of the copy, -1 = not known",
	      age < 0 ? -1 : (double)age / 1000);
	gauge(b, "oldest_op_age_seconds", "age of the oldest operation, 0 = none",
	      oldest < 0 ? 0 : (double)oldest / 1000);
	gauge(b, "op_bytes", "bytes of queued operations", (double)d->view.meta.op_bytes);
	gauge(b, "revision", "head of the change log", (double)d->view.meta.revision);
	gauge(b, "store_used_bytes", "bytes of the store in use", (double)s->used);
	gauge(b, "store_max_bytes", "size of the store's map", (double)s->map_size);
	gauge(b, "disk_free_bytes", "free bytes of the store's file system",
	      (double)s->disk_free);
	gauge(b, "store_full", "1 = changes find no room", is_full(d, &rules));
	gauge(b, "store_damaged", "1 = status tells of damage to the store", d->damage != NULL);
	gauge(b, "backup_timestamp_seconds",
	      "when the last good backup was begun, 0 = none is known",
	      (double)d->backup_at / 1000);
	gauge(b, "peers", "connections open now", peers.connections);
	gauge(b, "waiting_calls", "calls parked now", peers.calls_waiting);
	wh_buf_c(b, "# EOF\n");
}

void
on_metrics(struct wh_call *c, const struct wh_args_metrics *a)
{
	struct wh_buf text = WH_BUF_NULL;

	(void)a;
	metrics_text(c->d, &text);
	wh_pack_str(wh_call_result(c), wh_buf_view(&text));
	wh_buf_fini(&text);
}
