/* SPDX-License-Identifier: MIT */
/*
 * What each fault does to a reply: see spoil.h.
 *
 * One small function per action, found by a table.  It never executes a
 * request and never waits: inject.c does that before.
 */
#include "tests/whsim/spoil.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "tests/whsim/clock.h"
#include "tests/whsim/ident.h"
#include "tests/whsim/whsim.h"

enum {
	SPOIL_GARBAGE_BYTES = 512,
	SPOIL_SLOW_BYTES = 16,
	SPOIL_SLOW_MS = 50,
	SPOIL_RATE_SECONDS = 60,
	SPOIL_QUOTA_SECONDS = 444191, /* 5.03:23:11 */
};

static int64_t
or_default(int64_t given, int64_t value)
{
	return given >= 0 ? given : value;
}

static int
status_or(const struct wh_spoil *spoil, int value)
{
	int64_t status = spoil->rule->spec.status;

	return status ? (int)status : value;
}

static void
spoil_nothing(const struct wh_spoil *spoil)
{
	(void)spoil;
}

static void
spoil_close(const struct wh_spoil *spoil)
{
	spoil->delivery->how = DELIVER_CLOSE;
}

static void
spoil_reset(const struct wh_spoil *spoil)
{
	spoil->delivery->how = DELIVER_RESET;
}

static void
spoil_cut_head(const struct wh_spoil *spoil)
{
	spoil->delivery->how = DELIVER_CUT_HEAD;
}

/* Without a number: half of the body. */
static void
spoil_cut(const struct wh_spoil *spoil)
{
	const struct wh_fault_spec *spec = &spoil->rule->spec;
	int64_t half = (int64_t)(spoil->reply->body.len / 2);

	spoil->delivery->cut_at = or_default(spec->bytes, half);
	spoil->delivery->chunked = spec->chunked;
	spoil->delivery->reset_at_cut = spec->reset;
}

static void
spoil_slow(const struct wh_spoil *spoil)
{
	const struct wh_fault_spec *spec = &spoil->rule->spec;

	spoil->delivery->slow_bytes = spec->bytes > 0 ? spec->bytes : SPOIL_SLOW_BYTES;
	spoil->delivery->slow_ms = spec->ms ? spec->ms : SPOIL_SLOW_MS;
}

static void
spoil_garbage(const struct wh_spoil *spoil)
{
	int64_t len = or_default(spoil->rule->spec.bytes, SPOIL_GARBAGE_BYTES);
	uint64_t state = spoil->req->serial;

	wh_reply_blank(spoil->reply);
	wh_reply_text(spoil->reply, status_or(spoil, 200), wh_reply_json_type, "");
	for (; len > 0; len--) {
		/* the first byte already is no JSON and no UTF-8 */
		char byte = (char)(wh_ident_next(&state) | 0x80);

		wh_buf_add(&spoil->reply->body, &byte, 1);
	}
}

static void
spoil_html(const struct wh_spoil *spoil)
{
	int status = status_or(spoil, 503);
	char page[320];

	snprintf(page, sizeof(page),
		 "<!DOCTYPE html>\n<html><head><title>%d</title></head>"
		 "<body><h1>The service is unavailable.</h1>"
		 "<p>Please try again later. {\"value\":[]}</p></body></html>\n",
		 status);
	wh_reply_blank(spoil->reply);
	wh_reply_text(spoil->reply, status, wh_reply_html_type, page);
}

static void
add_headers(const struct wh_spoil *spoil, json_t *headers)
{
	const char *name;
	json_t *value;

	json_object_foreach(headers, name, value)
	{
		if (!strcasecmp(name, "Content-Type"))
			spoil->reply->content_type = NULL;
		wh_reply_header(spoil->reply, name, json_string_value(value));
	}
}

/* A text is sent as it is, anything else as JSON. */
static void
spoil_status(const struct wh_spoil *spoil)
{
	const struct wh_fault_spec *spec = &spoil->rule->spec;
	struct wh_reply *reply = spoil->reply;
	const char *text = json_string_value(spec->body);

	wh_reply_blank(reply);
	wh_reply_text(reply, status_or(spoil, 500), NULL, text ? text : "");
	if (text)
		reply->content_type = wh_reply_text_type;
	else if (spec->body)
		wh_reply_json(reply, reply->status, json_incref(spec->body));
	if (json_object_get(spoil->rule->given, "content_type"))
		reply->content_type = spec->content_type;
	add_headers(spoil, spec->headers);
}

static void
spoil_empty(const struct wh_spoil *spoil)
{
	wh_reply_blank(spoil->reply);
	spoil->reply->status = status_or(spoil, 200);
}

static void
spoil_type(const struct wh_spoil *spoil)
{
	spoil->reply->content_type = spoil->rule->spec.content_type;
	spoil->reply->from_api = false;
}

static void
spoil_redirect(const struct wh_spoil *spoil)
{
	wh_reply_blank(spoil->reply);
	wh_reply_text(spoil->reply, status_or(spoil, 302), wh_reply_html_type,
		      "<html><body>Object moved.</body></html>");
	wh_reply_header(spoil->reply, "Location", spoil->rule->spec.location);
}

static void
spoil_401(const struct wh_spoil *spoil)
{
	wh_gate_refuse(spoil->reply,
		       spoil->rule->spec.missing ? GATE_KEY_MISSING : GATE_KEY_INVALID);
}

/* The same moment as a date, which the gateway never sends but HTTP allows. */
static void
date_header(const struct wh_spoil *spoil, int64_t seconds)
{
	time_t then = (time_t)(wh_clock_wall_ms() / 1000 + seconds);
	struct tm parts;
	char text[64];

	gmtime_r(&then, &parts);
	strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &parts);
	wh_reply_header(spoil->reply, spoil->sim->switches.retry_after_header, text);
}

static void
spoil_429(const struct wh_spoil *spoil)
{
	const struct wh_fault_spec *spec = &spoil->rule->spec;
	int64_t seconds = or_default(spec->seconds, SPOIL_RATE_SECONDS);
	const char *header = spoil->sim->switches.retry_after_header;

	wh_gate_refuse_rate(spoil->reply, spec->http_date ? NULL : header, seconds);
	if (spec->http_date)
		date_header(spoil, seconds);
}

static void
spoil_403_quota(const struct wh_spoil *spoil)
{
	const struct wh_fault_spec *spec = &spoil->rule->spec;

	wh_gate_refuse_quota(spoil->reply, spoil->sim->switches.retry_after_header,
			     spec->period, or_default(spec->seconds, SPOIL_QUOTA_SECONDS));
}

static void
spoil_403_ip(const struct wh_spoil *spoil)
{
	wh_gate_refuse(spoil->reply, GATE_FORBIDDEN);
}

static void
spoil_404_route(const struct wh_spoil *spoil)
{
	wh_gate_refuse(spoil->reply, GATE_NO_ROUTE);
}

typedef void spoil_fn(const struct wh_spoil *spoil);

static spoil_fn *const spoil_by_action[WH_FAULT_ACTIONS] = {
	[FAULT_DELAY] = spoil_nothing,
	[FAULT_CLOSE_BEFORE] = spoil_close,
	[FAULT_RESET_BEFORE] = spoil_reset,
	[FAULT_CLOSE_AFTER] = spoil_close,
	[FAULT_RESET_AFTER] = spoil_reset,
	[FAULT_CUT_HEAD] = spoil_cut_head,
	[FAULT_CUT_BODY] = spoil_cut,
	[FAULT_SLOW_BODY] = spoil_slow,
	[FAULT_GARBAGE] = spoil_garbage,
	[FAULT_HTML] = spoil_html,
	[FAULT_STATUS] = spoil_status,
	[FAULT_EMPTY_200] = spoil_empty,
	[FAULT_WRONG_CONTENT_TYPE] = spoil_type,
	[FAULT_REDIRECT] = spoil_redirect,
	[FAULT_STALL] = spoil_nothing,
	[FAULT_EXECUTE_LATE] = spoil_nothing,
	[FAULT_EXECUTE_TWICE] = spoil_nothing,
	[FAULT_APIM_401] = spoil_401,
	[FAULT_APIM_429] = spoil_429,
	[FAULT_APIM_403_QUOTA] = spoil_403_quota,
	[FAULT_APIM_403_IP] = spoil_403_ip,
	[FAULT_APIM_404_ROUTE] = spoil_404_route,
};

void
wh_spoil(const struct wh_spoil *spoil)
{
	spoil_by_action[spoil->rule->spec.action](spoil);
}
