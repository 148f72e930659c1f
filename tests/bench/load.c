/* SPDX-License-Identifier: MIT */
/*
 * The load generator: so many connections, so many unanswered questions on
 * each, asked anew as they are answered. Every answer's head is checked. The
 * same loop serves all languages, so that it favours none.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/bench.h"

#define IN_ROOM 131072u
#define EVENTS 64
#define WARM_UP_NS 200000000u

struct client {
	int fd;
	struct wh_buf out;
	char *in;
	size_t n; /* bytes of `in` not taken yet */
	uint32_t asked, answered;
	uint64_t asked_at[BENCH_DEPTH_MAX];
};

struct load {
	const struct bench_options *o;
	const struct bench_talk *talk;
	struct client *clients;
	int epoll;
	uint64_t chance, serial, measured_from, answers;
	struct bench_times times;
};

static uint32_t
draw(struct load *l)
{
	l->chance ^= l->chance << 13;
	l->chance ^= l->chance >> 7;
	l->chance ^= l->chance << 17;
	return (uint32_t)((l->chance >> 32) * l->o->keys >> 32);
}

static void
ask(struct load *l, struct client *c, uint32_t n, uint64_t now)
{
	wh_buf_reset(&c->out);
	for (uint32_t i = 0; i < n; i++) {
		struct bench_ask a = {
			.key = draw(l),
			.seq = c->asked,
			.serial = l->serial++,
			.size = l->o->size,
		};

		l->talk->ask(&c->out, &a);
		c->asked_at[c->asked++ % BENCH_DEPTH_MAX] = now;
	}
	bench_send(c->fd, wh_buf_view(&c->out));
}

static uint32_t
take_answers(struct load *l, struct client *c, uint64_t now)
{
	size_t at = 0;
	uint32_t n = 0;

	while (c->answered != c->asked) {
		ptrdiff_t len = l->talk->answer(c->in + at, c->n - at, c->answered);

		if (len < 0)
			bench_die("a wrong answer: %.*s",
				  (int)(c->n - at < 200 ? c->n - at : 200), c->in + at);
		if (len == 0)
			break;
		if (l->measured_from)
			bench_times_add(&l->times,
					now - c->asked_at[c->answered % BENCH_DEPTH_MAX]);
		c->answered++;
		at += (size_t)len;
		n++;
	}
	c->n -= at;
	if (c->n > 0 && at > 0)
		memmove(c->in, c->in + at, c->n);
	return n;
}

static void
on_ready(struct load *l, struct client *c)
{
	ssize_t n = read(c->fd, c->in + c->n, IN_ROOM - c->n);

	errno = n == 0 ? 0 : errno;
	if (n <= 0)
		bench_die("the server closed a connection");
	c->n += (size_t)n;
	uint64_t now = bench_now();
	uint32_t got = take_answers(l, c, now);

	l->answers += got;
	if (got > 0)
		ask(l, c, got, now);
}

static void
connect_all(struct load *l)
{
	l->clients = wh_xcalloc(l->o->clients, sizeof(l->clients[0]));
	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (uint32_t i = 0; i < l->o->clients; i++) {
		struct client *c = &l->clients[i];
		struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};

		c->fd = bench_connect(l->o->socket);
		c->in = wh_xcalloc(1, IN_ROOM);
		if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, c->fd, &e))
			bench_die("epoll");
	}
	for (uint32_t i = 0; i < l->o->clients; i++)
		ask(l, &l->clients[i], l->o->depth, bench_now());
}

static void
turn(struct load *l)
{
	struct epoll_event events[EVENTS];
	int n = epoll_wait(l->epoll, events, EVENTS, 20000);

	if (n <= 0)
		bench_die("the server does not answer");
	for (int i = 0; i < n; i++)
		on_ready(l, events[i].data.ptr);
}

static void
report(struct load *l, uint64_t ns, uint64_t cpu)
{
	double n = (double)l->times.n;

	printf("{\"answers\": %" PRIu64 ", \"per_s\": %.1f, ", l->times.n,
	       n / (double)ns * 1e9);
	bench_times_print(&l->times);
	if (l->o->pid)
		printf(", \"cpu_us\": %.3f", (double)cpu / n / 1000);
	puts("}");
}

static void
finish(struct load *l)
{
	for (uint32_t i = 0; i < l->o->clients; i++) {
		close(l->clients[i].fd);
		free(l->clients[i].in);
		wh_buf_fini(&l->clients[i].out);
	}
	free(l->clients);
	close(l->epoll);
	free(l);
}

int
bench_load(const struct bench_options *o)
{
	struct load *l = wh_xcalloc(1, sizeof(*l));
	uint64_t begun, warm, cpu, now;

	l->o = o;
	l->talk = bench_talk_find(o->speak, o->what);
	l->chance = bench_now() | 1;
	l->serial = (uint64_t)getpid() << 40;
	connect_all(l);
	begun = bench_now();
	warm = o->seconds > 1 ? WARM_UP_NS : (uint64_t)(o->seconds * 1e8);
	while (bench_now() - begun < warm)
		turn(l);
	cpu = bench_cpu(o->pid);
	l->measured_from = now = bench_now();
	while (now - l->measured_from < (uint64_t)(o->seconds * 1e9)) {
		turn(l);
		now = bench_now();
	}
	report(l, now - l->measured_from, bench_cpu(o->pid) - cpu);
	finish(l);
	return 0;
}
