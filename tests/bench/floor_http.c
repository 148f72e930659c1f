/* SPDX-License-Identifier: MIT */
/*
 * So many PATCH requests, so many at once, by curl and nothing else: in a loop
 * of curl's own, and as a libuv program does it, which waits for the sockets
 * and the timer that curl tells it of.
 */
#include <curl/curl.h>
#include <stdlib.h>
#include <uv.h>

#include "tests/bench/bench.h"

struct drain {
	CURLM *multi;
	struct curl_slist *headers;
	char *body;
	uint32_t sent, done;
	const struct bench_options *o;
	uv_loop_t loop;
	uv_timer_t timer;
};

static size_t
on_body(char *p, size_t size, size_t n, void *arg)
{
	(void)p;
	(void)arg;
	return size * n;
}

static void
prepare(struct drain *d, CURL *easy)
{
	curl_easy_setopt(easy, CURLOPT_URL, d->o->url);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, "PATCH");
	curl_easy_setopt(easy, CURLOPT_POSTFIELDS, d->body);
	curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)d->o->size);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, d->headers);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
}

static void
start(struct drain *d, CURL *easy)
{
	d->sent++;
	if (curl_multi_add_handle(d->multi, easy))
		bench_die("curl_multi_add_handle");
}

static void
take_done(struct drain *d)
{
	int left;
	CURLMsg *m;

	while ((m = curl_multi_info_read(d->multi, &left))) {
		CURL *easy = m->easy_handle;
		long status = 0;

		curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
		if (m->data.result || status < 200 || status > 299)
			bench_die("%s: %s, status %ld", d->o->url,
				  curl_easy_strerror(m->data.result), status);
		d->done++;
		curl_multi_remove_handle(d->multi, easy);
		if (d->sent < d->o->count)
			start(d, easy);
		else
			curl_easy_cleanup(easy);
	}
}

static void
begin(struct drain *d)
{
	for (uint32_t i = 0; i < d->o->clients && i < d->o->count; i++) {
		CURL *easy = curl_easy_init();

		prepare(d, easy);
		start(d, easy);
	}
}

/* ------------------------------------------------------------------- loops -- */

static void
run_curl(struct drain *d)
{
	int running;

	begin(d);
	while (d->done < d->o->count) {
		curl_multi_perform(d->multi, &running);
		take_done(d);
		if (d->done < d->o->count)
			curl_multi_poll(d->multi, NULL, 0, 1000, NULL);
	}
}

struct watched {
	uv_poll_t poll;
	curl_socket_t fd;
};

static void
act(struct drain *d, curl_socket_t fd, int what)
{
	int running;

	curl_multi_socket_action(d->multi, fd, what, &running);
	take_done(d);
	if (d->done == d->o->count)
		uv_stop(&d->loop);
}

static void
on_ready(uv_poll_t *poll, int status, int events)
{
	int what = status < 0 ? CURL_CSELECT_ERR : 0;

	what |= events & UV_READABLE ? CURL_CSELECT_IN : 0;
	what |= events & UV_WRITABLE ? CURL_CSELECT_OUT : 0;
	act(poll->loop->data, ((struct watched *)poll)->fd, what);
}

static void
on_closed(uv_handle_t *h)
{
	free(h);
}

static int
watch(CURL *easy, curl_socket_t fd, int what, void *arg, void *mine)
{
	struct drain *d = arg;
	struct watched *w = mine;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (w)
			uv_close((uv_handle_t *)&w->poll, on_closed);
		return 0;
	}
	if (!w) {
		w = wh_xcalloc(1, sizeof(*w));
		w->fd = fd;
		if (uv_poll_init_socket(&d->loop, &w->poll, fd))
			bench_die("uv_poll_init_socket");
		curl_multi_assign(d->multi, fd, w);
	}
	uv_poll_start(&w->poll,
		      (what != CURL_POLL_OUT ? UV_READABLE : 0) |
			      (what != CURL_POLL_IN ? UV_WRITABLE : 0),
		      on_ready);
	return 0;
}

static void
on_timer(uv_timer_t *timer)
{
	act(timer->loop->data, CURL_SOCKET_TIMEOUT, 0);
}

static int
set_timer(CURLM *multi, long ms, void *arg)
{
	struct drain *d = arg;

	(void)multi;
	if (ms < 0)
		uv_timer_stop(&d->timer);
	else
		uv_timer_start(&d->timer, on_timer, (uint64_t)ms, 0);
	return 0;
}

static void
run_libuv(struct drain *d)
{
	if (uv_loop_init(&d->loop) || uv_timer_init(&d->loop, &d->timer))
		bench_die("uv_loop_init");
	d->loop.data = d;
	curl_multi_setopt(d->multi, CURLMOPT_SOCKETFUNCTION, watch);
	curl_multi_setopt(d->multi, CURLMOPT_SOCKETDATA, d);
	curl_multi_setopt(d->multi, CURLMOPT_TIMERFUNCTION, set_timer);
	curl_multi_setopt(d->multi, CURLMOPT_TIMERDATA, d);
	begin(d);
	uv_run(&d->loop, UV_RUN_DEFAULT);
}

/* ------------------------------------------------------------------ verbs -- */

static int
drain(const struct bench_options *o, void (*run)(struct drain *))
{
	struct drain d = {.o = o, .body = wh_xcalloc(1, o->size)};

	memset(d.body, 'x', o->size);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	d.headers = curl_slist_append(NULL, "Content-Type: application/json");
	d.multi = curl_multi_init();
	uint64_t from = bench_now(), cpu = bench_cpu(0);

	run(&d);
	double ns = (double)(bench_now() - from);

	printf("{\"requests\": %u, \"per_s\": %.1f, \"cpu_us\": %.2f}\n", o->count,
	       o->count / ns * 1e9, (double)(bench_cpu(0) - cpu) / o->count / 1000);
	curl_multi_cleanup(d.multi);
	curl_slist_free_all(d.headers);
	free(d.body);
	return 0;
}

int
bench_patch(const struct bench_options *o)
{
	return drain(o, run_curl);
}

int
bench_patch_uv(const struct bench_options *o)
{
	return drain(o, run_libuv);
}
