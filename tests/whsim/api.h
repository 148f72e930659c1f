/* SPDX-License-Identifier: MIT */
/*
 * The simulated API itself: one resource, four methods.
 *
 * Called with the simulator's lock held, on the thread of the connection or
 * on the late thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tests/whsim/reply.h"
#include "tests/whsim/request.h"

struct whsim;

/* What an operation works on. */
struct wh_api {
	struct whsim *sim;
	const struct wh_request *req;
	struct wh_reply *reply;
};

/*
 * The gateway's part: route, key, rate, quota.  Returns true if the request
 * may be executed, else the reply is filled.
 */
bool wh_api_admit(struct wh_api *api);

/*
 * Executes an admitted request and fills the reply; counts the execution in
 * the log if it came to one.
 */
void wh_api_execute(struct wh_api *api);

/* Answers a GET without whid, or one whose whid is ignored. */
void wh_list_answer(struct wh_api *api);
