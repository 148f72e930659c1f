/* SPDX-License-Identifier: MIT */
/*
 * A reply of the simulated API before it goes to the wire: see reply.h.
 *
 * Called by the API, the gate and the faults, on the thread that answers.
 * It never sends.
 */
#include "tests/whsim/reply.h"

#include <stdlib.h>

#include "tests/whsim/mem.h"

const char wh_reply_json_type[] = "application/json; charset=utf-8";
const char wh_reply_text_type[] = "text/plain; charset=utf-8";
const char wh_reply_html_type[] = "text/html; charset=utf-8";

void
wh_reply_blank(struct wh_reply *reply)
{
	for (size_t i = 0; i < reply->header_count; i++) {
		free(reply->headers[i].name);
		free(reply->headers[i].value);
	}
	reply->header_count = 0;
	reply->status = 0;
	reply->content_type = NULL;
	reply->from_api = false;
	wh_buf_clear(&reply->body);
}

void
wh_reply_text(struct wh_reply *reply, int status, const char *content_type, const char *text)
{
	wh_buf_clear(&reply->body);
	wh_buf_text(&reply->body, text);
	reply->status = status;
	reply->content_type = content_type;
}

void
wh_reply_json(struct wh_reply *reply, int status, json_t *value)
{
	wh_buf_clear(&reply->body);
	wh_buf_json(&reply->body, value, JSON_COMPACT);
	json_decref(value);
	reply->status = status;
	reply->content_type = wh_reply_json_type;
}

void
wh_reply_header(struct wh_reply *reply, const char *name, const char *value)
{
	struct wh_reply_header *header;

	if (reply->header_count == WH_REPLY_HEADER_MAX)
		return;
	header = &reply->headers[reply->header_count++];
	header->name = wh_mem_text(name);
	header->value = wh_mem_text(value);
}

void
wh_reply_free(struct wh_reply *reply)
{
	wh_reply_blank(reply);
	wh_buf_free(&reply->body);
}
