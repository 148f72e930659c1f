/* SPDX-License-Identifier: MIT */
/*
 * The simulated host: whd's process with its real pump, transaction bodies and
 * store, over a virtual timer, transport, funnel and clock. A crash drops all
 * of its memory; a start opens the store again as whd does.
 */
#pragma once

#include "daemon/apply.h"
#include "daemon/http.h"
#include "daemon/jobs.h"
#include "daemon/keys.h"
#include "daemon/writer.h"

struct sim;

#define SIM_KEYS_MAX 3

/* What the pump knows as the parts of whd; here each of them is this little. */
struct wh_http {
	struct sim *sim;
};

struct wh_keys {
	size_t n, active;
	unsigned index[SIM_KEYS_MAX]; /* which of the upstream's keys each one is */
};

struct wh_writer {
	struct sim *sim;
	struct wh_jobs waiting, done;
	bool busy;                       /* a commit is on its way or not yet completed */
	struct wh_buf touching, touches; /* of rows: by the transaction, not yet told */
};

struct sim_host {
	struct whd d;
	struct wh_config config;
	struct wh_http http;
	struct wh_keys keys;
	struct wh_writer writer;
	char dir[64];   /* of the store */
	bool copied;    /* a copy of it lies there, too */
	bool put_back;  /* ... and was put back for the next start */
	uint64_t epoch; /* number of the process; 0 = none was started */
	bool up;
	bool stopping;   /* an orderly stop: the funnel is drained */
	int64_t started; /* monotonic, of this process */
	int64_t down_since;
	uint64_t timer_turn; /* which setting of the pump's timer counts */
	uv_timer_cb timer_cb;
	uv_timer_t *timer;
	uint64_t revision_seen; /* newest that a reader was shown */
};

/* Draws the configuration and makes the folder of the store. */
void sim_host_init(struct sim *s);
void sim_host_fini(struct sim *s);
void sim_host_start(struct sim *s, uint64_t unused);
/* kill -9: memory is gone, requests that left go on. Starts again after a while. */
void sim_host_crash(struct sim *s, const char *when);
/* Shall whd die at this edge? The seed's chance; never while it is calm. */
bool sim_host_draws_crash(struct sim *s);
/* A copy of the store is made; after some crash it may be put back. */
void sim_host_copy(struct sim *s, uint64_t unused);
/* SIGTERM. */
void sim_host_stop(struct sim *s);
/* Is one of the keys whd has taken by the upstream? */
bool sim_host_has_good_key(const struct sim *s);
/* Before anything calls into whd: reads the clocks. */
void sim_host_enter(struct sim *s);
/* Lets whd's pump look again. */
void sim_host_poke(struct sim *s);

/* shim.c: whd's log and clock have no context of their own, so they are told whose turn it is.
 */
void sim_shim_begin(struct sim *s);
