/* SPDX-License-Identifier: MIT */
/*
 * What the files of libwhclient share: the handle's inside. Nothing here is
 * part of the library's interface; whclient.h is.
 *
 * link.c owns the descriptor, call.c the requests that wait for an answer,
 * blocking.c the waiting, object.c the results, webhook.c the typed calls.
 */
#pragma once

#include <sys/types.h>

#include "proto/client/whclient.h"
#include "proto/pack.h"

#define WHC_MESSAGE_MAX ((size_t)16 << 20) /* bytes of one message in or out */
#define WHC_DEPTH_MAX 32
#define WHC_ELEMENTS_MAX 1000000
#define WHC_PENDING_MAX 1024 /* requests without an answer at a time */
#define WHC_TIMEOUT_DEFAULT 10000

/* A request that waits for its answer. */
struct whc_pending {
	struct whc_pending *next;
	uint32_t id;
	uint64_t end;     /* where it ends in the stream of bytes sent */
	int64_t deadline; /* monotonic ms */
	whc_done_fn *done;
	void *arg;
};

/* The last error; its texts point into the handle's own copy of this. */
struct whc_why {
	struct whc_error error;
	char code[40];
	char message[1024];
};

struct whc {
	char *path;
	int fd;        /* -1 = not connected */
	int cancel_fd; /* -1 = none */
	pid_t pid;     /* who opened it */
	int64_t timeout;
	uint32_t next_id;
	bool busy;       /* a callback runs: no blocking call, no close */
	unsigned paging; /* lists under way, whose items may make calls, but not close */
	bool subscribed;

	struct wh_buf in, out;
	struct wh_frame frame;
	uint64_t queued, sent; /* bytes ever put into out, and ever sent */
	struct whc_pending *pending;
	size_t n_pending;
	uint64_t handed; /* results and events handed over so far */

	whc_event_fn *on_event;
	void *event_arg;

	struct whc_why why;
};

int64_t whc_now(void); /* monotonic ms */
int64_t whc_deadline(int64_t timeout_ms);

/* Notes why a function fails and returns fault, so: return whc_fail(...). */
WH_PRINTF(3, 4) int whc_fail(struct whc *c, int fault, const char *fmt, ...);
/* The same for a system call: errnum is kept, its text is up to fmt. */
WH_PRINTF(4, 5) int whc_fail_sys(struct whc *c, int fault, int errnum, const char *fmt, ...);
/* Notes whd's own error, [type, "CODE: sentence"]. Returns WHC_EANSWER. */
int whc_fail_answer(struct whc *c, const msgpack_object *error);
/* WHC_EFORKED in a child, WHC_EINVALID from within a callback, else 0. */
int whc_check_blocking(struct whc *c);
/* WHC_EFORKED in a child, else 0. */
int whc_check_process(struct whc *c);

/* link.c: 0 or a fault; they never wait but for whc_link_open. */
int whc_link_open(struct whc *c);
void whc_link_close(struct whc *c);
int whc_link_send(struct whc *c);
/* Reads what is there into c->in; *ret_more: there may be more. */
int whc_link_receive(struct whc *c, bool *ret_more);

/* call.c */
int whc_enqueue(struct whc *c, const char *method, struct whc_bytes params,
		struct whc_pending *call);
/* Forgets a request without calling it back. */
void whc_forget(struct whc *c, const void *arg);
/* Closes the connection and ends each pending request; returns fault. */
int whc_drop(struct whc *c, int fault);

/* object.c: an object with a copy of o. NULL without memory. */
struct whc_object *whc_object_new(const msgpack_object *o);
