/* SPDX-License-Identifier: MIT */
/*
 * A peer that asks again as soon as it is answered, with nobody beside it.
 *
 * The server calls it when all is settled; loop thread. On one processor such
 * a peer runs before whd does, and its next request is there before the loop
 * would sleep: one more read then saves a sleep and a wake-up for each request. Where
 * nothing is there, as with a peer on another processor, reads in vain become
 * rare. Others never wait longer for it than for a peer that sends much at once.
 */
#include <sys/socket.h>

#include "daemon/conn.h"

#define TIMES 64u         /* reads until the loop looks at all others */
#define FEW 4096u         /* bytes; more at once is no peer that waits for its answer */
#define LEFT_OUT_MOST 63u /* settlings between two reads in vain */

static bool
may_ask(const struct wh_conn *c)
{
	return c->state == WH_CONN_OPEN && c->reading && !c->writing && !c->marked &&
	       c->in.n == 0;
}

/* How many bytes were read; what is no byte is left to the loop, which sees it again. */
static size_t
read_at_once(struct wh_conn *c)
{
	ssize_t n = recv(c->fd, c->server->read_room, WH_READ_ROOM, MSG_DONTWAIT);

	return n > 0 ? (size_t)n : 0;
}

/* False if it asked nothing. */
static bool
answer(struct wh_conn *c)
{
	struct wh_server *s = c->server;
	int64_t began = s->d->now.mono.ms;
	size_t n = FEW;
	unsigned times = 0;

	while (times < TIMES && n <= FEW && s->d->now.mono.ms == began && may_ask(c)) {
		n = read_at_once(c);
		if (n == 0)
			return times > 0;
		whd_tick(s->d);
		wh_conn_take_bytes(c, s->read_room, n);
		wh_conn_go_on(c);
		times++;
	}
	return true;
}

void
wh_conn_again(struct wh_conn *c)
{
	struct wh_server *s = c->server;

	if (!may_ask(c))
		return;
	if (s->again_left_out < s->again_vain) {
		s->again_left_out++;
		return;
	}
	s->again_left_out = 0;
	if (answer(c))
		s->again_vain = 0;
	else if (s->again_vain < LEFT_OUT_MOST)
		s->again_vain = s->again_vain * 2 + 1;
}
