/* SPDX-License-Identifier: MIT */
/*
 * One request to the simulated API: see request.h.
 *
 * Only its end and what can be said about it without knowing the API; the
 * owner of the request calls.  It never parses HTTP.
 */
#include "tests/whsim/request.h"

#include <stdlib.h>
#include <string.h>

#define WH_REQUEST_HEADER_NAME(id, name) [id] = name,
const char *const wh_request_header_names[WH_REQUEST_HEADER_COUNT] = {
	WH_REQUEST_HEADERS(WH_REQUEST_HEADER_NAME)};

bool
wh_request_is_list(const struct wh_request *req)
{
	return !strcmp(req->method, "GET") && (!req->whid || !*req->whid);
}

void
wh_request_free(struct wh_request *req)
{
	if (!req)
		return;
	free(req->method);
	free(req->path);
	free(req->query);
	free(req->whid);
	free(req->key);
	for (size_t i = 0; i < WH_REQUEST_HEADER_COUNT; i++)
		free(req->headers[i]);
	wh_buf_free(&req->body);
	free(req);
}
