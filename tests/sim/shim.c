/* SPDX-License-Identifier: MIT */
/*
 * The functions that stand between whd's pump and the outer world, each with
 * the name it has in whd: the linker takes them in place of those of libuv,
 * http.c, writer.c, keys.c, log.c, clock.c, status.c and waits.c. So the pump,
 * the decisions and the transaction bodies run as shipped.
 *
 * The log and the clock are called without any context. For them alone it is
 * kept here whose turn it is.
 */
#include <stdio.h>
#include <stdlib.h>

#include "daemon/pump.h"
#include "daemon/status.h"
#include "daemon/waits.h"
#include "tests/sim/funnel.h"
#include "tests/sim/sim.h"

static struct sim *turn_of;

void
sim_shim_begin(struct sim *s)
{
	turn_of = s;
}

static struct sim *
sim_of(const struct whd *d)
{
	return d->http->sim;
}

/* -------------------------------------------------------- clock and chance -- */

struct wh_now
wh_clock_now(void)
{
	return (struct wh_now){
		.mono = {turn_of->mono},
		.wall = {turn_of->mono + turn_of->wall_offset},
	};
}

uint64_t
wh_clock_random(void)
{
	return sim_dice_next(&turn_of->whd_dice);
}

void
wh_clock_randoms(uint64_t *ret, size_t n)
{
	for (size_t i = 0; i < n; i++)
		ret[i] = wh_clock_random();
}

void
whd_tick(struct whd *d)
{
	d->now = wh_clock_now();
}

void
whd_look_at_stop(struct whd *d)
{
	(void)d;
}

/* ------------------------------------------------------------------- timer -- */

static void
on_timer(struct sim *s, uint64_t turn)
{
	if (turn != s->host.timer_turn)
		return; /* it was set anew or stopped since */
	s->host.timer_cb(s->host.timer);
}

void
wh_alarm_init(struct wh_alarms *a, uv_timer_t *timer)
{
	(void)a;
	(void)timer;
}

void
wh_alarm_start(struct wh_alarms *a, uv_timer_t *timer, uv_timer_cb cb, uint64_t delay,
	       uint64_t repeat)
{
	struct sim_host *h = &turn_of->host;

	(void)a;
	wh_require(repeat == 0);
	h->timer = timer;
	h->timer_cb = cb;
	sim_later_in_whd(turn_of, (int64_t)delay, on_timer, ++h->timer_turn);
}

int
uv_timer_stop(uv_timer_t *timer)
{
	(void)timer;
	turn_of->host.timer_turn++;
	return 0;
}

void
uv_close(uv_handle_t *handle, uv_close_cb cb)
{
	if (cb)
		cb(handle);
}

/* --------------------------------------------------------------- transport -- */

void
wh_http_submit(struct wh_http *h, const struct wh_http_request *r)
{
	sim_net_submit(h->sim, r);
}

uint64_t
wh_http_standing(struct wh_http *h)
{
	return sim_net_standing(h->sim);
}

uint64_t
wh_http_withdraw(struct wh_http *h)
{
	return sim_net_withdraw(h->sim);
}

void
wh_http_chunk_taken(struct wh_http *h, uint64_t tag)
{
	sim_net_chunk_taken(h->sim, tag);
}

struct wh_http_result *
wh_http_result_free(struct wh_http_result *r)
{
	if (r) {
		wh_buf_fini(&r->body);
		wh_buf_fini(&r->row);
		wh_seen_fini(&r->seen);
		wh_chunk_free(r->last_chunk);
		wh_spill_free(r->spill);
		free(r);
	}
	return NULL;
}

/* ------------------------------------------------------------------ funnel -- */

void
wh_writer_submit(struct wh_writer *w, struct wh_job *job)
{
	sim_funnel_submit(w, job);
}

/* Whatever a callback submits is one batch anyway. */
void
wh_writer_cork(struct wh_writer *w)
{
	(void)w;
}

void
wh_writer_uncork(struct wh_writer *w)
{
	(void)w;
}

bool
wh_writer_idle(const struct wh_writer *w)
{
	return !w->waiting.head && !w->done.head && !w->busy;
}

/* -------------------------------------------------------------------- keys -- */

size_t
wh_keys_count(const struct wh_keys *k)
{
	return k->n;
}

size_t
wh_keys_active(const struct wh_keys *k)
{
	return k->active;
}

struct wh_str
wh_keys_text(const struct wh_keys *k, size_t i)
{
	return wh_str_c(k->index[i] == 0 ? "key-0" : k->index[i] == 1 ? "key-1" : "key-2");
}

void
wh_keys_activate(struct wh_keys *k, size_t i)
{
	k->active = i;
}

/* ------------------------------------------------- what is told and waited -- */

enum wh_log_level
wh_log_get_level(void)
{
	return turn_of->trace ? WH_LOG_DEBUG : WH_LOG_ERROR;
}

void
wh_log_write(enum wh_log_level level, const char *group, const char *msg, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	(void)level;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sim_say(turn_of, "whd", "%s: %s %s", group, msg, text);
}

const char *
wh_log_quote(struct wh_str s, char *out, size_t cap)
{
	snprintf(out, cap, "\"%.*s\"", WH_STR_FMT(s));
	return out;
}

void
wh_waits_poke(struct wh_waits *w)
{
	(void)w;
}

void
wh_waits_list_ended(struct wh_waits *w, uint64_t list, struct wh_str summary,
		    enum wh_error code, struct wh_str sentence)
{
	(void)w;
	(void)list;
	(void)summary;
	(void)code;
	(void)sentence;
}

void
wh_waits_probed(struct wh_waits *w, uint64_t probe, struct wh_str result)
{
	(void)w;
	(void)probe;
	(void)result;
}

const struct wh_store_space *
wh_status_space(struct whd *d)
{
	(void)sim_of(d);
	return &d->space;
}

int64_t
wh_config_stale_after(const struct wh_config *c)
{
	return 3 * c->sync_interval;
}
