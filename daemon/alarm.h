/* SPDX-License-Identifier: MIT */
/*
 * Timers that wait while requests are served.
 *
 * libuv hands the time until its next timer to epoll_wait, for which the
 * kernel sets up and takes down a timer of its own each time: 5 % of what a
 * get takes. Alarms are libuv's timers in a loop of their own, which is run
 * when a descriptor (timerfd) says that the first of them is due. Timers that
 * run only while something is half-way may stay in the loop. Loop thread.
 */
#pragma once

#include <uv.h>

struct wh_alarms {
	uv_loop_t timers; /* holds them, and is never waited in */
	uv_poll_t due;    /* in the loop of the daemon */
	int fd;
	uint64_t at; /* ms of uv_now() that the descriptor is set to; UINT64_MAX = none */
};

/* 0, or a libuv error. */
int wh_alarms_init(struct wh_alarms *a, uv_loop_t *loop);
/* The timer is stopped by uv_timer_stop() and closed by uv_close(), whose callback is called by
 * wh_alarms_fini() at the latest. */
void wh_alarm_init(struct wh_alarms *a, uv_timer_t *timer);
/* Calls cb in delay ms, and then every `repeat` ms unless that is 0. */
void wh_alarm_start(struct wh_alarms *a, uv_timer_t *timer, uv_timer_cb cb, uint64_t delay,
		    uint64_t repeat);
/* No alarm rings any more, so that the loop can end. */
void wh_alarms_close(struct wh_alarms *a);
/* After the loop has ended, and all alarms were closed. */
void wh_alarms_fini(struct wh_alarms *a);
