/* SPDX-License-Identifier: MIT */
/*
 * What an attempt's facts mean: was the request executed, rejected, not
 * executed, or is it unknown? Judged by how far it got, not by errno.
 * Pure; any thread.
 *
 * A complete reply decides. 2xx counts as executed only if the transfer was
 * whole and the body is empty, JSON or a bare id. 2xx with HTML or other text,
 * an error report, another webhook than the one that was changed, or a cut body, every 3xx, 408
 * and every 5xx are unknown. 401, 403, 429 and a route 404 were not executed. Other 4xx are
 * rejected; but a 404 with an HTML page is what stands in front of a stopped API, and unknown.
 * Without a reply: not executed only if no byte of the request was taken by a socket.
 */
#pragma once

#include "daemon/core/op.h"

enum wh_body_kind {
	WH_BODY_EMPTY,
	WH_BODY_JSON,
	WH_BODY_COMPLAINT, /* a JSON object that reports an error */
	WH_BODY_ANOTHER,   /* JSON of one webhook, but not of the one it should be about */
	WH_BODY_ID,        /* a bare id: short text without spaces, or a JSON string/number */
	WH_BODY_OTHER,     /* HTML, other text, binary */
};

/* How a transfer failed before or without a complete reply. */
enum wh_transport {
	WH_NET_OK,
	WH_NET_RESOLVE, /* name resolution */
	WH_NET_CONNECT, /* refused, unreachable */
	WH_NET_TLS,     /* handshake */
	WH_NET_CERT,    /* certificate, CA, pin: a person must act */
	WH_NET_TIMEOUT,
	WH_NET_RESET,     /* reset, closed, empty reply, send or receive error */
	WH_NET_RESEND,    /* libcurl wanted to send a second time and was stopped */
	WH_NET_TOO_LARGE, /* reply larger than max_body */
	WH_NET_LOCAL,     /* out of memory and the like before anything was sent */
	WH_NET_CANCELLED, /* we are stopping */
};

/* Everything the HTTP thread can tell of one transfer. Text borrows. */
struct wh_facts {
	enum wh_transport net;
	bool may_have_left;     /* the pre-request callback ran and a byte went out */
	bool whole;             /* the reply's end was seen */
	int status;             /* HTTP status, 0 = none */
	int64_t retry_after_ms; /* from a header, -1 = none */
	int64_t took_ms;
	int key;     /* index of the key used */
	bool change; /* a POST, PATCH or DELETE */
	struct wh_str content_type;
	struct wh_str location;
	struct wh_str body;  /* first 64 KiB, decoded */
	struct wh_str error; /* libcurl's sentence, "" if none */
};

enum wh_executed { WH_X_NOT_EXECUTED, WH_X_EXECUTED, WH_X_REJECTED, WH_X_UNKNOWN };

/* Which gate the reply asks to shut. */
enum wh_gate_ask {
	WH_ASK_NONE,
	WH_ASK_AUTH,
	WH_ASK_QUOTA,
	WH_ASK_RATE,
	WH_ASK_LINK,
	WH_ASK_FORBIDDEN
};

struct wh_outcome {
	enum wh_executed executed;
	enum wh_gate_ask ask;
	int64_t wait_ms;    /* asked by Retry-After or the text; -1 = none */
	bool settle_short;  /* a complete 5xx: the server did finish */
	bool observe_first; /* 409 on POST: look before rejecting */
	bool absent;  /* 404/410 that is not a route 404: needs a complete list to believe */
	bool link_up; /* a complete HTTP reply came: the line works */
	const char *rule; /* a fixed sentence: which rule decided */
	bool is_read;     /* it was a GET */
};

/* whid: of the webhook that the request was to change; empty if it was a create. */
struct wh_outcome wh_outcome_judge(enum wh_op_kind kind, struct wh_str whid,
				   const struct wh_facts *f);
/* For GET (list, check, probe): executed = usable reply. */
struct wh_outcome wh_outcome_judge_read(const struct wh_facts *f);
/* For GET of one webhook: the same, but a whole 400, 404 or 410 may be how the upstream says
 * that it has none: executed, absent. Only a list makes that certain. */
struct wh_outcome wh_outcome_judge_find(const struct wh_facts *f);
/* whid: which webhook it should be about; empty: any. */
enum wh_body_kind wh_body_kind(struct wh_str body, struct wh_str whid);
/*
 * The id in the reply to a POST. Of an object or one-element array: its `whid`,
 * or, if it is a webhook, an id in any of the known spellings. Else a GUID: the
 * body itself, or the last path or query part of Location. Empty if there is
 * none, or with 202: it may be the id of something else, such as the request or
 * a job, and a list finds what was made. Numbers are kept as their text. buf
 * holds the copy.
 */
struct wh_str wh_outcome_created_id(const struct wh_facts *f, char buf[WH_WHID_MAX + 1]);
/* Is this a webhook, also as the only one of a list, but not this one? */
bool wh_outcome_is_another(const msgpack_object *o, struct wh_str whid);
const char *wh_transport_str(enum wh_transport t);
const char *wh_executed_str(enum wh_executed e);
/* One printable sentence for last_error and the log; bounded, control bytes removed. */
void wh_outcome_sentence(struct wh_buf *b, const struct wh_facts *f,
			 const struct wh_outcome *o);
