/* SPDX-License-Identifier: MIT */
/*
 * A peer that asks again as soon as it is answered, with nobody beside it.
 *
 * The server calls it when all is settled; loop thread. On one processor such
 * a peer runs before whd does, and its next request is there before the loop
 * would sleep: one more read then saves a sleep and a wake-up for each request.
 * If it was woken and did not run yet, whd gives the processor up once and
 * reads again. Reads in vain, as with a peer on another processor, become rare.
 * Others never wait longer for it than for a peer that sends much at once.
 *
 * Who else wants the processor may keep it for a whole slice, 3 ms and more,
 * which a sleeper does not lose. So whd steps aside only for a peer that has
 * been alone for a while, and where time was lost it stays for a thousand times
 * as long.
 */
#include <sched.h>
#include <sys/socket.h>

#include "daemon/conn.h"

#define TIMES 64u         /* reads until the loop looks at all others */
#define FEW 4096u         /* bytes; more at once is no peer that waits for its answer */
#define LEFT_OUT_MOST 63u /* settlings between two reads in vain */
#define ALONE_LEAST 64u   /* settlings, before it steps aside for a peer */
#define LOST_MS 2         /* at least: the peer alone does not take as long */
#define STAY_TIMES 1000   /* what was lost */

static bool
may_ask(const struct wh_conn *c)
{
	return c->state == WH_CONN_OPEN && c->reading && !c->writing && !c->marked &&
	       c->in.n == 0;
}

static ssize_t
receive(struct wh_conn *c)
{
	return recv(c->fd, c->server->read_room, WH_READ_ROOM, MSG_DONTWAIT);
}

static bool
steps_aside(const struct wh_server *s)
{
	return s->again.alone_for >= ALONE_LEAST && s->d->now.mono.ms >= s->again.stay_until;
}

static void
step_aside(struct wh_server *s)
{
	int64_t began = s->d->now.mono.ms;

	(void)sched_yield();
	whd_tick(s->d);

	int64_t lost = s->d->now.mono.ms - began;

	if (lost >= LOST_MS)
		s->again.stay_until = s->d->now.mono.ms + lost * STAY_TIMES;
}

/* How many bytes were read; what is no byte is left to the loop, which sees it again. */
static size_t
read_at_once(struct wh_conn *c)
{
	ssize_t n = receive(c);

	if (n < 0 && steps_aside(c->server)) {
		step_aside(c->server);
		n = receive(c);
	}
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

static void
count_alone(struct wh_again *a, const struct wh_conn *alone)
{
	uint64_t id = alone ? alone->id : 0;

	a->alone_for = id && id == a->alone ? a->alone_for + 1 : 0;
	a->alone = id;
}

void
wh_conn_again(struct wh_server *s, struct wh_conn *alone)
{
	struct wh_again *a = &s->again;

	count_alone(a, alone);
	if (!alone || !may_ask(alone))
		return;
	if (a->left_out < a->vain) {
		a->left_out++;
		return;
	}
	a->left_out = 0;
	if (answer(alone))
		a->vain = 0;
	else if (a->vain < LEFT_OUT_MOST)
		a->vain = a->vain * 2 + 1;
}
