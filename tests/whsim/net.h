/* SPDX-License-Identifier: MIT */
/*
 * The simulated network in front of the API: up, refusing, or swallowing.
 *
 * Owns the listening socket and the libmicrohttpd daemon of the API.  Changes
 * of state are made one at a time; the simulator's lock must NOT be held,
 * since the threads of the connections need it to end.
 */
#pragma once

#include <pthread.h>
#include <stdint.h>

struct MHD_Daemon;
struct whsim;

enum wh_net_state {
	NET_UP,
	NET_REFUSE,    /* nobody listens: connects are refused */
	NET_BLACKHOLE, /* requests are read and never answered */
	WH_NET_STATES
};

struct wh_net {
	pthread_mutex_t change;  /* one change of state at a time */
	enum wh_net_state state; /* under the simulator's lock */
	struct MHD_Daemon *daemon;
	int listen_fd; /* bound as long as the simulator lives; -1 = not yet */
	uint16_t port;
	char *tls_cert; /* PEM text */
	char *tls_key;
};

/* The names of the states in JSON; ends with NULL. */
extern const char *const wh_net_names[];

void wh_net_init(struct wh_net *net);
void wh_net_fini(struct wh_net *net);

/* Binds, listens, serves.  Returns 0, or a negative errno after a sentence on
 * stderr. */
int wh_net_start(struct whsim *sim);

/* Stops serving for good. */
void wh_net_stop(struct whsim *sim);

/* Goes to another state; returns 0 or a negative errno. */
int wh_net_set(struct whsim *sim, enum wh_net_state state);
