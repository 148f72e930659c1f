/* SPDX-License-Identifier: MIT */
/*
 * The control verbs, from the wire to the function: see control.h.
 *
 * Owns the table made of control.def and the callbacks of the control's
 * libmicrohttpd daemon.  Each call runs on the thread of its connection.  It
 * never touches the API's daemon.
 */
#include "tests/whsim/control.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/whsim/mem.h"
#include "tests/whsim/whsim.h"

enum verb_body {
	BODY_NONE,
	BODY_OBJECT,
	BODY_ANY,
};

struct wh_verb {
	const char *method;
	const char *path;
	void (*run)(struct wh_call *call);
	enum verb_body body;
	bool locked;
	const char *arguments;
	const char *help;
};

#define WH_VERB(method, path, function, body, lock, arguments, help)                           \
	{method, path, wh_control_##function, body, lock, arguments, help},
static const struct wh_verb verbs[] = {
#include "tests/whsim/control.def"
};
#undef WH_VERB

enum { VERB_COUNT = sizeof(verbs) / sizeof(verbs[0]) };

void
wh_call_json(struct wh_call *call, json_t *value)
{
	call->status = 200;
	wh_buf_clear(&call->answer);
	wh_buf_json(&call->answer, value, JSON_COMPACT);
	json_decref(value);
}

void
wh_call_fail(struct wh_call *call, int status, const char *format, ...)
{
	va_list args;
	char *sentence = NULL;
	int len;

	va_start(args, format);
	len = vasprintf(&sentence, format, args);
	va_end(args);
	wh_call_json(call, json_pack("{s:s}", "error", len < 0 ? "no memory" : sentence));
	call->status = status;
	if (len >= 0)
		free(sentence);
}

const char *
wh_call_text(const struct wh_call *call, const char *name)
{
	const char *text = NULL;
	size_t len = 0;

	if (MHD_lookup_connection_value_n(call->connection, MHD_GET_ARGUMENT_KIND, name,
					  strlen(name), &text, &len) != MHD_YES)
		return NULL;
	return text ? text : "";
}

int
wh_call_number(struct wh_call *call, const char *name, int64_t *ret_number)
{
	const char *text = wh_call_text(call, name);
	char *end;

	if (!text)
		return 0;
	errno = 0;
	*ret_number = strtoll(text, &end, 10);
	if (!errno && *text >= '0' && *text <= '9' && !*end)
		return 0;
	wh_call_fail(call, 400, "The argument \"%s\" must be a number that is not negative.",
		     name);
	return -EINVAL;
}

int
wh_call_form(struct wh_call *call, const struct wh_form *form, void *ret_target)
{
	struct wh_buf problem = {0};
	int r = wh_form_read(form, call->json, ret_target, &problem);

	if (r)
		wh_call_fail(call, 400, "%s", problem.data);
	wh_buf_free(&problem);
	return r;
}

void
wh_control_help(struct wh_call *call)
{
	json_t *out = json_array();

	for (size_t i = 0; i < VERB_COUNT; i++)
		json_array_append_new(out, json_pack("{s:s, s:s, s:s, s:s}", "method",
						     verbs[i].method, "path", verbs[i].path,
						     "arguments", verbs[i].arguments, "help",
						     verbs[i].help));
	wh_call_json(call, out);
}

static const struct wh_verb *
find_verb(const char *method, const char *path)
{
	for (size_t i = 0; i < VERB_COUNT; i++) {
		if (!strcmp(verbs[i].path, path) && !strcmp(verbs[i].method, method))
			return &verbs[i];
	}
	return NULL;
}

static enum MHD_Result
check_argument(void *cls, enum MHD_ValueKind kind, const char *name, const char *value)
{
	struct wh_call *call = cls;

	(void)kind;
	(void)value;
	if (wh_form_has_word(call->verb->arguments, name))
		return MHD_YES;
	wh_call_fail(call, 400, "%s %s takes no argument \"%s\"; it takes: %s.", call->method,
		     call->path, name, *call->verb->arguments ? call->verb->arguments : "none");
	return MHD_NO;
}

static bool
body_is_right(struct wh_call *call)
{
	json_error_t error = {0};

	if (call->verb->body == BODY_NONE)
		return true;
	call->json = json_loadb(call->body.data ? call->body.data : "", call->body.len,
				JSON_REJECT_DUPLICATES, &error);
	if (!call->json)
		wh_call_fail(call, 400, "The body is no JSON: %s.", error.text);
	else if (call->verb->body == BODY_OBJECT && !json_is_object(call->json))
		wh_call_fail(call, 400, "The body must be a JSON object.");
	return !call->status;
}

static bool
call_is_right(struct wh_call *call)
{
	if (!call->verb) {
		wh_call_fail(call, 404, "There is no verb %s %s; GET / lists them all.",
			     call->method, call->path);
		return false;
	}
	if (call->body_too_large) {
		wh_call_fail(call, 413, "The body is larger than %d bytes.",
			     WH_CONTROL_BODY_MAX);
		return false;
	}
	MHD_get_connection_values(call->connection, MHD_GET_ARGUMENT_KIND, check_argument,
				  call);
	return !call->status && body_is_right(call);
}

static void
call_run(struct wh_call *call)
{
	if (!call_is_right(call))
		return;
	if (call->verb->locked)
		wh_sim_lock(call->sim);
	call->verb->run(call);
	if (call->verb->locked)
		wh_sim_unlock(call->sim);
}

static enum MHD_Result
call_send(struct wh_call *call)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(
		call->answer.len, call->answer.data, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result queued;

	call->answer = (struct wh_buf){0};
	MHD_add_response_header(response, "Content-Type", "application/json");
	queued = MHD_queue_response(call->connection, (unsigned)call->status, response);
	MHD_destroy_response(response);
	return queued;
}

static void
take_body(struct wh_call *call, const char *data, size_t len)
{
	if (call->body.len + len > WH_CONTROL_BODY_MAX)
		call->body_too_large = true;
	else
		wh_buf_add(&call->body, data, len);
}

static struct wh_call *
call_new(struct whsim *sim, struct MHD_Connection *connection, const char *method,
	 const char *path)
{
	struct wh_call *call = wh_mem_new(sizeof(*call));

	call->sim = sim;
	call->connection = connection;
	call->verb = find_verb(method, path);
	call->method = wh_mem_text(method);
	call->path = wh_mem_text(path);
	return call;
}

static enum MHD_Result
on_request(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
	   const char *version, const char *data, size_t *data_len, void **call)
{
	(void)version;
	if (!*call) {
		*call = call_new(cls, connection, method, url);
		return MHD_YES;
	}
	if (*data_len) {
		take_body(*call, data, *data_len);
		*data_len = 0;
		return MHD_YES;
	}
	call_run(*call);
	return call_send(*call);
}

static void
on_completed(void *cls, struct MHD_Connection *connection, void **call,
	     enum MHD_RequestTerminationCode code)
{
	struct wh_call *ended = *call;

	(void)cls;
	(void)connection;
	(void)code;
	if (!ended)
		return;
	free(ended->method);
	free(ended->path);
	wh_buf_free(&ended->body);
	wh_buf_free(&ended->answer);
	json_decref(ended->json);
	free(ended);
	*call = NULL;
}

struct MHD_Daemon *
wh_control_start(struct whsim *sim, int listen_fd)
{
	return MHD_start_daemon(
		MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL |
			MHD_USE_ITC,
		0, NULL, NULL, on_request, sim, MHD_OPTION_LISTEN_SOCKET, listen_fd,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, sim, MHD_OPTION_END);
}
