/* SPDX-License-Identifier: MIT */
/*
 * The callbacks of the API's libmicrohttpd daemon: see exchange.h.
 *
 * Reads a request into a struct wh_request, has inject.c decide it and
 * deliver.c send it.  Each connection has its own thread, so all of this may
 * block.  It never looks into a body.
 */
#include "tests/whsim/exchange.h"

#include <stdlib.h>
#include <string.h>

#include "tests/whsim/deliver.h"
#include "tests/whsim/inject.h"
#include "tests/whsim/mem.h"
#include "tests/whsim/whsim.h"

struct exchange {
	struct wh_request *req; /* NULL once late.c has taken it */
	struct wh_conn *conn;
	struct wh_log_ref log;
	bool has_headers;
};

void
wh_exchange_on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct whsim *sim = cls;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	wh_sim_lock(sim);
	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		*socket_context = wh_conn_begin(&sim->conns, info ? info->connect_fd : -1);
	else
		wh_conn_end(&sim->conns, *socket_context);
	wh_sim_changed(sim);
	wh_sim_unlock(sim);
}

static struct wh_conn *
conn_of(struct MHD_Connection *connection)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info->socket_context;
}

void *
wh_exchange_on_uri(void *cls, const char *uri, struct MHD_Connection *connection)
{
	struct whsim *sim = cls;
	struct exchange *exchange = wh_mem_new(sizeof(*exchange));
	struct wh_request *req = wh_mem_new(sizeof(*req));
	const char *query = strchrnul(uri, '?');

	exchange->req = req;
	exchange->conn = conn_of(connection);
	req->path = wh_mem_copy(uri, (size_t)(query - uri));
	req->query = wh_mem_text(*query ? query + 1 : "");
	wh_sim_lock(sim);
	exchange->conn->busy = true;
	req->conn = exchange->conn->number;
	req->conn_req = ++exchange->conn->requests;
	req->serial = ++sim->serial;
	req->epoch = sim->epoch;
	wh_sim_unlock(sim);
	return exchange;
}

void
wh_exchange_on_completed(void *cls, struct MHD_Connection *connection, void **exchange,
			 enum MHD_RequestTerminationCode code)
{
	struct whsim *sim = cls;
	struct exchange *ended = *exchange;

	(void)connection;
	(void)code;
	if (!ended)
		return;
	wh_sim_lock(sim);
	ended->conn->busy = false;
	wh_log_done(&sim->log, ended->log);
	wh_sim_changed(sim);
	wh_sim_unlock(sim);
	wh_request_free(ended->req);
	free(ended);
	*exchange = NULL;
}

/* Returns a new text of an argument, or NULL; without a value it is "". */
static char *
argument(struct MHD_Connection *connection, const char *name)
{
	const char *text = NULL;
	size_t len = 0;

	if (MHD_lookup_connection_value_n(connection, MHD_GET_ARGUMENT_KIND, name, strlen(name),
					  &text, &len) != MHD_YES)
		return NULL;
	return wh_mem_copy(text, text ? len : 0);
}

static int64_t
page_number(struct MHD_Connection *connection)
{
	char *text = argument(connection, "page");
	int64_t page = text ? strtoll(text, NULL, 10) : 1;

	free(text);
	return page < 1 ? 1 : page;
}

static char *
header(struct MHD_Connection *connection, const char *name)
{
	return wh_mem_text(MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name));
}

static void
take_headers(const struct whsim *sim, struct MHD_Connection *connection, const char *method,
	     struct wh_request *req)
{
	req->method = wh_mem_text(method);
	req->key = header(connection, sim->options->header);
	req->whid = argument(connection, "whid");
	req->page = page_number(connection);
	for (size_t i = 0; i < WH_REQUEST_HEADER_COUNT; i++)
		req->headers[i] = header(connection, wh_request_header_names[i]);
}

static void
take_body(struct wh_request *req, const char *data, size_t len)
{
	if (req->body.len + len > WH_REQUEST_BODY_MAX) {
		req->body_too_large = true;
		return;
	}
	wh_buf_add(&req->body, data, len);
}

static struct wh_delivery
delivery_new(const struct exchange *exchange)
{
	return (struct wh_delivery){
		.how = DELIVER_REPLY,
		.conn = exchange->conn,
		.cut_at = -1,
	};
}

static enum MHD_Result
on_headers(struct whsim *sim, struct MHD_Connection *connection, struct exchange *exchange)
{
	struct wh_delivery delivery = delivery_new(exchange);
	struct wh_reply reply = {0};
	bool strikes;

	exchange->has_headers = true;
	wh_sim_lock(sim);
	strikes = wh_inject_unread(sim, exchange->req, &delivery);
	exchange->log = exchange->req->log;
	wh_sim_unlock(sim);
	if (!strikes)
		return MHD_YES;
	return wh_deliver(sim, connection, &reply, &delivery);
}

static enum MHD_Result
on_whole(struct whsim *sim, struct MHD_Connection *connection, struct exchange *exchange)
{
	struct wh_delivery delivery = delivery_new(exchange);
	struct wh_reply reply = {0};
	struct wh_request *req = exchange->req;
	enum MHD_Result result;

	wh_sim_lock(sim);
	wh_log_arrive(&sim->log, req, wh_gate_key_number(&sim->gate, req->key));
	exchange->log = req->log;
	wh_sim_changed(sim);
	wh_inject_decide(sim, &exchange->req, &reply, &delivery);
	wh_sim_unlock(sim);

	result = wh_deliver(sim, connection, &reply, &delivery);
	wh_reply_free(&reply);
	wh_sim_lock(sim);
	wh_fault_unref(delivery.rule);
	wh_sim_unlock(sim);
	return result;
}

enum MHD_Result
wh_exchange_on_request(void *cls, struct MHD_Connection *connection, const char *url,
		       const char *method, const char *version, const char *data,
		       size_t *data_len, void **exchange)
{
	struct whsim *sim = cls;
	struct exchange *current = *exchange;

	(void)url;
	(void)version;
	if (!current->has_headers) {
		take_headers(sim, connection, method, current->req);
		return on_headers(sim, connection, current);
	}
	if (*data_len) {
		take_body(current->req, data, *data_len);
		*data_len = 0;
		return MHD_YES;
	}
	return on_whole(sim, connection, current);
}
