/* SPDX-License-Identifier: MIT */
/* Timers in a loop of their own, behind one timerfd. */
#include "daemon/alarm.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "proto/base.h"

#define NS_PER_MS 1000000u
#define MS_PER_S 1000u

static void
set(struct wh_alarms *a, uint64_t at)
{
	/* uv_now() is the time of CLOCK_MONOTONIC. */
	struct itimerspec when = {
		.it_value = {(time_t)(at / MS_PER_S), (long)(at % MS_PER_S * NS_PER_MS)}};

	wh_require(timerfd_settime(a->fd, TFD_TIMER_ABSTIME, &when, NULL) == 0);
	a->at = at;
}

/* To wake up once too early, and find that the first was put off, takes less than to set the
 * descriptor whenever one is. */
static void
set_to_first(struct wh_alarms *a)
{
	int ms = uv_loop_alive(&a->timers) ? uv_backend_timeout(&a->timers) : -1;
	uint64_t at = ms < 0 ? UINT64_MAX : uv_now(&a->timers) + (uint64_t)ms;

	if (at < a->at)
		set(a, at);
}

static void
on_due(uv_poll_t *due, int status, int events)
{
	struct wh_alarms *a = due->data;
	uint64_t times;

	(void)status;
	(void)events;
	if (read(a->fd, &times, sizeof(times)) < 0 && errno == EAGAIN)
		return; /* it was set anew meanwhile */
	a->at = UINT64_MAX;
	uv_run(&a->timers, UV_RUN_NOWAIT);
	set_to_first(a);
}

static int
init_poll(struct wh_alarms *a, uv_loop_t *loop)
{
	int r = uv_poll_init(loop, &a->due, a->fd);

	if (r)
		return r;
	a->due.data = a;
	uv_poll_start(&a->due, UV_READABLE, on_due);
	uv_unref((uv_handle_t *)&a->due); /* to wait is no reason to go on */
	return 0;
}

int
wh_alarms_init(struct wh_alarms *a, uv_loop_t *loop)
{
	int r = uv_loop_init(&a->timers);

	if (r)
		return r;
	uv_run(&a->timers, UV_RUN_NOWAIT); /* before, it does not tell when one is due */
	a->at = UINT64_MAX;
	a->fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	r = a->fd < 0 ? uv_translate_sys_error(errno) : init_poll(a, loop);
	if (r == 0)
		return 0;
	if (a->fd >= 0)
		close(a->fd);
	uv_loop_close(&a->timers);
	return r;
}

void
wh_alarm_init(struct wh_alarms *a, uv_timer_t *timer)
{
	uv_timer_init(&a->timers, timer);
}

void
wh_alarm_start(struct wh_alarms *a, uv_timer_t *timer, uv_timer_cb cb, uint64_t delay,
	       uint64_t repeat)
{
	uv_update_time(&a->timers);
	uv_timer_start(timer, cb, delay, repeat);
	set_to_first(a);
}

void
wh_alarms_close(struct wh_alarms *a)
{
	uv_close((uv_handle_t *)&a->due, NULL);
}

void
wh_alarms_fini(struct wh_alarms *a)
{
	uv_run(&a->timers, UV_RUN_DEFAULT); /* calls back who closed one */
	uv_loop_close(&a->timers);
	close(a->fd);
}
