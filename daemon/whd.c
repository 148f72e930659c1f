/* SPDX-License-Identifier: MIT */
/*
 * Building the daemon, the order of waking its parts after a commit, reload
 * and the order of stopping. What each part does is its own affair.
 *
 * Start: store, boot marks, loop's view, funnel, transport, pump, socket; only
 * then ready. Stop: no new connections, no new requests, the funnel drained,
 * replies flushed, store closed.
 */
#include "daemon/whd.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/backup.h"
#include "daemon/catch_up.h"
#include "daemon/boot.h"
#include "daemon/keys_watch.h"
#include "daemon/pool.h"
#include "daemon/index.h"
#include "daemon/pump.h"
#include "daemon/recall.h"
#include "daemon/scrub.h"
#include "daemon/sd.h"
#include "daemon/server.h"
#include "daemon/status.h"
#include "daemon/url.h"
#include "daemon/waits.h"
#include "daemon/watch.h"
#include "daemon/writer.h"

#define SENT_MS 2000     /* longest time what is being sent may take at a stop */
#define FLUSH_MS 2000    /* longest time replies may take to leave at a stop */
#define HTTP_STOP_MS 500 /* longest wait for the transport; it may sit in a name look-up */
#define UPKEEP_MS 60000  /* dead readers, status line */

void
whd_tick(struct whd *d)
{
	wh_clock_follow(&d->now);
}

void
whd_tick_late(struct whd *d)
{
	if ((int64_t)uv_now(&d->loop) != d->now.mono.ms)
		whd_tick(d);
}

void
whd_on_commit(struct whd *d)
{
	wh_waits_poke(d->waits);
	wh_watch_poke(d->watch);
	wh_index_mind(d);
	wh_catch_up_mind(d);
	wh_pump_poke(d->pump);
}

/* ----------------------------------------------------------------- reload -- */

static struct wh_http_settings
http_settings(const struct whd *d)
{
	const struct wh_config *c = d->config;

	return (struct wh_http_settings){
		.url = d->resource,
		.header = c->upstream_header,
		.ca_file = c->upstream_ca_file,
		.timeout_ms = c->upstream_timeout,
		.connect_ms = c->upstream_connect_timeout,
		.max_body = c->upstream_max_body,
		.max_pages = c->upstream_max_pages,
		.element = c->limits_element,
		.json_depth = c->limits_json_depth,
		.allow_http = c->upstream_allow_http,
	};
}

static void
set_log_level(const struct wh_config *c)
{
	enum wh_log_level level;

	if (wh_log_level_parse(wh_str_c(c->log_level), &level))
		wh_log_set_level(level);
}

static void
take_keys(struct whd *d, struct wh_keys *fresh)
{
	bool same = wh_keys_same(d->keys, fresh);

	if (d->keys_error)
		wh_log(WH_LOG_INFO, "keys", "the file of keys can be used again", "same=%d",
		       same);
	free(wh_steal(&d->keys_error));
	if (same) {
		wh_keys_free(fresh);
		return;
	}
	wh_keys_free(d->keys);
	d->keys = fresh;
	wh_log(WH_LOG_INFO, "keys", "subscription keys read again", "keys=%zu",
	       wh_keys_count(fresh));
	wh_pump_keys_changed(d->pump);
}

static void
watch_keys(struct whd *d)
{
	char *path = wh_keys_path(d->config->upstream_key_file);

	wh_keys_watch_file(d->keys_watch, path);
	free(path);
}

/* The file of keys was changed: as good as a reload of that alone. */
static void
on_keys_changed(struct whd *d)
{
	struct wh_buf text = WH_BUF_NULL;
	struct wh_keys *fresh;

	if (wh_keys_load(&fresh, d->config->upstream_key_file, &text)) {
		free(d->keys_error);
		d->keys_error = wh_xstrdup(wh_buf_view(&text));
		wh_log(WH_LOG_ERROR, "keys",
		       "the file of keys was changed and cannot be used; the keys from before "
		       "stay",
		       "why=%s", WH_LOGQ(wh_buf_view(&text)));
	} else {
		take_keys(d, fresh);
	}
	wh_buf_fini(&text);
}

int
whd_reload(struct whd *d, struct wh_buf *text)
{
	struct wh_config *fresh;
	struct wh_keys *keys;
	struct wh_http_settings http;
	int r = wh_config_load(&fresh, d->config->file, text);

	if (r)
		return r;
	r = wh_keys_load(&keys, fresh->upstream_key_file, text);
	if (r) {
		wh_config_free(fresh);
		return r;
	}
	wh_sd_reloading();
	wh_config_adopt(&d->config, fresh, text);
	http = http_settings(d);
	wh_http_set(d->http, &http);
	set_log_level(d->config);
	wh_server_reconfigure(d->server);
	take_keys(d, keys);
	watch_keys(d);
	d->counters.reloads++;
	wh_log(WH_LOG_INFO, "config", "configuration read again", "restart_for=%s",
	       WH_LOGQ(wh_buf_view(text)));
	wh_sd_ready("reloaded");
	wh_pump_reloaded(d->pump);
	wh_backup_schedule(d);
	return 0;
}

static void
on_hup(uv_signal_t *s, int signum)
{
	struct whd *d = s->data;
	struct wh_buf text = WH_BUF_NULL;

	(void)signum;
	whd_tick(d);
	int r = whd_reload(d, &text);

	while (text.n && text.p[text.n - 1] == '\n')
		text.n--;
	if (r)
		wh_log(WH_LOG_ERROR, "config", "reload refused, the old configuration stays",
		       "why=%s", WH_LOGQ(wh_buf_view(&text)));
	wh_buf_fini(&text);
}

/* ------------------------------------------------------------------- stop -- */

static void
close_handles(struct whd *d)
{
	uv_close((uv_handle_t *)&d->on_term, NULL);
	uv_close((uv_handle_t *)&d->on_int, NULL);
	uv_close((uv_handle_t *)&d->on_hup, NULL);
	uv_close((uv_handle_t *)&d->stop_wait, NULL);
	uv_close((uv_handle_t *)&d->upkeep, NULL);
	uv_close((uv_handle_t *)&d->watchdog, NULL);
	uv_close((uv_handle_t *)&d->backup, NULL);
	uv_close((uv_handle_t *)&d->scrub, NULL);
	uv_close((uv_handle_t *)&d->catch_up.timer, NULL);
	wh_alarms_close(&d->alarms);
	d->keys_watch = wh_keys_watch_free(d->keys_watch);
}

static void
on_peers_gone(struct whd *d)
{
	bool ended = wh_http_stop(d->http, HTTP_STOP_MS);

	d->watch = wh_watch_free(d->watch);
	d->waits = wh_waits_free(d->waits);
	d->recall = wh_recall_free(d->recall);
	d->server = wh_server_free(d->server);
	d->writer = wh_writer_free(d->writer);
	/* A thread sits in a name look-up, or reads the store: leave without it, all is on
	 * disk. */
	if (!ended || wh_pool_runs(d))
		_exit(0);
	d->http = wh_http_free(d->http);
	d->pump = wh_pump_free(d->pump);
	close_handles(d);
}

static void
on_written(struct whd *d)
{
	wh_crash_at(&d->crash, WH_CRASH_DRAINED);
	wh_server_close(d->server, FLUSH_MS, on_peers_gone);
}

/* Replies are flushed; what still is in flight stays SENDING and is looked up after the start.
 */
static void
close_down(uv_timer_t *t)
{
	struct whd *d = t->data;

	whd_tick(d);
	uv_timer_stop(t);
	wh_pump_stop(d->pump);
	wh_waits_stop(d->waits);
	wh_pool_stop(d);
	uv_timer_stop(&d->backup);
	uv_timer_stop(&d->scrub);
	uv_timer_stop(&d->catch_up.timer);
	wh_writer_stop(d->writer, on_written);
}

void
whd_look_at_stop(struct whd *d)
{
	if (uv_is_active((uv_handle_t *)&d->stop_wait) && wh_pump_is_drained(d->pump))
		wh_alarm_start(&d->alarms, &d->stop_wait, close_down, 0, 0);
}

/* A second signal does not wait for what is being sent. */
static void
stop(struct whd *d, const char *why)
{
	if (d->stopping) {
		if (uv_is_active((uv_handle_t *)&d->stop_wait))
			close_down(&d->stop_wait);
		return;
	}
	d->stopping = true;
	wh_crash_at(&d->crash, WH_CRASH_STOPPING);
	wh_log(WH_LOG_INFO, "whd", "stopping", "why=%s", why);
	wh_sd_stopping();
	wh_server_stop_accepting(d->server);
	wh_pump_drain(d->pump);
	wh_alarm_start(&d->alarms, &d->stop_wait, close_down, SENT_MS, 0);
	whd_look_at_stop(d);
}

static void
on_stop_signal(uv_signal_t *s, int signum)
{
	struct whd *d = s->data;

	whd_tick(d);
	stop(d, signum == SIGTERM ? "SIGTERM" : "SIGINT");
}

/*
 * The loop runs, or this would not be called; the store can be read; and the
 * commit thread moves if it has work. Only then does systemd hear of it.
 */
static void
on_watchdog(uv_timer_t *t)
{
	struct whd *d = t->data;
	struct wh_str instance;
	bool moves = wh_writer_idle(d->writer) || d->counters.commits != d->commits_seen;

	whd_tick(d);
	d->commits_seen = d->counters.commits;
	if (moves && wh_meta_text(&d->view, "instance", &instance) == 0)
		wh_sd_watchdog();
}

static void
start_watchdog(struct whd *d)
{
	int64_t every = wh_sd_watchdog_ms() / 3;

	wh_alarm_init(&d->alarms, &d->watchdog);
	d->watchdog.data = d;
	if (every > 0)
		wh_alarm_start(&d->alarms, &d->watchdog, on_watchdog, (uint64_t)every,
			       (uint64_t)every);
}

/* ----------------------------------------------------------------- upkeep -- */

static void
on_upkeep(uv_timer_t *t)
{
	struct whd *d = t->data;
	char line[160], old[32] = "of unknown age";
	int64_t age;

	whd_tick(d);
	wh_store_reap_readers(d->store);
	wh_server_tidy(d->server);
	age = wh_pump_age(d->pump);
	if (age >= 0)
		snprintf(old, sizeof(old), "%lld s old", (long long)age / 1000);
	snprintf(line, sizeof(line), "%s, copy %s, %llu changes waiting",
		 wh_pump_online(d->pump) ? "online" : "offline", old,
		 (unsigned long long)(d->view.meta.ops_queued + d->view.meta.ops_unknown));
	wh_sd_status(line);
}

/* ------------------------------------------------------------------- start -- */

static int
say(const char *what, const struct wh_buf *text)
{
	wh_log(WH_LOG_ERROR, "whd", what, "why=%s", WH_LOGQ(wh_buf_view(text)));
	return EXIT_FAILURE;
}

static int
start_loop(struct whd *d)
{
	int r = uv_loop_init(&d->loop);

	if (r == 0)
		r = wh_alarms_init(&d->alarms, &d->loop);
	if (r)
		wh_log(WH_LOG_ERROR, "whd",
		       "no event loop can be made: raise the limits of memory and descriptors",
		       "why=%s", uv_strerror(r));
	return r ? EXIT_FAILURE : 0;
}

static int
load_keys(struct whd *d)
{
	struct wh_buf text = WH_BUF_NULL;
	int r = wh_keys_load(&d->keys, d->config->upstream_key_file, &text);

	if (r)
		say("the subscription keys cannot be read", &text);
	wh_buf_fini(&text);
	return r ? WHD_EXIT_CONFIG : 0;
}

static int
start_server(struct whd *d)
{
	struct wh_buf text = WH_BUF_NULL;
	int r = wh_server_start(d, &text);

	if (r)
		say("the socket cannot be served", &text);
	wh_buf_fini(&text);
	if (r == 0)
		return 0;
	return r == WH_EBUSY ? WHD_EXIT_RUNNING : EXIT_FAILURE;
}

static void
start_signals(struct whd *d)
{
	uv_signal_init(&d->loop, &d->on_term);
	uv_signal_init(&d->loop, &d->on_int);
	uv_signal_init(&d->loop, &d->on_hup);
	wh_alarm_init(&d->alarms, &d->upkeep);
	wh_alarm_init(&d->alarms, &d->backup);
	wh_alarm_init(&d->alarms, &d->stop_wait);
	d->on_term.data = d->on_int.data = d->on_hup.data = d->upkeep.data = d;
	d->stop_wait.data = d;
	uv_signal_start(&d->on_term, on_stop_signal, SIGTERM);
	uv_signal_start(&d->on_int, on_stop_signal, SIGINT);
	uv_signal_start(&d->on_hup, on_hup, SIGHUP);
	wh_alarm_start(&d->alarms, &d->upkeep, on_upkeep, UPKEEP_MS, UPKEEP_MS);
	wh_backup_schedule(d);
	wh_scrub_schedule(d);
	wh_catch_up_init(d);
}

static int
start_parts(struct whd *d)
{
	struct wh_http_settings http = http_settings(d);

	d->waits = wh_waits_new(d);
	d->recall = wh_recall_new();
	d->watch = wh_watch_new(d);
	d->writer = wh_writer_start(d);
	d->http = wh_http_start(d, &http);
	d->pump = wh_pump_start(d);
	if (!d->waits || !d->watch || !d->writer || !d->http || !d->pump) {
		wh_log(WH_LOG_ERROR, "whd", "a part could not be started", "errno=%d", errno);
		return EXIT_FAILURE;
	}
	return start_server(d);
}

static void
say_ready(struct whd *d)
{
	wh_log(WH_LOG_INFO, "whd", "ready", "version=%s socket=%s rows=%llu ops=%llu",
	       WHD_VERSION, WH_LOGQ(wh_str_c(d->config->socket_path)),
	       (unsigned long long)d->view.meta.rows,
	       (unsigned long long)(d->view.meta.ops_queued + d->view.meta.ops_unknown));
	wh_sd_ready("serving");
}

static void
close_all(struct whd *d)
{
	if (d->view.mdb)
		wh_view_end(&d->view);
	if (!d->damage && !d->repair_asked)
		wh_store_rest(d->store);
	d->store = wh_store_close(d->store);
	d->keys = wh_keys_free(d->keys);
	d->config = wh_config_free(d->config);
	free(d->resource);
	free(d->damage);
	free(d->keys_error);
}

/*
 * Lists come and go in buffers of up to a megabyte: keep those out of the
 * heap, so that the memory of the last large list is given back. The threads
 * that are always there, of the loop, the funnel and HTTP, have a heap each,
 * so that none waits for another one's.
 */
static void
tame_malloc(void)
{
	mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	mallopt(M_TRIM_THRESHOLD, 256 * 1024);
	mallopt(M_ARENA_MAX, 3);
}

int
whd_run(struct wh_config *config)
{
	struct whd *d = wh_xcalloc(1, sizeof(*d));
	int status;

	tame_malloc();
#ifdef WHD_TEST_HOOKS
	wh_crash_init(&d->crash);
#endif
	d->config = config;
	d->resource = wh_url_resource(wh_str_c(config->upstream_url));
	d->boot = wh_clock_random();
	whd_tick(d);
	d->started = d->now;
	status = start_loop(d);
	if (status == 0)
		status = load_keys(d);
	if (status == 0)
		status = wh_boot_store(d);
	if (status == 0) {
		start_signals(d); /* who can reach whd can stop it in good order */
		status = start_parts(d);
	}
	if (status) {
		/* Threads may run: leave at once, nothing was promised yet. */
		fflush(NULL);
		_exit(status);
	}
	start_watchdog(d);
	d->keys_watch = wh_keys_watch_new(d, on_keys_changed);
	watch_keys(d);
	say_ready(d);
	wh_index_mind(d);
	wh_catch_up_mind(d);
	wh_pump_poke(d->pump);
	uv_run(&d->loop, UV_RUN_DEFAULT);
	wh_alarms_fini(&d->alarms);
	uv_loop_close(&d->loop);
	close_all(d);
	free(d);
	return EXIT_SUCCESS;
}
