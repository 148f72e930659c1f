/* SPDX-License-Identifier: MIT */
/*
 * The transport: a thread of its own around libcurl's multi interface, so that
 * a blocking name look-up never holds up a local caller. It knows requests and
 * replies, not operations. Lists are read while they stream in and reach the
 * loop in chunks.
 *
 * Every mutation is sent at most once a submit: libcurl re-sends by itself on
 * a dead reused connection; the pre-request callback stops the second send.
 *
 * Some may stand by for a connection, so that a fast upstream does not wait for
 * the loop between two of them. Only a success lets the next one go: whatever
 * else comes is for the loop to judge first.
 */
#pragma once

#include "daemon/chunk.h"
#include "daemon/spill.h"
#include "daemon/core/outcome.h"
#include "daemon/core/remote_list.h"
#include "daemon/whd.h"

enum wh_http_kind {
	WH_HTTP_LIST,  /* GET of everything: rows come in chunks */
	WH_HTTP_FIND,  /* GET of one: its row is kept */
	WH_HTTP_SEND,  /* POST, PATCH, DELETE: the reply's text is kept */
	WH_HTTP_PROBE, /* GET of one: only its facts matter */
};

struct wh_http_request {
	enum wh_http_kind kind;
	uint64_t tag; /* the caller's: operation or list number */
	char method[8];
	struct wh_str whid; /* FIND and SEND with a query; copied by submit */
	struct wh_str body; /* SEND; copied by submit */
	struct wh_str key;  /* subscription key text; copied, wiped after use */
	int key_index;
	/* SEND: it stands by until fewer than so many of SEND and FIND are under way, and the
	 * loop has taken each result that was no success; 0 = it does not. */
	uint32_t most;
	struct wh_known *known;     /* LIST: taken over; comes back in the result */
	struct wh_known_items news; /* LIST: for it, taken over */
	struct wh_spill *spill; /* LIST: where its rows gather, taken over; NULL = nowhere */
};

struct wh_http_result {
	enum wh_http_kind kind;
	uint64_t tag;
	struct wh_facts facts;     /* text points into the buffers below */
	struct wh_outcome outcome; /* SEND: what they mean */
	struct wh_buf body;        /* SEND: reply, at most 1 MiB; reads: its start */
	struct wh_buf row;         /* FIND: the row found, a msgpack map */
	bool found;
	bool usable, complete; /* LIST and FIND: was it a list; was all of it seen */
	uint64_t elements, known, unreadable;
	int64_t pages;       /* LIST: that were asked for, and one more that was not followed */
	char why[200];       /* why not complete */
	struct wh_seen seen; /* LIST; closed if the list is usable */
	/* LIST: rows that were not handed on as chunks: those that were spilled, in order, and
	 * those behind the last full chunk; each NULL if there are none. */
	struct wh_spill *spill;
	struct wh_chunk *last_chunk;
	char error[256], content_type[128], location[512];
};
struct wh_http_result *wh_http_result_free(struct wh_http_result *r);

/* Settings of the transport; copied. */
struct wh_http_settings {
	const char *url, *header, *ca_file;
	int64_t timeout_ms, connect_ms, max_body, max_pages, element, json_depth;
	bool allow_http;
};

struct wh_http *wh_http_start(struct whd *d, const struct wh_http_settings *s);
void wh_http_set(struct wh_http *h, const struct wh_http_settings *s);
/* Loop thread. The result arrives at wh_pump_on_result() later, always exactly once. */
void wh_http_submit(struct wh_http *h, const struct wh_http_request *r);
/* Loop thread. The one that has stood by for the longest; 0 = none. */
uint64_t wh_http_standing(struct wh_http *h);
/* Loop thread. Takes that one back: it is not sent, and has no result. Its tag; 0 = none. */
uint64_t wh_http_withdraw(struct wh_http *h);
/* The loop has taken a chunk: the transfer may go on. */
void wh_http_chunk_taken(struct wh_http *h, uint64_t tag);
/* Asks the thread to end and waits at most `wait_ms`; it may sit in a name look-up. False if it
 * did not end: then the process must leave by _exit. */
bool wh_http_stop(struct wh_http *h, int64_t wait_ms);
struct wh_http *wh_http_free(struct wh_http *h);
