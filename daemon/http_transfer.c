/* SPDX-License-Identifier: MIT */
/*
 * One transfer: how libcurl is set up for it, what is taken from its reply,
 * and what is handed back as facts. The rules that keep a mutation from being
 * sent twice, and the key from reaching anybody else, are in set_up().
 *
 * The callbacks run on the HTTP thread; making and freeing on the loop.
 */
#include "daemon/http_transfer.h"

#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "daemon/clock.h"
#include "daemon/core/remote.h"
#include "daemon/http_guard.h"
#include "daemon/http_pages.h"
#include "store/store.h"

#define REPLY_KEPT (1024u * 1024u) /* of a mutation's reply */
#define START_KEPT 4096u           /* of any other reply, to say what it was */
#define TOO_LARGE "it is larger than [upstream] max_body and was read up to there: raise it"

/* ------------------------------------------------------------- settings --- */

void
wh_http_conf_fini(struct wh_http_conf *c)
{
	free(c->url);
	free(c->header);
	free(c->ca_file);
	*c = (struct wh_http_conf){0};
}

void
wh_http_conf_set(struct wh_http_conf *c, const struct wh_http_settings *s)
{
	struct wh_http_conf fresh = {
		.url = wh_xstrdup(wh_str_c(s->url)),
		.header = wh_xstrdup(wh_str_c(s->header)),
		.ca_file = wh_xstrdup(wh_str_c(s->ca_file)),
		.s = *s,
	};

	wh_http_conf_fini(c);
	*c = fresh;
	c->s.url = c->url;
	c->s.header = c->header;
	c->s.ca_file = c->ca_file;
}

/* ------------------------------------------------------------ callbacks --- */

/* libcurl is about to send: for the first time, or again by itself (see http_guard.h). */
static int
on_pre_request(void *arg, char *ip, char *local_ip, int port, int local_port)
{
	struct wh_transfer *t = arg;

	(void)ip;
	(void)local_ip;
	(void)port;
	(void)local_port;
	t->pre_requests++;
#ifdef WHD_TEST_HOOKS
	if (t->result->kind == WH_HTTP_SEND)
		t->host->about_to_send(t->host_ctx);
	if (getenv("WHD_TEST_NO_SEND_GUARD"))
		return CURL_PREREQFUNC_OK;
#endif
	return wh_http_may_send(t->result->kind, t->pre_requests) ? CURL_PREREQFUNC_OK
								  : CURL_PREREQFUNC_ABORT;
}

static bool
is_read(const struct wh_transfer *t)
{
	return t->result->kind != WH_HTTP_SEND;
}

static bool
is_success(const struct wh_transfer *t)
{
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	return status >= 200 && status < 300;
}

static void
keep_text(struct wh_transfer *t, const char *p, size_t n)
{
	size_t max = t->result->kind == WH_HTTP_SEND ? REPLY_KEPT : START_KEPT;
	size_t room = max > t->result->body.n ? max - t->result->body.n : 0;

	wh_buf_add(&t->result->body, p, n < room ? n : room);
}

/* libcurl takes a reply that ends within its headers for a whole one without a body. Line by
 * line: the last one is blank; another head may follow one of status 1xx. */
static size_t
on_head(char *p, size_t one, size_t n, void *arg)
{
	struct wh_transfer *t = arg;
	struct wh_str line = {p, one * n};

	if (line.n > 5 && memcmp(line.p, "HTTP/", 5) == 0)
		t->head_whole = false;
	else if (wh_str_is(line, "\r\n") || wh_str_is(line, "\n"))
		t->head_whole = true;
	return line.n;
}

static size_t
on_body(char *p, size_t one, size_t n, void *arg)
{
	struct wh_transfer *t = arg;
	bool list = t->result->kind == WH_HTTP_LIST;

	n *= one;
	if (list && t->host->must_pause(t->host_ctx)) {
		t->paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	size_t fits = (size_t)((uint64_t)t->s.max_body - t->received);
	size_t taken = n < fits ? n : fits;

	t->too_large = taken < n;
	t->received += taken;
	keep_text(t, p, taken);
	if (is_read(t) && is_success(t) && wh_reading_feed(&t->reading, wh_str(p, taken)))
		t->no_memory = true;
	return t->no_memory || t->too_large ? 0 : n;
}

/* ---------------------------------------------------------------- set up -- */

static void
add_header(struct wh_transfer *t, const char *line)
{
	struct curl_slist *more = curl_slist_append(t->headers, line);

	if (more)
		t->headers = more;
	else
		t->no_memory = true;
}

static void
set_limits(struct wh_transfer *t)
{
	CURL *e = t->easy;

	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)t->s.timeout_ms);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)t->s.connect_ms);
	curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, 30L);
	curl_easy_setopt(e, CURLOPT_MAXAGE_CONN, 60L);
	curl_easy_setopt(e, CURLOPT_BUFFERSIZE, is_read(t) ? 262144L : 16384L);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
}

/* Nobody but the configured host over the configured scheme gets the request or the key. */
static void
set_trust(struct wh_transfer *t)
{
	CURL *e = t->easy;

	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, t->s.allow_http ? "http,https" : "https");
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	curl_easy_setopt(e, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
	curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	if (t->ca_file[0])
		curl_easy_setopt(e, CURLOPT_CAINFO, t->ca_file);
}

static void
set_callbacks(struct wh_transfer *t)
{
	CURL *e = t->easy;

	curl_easy_setopt(e, CURLOPT_PRIVATE, t);
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, t->result->error);
	curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_pre_request);
	curl_easy_setopt(e, CURLOPT_PREREQDATA, t);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_head);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, t);
}

static void
set_request(struct wh_transfer *t)
{
	CURL *e = t->easy;

	curl_easy_setopt(e, CURLOPT_URL, t->url);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, t->headers);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "whd/" WHD_VERSION);
	/* Decoded bytes are counted, so a small reply cannot unfold without bound. */
	curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "gzip");
	if (t->result->kind != WH_HTTP_SEND)
		return;
	if (t->body.n || strcmp(t->method, "DELETE") != 0) {
		curl_easy_setopt(e, CURLOPT_POST, 1L);
		curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->body.n);
		curl_easy_setopt(e, CURLOPT_POSTFIELDS, t->body.p ? t->body.p : "");
	}
	curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, t->method);
}

static void
begin_reading(struct wh_transfer *t)
{
	struct wh_list_limits lim = {(size_t)t->s.element, (uint32_t)t->s.json_depth};

	t->reading.hand_chunk = t->host->hand_chunk;
	t->reading.ctx = t->host_ctx;
	wh_reading_begin(&t->reading, t->result, &lim, wh_buf_view(&t->whid), &t->news);
}

bool
wh_transfer_begin(struct wh_transfer *t, struct wh_handles *handles,
		  const struct wh_transfer_host *host, void *ctx)
{
	t->host = host;
	t->host_ctx = ctx;
	if (is_read(t))
		begin_reading(t);
	t->easy = t->no_memory ? NULL : wh_handles_take(handles);
	if (t->easy) {
		set_request(t);
		set_limits(t);
		set_trust(t);
		set_callbacks(t);
	}
	if (t->easy && curl_multi_add_handle(handles->multi, t->easy) == CURLM_OK)
		return false;
	t->result->facts.net = WH_NET_LOCAL;
	snprintf(t->result->error, sizeof(t->result->error), "out of memory");
	t->result->facts.error = wh_str_c(t->result->error);
	return true;
}

/* ----------------------------------------------------------------- pages -- */

/* The page at t->url was read now: was the next one before? */
static bool
leads_back(struct wh_transfer *t, const char *next)
{
	uint64_t now = XXH3_64bits(t->url, strlen(t->url));
	uint64_t wanted = XXH3_64bits(next, strlen(next)), read;

	wh_buf_add(&t->pages_read, &now, sizeof(now));
	for (size_t at = 0; at < t->pages_read.n; at += sizeof(read)) {
		memcpy(&read, t->pages_read.p + at, sizeof(read));
		if (read == wanted)
			return true;
	}
	return false;
}

/* The url of the next page, or NULL: there is none or it is not to be followed. */
static char *
next_page(struct wh_transfer *t, struct wh_str in_body)
{
	char *next = NULL;

	if (in_body.n == 0 && t->links.n == 0)
		return NULL;
	if (++t->pages >= t->s.max_pages) {
		wh_reading_doubt(&t->reading,
				 "the list has more pages than [upstream] max_pages");
		return NULL;
	}
	next = wh_http_next_page(t->base_url, t->url, in_body, wh_buf_view(&t->links));
	if (!next && (in_body.n || wh_http_has_next(wh_buf_view(&t->links))))
		wh_reading_doubt(&t->reading,
				 "the next page's link leads elsewhere and was not followed");
	if (next && leads_back(t, next)) {
		wh_reading_doubt(&t->reading,
				 "the next page's link leads back to one that was read before");
		free(wh_steal(&next));
	}
	return next;
}

static const char *
header(const struct wh_transfer *t, const char *name)
{
	struct curl_header *h;

	return curl_easy_header(t->easy, name, 0, CURLH_HEADER, -1, &h) == CURLHE_OK ? h->value
										     : "";
}

static void
check_head(struct wh_transfer *t, uint64_t elements)
{
	if (wh_http_is_part(t->result->facts.status, header(t, "Content-Range"),
			    header(t, "X-Total-Count"), elements))
		wh_reading_doubt(&t->reading, "the head of the reply says that it is a part");
}

static bool
turn_page(struct wh_transfer *t, CURLM *multi, char *next)
{
	curl_multi_remove_handle(multi, t->easy);
	free(t->url);
	t->url = next;
	t->pre_requests = 0;
	t->head_whole = false;
	wh_buf_reset(&t->result->body); /* an error names what this page said */
	wh_reading_next_page(&t->reading);
	curl_easy_setopt(t->easy, CURLOPT_URL, t->url);
	return curl_multi_add_handle(multi, t->easy) == CURLM_OK;
}

static bool
end_read(struct wh_transfer *t, CURLM *multi)
{
	bool whole = t->result->facts.whole && is_success(t);
	struct wh_list_summary sum;
	char *next = NULL;

	if (wh_reading_end_page(&t->reading, whole, &sum))
		t->no_memory = true;
	if (t->too_large)
		snprintf(t->result->why, sizeof(t->result->why), TOO_LARGE);
	if (!whole)
		wh_reading_doubt(&t->reading, "the reply was cut or refused");
	else if (t->result->kind == WH_HTTP_LIST)
		next = next_page(t, sum.next);
	if (next && turn_page(t, multi, next))
		return true;
	if (next)
		wh_reading_doubt(&t->reading, "the next page could not be asked for");
	if (whole && t->result->kind == WH_HTTP_LIST)
		check_head(t, sum.elements);
	if (t->no_memory)
		wh_reading_doubt(&t->reading, "out of memory");
	t->result->pages = t->pages + 1;
	wh_reading_end(&t->reading);
	return false;
}

bool
wh_transfer_end(struct wh_transfer *t, struct wh_handles *handles, CURLcode code)
{
	wh_transfer_facts(t, code);
	if (is_read(t) && end_read(t, handles->multi))
		return true;
	/* What a usable list began with tells nothing; keep it out of the judgement. */
	if (is_read(t) && t->result->usable)
		t->result->facts.body = WH_STR_NULL;
	wh_handles_give(handles, t->easy, t->result->facts.whole && is_success(t));
	t->easy = NULL;
	return false;
}

void
wh_transfer_unpause(struct wh_transfer *t)
{
	if (!t->paused)
		return;
	t->paused = false;
	curl_easy_pause(t->easy, CURLPAUSE_CONT);
}

void
wh_transfer_cancel(struct wh_transfer *t, struct wh_handles *handles)
{
	wh_transfer_facts(t, CURLE_ABORTED_BY_CALLBACK);
	t->result->facts.net = WH_NET_CANCELLED;
	wh_handles_give(handles, t->easy, false);
	t->easy = NULL;
}

void
wh_transfer_judge(struct wh_transfer *t)
{
	const bool post = strcmp(t->method, "POST") == 0,
		   patch = strcmp(t->method, "PATCH") == 0;
	enum wh_op_kind kind = post ? WH_OP_CREATE : patch ? WH_OP_UPDATE : WH_OP_DELETE;

	t->result->outcome = wh_outcome_judge(kind, wh_buf_view(&t->whid), &t->result->facts);
}

/* ------------------------------------------------------- making and after -- */

static char *
url_of(const struct wh_http_request *r, const char *base)
{
	struct wh_buf url = WH_BUF_NULL;
	bool query = memchr(base, '?', strlen(base)) != NULL;

	wh_buf_c(&url, base);
	if (r->whid.n) {
		size_t at = url.n;

		wh_remote_query(&url, r->whid);
		if (query && url.n > at)
			url.p[at] = '&';
	}
	wh_buf_byte(&url, '\0');
	wh_require(url.fault == 0);
	return url.p;
}

static void
set_headers(struct wh_transfer *t, const struct wh_http_request *r)
{
	struct wh_buf line = WH_BUF_NULL;

	wh_buf_printf(&line, "%s: ", t->s.header);
	wh_buf_str(&line, r->key);
	wh_buf_byte(&line, '\0');
	add_header(t, line.p);
	explicit_bzero(line.p, line.n);
	wh_buf_fini(&line);
	add_header(t, "Accept: application/json");
	add_header(t, "Expect:");
	if (r->body.n)
		add_header(t, "Content-Type: application/json");
}

struct wh_transfer *
wh_transfer_new(const struct wh_http_request *r, const struct wh_http_conf *c)
{
	struct wh_transfer *t = wh_xcalloc(1, sizeof(*t));

	t->result = wh_xcalloc(1, sizeof(*t->result));
	t->result->kind = r->kind;
	t->result->pages = 1;
	t->result->tag = r->tag;
	t->result->facts.key = r->key_index;
	t->result->facts.change = r->kind == WH_HTTP_SEND;
	t->result->facts.retry_after_ms = -1;
	t->result->seen.known = r->known;
	t->result->spill = r->spill;
	t->news = r->news;
	t->most = r->most;
	t->s = c->s;
	t->ca_file = wh_xstrdup(wh_str_c(c->ca_file));
	t->base_url = wh_xstrdup(wh_str_c(c->url));
	t->url = url_of(r, c->url);
	snprintf(t->method, sizeof(t->method), "%s", r->method);
	wh_buf_str(&t->body, r->body);
	wh_buf_str(&t->key, r->key);
	wh_buf_str(&t->whid, r->whid);
	set_headers(t, r);
	return t;
}

struct wh_http_result *
wh_transfer_result(struct wh_transfer *t)
{
	return wh_steal(&t->result);
}

static void
wipe_headers(struct curl_slist *h)
{
	for (struct curl_slist *l = h; l; l = l->next)
		explicit_bzero(l->data, strlen(l->data));
	curl_slist_free_all(h);
}

void
wh_transfer_free(struct wh_transfer *t)
{
	if (t->easy)
		curl_easy_cleanup(t->easy);
	wipe_headers(t->headers);
	if (t->key.p)
		explicit_bzero(t->key.p, t->key.cap);
	wh_buf_fini(&t->key);
	wh_reading_fini(&t->reading);
	wh_known_items_fini(&t->news);
	wh_http_result_free(t->result);
	wh_buf_fini(&t->body);
	wh_buf_fini(&t->whid);
	wh_buf_fini(&t->links);
	wh_buf_fini(&t->pages_read);
	free(t->url);
	free(t->base_url);
	free(t->ca_file);
	free(t);
}

struct wh_http_result *
wh_http_result_free(struct wh_http_result *r)
{
	if (r) {
		wh_buf_fini(&r->body);
		wh_buf_fini(&r->row);
		wh_seen_fini(&r->seen);
		wh_chunk_free(r->last_chunk);
		wh_spill_free(r->spill);
		free(r);
	}
	return NULL;
}
