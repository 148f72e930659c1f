/* SPDX-License-Identifier: MIT */
/*
 * What other parts ask of the server: late replies, pushes, and how its
 * connections are.
 *
 * Called by whoever parked a call, by the change log's watchers and by status
 * and dump; loop thread. Nothing here closes a connection or writes to it on
 * the spot: bytes are gathered and the connection is marked.
 */
#include <stdio.h>

#include "daemon/conn.h"

#define DUMP_MOST 2000
#define SENTENCE_MAX 1024

/* The connection of a ticket if it can still be answered. */
static struct wh_conn *
answerable(struct wh_server *s, struct wh_ticket t)
{
	struct wh_conn *c = wh_server_find(s, t.conn);

	if (!c || c->state == WH_CONN_CLOSED || c->doomed)
		return NULL;
	wh_require(c->parked > 0 && c->owed >= t.size);
	c->parked--;
	c->owed -= t.size;
	return wh_conn_has_room(c) ? c : NULL;
}

bool
wh_server_has_room(const struct wh_server *s, struct wh_ticket t, size_t n)
{
	const struct wh_conn *c = wh_server_find(s, t.conn);
	size_t most = (size_t)s->d->config->limits_out_max;
	size_t unsent = c ? wh_conn_unsent(c) : 0;

	return c && (unsent == 0 || unsent + n <= most - most / 4);
}

bool
wh_server_reply(struct wh_server *s, struct wh_ticket t, struct wh_str result)
{
	if (result.n > WH_REPLY_MAX - 64)
		return wh_server_fail(
			s, t, WH_ERR_TOO_LARGE,
			"the result is larger than 1 MiB: ask for fewer with limit");
	struct wh_conn *c = answerable(s, t);

	if (!c)
		return false;
	wh_rpc_result_head(&c->out, t.msgid);
	wh_buf_str(&c->out, result);
	wh_server_mark(s, c);
	return true;
}

bool
wh_server_fail(struct wh_server *s, struct wh_ticket t, enum wh_error code, const char *fmt,
	       ...)
{
	char sentence[SENTENCE_MAX];
	struct wh_conn *c = answerable(s, t);
	va_list ap;

	if (!c)
		return false;
	va_start(ap, fmt);
	vsnprintf(sentence, sizeof(sentence), fmt, ap);
	va_end(ap);
	s->d->counters.call_errors++;
	wh_rpc_error(&c->out, t.msgid, code, wh_str_c(sentence));
	wh_server_mark(s, c);
	return true;
}

bool
wh_server_push(struct wh_server *s, uint64_t conn, struct wh_str message, size_t *ret_queued)
{
	struct wh_conn *c = wh_server_find(s, conn);

	if (!c || c->state != WH_CONN_OPEN || c->doomed || !wh_conn_has_room(c))
		return false;
	wh_buf_str(&c->out, message);
	*ret_queued = wh_conn_unsent(c);
	if (*ret_queued >= (size_t)s->d->config->limits_out_high)
		c->high = true;
	wh_server_mark(s, c);
	return true;
}

void
wh_server_stats(const struct wh_server *s, struct wh_server_stats *ret)
{
	*ret = (struct wh_server_stats){.connections = s->connections};
	for (uint32_t i = 0; i < s->n_slots; i++) {
		if (!s->slots[i])
			continue;
		ret->calls_waiting += s->slots[i]->parked;
		ret->bytes_queued += wh_conn_unsent(s->slots[i]);
	}
}

static void
dump_conn(const struct wh_conn *c, struct wh_buf *out)
{
	wh_pack_map(out, 7);
	wh_pack_kv_uint(out, "conn", c->id);
	wh_pack_kv_uint(out, "uid", c->peer.uid);
	wh_pack_kv_int(out, "pid", c->peer.pid);
	wh_pack_kv_c(out, "role", c->peer.known ? wh_role_str(c->peer.role) : "none");
	wh_pack_kv_uint(out, "calls_waiting", c->parked);
	wh_pack_kv_uint(out, "bytes_queued", wh_conn_unsent(c));
	wh_pack_kv_bool(out, "reading", c->reading);
}

void
wh_server_dump(const struct wh_server *s, struct wh_buf *out)
{
	size_t n = 0;

	wh_pack_map(out, 4);
	wh_pack_kv_c(out, "socket", s->listener.path ? s->listener.path : "passed by systemd");
	wh_pack_kv_bool(out, "accepting", s->accepting);
	wh_pack_kv_uint(out, "connections", s->connections);
	wh_pack_c(out, "list");
	size_t place = wh_pack_open_array(out);

	for (uint32_t i = 0; i < s->n_slots && n < DUMP_MOST; i++) {
		if (!s->slots[i])
			continue;
		dump_conn(s->slots[i], out);
		n++;
	}
	wh_pack_close_array(out, place, n);
}
