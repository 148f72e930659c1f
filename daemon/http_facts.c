/* SPDX-License-Identifier: MIT */
/*
 * What can be told of a transfer that ended, in the words of core/outcome: how
 * far it got, what the reply's head says, and nothing of the key. The one
 * place that knows libcurl's error codes. HTTP thread.
 */
#include "daemon/http_transfer.h"

#include <stdio.h>

#include "daemon/clock.h"

#define WAIT_MAX_S ((int64_t)31 * 86400)

static enum wh_transport
transport_of(const struct wh_transfer *t, CURLcode code)
{
	if (t->too_large)
		return WH_NET_TOO_LARGE;
	if (t->no_memory)
		return WH_NET_LOCAL;
	if (t->pre_requests > 1 && t->result->kind == WH_HTTP_SEND)
		return WH_NET_RESEND;
	switch ((int)code) {
	case CURLE_OK:
		return t->head_whole ? WH_NET_OK : WH_NET_RESET;
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return WH_NET_RESOLVE;
	case CURLE_COULDNT_CONNECT:
		return WH_NET_CONNECT;
	case CURLE_SSL_CONNECT_ERROR:
		return WH_NET_TLS;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CRL_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_ENGINE_INITFAILED:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return WH_NET_CERT;
	case CURLE_OPERATION_TIMEDOUT:
		return WH_NET_TIMEOUT;
	case CURLE_OUT_OF_MEMORY:
	case CURLE_FAILED_INIT:
		return WH_NET_LOCAL;
	default:
		return WH_NET_RESET;
	}
}

/* Seconds or a date; -1 if there is none. No wait is believed that is longer than a month. */
static int64_t
retry_after(CURL *e)
{
	struct curl_header *h;
	int64_t seconds;

	if (curl_easy_header(e, "Retry-After", 0, CURLH_HEADER, -1, &h) != CURLHE_OK)
		return -1;
	if (h->value[0] && strspn(h->value, "0123456789") == strlen(h->value)) {
		if (!wh_parse_i64(wh_str_c(h->value), 0, WAIT_MAX_S, &seconds))
			seconds = WAIT_MAX_S;
		return seconds * 1000;
	}

	time_t at = curl_getdate(h->value, NULL);

	if (at < 0)
		return -1;

	int64_t wait = (int64_t)at * 1000 - wh_clock_now().wall.ms;

	return wait > 0 ? wait : 0;
}

static void
copy_header(CURL *e, const char *name, char *out, size_t cap)
{
	struct curl_header *h;

	if (curl_easy_header(e, name, 0, CURLH_HEADER, -1, &h) == CURLHE_OK)
		snprintf(out, cap, "%s", h->value);
}

/* A header may come many times, which means the same as one with all that they hold. */
static void
join_headers(CURL *e, const char *name, struct wh_buf *out)
{
	struct curl_header *h;
	size_t n = 1;

	wh_buf_reset(out);
	for (size_t i = 0; i < n; i++) {
		if (curl_easy_header(e, name, i, CURLH_HEADER, -1, &h) != CURLHE_OK)
			return;
		n = h->amount;
		if (i > 0)
			wh_buf_c(out, ", ");
		wh_buf_c(out, h->value);
	}
}

/* A reply may echo the request: the key goes no further than this thread. */
static void
scrub(const struct wh_buf *key, char *text, size_t n)
{
	char *at = text;

	if (key->n == 0)
		return;
	while (n >= key->n && (at = memmem(text, n, key->p, key->n)) != NULL) {
		memset(at, '*', key->n);
		n -= (size_t)(at - text) + key->n;
		text = at + key->n;
	}
}

void
wh_transfer_facts(struct wh_transfer *t, CURLcode code)
{
	struct wh_http_result *r = t->result;
	struct wh_facts *f = &r->facts;
	curl_off_t us = 0;
	long status = 0, sent = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(t->easy, CURLINFO_TOTAL_TIME_T, &us);
	curl_easy_getinfo(t->easy, CURLINFO_REQUEST_SIZE, &sent);
	f->net = transport_of(t, code);
	/* On a connection that died while idle the callback runs, but the first write fails: a
	 * request of which the socket took no byte cannot have been executed. */
	f->may_have_left = t->pre_requests > 0 && sent > 0;
	f->whole = code == CURLE_OK && t->head_whole;
	f->status = (int)status;
	f->took_ms = (int64_t)us / 1000;
	f->retry_after_ms = retry_after(t->easy);
	copy_header(t->easy, "Content-Type", r->content_type, sizeof(r->content_type));
	copy_header(t->easy, "Location", r->location, sizeof(r->location));
	join_headers(t->easy, "Link", &t->links);
	/* After a dead connection was dropped the buffer still tells of that one. */
	if (code == CURLE_COULDNT_CONNECT && t->pre_requests > 0)
		r->error[0] = '\0';
	if (code != CURLE_OK && r->error[0] == '\0')
		snprintf(r->error, sizeof(r->error), "%s", curl_easy_strerror(code));
	if (code == CURLE_OK && !f->whole)
		snprintf(r->error, sizeof(r->error), "the reply ended within its headers");
	scrub(&t->key, r->error, strlen(r->error));
	scrub(&t->key, r->location, strlen(r->location));
	scrub(&t->key, r->content_type, strlen(r->content_type));
	if (r->body.n)
		scrub(&t->key, r->body.p, r->body.n);
	f->error = wh_str_c(r->error);
	f->content_type = wh_str_c(r->content_type);
	f->location = wh_str_c(r->location);
	f->body = wh_buf_view(&r->body);
}
