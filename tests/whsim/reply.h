/* SPDX-License-Identifier: MIT */
/*
 * A reply of the simulated API before it goes to the wire.
 *
 * Filled by the API or by a fault, sent by deliver.c.  A zeroed struct is an
 * empty reply.  Not shared between threads.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "tests/whsim/buf.h"

enum { WH_REPLY_HEADER_MAX = 16 };

/* The natural values of content_type. */
extern const char wh_reply_json_type[];
extern const char wh_reply_text_type[];
extern const char wh_reply_html_type[];

struct wh_reply_header {
	char *name;
	char *value;
};

struct wh_reply {
	int status; /* 0 = none */
	struct wh_buf body;
	const char *content_type; /* NULL = no such header; a constant */
	struct wh_reply_header headers[WH_REPLY_HEADER_MAX];
	size_t header_count;
	bool from_api;  /* the presentation switches apply */
	bool executed;  /* state was changed, or rows were really rendered */
	size_t rows;    /* rows in the body of a GET */
	size_t changed; /* rows created, changed or deleted */
};

/* Status and a text body; replaces what was there, keeps the counters. */
void wh_reply_text(struct wh_reply *reply, int status, const char *content_type,
		   const char *text);

/* Status and a JSON body; takes over the reference to `value`. */
void wh_reply_json(struct wh_reply *reply, int status, json_t *value);

/* Adds a header; more than the maximum are dropped. */
void wh_reply_header(struct wh_reply *reply, const char *name, const char *value);

/* Forgets status, body and headers but not the counters. */
void wh_reply_blank(struct wh_reply *reply);

void wh_reply_free(struct wh_reply *reply);
