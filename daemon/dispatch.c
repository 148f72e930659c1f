/* SPDX-License-Identifier: MIT */
/*
 * One request from its name to its answer.
 *
 * Called by conn_in.c for each request; loop thread. It looks the method up,
 * checks the role and the parameters, calls the handler and holds the answer
 * to its size. Handlers are bound by commands.def: one that is missing does
 * not link. It keeps nothing of a call that was parked.
 */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/conn.h"

#define SENTENCE_MAX 1024
#define ALL_ROLES_HINT "ask an admin to add the user to [access]"

typedef void handler(struct wh_call *c, const union wh_args *a);

#define WH_CMD(id, method, verb, role, flags, result, help)                                    \
	static void call_##id(struct wh_call *c, const union wh_args *a)                       \
	{                                                                                      \
		on_##id(c, &a->id);                                                            \
	}
#define WH_ARG(id, name, type, need, help)
#define WH_END(id)
#include "proto/commands.def"
#undef WH_CMD
#undef WH_ARG
#undef WH_END

static handler *const handlers[WH_CMD_COUNT] = {
#define WH_CMD(id, method, verb, role, flags, result, help) [WH_CMD_##id] = call_##id,
#define WH_ARG(id, name, type, need, help)
#define WH_END(id)
#include "proto/commands.def"
#undef WH_CMD
#undef WH_ARG
#undef WH_END
};

/* ------------------------------------------------------------- answering -- */

static void
forget_answer(struct wh_call *c)
{
	c->out->n = c->out_start;
	c->out->fault = 0;
	c->out->max = 0;
}

struct wh_buf *
wh_call_result(struct wh_call *c)
{
	wh_require(c->state == WH_CALL_OPEN);
	c->state = WH_CALL_ANSWERED;
	c->out_start = c->out->n;
	if (!c->out->fault)
		c->out->max = c->out_start + WH_REPLY_MAX;
	wh_rpc_result_head(c->out, c->ticket.msgid);
	return c->out;
}

/* Also takes back a result that was begun. */
void
wh_call_fail(struct wh_call *c, enum wh_error code, const char *fmt, ...)
{
	char sentence[SENTENCE_MAX];
	va_list ap;

	wh_require(c->state != WH_CALL_PARKED);
	va_start(ap, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	if (c->state == WH_CALL_ANSWERED)
		forget_answer(c);
	c->state = WH_CALL_ANSWERED;
	c->out_start = c->out->n;
	c->d->counters.call_errors++;
	wh_rpc_error(c->out, c->ticket.msgid, code, wh_str_c(sentence));
}

bool
wh_call_check_whid(struct wh_call *c, struct wh_str whid)
{
	if (wh_whid_valid(whid))
		return true;
	wh_call_fail(c, WH_ERR_INVALID_PARAM,
		     "whid must be 1 to %d bytes of text without control characters",
		     WH_WHID_MAX);
	return false;
}

void
wh_call_park(struct wh_call *c)
{
	wh_require(c->state == WH_CALL_OPEN);
	c->state = WH_CALL_PARKED;
	wh_conn_parked(c->d->server, c->ticket);
}

/* The bytes of an answer are bounded while they are written: what does not fit becomes an
 * error. */
static void
close_answer(struct wh_call *c)
{
	int fault = c->out->fault;

	wh_require(c->state != WH_CALL_OPEN);
	if (c->state == WH_CALL_PARKED)
		return;
	c->out->max = 0;
	if (fault == WH_ELIMIT)
		wh_call_fail(c, WH_ERR_TOO_LARGE,
			     "the result is larger than 1 MiB: ask for fewer with limit");
	else if (fault)
		wh_call_fail(c, WH_ERR_INTERNAL,
			     "the answer could not be made (%s): retry later",
			     wh_fault_str(fault));
}

/* --------------------------------------------------------------- checking -- */

static void
fail_unknown(struct wh_call *c, struct wh_str method)
{
	const char *nearest = wh_command_nearest(method);
	struct wh_buf name = WH_BUF_NULL;

	wh_buf_printable(&name, method, 100);
	if (nearest)
		wh_call_fail(c, WH_ERR_METHOD_NOT_FOUND,
			     "whd has no method \"%.*s\"; did you mean %s?",
			     WH_STR_FMT(wh_buf_view(&name)), nearest);
	else
		wh_call_fail(c, WH_ERR_METHOD_NOT_FOUND,
			     "whd has no method \"%.*s\": rpc.describe lists those it has",
			     WH_STR_FMT(wh_buf_view(&name)));
	wh_buf_fini(&name);
}

static bool
is_permitted(const struct wh_call *c)
{
	return c->peer->known && c->peer->role >= c->cmd->role;
}

static void
fail_permission(struct wh_call *c)
{
	const char *has = c->peer->known ? wh_role_str(c->peer->role) : "none";

	c->d->counters.not_permitted++;
	wh_call_fail(c, WH_ERR_NOT_PERMITTED,
		     "%s needs the role %s, uid %" PRIu32 " has %s: " ALL_ROLES_HINT " %s",
		     c->cmd->method, wh_role_str(c->cmd->role), c->peer->uid, has,
		     wh_role_str(c->cmd->role));
}

static void
call_handler(struct wh_call *c, const msgpack_object *params)
{
	union wh_args args;
	struct wh_buf why = WH_BUF_NULL;
	int r = wh_args_decode(c->cmd, params, &args, &why);

	if (r == 0)
		handlers[c->cmd->id](c, &args);
	else if (r == WH_EINVAL)
		wh_call_fail(c, WH_ERR_INVALID_PARAM, "%.*s", WH_STR_FMT(wh_buf_view(&why)));
	else
		wh_call_fail(c, WH_ERR_INTERNAL,
			     "the parameters could not be read (%s): retry later",
			     wh_fault_str(r));
	wh_buf_fini(&why);
}

/* False without memory: the connection is about to close. */
static bool
begin(struct wh_call *c)
{
	c->d->counters.calls++;
	if (c->out->fault)
		c->state = WH_CALL_ANSWERED;
	return !c->out->fault;
}

/* False after it was refused. */
static bool
admit(struct wh_call *c, struct wh_str method)
{
	if (c->d->stopping)
		wh_call_fail(c, WH_ERR_SHUTTING_DOWN,
			     "whd is stopping: connect again when it is back");
	else if (!c->cmd)
		fail_unknown(c, method);
	else if (!is_permitted(c))
		fail_permission(c);
	else
		return true;
	return false;
}

void
wh_dispatch(struct wh_call *c, struct wh_rpc *rpc)
{
	if (!begin(c))
		return;
	c->cmd = wh_command_by_method(rpc->method);
	if (admit(c, rpc->method))
		call_handler(c, rpc->params);
	close_answer(c);
}

void
wh_dispatch_get(struct wh_call *c, struct wh_str whid)
{
	const struct wh_args_webhook_get args = {
		.seen = 1u << WH_ARGNO_webhook_get_whid,
		.whid = whid,
	};

	if (!begin(c))
		return;
	c->cmd = &wh_commands[WH_CMD_webhook_get];
	if (admit(c, WH_STR_NULL))
		on_webhook_get(c, &args);
	close_answer(c);
}
