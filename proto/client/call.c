/* SPDX-License-Identifier: MIT */
/*
 * The requests of a handle and what comes back: queue, send, receive, match
 * answers to requests, hand over events, end what took too long.
 *
 * This is the whole non-blocking core; blocking.c only drives it. One thread,
 * the handle's. It never waits and never repeats a request. Each request is
 * ended exactly once, also when the connection breaks.
 */
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

#include "proto/client/client.h"
#include "proto/rpc.h"

#define RECEIVE_ROUNDS 16 /* so that a flood cannot keep whc_process for ever */

int64_t
whc_now(void)
{
	struct timespec ts = {0};

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t
whc_deadline(int64_t timeout_ms)
{
	int64_t now = whc_now();

	return timeout_ms > INT64_MAX - now ? INT64_MAX : now + timeout_ms;
}

static int
check_params(struct whc *c, struct whc_bytes params)
{
	struct wh_frame_limits limits = {WHC_MESSAGE_MAX, WHC_DEPTH_MAX - 2, WHC_ELEMENTS_MAX};
	struct wh_str bytes = wh_str(params.data, params.size);
	struct wh_str members;
	uint32_t count;

	if (wh_map_split(bytes, &count, &members) || wh_frame_check(bytes, &limits))
		return whc_fail(c, WHC_EINVALID,
				"the parameters are not one MessagePack map within the limits");
	return 0;
}

/* Appends the request to what is to be sent; takes it back if it does not fit. */
static int
put_request(struct whc *c, uint32_t id, const char *method, struct whc_bytes params)
{
	size_t before = c->out.n;

	c->out.max = WHC_MESSAGE_MAX * 2;
	wh_rpc_request_head(&c->out, id, wh_str_c(method));
	if (params.size)
		wh_buf_add(&c->out, params.data, params.size);
	else
		wh_pack_map(&c->out, 0);
	int fault = c->out.fault;

	if (fault) {
		c->out.n = before;
		c->out.fault = 0;
		return whc_fail(c, fault == WH_ENOMEM ? WHC_ENOMEM : WHC_EINVALID,
				"no room for the request: let others be answered first");
	}
	c->queued += c->out.n - before;
	return 0;
}

static bool
id_in_use(const struct whc *c, uint32_t id)
{
	for (const struct whc_pending *p = c->pending; p; p = p->next)
		if (p->id == id)
			return true;
	return false;
}

/* 0 is kept free: whd answers to it when it could not read an id. */
static uint32_t
draw_id(struct whc *c)
{
	do
		c->next_id++;
	while (c->next_id == 0 || id_in_use(c, c->next_id));
	return c->next_id;
}

int
whc_enqueue(struct whc *c, const char *method, struct whc_bytes params,
	    struct whc_pending *call)
{
	if (params.size && check_params(c, params))
		return WHC_EINVALID;
	if (c->fd < 0)
		return whc_fail(c, WHC_EUNREACHABLE, "there is no connection to whd on %s",
				c->path);
	if (c->n_pending >= WHC_PENDING_MAX)
		return whc_fail(c, WHC_EINVALID,
				"%d calls wait for an answer: let some end first",
				WHC_PENDING_MAX);
	call->id = draw_id(c);
	int fault = put_request(c, call->id, method, params);

	if (fault)
		return fault;
	call->end = c->queued;
	call->next = c->pending;
	c->pending = call;
	c->n_pending++;
	return 0;
}

int
whc_call_async(struct whc *c, const char *method, struct whc_bytes params, whc_done_fn *done,
	       void *arg)
{
	if (whc_check_process(c))
		return WHC_EFORKED;
	if (!method || !done)
		return whc_fail(c, WHC_EINVALID, "a call needs a method and a callback");
	struct whc_pending *call = calloc(1, sizeof(*call));

	if (!call)
		return whc_fail(c, WHC_ENOMEM, "no memory for a call");
	*call = (struct whc_pending){
		.deadline = whc_deadline(c->timeout), .done = done, .arg = arg};
	int fault = whc_enqueue(c, method, params, call);

	if (fault)
		free(call);
	return fault;
}

static struct whc_pending *
unlink_at(struct whc *c, struct whc_pending **at)
{
	struct whc_pending *call = *at;

	*at = call->next;
	c->n_pending--;
	return call;
}

void
whc_forget(struct whc *c, const void *arg)
{
	struct whc_pending **at = &c->pending;

	while (*at) {
		if ((*at)->arg == arg)
			free(unlink_at(c, at));
		else
			at = &(*at)->next;
	}
}

/* call is unlinked before its callback runs, so that this may queue others. */
static void
finish(struct whc *c, struct whc_pending *call, int fault, struct whc_object *result)
{
	bool outer = c->busy;

	c->busy = true;
	c->handed++;
	call->done(c, fault, result, call->arg);
	c->busy = outer;
	free(call);
}

static void
hand_event(struct whc *c, struct whc_object *event)
{
	bool outer = c->busy;

	c->handed++;
	if (!c->on_event)
		return;
	c->busy = true;
	c->on_event(c, event, c->event_arg);
	c->busy = outer;
}

/* A request that did not leave as a whole cannot have been carried out. */
static int
fault_of_lost(struct whc *c, const struct whc_pending *call, int fault)
{
	if (fault == WHC_ELOST && c->sent < call->end)
		return whc_fail_sys(c, WHC_EUNREACHABLE, c->why.error.errnum,
				    "the connection to whd on %s broke before the request was "
				    "sent",
				    c->path);
	return fault;
}

int
whc_drop(struct whc *c, int fault)
{
	struct whc_why cause = c->why;
	struct whc_pending *calls = c->pending;
	bool subscribed = c->subscribed;

	c->pending = NULL;
	c->n_pending = 0;
	c->subscribed = false;
	whc_link_close(c);
	while (calls) {
		struct whc_pending *call = calls;

		calls = call->next;
		c->why = cause;
		finish(c, call, fault_of_lost(c, call, fault), NULL);
	}
	if (subscribed)
		hand_event(c, NULL);
	c->why = cause;
	return fault;
}

/* An answer to id 0 that nobody asked for is about the connection itself. */
static int
on_response(struct whc *c, const struct wh_rpc *rpc)
{
	struct whc_pending **at = &c->pending;

	while (*at && (*at)->id != rpc->id)
		at = &(*at)->next;
	if (!*at && rpc->id == 0 && rpc->error)
		return whc_fail_answer(c, rpc->error);
	if (!*at)
		return 0; /* it came after its time-out */
	struct whc_pending *call = unlink_at(c, at);

	if (rpc->error) {
		finish(c, call, whc_fail_answer(c, rpc->error), NULL);
		return 0;
	}
	struct whc_object *result = whc_object_new(rpc->result);

	if (result)
		finish(c, call, 0, result);
	else
		finish(c, call, whc_fail(c, WHC_ENOMEM, "no memory for an answer of whd"),
		       NULL);
	whc_object_unref(result);
	return 0;
}

static int
on_notify(struct whc *c, const struct wh_rpc *rpc)
{
	if (!wh_str_is(rpc->method, "event") || !rpc->params)
		return 0;
	struct whc_object *event = whc_object_new(rpc->params);

	if (!event)
		return whc_fail(c, WHC_ENOMEM, "no memory for an event of whd");
	hand_event(c, event);
	whc_object_unref(event);
	return 0;
}

static int
fail_protocol(struct whc *c, const char *why)
{
	return whc_fail(c, WHC_EPROTOCOL, "what listens on %s does not speak as whd does: %s",
			c->path, why);
}

static int
on_message(struct whc *c, struct wh_str bytes)
{
	struct wh_frame_limits limits = {WHC_MESSAGE_MAX, WHC_DEPTH_MAX, WHC_ELEMENTS_MAX};
	struct wh_tree tree;
	struct wh_rpc rpc;
	const char *why = "";
	uint32_t id;
	int r = wh_unpack(&tree, bytes, &limits);

	if (r == WH_ENOMEM)
		return whc_fail(c, WHC_ENOMEM, "no memory for an answer of whd");
	if (r)
		return fail_protocol(c, wh_fault_str(r));
	int fault = 0;

	if (wh_rpc_read(&tree.root, &rpc, &id, &why))
		fault = fail_protocol(c, why);
	else if (rpc.kind == WH_RPC_RESPONSE)
		fault = on_response(c, &rpc);
	else if (rpc.kind == WH_RPC_NOTIFY)
		fault = on_notify(c, &rpc);
	wh_tree_fini(&tree);
	return fault;
}

/* Hands over every whole message in c->in. */
static int
take_messages(struct whc *c)
{
	size_t done = 0;
	int fault = 0;

	while (!fault && done < c->in.n) {
		size_t len = 0;
		int r = wh_frame_scan(&c->frame, c->in.p + done, c->in.n - done, &len);

		if (r == WH_FRAME_MORE)
			break;
		if (r)
			fault = fail_protocol(c, wh_frame_why_str(c->frame.why));
		else
			fault = on_message(c, wh_str(c->in.p + done, len));
		done += len;
	}
	wh_buf_consume(&c->in, done);
	return fault;
}

static int
receive(struct whc *c)
{
	bool more = true;

	c->in.max = WHC_MESSAGE_MAX * 2;
	for (int round = 0; more && round < RECEIVE_ROUNDS; round++) {
		int fault = whc_link_receive(c, &more);

		if (!fault)
			fault = take_messages(c);
		if (fault)
			return fault;
	}
	return 0;
}

static void
end_late(struct whc *c)
{
	int64_t now = whc_now();
	struct whc_pending *late = NULL;
	struct whc_pending **at = &c->pending;

	while (*at) {
		if ((*at)->deadline > now) {
			at = &(*at)->next;
			continue;
		}
		struct whc_pending *call = unlink_at(c, at);

		call->next = late;
		late = call;
	}
	while (late) {
		struct whc_pending *call = late;

		late = call->next;
		finish(c, call,
		       whc_fail(c, WHC_ETIMEOUT,
				"whd did not answer on %s in time: the work may go on",
				c->path),
		       NULL);
	}
}

int
whc_process(struct whc *c)
{
	if (c->busy)
		return whc_fail(c, WHC_EINVALID, "whc_process was called from a callback");
	if (whc_check_process(c))
		return WHC_EFORKED;
	if (c->fd < 0)
		return whc_fail(c, WHC_EUNREACHABLE, "there is no connection to whd on %s",
				c->path);
	int unsent = whc_link_send(c);
	/* A peer that closed may have said why before: read that first. */
	int fault = receive(c);

	if (!fault)
		fault = unsent;
	if (fault)
		return whc_drop(c, fault);
	end_late(c);
	return 0;
}

int
whc_fd(const struct whc *c)
{
	return c->fd;
}

short
whc_events(const struct whc *c)
{
	return (short)(POLLIN | (c->out.n ? POLLOUT : 0));
}

int
whc_timeout(const struct whc *c)
{
	int64_t first = INT64_MAX;

	for (const struct whc_pending *p = c->pending; p; p = p->next)
		if (p->deadline < first)
			first = p->deadline;
	if (first == INT64_MAX)
		return -1;
	int64_t left = first - whc_now();

	if (left <= 0)
		return 0;
	return left > INT_MAX ? INT_MAX : (int)left;
}
