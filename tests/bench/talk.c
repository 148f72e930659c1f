/* SPDX-License-Identifier: MIT */
/* MessagePack-RPC, RESP and memcached's text protocol: questions and the ends of answers. */
#include <inttypes.h>
#include <stdlib.h>

#include "proto/rpc.h"
#include "tests/bench/bench.h"

/* ------------------------------------------------------------ MessagePack -- */

/* Bytes of the big-endian length that follows a head, and what is added to it. */
static size_t
long_head(const unsigned char *p, size_t n, uint64_t *ret_left)
{
	static const unsigned char fixed[32] = {
		[0x0a] = 4, [0x0b] = 8, [0x0c] = 1, [0x0d] = 2, [0x0e] = 4,
		[0x0f] = 8, [0x10] = 1, [0x11] = 2, [0x12] = 4, [0x13] = 8,
	};
	static const unsigned char sized[32] = {
		[0x04] = 1, [0x05] = 2, [0x06] = 4, [0x19] = 1, [0x1a] = 2,
		[0x1b] = 4, [0x1c] = 2, [0x1d] = 4, [0x1e] = 2, [0x1f] = 4,
	};
	unsigned kind = p[0] & 0x1fu;
	size_t width = sized[kind], value = 0;

	if (width == 0)
		return 1u + fixed[kind];
	if (n < 1 + width)
		return SIZE_MAX;
	for (size_t i = 1; i <= width; i++)
		value = value << 8 | p[i];
	if (kind < 0x1c)
		return 1 + width + value;
	*ret_left += kind < 0x1e ? value : 2 * value;
	return 1 + width;
}

#define SIXTEEN(n) n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n
#define UP_FROM(n)                                                                             \
	(n), (n) + 1, (n) + 2, (n) + 3, (n) + 4, (n) + 5, (n) + 6, (n) + 7, (n) + 8, (n) + 9,  \
		(n) + 10, (n) + 11, (n) + 12, (n) + 13, (n) + 14, (n) + 15

/* Bytes of objects that have all in their first byte or behind it; 0 for others. By a table,
 * since it is done for each member of each answer. */
static const unsigned char steps[256] = {
	SIXTEEN(1), SIXTEEN(1), SIXTEEN(1), SIXTEEN(1),  /* 0x00 */
	SIXTEEN(1), SIXTEEN(1), SIXTEEN(1), SIXTEEN(1),  /* 0x40 */
	SIXTEEN(0), SIXTEEN(0), UP_FROM(1), UP_FROM(17), /* 0x80 */
	SIXTEEN(0), SIXTEEN(0), SIXTEEN(1), SIXTEEN(1),  /* 0xc0 */
};

size_t
bench_skip(const char *data, size_t n)
{
	const unsigned char *p = (const unsigned char *)data;
	uint64_t left = 1;
	size_t at = 0;

	for (; left > 0 && at < n; left--) {
		unsigned c = p[at];
		size_t step = steps[c];

		if (c == 0xd9 && n - at > 1) {
			step = 2u + p[at + 1];
		} else if (c >= 0x80 && c < 0xa0) {
			left += c < 0x90 ? 2 * (c & 0x0fu) : (c & 0x0fu);
			step = 1;
		} else if (step == 0) {
			step = long_head(p + at, n - at, &left);
		}
		if (step > n - at)
			return 0;
		at += step;
	}
	return left == 0 ? at : 0;
}

/* One byte, and still different for all that is unanswered. */
static uint32_t
id_of(uint32_t seq)
{
	return seq & 0x7fu;
}

static ptrdiff_t
rpc_answer(const char *p, size_t n, uint32_t seq)
{
	if (n < 5)
		return 0;
	if (memcmp(p, "\x94\x01", 2) != 0 || (uint8_t)p[2] != id_of(seq) ||
	    (uint8_t)p[3] != 0xc0)
		return -1;
	return (ptrdiff_t)bench_skip(p, n);
}

static void
rpc_get(struct wh_buf *out, const struct bench_ask *a)
{
	char id[BENCH_ID + 1];

	bench_id(id, a->key);
	wh_rpc_request_head(out, id_of(a->seq), WH_STR("webhook.get"));
	wh_pack_map(out, 1);
	wh_pack_kv_str(out, "whid", wh_str(id, BENCH_ID));
}

static void
rpc_create(struct wh_buf *out, const struct bench_ask *a)
{
	char name[64], url[128], comment[512];
	uint32_t filling = a->size > 300 && a->size < 800 ? a->size - 300 : 1;

	snprintf(name, sizeof(name), "bench %" PRIx64, a->serial);
	snprintf(url, sizeof(url), "https://hooks.example.org/in/%" PRIx64, a->serial);
	memset(comment, 'c', filling);
	wh_rpc_request_head(out, id_of(a->seq), WH_STR("webhook.create"));
	wh_pack_map(out, 6);
	wh_pack_kv_c(out, "whname", name);
	wh_pack_kv_str(out, "whcomment", wh_str(comment, filling));
	wh_pack_kv_c(out, "applicationId", "d0db4b13-20d4-42c3-8268-37db22b36f98");
	wh_pack_kv_c(out, "municipalityId", "351");
	wh_pack_kv_c(out, "callbackUrl", url);
	wh_pack_c(out, "processes");
	wh_pack_array(out, 1);
	wh_pack_c(out, "7a0de37c-90ae-4c0e-9f3b-1d7ee9b5b4d2");
}

static void
rpc_update(struct wh_buf *out, const struct bench_ask *a)
{
	char id[BENCH_ID + 1], comment[64];

	bench_id(id, a->key);
	snprintf(comment, sizeof(comment), "changed %" PRIx64, a->serial);
	wh_rpc_request_head(out, id_of(a->seq), WH_STR("webhook.update"));
	wh_pack_map(out, 2);
	wh_pack_kv_str(out, "whid", wh_str(id, BENCH_ID));
	wh_pack_c(out, "set");
	wh_pack_map(out, 1);
	wh_pack_kv_c(out, "whcomment", comment);
}

/* The first page of all operations, or of those in one state. */
static void
first_page(struct wh_buf *out, const struct bench_ask *a, const char *state)
{
	wh_rpc_request_head(out, id_of(a->seq), WH_STR("queue.list"));
	wh_pack_map(out, state ? 2 : 1);
	wh_pack_kv_uint(out, "limit", 100);
	if (state)
		wh_pack_kv_c(out, "state", state);
}

static void
rpc_queue(struct wh_buf *out, const struct bench_ask *a)
{
	first_page(out, a, NULL);
}

static void
rpc_held(struct wh_buf *out, const struct bench_ask *a)
{
	first_page(out, a, "held");
}

/* ------------------------------------------------------------------- RESP -- */

static void
redis_get(struct wh_buf *out, const struct bench_ask *a)
{
	char id[BENCH_ID + 1];

	bench_id(id, a->key);
	wh_buf_c(out, "*2\r\n$3\r\nGET\r\n$36\r\n");
	wh_buf_add(out, id, BENCH_ID);
	wh_buf_c(out, "\r\n");
}

static void
filling(struct wh_buf *out, uint32_t n)
{
	char *room = wh_buf_room(out, n);

	if (!room)
		bench_die("out of memory");
	memset(room, 'v', n);
	out->n += n;
}

static void
redis_set(struct wh_buf *out, const struct bench_ask *a)
{
	char id[BENCH_ID + 1];

	bench_id(id, a->key);
	wh_buf_printf(out, "*3\r\n$3\r\nSET\r\n$36\r\n%s\r\n$%" PRIu32 "\r\n", id, a->size);
	filling(out, a->size);
	wh_buf_c(out, "\r\n");
}

static ptrdiff_t
redis_value(const char *p, size_t n, uint32_t seq)
{
	const char *end = n ? memchr(p, '\n', n < 16 ? n : 16) : NULL;
	size_t len = 0;

	(void)seq;
	if (n > 0 && p[0] != '$')
		return -1;
	if (!end)
		return n < 16 ? 0 : -1;
	for (const char *q = p + 1; *q != '\r'; q++) {
		if (*q < '0' || *q > '9')
			return -1; /* $-1: it is not there */
		len = len * 10 + (size_t)(*q - '0');
	}
	size_t all = (size_t)(end + 1 - p) + len + 2;

	return n < all ? 0 : (ptrdiff_t)all;
}

static ptrdiff_t
redis_ok(const char *p, size_t n, uint32_t seq)
{
	(void)seq;
	if (n > 0 && p[0] != '+')
		return -1;
	return n < 5 ? 0 : 5;
}

/* -------------------------------------------------------------- memcached -- */

static void
memcached_get(struct wh_buf *out, const struct bench_ask *a)
{
	char id[BENCH_ID + 1];

	bench_id(id, a->key);
	wh_buf_c(out, "get ");
	wh_buf_add(out, id, BENCH_ID);
	wh_buf_c(out, "\r\n");
}

/* VALUE key flags bytes\r\n .. \r\nEND\r\n */
static ptrdiff_t
memcached_value(const char *p, size_t n, uint32_t seq)
{
	const size_t number_at = 6 + BENCH_ID + 3;
	const char *end = n ? memchr(p, '\n', n < 64 ? n : 64) : NULL;
	size_t len = 0;

	(void)seq;
	if (n > 0 && p[0] != 'V')
		return -1;
	if (!end)
		return n < 64 ? 0 : -1;
	for (const char *q = p + number_at; *q != '\r' && q < end; q++)
		len = len * 10 + (size_t)(*q - '0');
	size_t all = (size_t)(end + 1 - p) + len + 2 + 5;

	return n < all ? 0 : (ptrdiff_t)all;
}

static const struct bench_talk talks[] = {
	{"rpc", "get", rpc_get, rpc_answer},
	{"rpc", "create", rpc_create, rpc_answer},
	{"rpc", "update", rpc_update, rpc_answer},
	{"rpc", "queue", rpc_queue, rpc_answer},
	{"rpc", "held", rpc_held, rpc_answer},
	{"redis", "get", redis_get, redis_value},
	{"redis", "set", redis_set, redis_ok},
	{"memcached", "get", memcached_get, memcached_value},
};

const struct bench_talk *
bench_talk_find(const char *speak, const char *what)
{
	for (size_t i = 0; i < wh_array_len(talks); i++)
		if (wh_str_is(wh_str_c(speak), talks[i].speak) &&
		    wh_str_is(wh_str_c(what), talks[i].what))
			return &talks[i];
	bench_die("nothing is known of %s in %s", what, speak);
}
