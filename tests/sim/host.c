/* SPDX-License-Identifier: MIT */
/*
 * The process whd, as whd.c builds and ends it: store, boot marks, view,
 * pump; and its sudden end. The socket and its callers are people.c's affair.
 */
#include "tests/sim/host.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/pump.h"
#include "daemon/rules_now.h"
#include "daemon/terms.h"
#include "tests/sim/funnel.h"
#include "tests/sim/sim.h"

#define SENT_MS 2000 /* as the real one's, that what is being sent may take at a stop */
#define STORE_SIZE ((uint64_t)64 << 20)

/* ------------------------------------------------------------ configuration -- */

static int64_t
one_of(struct sim *s, const int64_t *values, size_t n)
{
	return values[sim_dice_below(&s->dice, n)];
}

static const char *
draw_policy(struct sim *s)
{
	static const char *const policies[] = {"merge",      "merge",       "merge",
					       "local-wins", "remote-wins", "manual"};

	return policies[sim_dice_below(&s->dice, wh_array_len(policies))];
}

static void
draw_queue(struct sim *s, struct wh_config *c)
{
	static const int64_t widths[] = {1, 2, 4, 4, 16};
	static const int64_t ages[] = {0, 1000, 5000, 5000, 5000, 60000};
	static const int64_t timeouts[] = {20000, 60000, 300000, 300000};
	static const int64_t errors[] = {5000, 30000, 30000};

	c->queue_max_ops = 200;
	c->queue_max_bytes = 16 << 20;
	c->queue_concurrency = one_of(s, widths, wh_array_len(widths));
	c->queue_policy = draw_policy(s);
	c->queue_check_age = one_of(s, ages, wh_array_len(ages));
	c->queue_settle_timeout = one_of(s, timeouts, wh_array_len(timeouts));
	c->queue_settle_error = one_of(s, errors, wh_array_len(errors));
	if (c->queue_settle_error > c->queue_settle_timeout)
		c->queue_settle_error = c->queue_settle_timeout;
	c->queue_create_marker = sim_dice_chance(&s->dice, 150) ? "comment" : "none";
	c->queue_patch_body = sim_dice_chance(&s->dice, 200) ? "full" : "documented";
}

static void
draw_config(struct sim *s)
{
	static const int64_t intervals[] = {5000, 30000, 60000, 60000, 600000};
	static const int64_t shrinks[] = {0, 30, 30, 100};
	struct wh_config *c = &s->host.config;

	*c = (struct wh_config){
		.upstream_url = "https://api.example/webhookconfig",
		.upstream_timeout = 60000,
		.upstream_connect_timeout = 10000,
		.upstream_max_pages = 1000,
		.upstream_burst = 10,
		.sync_ignore_members = sim_dice_chance(&s->dice, 200) ? "born meta" : "",
		.retry_base = 1000,
		.retry_cap = 300000,
		.history_max_age = INT64_C(720) * 3600 * 1000,
		.history_max_ops = 100000,
		.limits_element = 256 << 10,
		.limits_json_depth = 16,
	};
	c->sync_interval = one_of(s, intervals, wh_array_len(intervals));
	c->sync_max_shrink = one_of(s, shrinks, wh_array_len(shrinks));
	if (sim_dice_chance(&s->dice, 100))
		c->upstream_rate = 2000;
	draw_queue(s, c);
}

bool
sim_host_has_good_key(const struct sim *s)
{
	for (size_t i = 0; i < s->host.keys.n; i++)
		if (s->net.keys_valid >> s->host.keys.index[i] & 1u)
			return true;
	return false;
}

void
sim_host_init(struct sim *s)
{
	struct sim_host *h = &s->host;
	const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	snprintf(h->dir, sizeof(h->dir), "%s/whd-sim-XXXXXX", base);
	wh_require(mkdtemp(h->dir) != NULL);
	draw_config(s);
	h->keys.n = (size_t)sim_dice_between(&s->dice, 1, SIM_KEYS_MAX);
	for (unsigned i = 0; i < h->keys.n; i++)
		h->keys.index[i] = i;
}

/* --------------------------------------------------------------------- end -- */

static void
end_process(struct sim *s)
{
	struct sim_host *h = &s->host;

	sim_net_died(s);
	sim_funnel_drop(&h->writer);
	sim_people_died(s);
	h->d.pump = wh_pump_free(h->d.pump);
	if (h->d.view.mdb)
		wh_view_end(&h->d.view);
	h->d.store = wh_store_close(h->d.store);
	h->up = h->stopping = false;
	h->epoch++; /* what it had planned finds nobody */
	h->down_since = s->mono;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

void
sim_host_fini(struct sim *s)
{
	if (s->host.up)
		end_process(s);
	nftw(s->host.dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void
sim_host_crash(struct sim *s, const char *when)
{
	if (!s->host.up)
		return;
	s->crashes++;
	sim_say(s, "CRASH", "%s", when);
	sim_cover_event(s->coverage, s, SIM_EVENT_CRASH);
	end_process(s);
	sim_oracle_died(s);
	sim_later(s, sim_dice_chance(&s->dice, 300) ? sim_about(s, 30000) : sim_about(s, 300),
		  sim_host_start, 0);
}

bool
sim_host_draws_crash(struct sim *s)
{
	return !s->calm && s->host.up && sim_dice_chance(&s->dice, s->plan.crash_permille);
}

static void
on_drained(struct sim *s, uint64_t unused)
{
	struct sim_host *h = &s->host;

	(void)unused;
	if (h->writer.waiting.head || h->writer.done.head || h->writer.busy) {
		sim_later_in_whd(s, 1, on_drained, 0);
		return;
	}
	sim_say(s, "STOP", "all is on disk");
	end_process(s);
	sim_oracle_died(s);
	sim_later(s, sim_about(s, 2000), sim_host_start, 0);
}

/* What is being sent may end, for as long as the real one lets it. */
static void
let_end(struct sim *s, uint64_t until)
{
	struct wh_pump *p = s->host.d.pump;

	if (!wh_pump_is_drained(p) && (uint64_t)s->mono < until) {
		sim_later_in_whd(s, 10, let_end, until);
		return;
	}
	sim_host_enter(s);
	wh_pump_stop(p);
	sim_later_in_whd(s, 0, on_drained, 0);
}

void
sim_host_stop(struct sim *s)
{
	if (!s->host.up || s->host.stopping)
		return;
	sim_say(s, "STOP", "told to end");
	sim_cover_event(s->coverage, s, SIM_EVENT_STOP);
	s->host.stopping = true;
	wh_pump_drain(s->host.d.pump);
	let_end(s, (uint64_t)s->mono + SENT_MS);
}

/* ------------------------------------------------------------------- start -- */

static void
open_store(struct sim *s)
{
	struct sim_host *h = &s->host;
	char path[80];
	struct wh_store_options o = {.path = path,
				     .max_size = STORE_SIZE,
				     .terms = wh_terms_of_webhook,
				     .sieve_from = 4,
				     .settle_from = s->seed % 2};
	enum wh_store_why why = WH_STORE_WHY_NONE;
	struct wh_buf text = WH_BUF_NULL;

	snprintf(path, sizeof(path), "%s/store", h->dir);
	if (wh_store_open(&h->d.store, &o, &why, &text))
		sim_fail(s, "the store does not open: %.*s", WH_STR_FMT(wh_buf_view(&text)));
	wh_buf_fini(&text);
}

static void
name_copy(const struct sim_host *h, char path[80])
{
	snprintf(path, 80, "%s/copy", h->dir);
}

void
sim_host_copy(struct sim *s, uint64_t unused)
{
	struct sim_host *h = &s->host;
	struct wh_buf why = WH_BUF_NULL;
	char file[80];

	(void)unused;
	if (s->calm)
		return;
	if (h->up && !h->put_back) {
		name_copy(h, file);
		unlink(file);
		h->copied = wh_store_copy(h->d.store, file, &why) == 0;
		sim_say(s, "admin", "copies the store");
	}
	wh_buf_fini(&why);
	sim_later(s, sim_about(s, s->plan.copy_every), sim_host_copy, 0);
}

/* The disk is lost: an older state of the store takes its place. */
static void
put_back(struct sim *s)
{
	struct sim_host *h = &s->host;
	char path[80], file[80];
	struct wh_store_options o = {.path = path, .max_size = STORE_SIZE};
	struct wh_replacement r = {.file = file, .label = "lost", .now = s->mono};
	struct wh_buf text = WH_BUF_NULL;

	snprintf(path, sizeof(path), "%s/store", h->dir);
	name_copy(h, file);
	if (wh_store_replace(&o, &r, &text))
		sim_fail(s, "the copy cannot be put back: %.*s",
			 WH_STR_FMT(wh_buf_view(&text)));
	wh_buf_fini(&text);
	h->put_back = true;
	sim_say(s, "admin", "puts the copy back");
}

/* What it holds is all that whd knows from now on. */
static void
forget_since(struct sim *s)
{
	struct wh_view v;

	wh_require(wh_view_begin(s->host.d.store, &v) == 0);
	sim_oracle_put_back(s, &v);
	wh_view_end(&v);
}

/* The start finds no room: the pump is to mark what was on its way. */
static bool
finds_no_room(struct sim *s)
{
	struct whd *d = &s->host.d;

	d->boot_waits = !s->host.put_back && !s->calm && s->plan.full_permille > 0 &&
			sim_dice_chance(&s->dice, 300);
	if (d->boot_waits)
		sim_cover_event(s->coverage, s, SIM_EVENT_BOOT_WAITS);
	return d->boot_waits;
}

/* As whd's boot: what was on its way is marked, in one transaction. False if it died in it. */
static bool
boot_store(struct sim *s)
{
	struct sim_host *h = &s->host;
	struct wh_boot boot = {.job = {.run = wh_boot_run}};
	struct wh_txn t;

	wh_rules_now(&h->d, &boot.rules);
	wh_require(wh_txn_begin(h->d.store, &t) == 0);

	uint64_t in_doubt = 0;
	int r = h->put_back ? wh_restored_run(&t, &boot.rules, &in_doubt) : 0;

	if (r == 0)
		r = wh_boot_run(&boot.job, &t);
	wh_require(r == 0);
	sim_oracle_ran(s, &boot.job, &t);
	if (sim_host_draws_crash(s)) {
		wh_txn_abort(&t);
		sim_oracle_aborted(s);
		sim_cover_strike(s->coverage, "boot", false);
		sim_host_crash(s, "before the commit of: boot");
		return false;
	}
	wh_require(wh_txn_commit(&t) == 0);
	h->put_back = false;
	sim_oracle_committed(s, &boot.job, NULL);
	sim_say(s, "whd", "up: %llu unknown, %llu queued again",
		(unsigned long long)boot.unknown, (unsigned long long)boot.requeued);
	if (sim_host_draws_crash(s)) {
		sim_cover_strike(s->coverage, "boot", true);
		sim_host_crash(s, "after the commit of: boot");
		return false;
	}
	return true;
}

void
sim_host_start(struct sim *s, uint64_t unused)
{
	struct sim_host *h = &s->host;
	struct whd *d = &h->d;

	(void)unused;
	*d = (struct whd){0};
	d->config = &h->config;
	d->http = &h->http;
	d->keys = &h->keys;
	d->writer = &h->writer;
	d->space =
		(struct wh_store_space){.map_size = STORE_SIZE, .disk_free = UINT64_C(1) << 40};
	d->boot = sim_dice_next(&s->whd_dice);
	h->http.sim = s;
	h->keys.active = 0;
	h->epoch = h->epoch ? h->epoch : 1;
	h->up = true;
	h->started = s->mono;
	sim_funnel_init(&h->writer, s);
	whd_tick(d);
	if (h->copied && !h->put_back && !s->calm && sim_dice_chance(&s->dice, 200))
		put_back(s);
	open_store(s);
	if (!s->failed && h->put_back)
		forget_since(s);
	if (s->failed || (!finds_no_room(s) && !boot_store(s)))
		return;
	wh_require(wh_view_begin(d->store, &d->view) == 0);
	d->pump = wh_pump_start(d);
	wh_require(d->pump != NULL);
	sim_oracle_started(s);
	sim_people_started(s);
	wh_pump_poke(d->pump);
}

void
sim_host_enter(struct sim *s)
{
	whd_tick(&s->host.d);
}

void
sim_host_poke(struct sim *s)
{
	if (s->host.up && s->host.d.pump)
		wh_pump_poke(s->host.d.pump);
}
