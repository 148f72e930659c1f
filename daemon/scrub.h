/* SPDX-License-Identifier: MIT */
/*
 * The whole store, read and held against itself while it is served: on request,
 * and once a day. What is found is logged, told by status and in an event;
 * webhooks are fetched again, the rest is for the next start, which makes the
 * store anew. Loop thread.
 */
#pragma once

#include "daemon/server.h"

/* Begins a check; with a ticket the call is answered when it is done. False if another job is
 * running. */
bool wh_scrub_begin(struct whd *d, const struct wh_ticket *ticket);
/* At start: when the first one is due. */
void wh_scrub_schedule(struct whd *d);
/* A job met damage that it cannot work around: the next start is to deal with it. */
void wh_scrub_met_damage(struct whd *d);
