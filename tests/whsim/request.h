/* SPDX-License-Identifier: MIT */
/*
 * One request to the simulated API, as far as it was read.
 *
 * Built by exchange.c on the thread of its connection; handed to whoever
 * answers it, and to late.c when it is to be executed later.  Owns all its
 * texts.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/whsim/buf.h"

enum { WH_REQUEST_BODY_MAX = 1024 * 1024 };

/* Request headers that are kept for the log, X(enumerator, name). */
#define WH_REQUEST_HEADERS(X)                                                                  \
	X(REQUEST_USER_AGENT, "user-agent")                                                    \
	X(REQUEST_CONTENT_TYPE, "content-type")                                                \
	X(REQUEST_ACCEPT, "accept")                                                            \
	X(REQUEST_ACCEPT_ENCODING, "accept-encoding")                                          \
	X(REQUEST_EXPECT, "expect")

#define WH_REQUEST_HEADER_ID(id, name) id,
enum wh_request_header { WH_REQUEST_HEADERS(WH_REQUEST_HEADER_ID) WH_REQUEST_HEADER_COUNT };
#undef WH_REQUEST_HEADER_ID

extern const char *const wh_request_header_names[WH_REQUEST_HEADER_COUNT];

/* Where a request stands in the log; stale once the log was cleared. */
struct wh_log_ref {
	uint64_t epoch;
	uint64_t n;
};

struct wh_request {
	char *method;
	char *path;  /* raw, as sent, up to the question mark */
	char *query; /* raw, without the question mark; "" if there is none */
	char *whid;  /* decoded; NULL if not given, "" if given empty */
	char *key;   /* NULL if the header is missing */
	char *headers[WH_REQUEST_HEADER_COUNT];
	int64_t page; /* first page = 1 */
	struct wh_buf body;
	bool body_too_large;
	uint64_t conn;
	uint64_t conn_req; /* 1 = the first on its connection */
	uint64_t serial;   /* counts requests since the start */
	uint64_t epoch;    /* of the simulator, when it arrived */
	struct wh_log_ref log;
};

/* True if the request asks for the rows without naming one. */
bool wh_request_is_list(const struct wh_request *req);

void wh_request_free(struct wh_request *req);
