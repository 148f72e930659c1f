/* SPDX-License-Identifier: MIT */
/*
 * Sending a decided reply, or sending none.
 *
 * Called on the thread of the connection WITHOUT the simulator's lock.
 */
#pragma once

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/whsim/reply.h"
#include "tests/whsim/request.h"

struct wh_conn;
struct wh_fault;
struct whsim;

enum wh_delivery_how {
	DELIVER_REPLY,
	DELIVER_CLOSE, /* an orderly end without a byte */
	DELIVER_RESET,
	DELIVER_CUT_HEAD, /* an orderly end within the headers */
};

struct wh_delivery {
	enum wh_delivery_how how;
	const struct wh_conn *conn;
	/* Faults of the body; `rule` is a reference or NULL. */
	struct wh_fault *rule;
	int64_t cut_at;     /* bytes of the body; -1 = all of it */
	int64_t slow_bytes; /* 0 = at full speed */
	int64_t slow_ms;
	bool chunked;
	bool reset_at_cut;
};

/* Bends the reply as the presentation switches want it; lock held. */
void wh_deliver_prepare(struct whsim *sim, const struct wh_request *req, struct wh_reply *reply,
			struct wh_delivery *delivery);

/*
 * Sends the reply or ends the connection; takes over the body of the reply.
 * Returns what libmicrohttpd is to be told.
 */
enum MHD_Result wh_deliver(struct whsim *sim, struct MHD_Connection *connection,
			   struct wh_reply *reply, const struct wh_delivery *delivery);
