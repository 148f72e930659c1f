/* SPDX-License-Identifier: MIT */
/*
 * The methods about whd itself: hello, rpc.describe, config.show,
 * config.reload, log.set and dump.
 *
 * Called by dispatch; loop thread. They answer at once from what is in memory;
 * only a reload reads files, and it is an admin who asks for it.
 */
#include <inttypes.h>
#include <unistd.h>

#include "daemon/dispatch.h"
#include "daemon/pump.h"
#include "daemon/status.h"
#include "daemon/waits.h"
#include "daemon/watch.h"
#include "daemon/writer.h"

#define PROTOCOL 1

/* ----------------------------------------------------------------- hello -- */

static void
pack_limits(const struct wh_config *c, struct wh_buf *out)
{
	wh_pack_map(out, 6);
	wh_pack_kv_int(out, "frame", c->limits_frame);
	wh_pack_kv_int(out, "depth", c->limits_depth);
	wh_pack_kv_int(out, "elements", c->limits_elements);
	wh_pack_kv_int(out, "in_flight", c->limits_in_flight);
	wh_pack_kv_int(out, "waits", c->limits_waits);
	wh_pack_kv_uint(out, "reply", WH_REPLY_MAX);
}

/* No optional features exist yet, so none of the caller's is granted. */
void
on_hello(struct wh_call *c, const struct wh_args_hello *a)
{
	if (wh_has(a, hello, client))
		wh_log(WH_LOG_DEBUG, "conn", "hello", "conn=%" PRIu64 " uid=%u client=%s",
		       c->ticket.conn, c->peer->uid, WH_LOGQ(a->client));
	struct wh_buf *out = wh_call_result(c);

	wh_pack_map(out, 8);
	wh_pack_kv_c(out, "server", "whd");
	wh_pack_kv_c(out, "version", WHD_VERSION);
	wh_pack_kv_int(out, "protocol", PROTOCOL);
	wh_pack_kv_c(out, "instance", c->d->instance);
	wh_pack_kv_uint(out, "uid", c->peer->uid);
	wh_pack_kv_c(out, "role", wh_role_str(c->peer->role));
	wh_pack_c(out, "limits");
	pack_limits(c->d->config, out);
	wh_pack_c(out, "features");
	wh_pack_array(out, 0);
}

void
on_rpc_describe(struct wh_call *c, const struct wh_args_rpc_describe *a)
{
	(void)a;
	wh_command_describe(wh_call_result(c));
}

/* --------------------------------------------------------- configuration -- */

static void
pack_setting(const struct wh_config *c, size_t i, struct wh_buf *text, struct wh_buf *out)
{
	const struct wh_setting_info *info = &wh_settings[i];

	wh_buf_reset(text);
	wh_config_value(c, i, text);
	wh_pack_map(out, 7);
	wh_pack_kv_c(out, "section", info->section);
	wh_pack_kv_c(out, "key", info->key);
	wh_pack_kv_str(out, "value", wh_buf_view(text));
	wh_pack_kv_c(out, "default", info->def);
	wh_pack_kv_c(out, "origin", wh_config_origin(c, i));
	wh_pack_kv_bool(out, "live", info->live);
	wh_pack_kv_c(out, "help", info->help);
}

void
on_config_show(struct wh_call *c, const struct wh_args_config_show *a)
{
	const struct wh_config *config = c->d->config;
	struct wh_buf text = WH_BUF_NULL;
	struct wh_buf *out = wh_call_result(c);

	(void)a;
	wh_pack_map(out, 2);
	wh_pack_kv_c(out, "file", config->file);
	wh_pack_c(out, "settings");
	wh_pack_array(out, wh_settings_n);
	for (size_t i = 0; i < wh_settings_n; i++)
		pack_setting(config, i, &text, out);
	wh_buf_fini(&text);
}

/* An answer is one line: the problems follow each other, apart by "; ". */
static void
join_lines(struct wh_str text, struct wh_buf *out)
{
	while (text.n > 0) {
		const char *end = memchr(text.p, '\n', text.n);
		size_t n = end ? (size_t)(end - text.p) : text.n;

		if (n > 0 && out->n > 0)
			wh_buf_c(out, "; ");
		wh_buf_add(out, text.p, n);
		n += end ? 1 : 0;
		text = wh_str(text.p + n, text.n - n);
	}
}

void
on_config_reload(struct wh_call *c, const struct wh_args_config_reload *a)
{
	struct wh_buf text = WH_BUF_NULL, line = WH_BUF_NULL;
	int r = whd_reload(c->d, &text);

	(void)a;
	join_lines(wh_buf_view(&text), &line);
	if (r) {
		wh_call_fail(c, WH_ERR_INVALID_PARAM, "nothing was changed: %.*s",
			     WH_STR_FMT(wh_buf_view(&line)));
	} else {
		struct wh_buf *out = wh_call_result(c);

		wh_pack_map(out, 2);
		wh_pack_kv_c(out, "file", c->d->config->file);
		wh_pack_kv_str(out, "notes", wh_buf_view(&line));
	}
	wh_buf_fini(&text);
	wh_buf_fini(&line);
}

void
on_log_set(struct wh_call *c, const struct wh_args_log_set *a)
{
	enum wh_log_level level;

	if (!wh_log_level_parse(a->level, &level)) {
		wh_call_fail(c, WH_ERR_INVALID_PARAM,
			     "level must be error, warning, info or debug");
		return;
	}
	wh_log(WH_LOG_INFO, "log", "level set", "now=%s was=%s uid=%u", wh_log_level_str(level),
	       wh_log_level_str(wh_log_get_level()), c->peer->uid);
	wh_log_set_level(level);
	wh_pack_c(wh_call_result(c), wh_log_level_str(level));
}

/* ------------------------------------------------------------------ dump -- */

static void
dump_process(struct whd *d, struct wh_buf *out)
{
	wh_pack_map(out, 6);
	wh_pack_kv_c(out, "version", WHD_VERSION);
	wh_pack_kv_int(out, "pid", getpid());
	wh_pack_kv_c(out, "instance", d->instance);
	wh_pack_kv_int(out, "started_at", d->started.wall.ms);
	wh_pack_kv_int(out, "up_ms", d->now.mono.ms - d->started.mono.ms);
	wh_pack_kv_bool(out, "stopping", d->stopping);
}

static void
dump_counters(struct whd *d, struct wh_buf *out)
{
	size_t place = wh_pack_open_map(out), n = 0;

#define WH_COUNTER(name, help) wh_pack_kv_uint(out, #name, d->counters.name), n++;
#include "daemon/counters.def"
#undef WH_COUNTER
	wh_pack_close_map(out, place, n);
}

static void
dump_store(struct whd *d, struct wh_buf *out)
{
	const struct wh_store_space *space = wh_status_space(d);
	size_t place = wh_pack_open_map(out), n = 0;

#define WH_META(name, help) wh_pack_kv_uint(out, #name, d->view.meta.name), n++;
#include "store/meta.def"
#undef WH_META
	wh_pack_kv_uint(out, "map_size", space->map_size);
	wh_pack_kv_uint(out, "used", space->used);
	wh_pack_kv_uint(out, "file_size", space->file_size);
	wh_pack_kv_uint(out, "disk_free", space->disk_free);
	wh_pack_kv_uint(out, "readers", space->readers);
	wh_pack_close_map(out, place, n + 5);
}

static void
dump_server(struct whd *d, struct wh_buf *out)
{
	wh_server_dump(d->server, out);
}

static void
dump_waits(struct whd *d, struct wh_buf *out)
{
	wh_waits_dump(d->waits, out);
}

static void
dump_watch(struct whd *d, struct wh_buf *out)
{
	wh_watch_dump(d->watch, out);
}

static void
dump_writer(struct whd *d, struct wh_buf *out)
{
	wh_writer_dump(d->writer, out);
}

static void
dump_pump(struct whd *d, struct wh_buf *out)
{
	wh_pump_dump(d->pump, out);
}

struct section {
	const char *name;
	void (*dump)(struct whd *, struct wh_buf *);
};

static const struct section sections[] = {
	{"process", dump_process}, {"counters", dump_counters}, {"store", dump_store},
	{"server", dump_server},   {"waits", dump_waits},       {"watch", dump_watch},
	{"writer", dump_writer},   {"pump", dump_pump},
};

static void
dump_all(struct whd *d, struct wh_buf *out)
{
	wh_pack_map(out, wh_array_len(sections));
	for (size_t i = 0; i < wh_array_len(sections); i++) {
		wh_pack_c(out, sections[i].name);
		sections[i].dump(d, out);
	}
}

void
on_dump(struct wh_call *c, const struct wh_args_dump *a)
{
	size_t i = 0;

	if (!wh_has(a, dump, section)) {
		dump_all(c->d, wh_call_result(c));
		return;
	}
	while (i < wh_array_len(sections) && !wh_str_is(a->section, sections[i].name))
		i++;
	if (i == wh_array_len(sections)) {
		wh_call_fail(c, WH_ERR_INVALID_PARAM,
			     "section must be process, counters, store, server, waits, watch, "
			     "writer "
			     "or pump");
		return;
	}
	struct wh_buf *out = wh_call_result(c);

	wh_pack_map(out, 1);
	wh_pack_c(out, sections[i].name);
	sections[i].dump(c->d, out);
}
