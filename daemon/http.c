/* SPDX-License-Identifier: MIT */
/*
 * The transport thread: one curl multi handle, a queue in, results out. The
 * loop and this thread share one mutex and three lists; what stands by is in
 * the first of them, where the loop can take it back. Everything about a
 * single transfer is in http_transfer.c. The thread starts libcurl as well:
 * what the TLS library reads and sets up then takes a tenth of a start, and
 * nothing but the first request needs it.
 */
#include "daemon/http.h"

#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/http_transfer.h"
#include "daemon/pump.h"
#include "daemon/writer.h"

/* Idle connections are dropped before the gateway's 4-minute limit can cut them. */
#define IDLE_POLL_MS 3600000

struct wh_http {
	struct whd *d;
	uv_thread_t thread;
	uv_mutex_t mutex;
	uv_cond_t ended_cond;
	uv_async_t wake;
	bool started;

	/* under the mutex */
	struct wh_transfer *incoming, **incoming_tail; /* submitted, not begun */
	uint32_t under_way;       /* of SEND and FIND: begun, not yet among the finished */
	uint32_t unjudged;        /* of SEND: no success, and the loop has not taken it yet */
	bool told;                /* the thread was woken, and has not looked yet */
	struct wh_transfer *done; /* finished, newest first */
	struct wh_chunk_link *chunks, **chunks_tail;
	unsigned chunks_out; /* handed out, not yet taken by the loop */
	bool unpause, ending, ended;
	struct wh_http_conf conf; /* what new transfers use */

	/* HTTP thread only, but for the multi handle that wakes it: under the mutex */
	struct wh_handles handles;
	struct wh_transfer *running;
};

/* Two chunks may wait for the loop; then the transfer pauses. */
#define CHUNKS_MAX 2u

struct wh_chunk_link {
	struct wh_chunk_link *next;
	struct wh_chunk *chunk;
};

/* ----------------------------------------------------------- HTTP thread -- */

static bool
hand_chunk(void *ctx, struct wh_chunk *c)
{
	struct wh_http *h = ctx;
	struct wh_chunk_link *link = malloc(sizeof(*link));

	if (!link) {
		wh_chunk_free(c);
		return false;
	}
	*link = (struct wh_chunk_link){.chunk = c};
	uv_mutex_lock(&h->mutex);
	*h->chunks_tail = link;
	h->chunks_tail = &link->next;
	h->chunks_out++;
	uv_mutex_unlock(&h->mutex);
	uv_async_send(&h->wake);
	return true;
}

static bool
must_pause(void *ctx)
{
	struct wh_http *h = ctx;

	uv_mutex_lock(&h->mutex);
	bool full = h->chunks_out >= CHUNKS_MAX;
	uv_mutex_unlock(&h->mutex);
	return full;
}

#ifdef WHD_TEST_HOOKS
static void
about_to_send(void *ctx)
{
	struct wh_http *h = ctx;

	wh_crash_at(&h->d->crash, WH_CRASH_REQUEST_OUT);
}
#endif

static const struct wh_transfer_host host = {
	.hand_chunk = hand_chunk,
	.must_pause = must_pause,
#ifdef WHD_TEST_HOOKS
	.about_to_send = about_to_send,
#endif
};

/* It counts among those of which so many may be under way. */
static bool
counts(const struct wh_transfer *t)
{
	return t->result->kind == WH_HTTP_SEND || t->result->kind == WH_HTTP_FIND;
}

/* What it told is to be judged before the next one may go. */
static bool
is_no_success(const struct wh_http_result *r)
{
	return r->kind == WH_HTTP_SEND && r->outcome.executed != WH_X_EXECUTED;
}

static void
give_back(struct wh_http *h, struct wh_transfer *t)
{
	if (t->result->kind == WH_HTTP_SEND)
		wh_transfer_judge(t);
	uv_mutex_lock(&h->mutex);
	h->under_way -= counts(t);
	h->unjudged += is_no_success(t->result);
	t->next = h->done;
	h->done = t;
	uv_mutex_unlock(&h->mutex);
	uv_async_send(&h->wake);
}

static void
begin(struct wh_http *h, struct wh_transfer *t)
{
	if (t->result->kind == WH_HTTP_SEND)
		wh_crash_at(&h->d->crash, WH_CRASH_REQUEST_TAKEN);
	if (wh_transfer_begin(t, &h->handles, &host, h)) {
		give_back(h, t);
		return;
	}
	t->next = h->running;
	h->running = t;
}

static void
unlink_running(struct wh_http *h, struct wh_transfer *t)
{
	struct wh_transfer **at = &h->running;

	while (*at && *at != t)
		at = &(*at)->next;
	if (*at)
		*at = t->next;
}

/* Always to the end: a completion left in the queue would wait for the next event. True if
 * anything has ended. */
static bool
drain_messages(struct wh_http *h)
{
	bool any = false;
	CURLMsg *m;
	int left;

	while ((m = curl_multi_info_read(h->handles.multi, &left)) != NULL) {
		if (m->msg != CURLMSG_DONE)
			continue;

		struct wh_transfer *t = NULL;
		CURLcode code = m->data.result;

		any = true;
		curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t);
		unlink_running(h, t);
		if (t->result->kind == WH_HTTP_SEND)
			wh_crash_at(&h->d->crash, WH_CRASH_REPLY_READ);
		if (wh_transfer_end(t, &h->handles, code)) {
			t->next = h->running; /* it goes on with the next page */
			h->running = t;
		} else {
			give_back(h, t);
		}
	}
	return any;
}

static struct wh_transfer *
reversed(struct wh_transfer *t)
{
	struct wh_transfer *r = NULL;

	while (t) {
		struct wh_transfer *next = t->next;

		t->next = r;
		r = t;
		t = next;
	}
	return r;
}

/* Under the mutex. */
static bool
may_begin(const struct wh_http *h, const struct wh_transfer *t)
{
	return t->most == 0 || (h->under_way < t->most && h->unjudged == 0);
}

/* Under the mutex. */
static struct wh_transfer *
take_out(struct wh_http *h, struct wh_transfer **at)
{
	struct wh_transfer *t = *at;

	*at = t->next;
	if (!*at)
		h->incoming_tail = at;
	return t;
}

/* The next that is to begin. NULL: none may now. */
static struct wh_transfer *
take_incoming(struct wh_http *h)
{
	struct wh_transfer *t = NULL;

	uv_mutex_lock(&h->mutex);
	struct wh_transfer **at = &h->incoming;

	while (*at && !h->ending && !may_begin(h, *at))
		at = &(*at)->next;
	if (*at) {
		t = take_out(h, at);
		h->under_way += counts(t);
	}
	uv_mutex_unlock(&h->mutex);
	return t;
}

/* False: there is no more to come. */
static bool
look_at_loop(struct wh_http *h)
{
	struct wh_transfer *t;

	uv_mutex_lock(&h->mutex);
	bool ending = h->ending, unpause = h->unpause;

	h->told = h->unpause = false;
	uv_mutex_unlock(&h->mutex);

	while ((t = take_incoming(h)) != NULL)
		begin(h, t);
	for (t = h->running; unpause && t; t = t->next)
		wh_transfer_unpause(t);
	return !ending;
}

static void
cancel_all(struct wh_http *h)
{
	while (h->running) {
		struct wh_transfer *t = h->running;

		h->running = t->next;
		wh_transfer_cancel(t, &h->handles);
		give_back(h, t);
	}
}

static void
start_curl(struct wh_http *h)
{
	CURLM *multi = NULL;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
		multi = curl_multi_init();
	if (!multi) {
		wh_log(WH_LOG_ERROR, "whd", "libcurl could not be started", "errno=%d", errno);
		fflush(NULL);
		_exit(EXIT_FAILURE); /* as any start that fails: nothing was promised yet */
	}
	curl_multi_setopt(multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 64L);
	uv_mutex_lock(&h->mutex);
	h->handles.multi = multi;
	uv_mutex_unlock(&h->mutex);
}

static void
http_thread(void *arg)
{
	struct wh_http *h = arg;
	int running = 0;

	start_curl(h);
	while (look_at_loop(h)) {
		curl_multi_perform(h->handles.multi, &running);
		if (drain_messages(h))
			continue; /* what has ended makes room for what stands by */
		/* With nothing in flight only a wake-up ends this wait. */
		curl_multi_poll(h->handles.multi, NULL, 0, h->running ? 1000 : IDLE_POLL_MS,
				NULL);
	}
	cancel_all(h);
	wh_handles_fini(&h->handles);
	uv_mutex_lock(&h->mutex);
	h->ended = true;
	uv_cond_signal(&h->ended_cond);
	uv_mutex_unlock(&h->mutex);
}

/* ------------------------------------------------------------------ loop -- */

static void
deliver_chunks(struct wh_http *h, struct wh_chunk_link *c)
{
	while (c) {
		struct wh_chunk_link *next = c->next;

		wh_pump_on_chunk(h->d->pump, c->chunk);
		free(c);
		c = next;
	}
}

/* If the thread has no handle yet it looks at what there is before it waits. */
static void
unlock_and_wake(struct wh_http *h)
{
	CURLM *multi = h->handles.multi;
	bool told = h->told;

	h->told = true;
	uv_mutex_unlock(&h->mutex);
	if (multi && !told)
		curl_multi_wakeup(multi);
}

/* So many that were no success are judged: what stands by may go, if it still does. */
static void
tell_judged(struct wh_http *h, uint32_t n)
{
	uv_mutex_lock(&h->mutex);
	h->unjudged -= n;
	unlock_and_wake(h);
}

static void
on_wake(uv_async_t *a)
{
	struct wh_http *h = a->data;

	whd_tick(h->d);
	uv_mutex_lock(&h->mutex);
	struct wh_transfer *done = reversed(h->done);
	struct wh_chunk_link *chunks = h->chunks;
	uint32_t judged = 0;

	h->done = NULL;
	h->chunks = NULL;
	h->chunks_tail = &h->chunks;
	uv_mutex_unlock(&h->mutex);

	wh_writer_cork(h->d->writer);
	/* Chunks first: a list's rows come before its end. */
	deliver_chunks(h, chunks);
	while (done) {
		struct wh_transfer *next = done->next;
		struct wh_http_result *r = wh_transfer_result(done);

		judged += is_no_success(r);
		wh_transfer_free(done);
		wh_pump_on_result(h->d->pump, r);
		done = next;
	}
	/* Each reply freed a connection: what takes it shares the commit of their outcomes. */
	wh_pump_poke(h->d->pump);
	wh_writer_uncork(h->d->writer);
	if (judged)
		tell_judged(h, judged);
}

struct wh_http *
wh_http_start(struct whd *d, const struct wh_http_settings *s)
{
	struct wh_http *h = wh_xcalloc(1, sizeof(*h));

	h->d = d;
	h->chunks_tail = &h->chunks;
	h->incoming_tail = &h->incoming;
	if (uv_mutex_init(&h->mutex) || uv_cond_init(&h->ended_cond) ||
	    uv_async_init(&d->loop, &h->wake, on_wake)) {
		free(h);
		return NULL;
	}
	h->wake.data = h;
	wh_http_conf_set(&h->conf, s);
	h->started = uv_thread_create(&h->thread, http_thread, h) == 0;
	return h->started ? h : wh_http_free(h);
}

void
wh_http_set(struct wh_http *h, const struct wh_http_settings *s)
{
	wh_http_conf_set(&h->conf, s);
}

void
wh_http_submit(struct wh_http *h, const struct wh_http_request *r)
{
	struct wh_transfer *t = wh_transfer_new(r, &h->conf);

	uv_mutex_lock(&h->mutex);
	*h->incoming_tail = t;
	h->incoming_tail = &t->next;
	if (may_begin(h, t))
		unlock_and_wake(h);
	else
		uv_mutex_unlock(&h->mutex);
}

/* Where it is; the end of the list if none stands by. Under the mutex. */
static struct wh_transfer **
first_standing(struct wh_http *h)
{
	struct wh_transfer **at = &h->incoming;

	while (*at && (*at)->most == 0)
		at = &(*at)->next;
	return at;
}

uint64_t
wh_http_standing(struct wh_http *h)
{
	uv_mutex_lock(&h->mutex);
	const struct wh_transfer *t = *first_standing(h);
	uint64_t tag = t ? t->result->tag : 0;

	uv_mutex_unlock(&h->mutex);
	return tag;
}

uint64_t
wh_http_withdraw(struct wh_http *h)
{
	uv_mutex_lock(&h->mutex);
	struct wh_transfer **at = first_standing(h);
	struct wh_transfer *t = *at ? take_out(h, at) : NULL;

	uv_mutex_unlock(&h->mutex);
	uint64_t tag = t ? t->result->tag : 0;

	if (t)
		wh_transfer_free(t);
	return tag;
}

void
wh_http_chunk_taken(struct wh_http *h, uint64_t tag)
{
	(void)tag;
	uv_mutex_lock(&h->mutex);
	h->chunks_out--;
	h->unpause = true;
	unlock_and_wake(h);
}

/* Joins the thread if it ends in time; it may sit in a name look-up that nothing can end. */
bool
wh_http_stop(struct wh_http *h, int64_t wait_ms)
{
	uv_mutex_lock(&h->mutex);
	h->ending = true;
	unlock_and_wake(h);

	uv_mutex_lock(&h->mutex);
	int r = 0;

	while (!h->ended && r == 0)
		r = uv_cond_timedwait(&h->ended_cond, &h->mutex, (uint64_t)wait_ms * 1000000u);
	bool ended = h->ended;

	uv_mutex_unlock(&h->mutex);
	if (ended) {
		uv_thread_join(&h->thread);
		curl_multi_cleanup(h->handles.multi); /* which the loop woke it with */
		curl_global_cleanup();
		h->started = false;
	}
	return ended;
}

static void
on_closed(uv_handle_t *handle)
{
	struct wh_http *h = handle->data;

	uv_cond_destroy(&h->ended_cond);
	uv_mutex_destroy(&h->mutex);
	wh_http_conf_fini(&h->conf);
	free(h);
}

static void
free_transfers(struct wh_transfer *t)
{
	while (t) {
		struct wh_transfer *next = t->next;

		wh_transfer_free(t);
		t = next;
	}
}

struct wh_http *
wh_http_free(struct wh_http *h)
{
	if (!h)
		return NULL;
	free_transfers(h->incoming);
	free_transfers(h->done);
	for (struct wh_chunk_link *c = h->chunks; c;) {
		struct wh_chunk_link *next = c->next;

		wh_chunk_free(c->chunk);
		free(c);
		c = next;
	}
	uv_close((uv_handle_t *)&h->wake, on_closed);
	return NULL;
}
