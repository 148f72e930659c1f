/* SPDX-License-Identifier: MIT */
/*
 * One transfer, from its request to its facts. Made on the loop, run on the
 * HTTP thread, read on the loop again; one owner at a time. Inside of http.c
 * and http_transfer.c only.
 */
#pragma once

#include <curl/curl.h>

#include "daemon/http_handles.h"
#include "daemon/reading.h"

/* Copied settings that transfers are made with. */
struct wh_http_conf {
	char *url, *header, *ca_file;
	struct wh_http_settings s; /* numbers; its text points to the copies above */
};
void wh_http_conf_set(struct wh_http_conf *c, const struct wh_http_settings *s);
void wh_http_conf_fini(struct wh_http_conf *c);

/* What a transfer asks of its thread. */
struct wh_transfer_host {
	bool (*hand_chunk)(void *ctx,
			   struct wh_chunk *c); /* takes it over; false = no memory */
	bool (*must_pause)(void *ctx);
#ifdef WHD_TEST_HOOKS
	void (*about_to_send)(void *ctx); /* a mutation */
#endif
};

struct wh_transfer {
	struct wh_transfer *next;
	struct wh_http_result *result;
	/* request */
	uint32_t most;
	char *url; /* of the page being read */
	char *base_url;
	char method[8];
	struct wh_buf body;
	struct wh_buf whid;         /* FIND: id to look for */
	struct wh_known_items news; /* LIST */
	struct curl_slist *headers; /* the key's line among them: wiped at the end */
	struct wh_buf key; /* to be scrubbed out of what comes back; wiped at the end */
	char *ca_file;
	struct wh_http_settings s;
	/* while it runs */
	CURL *easy;
	const struct wh_transfer_host *host;
	void *host_ctx;
	unsigned pre_requests; /* times libcurl was about to send */
	uint64_t received;     /* decoded bytes of all pages */
	int64_t pages;
	struct wh_buf pages_read; /* hashes of their urls */
	bool paused, too_large, no_memory;
	bool head_whole;           /* the reply's headers came to their end */
	struct wh_reading reading; /* LIST and FIND */
	struct wh_buf links;       /* all Link headers of the page, joined by commas */
};

struct wh_transfer *wh_transfer_new(const struct wh_http_request *r,
				    const struct wh_http_conf *c);
void wh_transfer_free(struct wh_transfer *t);
/* True if it could not begin: the result says why. */
bool wh_transfer_begin(struct wh_transfer *t, struct wh_handles *handles,
		       const struct wh_transfer_host *host, void *ctx);
/* The transfer (of one page) ended. True if it goes on with the next page. */
bool wh_transfer_end(struct wh_transfer *t, struct wh_handles *handles, CURLcode code);
/* http_facts.c: fills in the result's facts. */
void wh_transfer_facts(struct wh_transfer *t, CURLcode code);
void wh_transfer_unpause(struct wh_transfer *t);
void wh_transfer_cancel(struct wh_transfer *t, struct wh_handles *handles);
/* Judges what has ended; SEND. */
void wh_transfer_judge(struct wh_transfer *t);
/* Takes the result out. */
struct wh_http_result *wh_transfer_result(struct wh_transfer *t);
