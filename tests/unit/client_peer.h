/* SPDX-License-Identifier: MIT */
/*
 * A peer that speaks as whd does, by a script: for tests of the client library
 * and of what is built on it. It runs on a thread of its own because the calls
 * under test block; what it saw is read after it was joined.
 *
 * Included by tests only. It checks nothing itself: a step that cannot be
 * carried out ends the script, and the test sees that at the join.
 */
#pragma once

#include "tests/unit/rows.h"

#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/client/whclient.h"
#include "proto/rpc.h"

#define PEER_PATIENCE 10000 /* ms a step may take */
#define PEER_SEEN_MAX 16

enum peer_what {
	PEER_END,
	PEER_ACCEPT,  /* take the next connection */
	PEER_EXPECT,  /* read a request for method `text` */
	PEER_RESULT,  /* answer the last request by the value `text` (JSON with ') */
	PEER_ERROR,   /* answer it by the error slot `text` (JSON with ') */
	PEER_ANSWER,  /* answer the request seen as number `n` by `text` */
	PEER_EVENT,   /* push the event `text` */
	PEER_RAW,     /* send `n` bytes of `text` */
	PEER_DRIBBLE, /* send the answer `text` to the last request byte by byte */
	PEER_CLOSE,   /* close the connection */
	PEER_GONE,    /* wait until the other side closes it */
};

struct peer_step {
	enum peer_what what;
	const char *text;
	size_t n;
};

struct peer_seen {
	uint32_t id;
	char method[64];
	struct wh_buf params; /* one map */
};

struct peer {
	char dir[64];
	char path[96];
	int listener, conn;
	const struct peer_step *steps;
	size_t at; /* the step under way; that of PEER_END when all is done */
	struct wh_buf in;
	struct peer_seen seen[PEER_SEEN_MAX];
	size_t n_seen;
	pthread_t thread;
};

static inline bool
peer_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, PEER_PATIENCE) == 1;
}

/* Reads until one whole message is there; it stays in p->in. */
static inline bool
peer_read(struct peer *p, size_t *ret_len)
{
	struct wh_frame_limits limits = {1 << 20, 32, 10000};
	struct wh_frame frame;

	wh_frame_init(&frame, &limits);
	for (;;) {
		int r = p->in.n ? wh_frame_scan(&frame, p->in.p, p->in.n, ret_len)
				: WH_FRAME_MORE;

		if (r != WH_FRAME_MORE)
			return r == 0;
		char *to = wh_buf_room(&p->in, 4096);
		ssize_t n = to && peer_readable(p->conn) ? recv(p->conn, to, 4096, 0) : -1;

		if (n <= 0)
			return false;
		p->in.n += (size_t)n;
	}
}

static inline bool
peer_expect(struct peer *p, const char *method)
{
	struct peer_seen *seen = &p->seen[p->n_seen];
	struct wh_tree tree;
	struct wh_rpc rpc;
	const char *why;
	uint32_t id;
	size_t len;

	if (p->n_seen == PEER_SEEN_MAX || !peer_read(p, &len))
		return false;
	if (wh_unpack(&tree, wh_str(p->in.p, len), NULL))
		return false;
	bool good = wh_rpc_read(&tree.root, &rpc, &id, &why) == 0 && rpc.params;

	if (good) {
		p->n_seen++;
		seen->id = rpc.id;
		snprintf(seen->method, sizeof(seen->method), "%.*s", WH_STR_FMT(rpc.method));
		wh_pack_object(&seen->params, rpc.params);
		good = wh_str_is(rpc.method, method);
	}
	wh_tree_fini(&tree);
	wh_buf_consume(&p->in, len);
	return good;
}

static inline bool
peer_send(struct peer *p, const struct wh_buf *b)
{
	return send(p->conn, b->p, b->n, MSG_NOSIGNAL) == (ssize_t)b->n;
}

/* JSON with ' for " as MessagePack, without the checks of row_tree(). */
static inline void
peer_value(struct wh_buf *out, const char *quoted)
{
	struct wh_json_error err;
	char *json = wh_xstrdup(wh_str_c(quoted));

	for (char *c = json; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	if (wh_json_to_pack(wh_str_c(json), 32, out, &err))
		fprintf(stderr, "peer: %s: %s\n", quoted, err.text);
	free(json);
}

static inline bool
peer_answer(struct peer *p, uint32_t id, const struct peer_step *s)
{
	struct wh_buf b = WH_BUF_NULL;
	bool good = true;

	wh_pack_array(&b, 4);
	wh_pack_uint(&b, WH_RPC_RESPONSE);
	wh_pack_uint(&b, id);
	if (s->what == PEER_ERROR)
		peer_value(&b, s->text);
	wh_pack_nil(&b);
	if (s->what != PEER_ERROR)
		peer_value(&b, s->text);
	if (s->what != PEER_DRIBBLE)
		good = peer_send(p, &b);
	for (size_t i = 0; s->what == PEER_DRIBBLE && good && i < b.n; i++)
		good = send(p->conn, b.p + i, 1, MSG_NOSIGNAL) == 1;
	wh_buf_fini(&b);
	return good;
}

static inline bool
peer_event(struct peer *p, const char *text)
{
	struct wh_buf b = WH_BUF_NULL;

	wh_rpc_notify_head(&b, "event");
	peer_value(&b, text);
	bool good = peer_send(p, &b);

	wh_buf_fini(&b);
	return good;
}

static inline bool
peer_accept(struct peer *p)
{
	if (!peer_readable(p->listener))
		return false;
	p->conn = accept(p->listener, NULL, NULL);
	wh_buf_reset(&p->in);
	return p->conn >= 0;
}

static inline bool
peer_close(struct peer *p)
{
	int conn = p->conn;

	p->conn = -1;
	return close(conn) == 0;
}

static inline bool
peer_gone(struct peer *p)
{
	char byte;

	return peer_readable(p->conn) && recv(p->conn, &byte, 1, 0) == 0;
}

static inline bool
peer_step(struct peer *p, const struct peer_step *s)
{
	switch (s->what) {
	case PEER_ACCEPT:
		return peer_accept(p);
	case PEER_EXPECT:
		return peer_expect(p, s->text);
	case PEER_RESULT:
	case PEER_ERROR:
	case PEER_DRIBBLE:
		return p->n_seen && peer_answer(p, p->seen[p->n_seen - 1].id, s);
	case PEER_ANSWER:
		return s->n < p->n_seen && peer_answer(p, p->seen[s->n].id, s);
	case PEER_EVENT:
		return peer_event(p, s->text);
	case PEER_RAW:
		return send(p->conn, s->text, s->n, MSG_NOSIGNAL) == (ssize_t)s->n;
	case PEER_CLOSE:
		return peer_close(p);
	case PEER_GONE:
		return peer_gone(p);
	case PEER_END:
		break;
	}
	return false;
}

static inline void *
peer_main(void *arg)
{
	struct peer *p = arg;

	while (p->steps[p->at].what != PEER_END && peer_step(p, &p->steps[p->at]))
		p->at++;
	return NULL;
}

/* A socket of its own in a folder of its own; no script yet. */
static inline void
peer_listen(struct peer *p)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	*p = (struct peer){.listener = -1, .conn = -1};
	snprintf(p->dir, sizeof(p->dir), "/tmp/whclient-XXXXXX");
	check("folder", mkdtemp(p->dir) != NULL);
	snprintf(p->path, sizeof(p->path), "%s/s", p->dir);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", p->path);
	p->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	check("bind", bind(p->listener, (const struct sockaddr *)&addr, sizeof(addr)) == 0);
	check("listen", listen(p->listener, 8) == 0);
}

static inline void
peer_start(struct peer *p, const struct peer_step *steps)
{
	p->steps = steps;
	p->at = 0;
	check("thread", pthread_create(&p->thread, NULL, peer_main, p) == 0);
}

/* Waits for the script's end, and checks that it got there. */
static inline void
peer_join(struct peer *p)
{
	pthread_join(p->thread, NULL);
	if (p->steps[p->at].what != PEER_END)
		fail_msg("the peer stopped at step %zu (%s)", p->at,
			 p->steps[p->at].text ? p->steps[p->at].text : "");
}

static inline void
peer_fini(struct peer *p)
{
	close(p->listener);
	if (p->conn >= 0)
		close(p->conn);
	unlink(p->path);
	rmdir(p->dir);
	wh_buf_fini(&p->in);
	for (size_t i = 0; i < PEER_SEEN_MAX; i++)
		wh_buf_fini(&p->seen[i].params);
}

/* True if the parameters of the request seen as number i equal the JSON. */
static inline bool
peer_saw(const struct peer *p, size_t i, const char *quoted)
{
	struct row_tree want = row_tree(quoted);
	struct wh_tree got;

	check(quoted, i < p->n_seen);
	check(quoted, wh_unpack(&got, wh_buf_view(&p->seen[i].params), NULL) == 0);
	bool same = wh_obj_eq(&want.tree.root, &got.root);

	wh_tree_fini(&got);
	row_tree_fini(&want);
	return same;
}
