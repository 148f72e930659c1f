/* SPDX-License-Identifier: MIT */
/*
 * Opening a handle, and calls that wait: a loop of poll() around the
 * non-blocking core of call.c, and the one careful repetition of a request
 * whose connection broke.
 *
 * Called by programs on the handle's thread. It repeats nothing that could
 * happen twice, and never waits past the caller's deadline.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "proto/client/client.h"

#define RECONNECT_FIRST 20 /* ms, doubled each time */
#define RECONNECT_TRIES 7  /* 20 + 40 + ... + 1280 ms: whd restarts in less */

int
whc_open(struct whc **ret, const char *path, unsigned flags)
{
	const char *chosen = path ? path : getenv("WHD_SOCKET");

	*ret = NULL;
	if (flags)
		return WHC_EINVALID;
	if (!chosen || !*chosen)
		chosen = WHC_SOCKET_DEFAULT;
	struct whc *c = calloc(1, sizeof(*c));
	char *copy = strdup(chosen);

	if (!c || !copy) {
		free(c);
		free(copy);
		return WHC_ENOMEM;
	}
	c->path = copy;
	c->fd = c->cancel_fd = -1;
	c->pid = getpid();
	c->timeout = WHC_TIMEOUT_DEFAULT;
	c->why.error = (struct whc_error){0, 0, "OK", ""};
	*ret = c;
	return whc_link_open(c);
}

int
whc_close(struct whc *c)
{
	if (!c)
		return 0;
	if (c->busy || c->paging)
		return whc_fail(c, WHC_EINVALID, "whc_close was called from a callback");
	if (c->pid == getpid())
		whc_drop(c, whc_fail(c, WHC_ELOST, "the handle was closed"));
	while (c->pending)
		whc_forget(c, c->pending->arg);
	whc_link_close(c);
	free(c->path);
	free(c);
	return 0;
}

const char *
whc_path(const struct whc *c)
{
	return c->path;
}

int
whc_set_timeout(struct whc *c, int64_t timeout_ms)
{
	if (timeout_ms < 0)
		return whc_fail(c, WHC_EINVALID, "a timeout is not negative");
	c->timeout = timeout_ms;
	return 0;
}

int
whc_set_cancel_fd(struct whc *c, int fd)
{
	c->cancel_fd = fd;
	return 0;
}

int
whc_connect(struct whc *c)
{
	int fault = whc_check_blocking(c);

	if (fault)
		return fault;
	return c->fd >= 0 ? 0 : whc_link_open(c);
}

static int
poll_for(int64_t deadline)
{
	int64_t left = deadline - whc_now();

	if (deadline == INT64_MAX)
		return -1;
	if (left <= 0)
		return 0;
	return left > INT_MAX ? INT_MAX : (int)left;
}

/* Until the deadline, or until another call runs out of time; as poll() wants it. */
static int
patience(const struct whc *c, int64_t deadline)
{
	int until = poll_for(deadline), others = whc_timeout(c);

	return others >= 0 && (until < 0 || others < until) ? others : until;
}

/* Waits for the connection, the cancel descriptor or the time that a call runs out of. */
static int
wait_ready(struct whc *c, int64_t deadline)
{
	struct pollfd fds[] = {
		{.fd = c->fd, .events = c->fd < 0 ? (short)0 : whc_events(c)},
		{.fd = c->cancel_fd, .events = POLLIN},
	};
	int n = poll(fds, 2, patience(c, deadline));

	if (n < 0 && errno != EINTR)
		return whc_fail_sys(c, WHC_EINVALID, errno, "poll failed: %s", strerror(errno));
	if (n > 0 && fds[1].revents)
		return whc_fail(c, WHC_ECANCELLED, "the call was cancelled");
	return 0;
}

/* Pauses without losing sight of the cancel descriptor. */
static int
pause_until(struct whc *c, int64_t end)
{
	int fault = 0;

	while (!fault && whc_now() < end)
		fault = wait_ready(c, end);
	return fault;
}

/* Connects again with growing pauses: the other end may be restarting. */
static int
reconnect(struct whc *c, int64_t deadline)
{
	int64_t delay = RECONNECT_FIRST;
	int fault = whc_link_open(c);

	for (int i = 0; fault == WHC_EUNREACHABLE && i < RECONNECT_TRIES; i++) {
		int64_t end = whc_deadline(delay);

		if (end > deadline)
			break;
		int cancelled = pause_until(c, end);

		if (cancelled)
			return cancelled;
		delay *= 2;
		fault = whc_link_open(c);
	}
	return fault;
}

/* A call that somebody waits for. */
struct waiting {
	bool ended;
	int fault;
	struct whc_object *result;
};

static void
on_ended(struct whc *c, int fault, struct whc_object *result, void *arg)
{
	struct waiting *w = arg;

	(void)c;
	w->ended = true;
	w->fault = fault;
	w->result = result ? whc_object_ref(result) : NULL;
}

struct request {
	const char *method;
	struct whc_bytes params;
	int64_t deadline;
};

static int
enqueue_waiting(struct whc *c, const struct request *req, struct waiting *w)
{
	struct whc_pending *call = calloc(1, sizeof(*call));

	if (!call)
		return whc_fail(c, WHC_ENOMEM, "no memory for a call");
	*call = (struct whc_pending){.deadline = req->deadline, .done = on_ended, .arg = w};
	int fault = whc_enqueue(c, req->method, req->params, call);

	if (fault)
		free(call);
	return fault;
}

static int
call_once(struct whc *c, const struct request *req, struct whc_object **ret)
{
	struct waiting w = {0};
	int fault = enqueue_waiting(c, req, &w);

	if (fault)
		return fault;
	whc_process(c);
	while (!w.ended) {
		fault = wait_ready(c, req->deadline);
		if (fault) {
			whc_forget(c, &w);
			return fault;
		}
		whc_process(c);
	}
	*ret = w.result;
	return w.fault;
}

/* Which methods change nothing. Not by proto/command.c: that is whd's part. */
enum role { READ, WRITE, ADMIN };

static const struct {
	const char *method;
	enum role role;
} methods[] = {
#define WH_CMD(id, method, verb, role, flags, result, help) {method, role},
#define WH_ARG(id, name, type, need, help)
#define WH_END(id)
#include "proto/commands.def"
#undef WH_CMD
#undef WH_ARG
#undef WH_END
};

static bool
only_reads(const char *method)
{
	for (size_t i = 0; i < wh_array_len(methods); i++)
		if (strcmp(method, methods[i].method) == 0)
			return methods[i].role == READ;
	return false;
}

/* True if carrying the request out twice is the same as once. */
static bool
is_harmless(const struct request *req)
{
	struct wh_frame_limits limits = {WHC_MESSAGE_MAX, WHC_DEPTH_MAX, WHC_ELEMENTS_MAX};
	struct wh_tree tree;

	if (only_reads(req->method))
		return true;
	if (!req->params.size ||
	    wh_unpack(&tree, wh_str(req->params.data, req->params.size), &limits))
		return false;
	bool has_id = !wh_obj_is_nil(wh_obj_get(&tree.root, "request_id"));

	wh_tree_fini(&tree);
	return has_id;
}

static int
call_repeating(struct whc *c, const struct request *req, struct whc_object **ret)
{
	int fault = c->fd < 0 ? whc_link_open(c) : 0;

	if (fault)
		return fault;
	fault = call_once(c, req, ret);
	if (fault != WHC_EUNREACHABLE && (fault != WHC_ELOST || !is_harmless(req)))
		return fault;
	fault = reconnect(c, req->deadline);
	return fault ? fault : call_once(c, req, ret);
}

int
whc_call(struct whc *c, const char *method, struct whc_bytes params, int64_t timeout_ms,
	 struct whc_object **ret)
{
	int fault = whc_check_blocking(c);

	if (fault)
		return fault;
	if (!method)
		return whc_fail(c, WHC_EINVALID, "a call needs a method");
	struct whc_object *result = NULL;
	struct request req = {method, params,
			      whc_deadline(timeout_ms < 0 ? c->timeout : timeout_ms)};

	fault = call_repeating(c, &req, &result);
	if (!fault && ret)
		*ret = wh_steal(&result);
	whc_object_unref(result);
	return fault;
}

int
whc_on_event(struct whc *c, whc_event_fn *event, void *arg)
{
	c->on_event = event;
	c->event_arg = arg;
	return 0;
}

int
whc_subscribe(struct whc *c, int64_t since, const char *instance, struct whc_object **ret)
{
	struct wh_buf b = WH_BUF_NULL;

	if (since < 0) {
		wh_pack_map(&b, 0);
	} else {
		wh_pack_map(&b, 2);
		wh_pack_kv_int(&b, "since", since);
		wh_pack_kv_c(&b, "instance", instance);
	}
	struct whc_bytes params = {b.p, b.n};
	int fault = b.fault ? whc_fail(c, WHC_ENOMEM, "no memory for a call")
			    : whc_call(c, "events.subscribe", params, -1, ret);

	wh_buf_fini(&b);
	if (!fault)
		c->subscribed = true;
	return fault;
}

int
whc_dispatch(struct whc *c, int64_t timeout_ms)
{
	int64_t deadline = whc_deadline(timeout_ms);
	int fault = whc_check_blocking(c);
	uint64_t before = c->handed;

	while (!fault) {
		fault = whc_process(c);
		if (fault || c->handed != before)
			break;
		if (whc_now() >= deadline)
			return whc_fail(c, WHC_ETIMEOUT, "nothing arrived in time");
		fault = wait_ready(c, deadline);
	}
	return fault;
}
