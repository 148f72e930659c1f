/* SPDX-License-Identifier: MIT */
/*
 * Deciding what becomes of a request: the API's answer, or a fault.
 *
 * Called on the thread of the connection with the simulator's lock held; the
 * lock is free while a fault holds the request.
 */
#pragma once

#include <stdbool.h>

#include "tests/whsim/deliver.h"

/*
 * Decides a request whose body was read, and fills reply and delivery.  May
 * take over `*req` and set it to NULL, when it is to be executed later.
 */
void wh_inject_decide(struct whsim *sim, struct wh_request **req, struct wh_reply *ret_reply,
		      struct wh_delivery *ret_delivery);

/*
 * Looks for a fault that strikes before the body is read.  Returns true if
 * there is one, with the delivery filled.
 */
bool wh_inject_unread(struct whsim *sim, struct wh_request *req,
		      struct wh_delivery *ret_delivery);
