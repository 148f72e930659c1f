/* SPDX-License-Identifier: MIT */
/* Everything read once, page after page, or by one LRANGE. */
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "proto/rpc.h"
#include "tests/bench/bench.h"

struct list {
	int fd;
	struct wh_buf out, in;
	uint64_t items, bytes;
	const char *member, *value; /* NULL: everything, else where the member has the value */
};

/* ------------------------------------------------------------------- whd -- */

/* The items of an answer and its cursor; the items are counted, not looked at. */
static struct wh_str
take_page(struct list *l, struct wh_str answer)
{
	const unsigned char *p = (const unsigned char *)answer.p;
	size_t at = 5, items_at = at + 6; /* the envelope, the map's head, "items" */
	uint32_t n;

	if (answer.n < 20 || p[3] != 0xc0 || memcmp(p + at, "\xa5items", 6) != 0)
		bench_die("a wrong page: %.*s", (int)(answer.n < 200 ? answer.n : 200),
			  answer.p);
	if (p[items_at] == 0xdc)
		n = (uint32_t)p[items_at + 1] << 8 | p[items_at + 2];
	else
		n = p[items_at] & 0x0fu;
	l->items += n;

	size_t tail = answer.n < 512 ? 0 : answer.n - 512;
	const char *c = memmem(answer.p + tail, answer.n - tail,
			       "\xa6"
			       "cursor",
			       7);

	if (!c)
		return WH_STR_NULL;
	size_t len = bench_skip(c + 7, (size_t)(answer.p + answer.n - c - 7));

	return wh_str(c + 7, len);
}

static void
list_webhooks(struct list *l)
{
	struct wh_str cursor = WH_STR_NULL;

	do {
		wh_buf_reset(&l->out);
		wh_rpc_request_head(&l->out, 1, WH_STR("webhook.list"));
		wh_pack_map(&l->out, 1u + (cursor.n > 0) + (l->member != NULL));
		if (l->member)
			wh_pack_kv_c(&l->out, l->member, l->value);
		wh_pack_kv_uint(&l->out, "limit", 1000);
		if (cursor.n)
			wh_pack_kv_raw(&l->out, "cursor", cursor);
		bench_send(l->fd, wh_buf_view(&l->out));
		struct wh_str answer = bench_answer(l->fd, &l->in);

		l->bytes += answer.n;
		cursor = take_page(l, answer);
	} while (cursor.n > 0);
}

/* ----------------------------------------------------------------- redis -- */

static void
fill(struct list *l)
{
	char *room = wh_buf_room(&l->in, 262144);
	ssize_t n = room ? read(l->fd, room, 262144) : -1;

	if (n <= 0)
		bench_die("redis does not answer");
	l->in.n += (size_t)n;
	l->bytes += (uint64_t)n;
}

/* The number of a line *N or $N at `at`, which is moved behind it. */
static size_t
number_line(struct list *l, size_t *at)
{
	char *end;

	while (!(end = memchr(l->in.p + *at, '\n', l->in.n - *at)))
		fill(l);
	size_t v = strtoul(l->in.p + *at + 1, NULL, 10);

	*at = (size_t)(end + 1 - l->in.p);
	return v;
}

static void
list_values(struct list *l)
{
	size_t at = 0;

	wh_buf_reset(&l->in);
	bench_send(l->fd, WH_STR("*4\r\n$6\r\nLRANGE\r\n$3\r\nall\r\n$1\r\n0\r\n$2\r\n-1\r\n"));
	fill(l);
	size_t n = number_line(l, &at);

	for (size_t i = 0; i < n; i++) {
		if (at > 1000000) {
			wh_buf_consume(&l->in, at);
			at = 0;
		}
		if (at == l->in.n)
			fill(l);
		size_t len = number_line(l, &at);

		while (l->in.n < at + len + 2)
			fill(l);
		at += len + 2;
	}
	l->items += n;
}

/* As rows.py makes them: one row in a thousand, or a thousand rows however many there are. */
static void
choose(struct list *l, struct wh_str what)
{
	if (wh_str_is(what, "filtered")) {
		l->member = "applicationId";
		l->value = "d0db4b13-20d4-42c3-8268-000000000001";
	} else if (wh_str_is(what, "page")) {
		l->member = "municipalityId";
		l->value = "0001";
	}
}

int
bench_list(const struct bench_options *o)
{
	struct list l = {.fd = bench_connect(o->socket)};
	void (*list)(struct list *) =
		wh_str_is(wh_str_c(o->speak), "rpc") ? list_webhooks : list_values;
	uint64_t best = UINT64_MAX;

	choose(&l, wh_str_c(o->what));
	for (uint32_t i = 0; i < o->count; i++) {
		uint64_t from = bench_now();

		l.items = l.bytes = 0;
		list(&l);
		uint64_t ns = bench_now() - from;

		best = ns < best ? ns : best;
	}
	printf("{\"items\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"ms\": %.2f, "
	       "\"mb_per_s\": %.1f}\n",
	       l.items, l.bytes, (double)best / 1e6, (double)l.bytes / (double)best * 1e3);
	wh_buf_fini(&l.in);
	wh_buf_fini(&l.out);
	close(l.fd);
	return 0;
}
