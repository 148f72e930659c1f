/* SPDX-License-Identifier: MIT */
/*
 * What each fault does to a reply.
 *
 * Called by inject.c with the simulator's lock held, after the request was or
 * was not executed.
 */
#pragma once

#include "tests/whsim/deliver.h"
#include "tests/whsim/fault.h"

struct wh_spoil {
	struct whsim *sim;
	const struct wh_request *req;
	const struct wh_fault *rule;
	struct wh_reply *reply;
	struct wh_delivery *delivery;
};

/* Changes reply and delivery as the rule's action wants. */
void wh_spoil(const struct wh_spoil *spoil);
