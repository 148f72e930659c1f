/* SPDX-License-Identifier: MIT */
/* A bare curl multi loop that sends so many PATCH requests, so many at once. */
#include <curl/curl.h>
#include <stdlib.h>

#include "tests/bench/bench.h"

struct drain {
	CURLM *multi;
	struct curl_slist *headers;
	char *body;
	uint32_t sent, done;
	const struct bench_options *o;
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

int
bench_patch(const struct bench_options *o)
{
	struct drain d = {.o = o, .body = wh_xcalloc(1, o->size)};
	int running;

	memset(d.body, 'x', o->size);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	d.headers = curl_slist_append(NULL, "Content-Type: application/json");
	d.multi = curl_multi_init();
	uint64_t from = bench_now(), cpu = bench_cpu(0);

	for (uint32_t i = 0; i < o->clients && i < o->count; i++) {
		CURL *easy = curl_easy_init();

		prepare(&d, easy);
		start(&d, easy);
	}
	while (d.done < o->count) {
		curl_multi_perform(d.multi, &running);
		take_done(&d);
		if (d.done < o->count)
			curl_multi_poll(d.multi, NULL, 0, 1000, NULL);
	}
	double ns = (double)(bench_now() - from);

	printf("{\"requests\": %u, \"per_s\": %.1f, \"cpu_us\": %.2f}\n", o->count,
	       o->count / ns * 1e9, (double)(bench_cpu(0) - cpu) / o->count / 1000);
	curl_multi_cleanup(d.multi);
	curl_slist_free_all(d.headers);
	free(d.body);
	return 0;
}
