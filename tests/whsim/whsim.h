/* SPDX-License-Identifier: MIT */
/*
 * The whole state of a simulator, and its one lock.
 *
 * Every connection has a thread of its own (of libmicrohttpd), so a delayed
 * reply holds nobody up; all of them, the control verbs and the late thread
 * work on this struct with `lock` held.  `changed` is signalled whenever
 * somebody who waits may want to look again.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/whsim/conn.h"
#include "tests/whsim/fault.h"
#include "tests/whsim/gate.h"
#include "tests/whsim/late.h"
#include "tests/whsim/net.h"
#include "tests/whsim/options.h"
#include "tests/whsim/reqlog.h"
#include "tests/whsim/rows.h"
#include "tests/whsim/switches.h"

struct whsim {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	const struct wh_options *options;
	struct wh_switches switches;
	struct wh_rows rows;
	struct wh_gate gate;
	struct wh_faults faults;
	struct wh_log log;
	struct wh_conns conns;
	struct wh_late late;
	struct wh_net net;
	int64_t started_ms;
	uint64_t serial; /* requests seen since the start */
	/*
	 * Raised when whoever waits must give up: stop, reset, change of the
	 * network.  A request that arrived under another epoch is dropped.
	 */
	uint64_t epoch;
	bool stopping;
	bool close_after_request;
};

/* Brings rows, keys and switches to the start; opens nothing. */
void wh_sim_init(struct whsim *sim, const struct wh_options *options);

/* Releases everything; no thread may use `sim` any more. */
void wh_sim_fini(struct whsim *sim);

void wh_sim_lock(struct whsim *sim);
void wh_sim_unlock(struct whsim *sim);

/* Wakes everybody who waits; call with the lock held. */
void wh_sim_changed(struct whsim *sim);

/* As wh_sim_changed, and whoever is held drops its request. */
void wh_sim_interrupt(struct whsim *sim);

/*
 * Everything but the connections goes back to the start: rows, keys, limits,
 * switches, faults, log, late work.  Call with the lock held.
 */
void wh_sim_reset(struct whsim *sim);

/*
 * Waits with the lock held (it is released meanwhile) until something changed
 * or the monotonic instant has come; may return early.
 */
void wh_sim_wait_until(struct whsim *sim, int64_t mono_ms);
