/* SPDX-License-Identifier: MIT */
/*
 * Changes until all subscribers have seen them, and the floor of that: the
 * same bytes written to as many sockets by a child that does nothing else.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/rpc.h"
#include "tests/bench/bench.h"

#define EVENTS 64
#define OP_KEY "\xa2op\xd9\x24" /* the member's name, and the head of 36 bytes of text */

struct reader {
	int fd;
	uint32_t round; /* last one whose bytes it has got */
};

struct follow {
	const struct bench_options *o;
	int epoll, changer;
	struct reader *readers;
	struct wh_buf out, in;
	uint64_t serial, bytes;
	uint32_t round;
	struct bench_times times;
};

static void
watch(struct follow *f, uint32_t i, int fd)
{
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = &f->readers[i]};

	f->readers[i].fd = fd;
	if (epoll_ctl(f->epoll, EPOLL_CTL_ADD, fd, &e))
		bench_die("epoll");
}

/* True if r has now read what it waits for. What others cause may come in between. */
static bool
read_one(struct follow *f, struct reader *r, struct wh_str wanted)
{
	char room[65536];
	ssize_t len = read(r->fd, room, sizeof(room));

	if (len <= 0)
		bench_die("a subscription was closed");
	f->bytes += (uint64_t)len;
	if (r->round == f->round || !memmem(room, (size_t)len, wanted.p, wanted.n))
		return false;
	r->round = f->round;
	return true;
}

/* Reads until each reader has seen `wanted`. */
static void
read_all(struct follow *f, struct wh_str wanted)
{
	struct epoll_event events[EVENTS];
	uint32_t left = f->o->clients;

	f->round++;
	while (left > 0) {
		int n = epoll_wait(f->epoll, events, EVENTS, 20000);

		if (n <= 0)
			bench_die("%u subscribers wait for an event", left);
		for (int i = 0; i < n; i++)
			left -= read_one(f, events[i].data.ptr, wanted);
	}
}

static int
subscribe(struct follow *f)
{
	int fd = bench_connect(f->o->socket);

	wh_buf_reset(&f->out);
	wh_rpc_request_head(&f->out, 1, WH_STR("events.subscribe"));
	wh_pack_map(&f->out, 0);
	bench_send(fd, wh_buf_view(&f->out));
	bench_answer(fd, &f->in);
	return fd;
}

/* The id of the operation that a change became: what subscribers will be told. */
static struct wh_str
change(struct follow *f)
{
	const struct bench_talk *talk = bench_talk_find("rpc", "update");
	struct bench_ask a = {
		.key = (uint32_t)(f->serial % f->o->keys),
		.seq = 1,
		.serial = f->serial,
	};

	f->serial++;
	wh_buf_reset(&f->out);
	talk->ask(&f->out, &a);
	bench_send(f->changer, wh_buf_view(&f->out));
	struct wh_str answer = bench_answer(f->changer, &f->in);
	const char *op = memmem(answer.p, answer.n, OP_KEY, sizeof(OP_KEY) - 1);

	if (!op || answer.n < (size_t)(op - answer.p) + sizeof(OP_KEY) + BENCH_ID)
		bench_die("a change was refused: %.*s", WH_STR_FMT(answer));
	return wh_str(op + sizeof(OP_KEY) - 1, BENCH_ID);
}

static void
report(const struct follow *f, uint64_t cpu)
{
	uint64_t bytes = f->bytes / f->round / f->o->clients;

	printf("{\"clients\": %u, \"bytes\": %" PRIu64 ", \"cpu_us\": %.1f, ", f->o->clients,
	       bytes, (double)cpu / 1000 / f->o->count);
	bench_times_print(&f->times);
	puts("}");
}

int
bench_follow(const struct bench_options *o)
{
	struct follow f = {.o = o, .serial = bench_now()};
	uint64_t cpu = 0;
	int *slow = wh_xcalloc((size_t)o->slow + 1, sizeof(slow[0]));

	f.changer = bench_connect(o->socket);
	f.epoll = epoll_create1(EPOLL_CLOEXEC);
	f.readers = wh_xcalloc(o->clients, sizeof(f.readers[0]));
	for (int i = 0; i < o->slow; i++)
		slow[i] = subscribe(&f);
	for (uint32_t i = 0; i < o->clients; i++)
		watch(&f, i, subscribe(&f));
	for (uint32_t i = 0; i <= o->count; i++) {
		uint64_t cpu_before = bench_cpu(o->pid), from = bench_now();

		read_all(&f, change(&f));
		if (i == 0)
			continue; /* the first warms up */
		bench_times_add(&f.times, bench_now() - from);
		cpu += bench_cpu(o->pid) - cpu_before;
	}
	report(&f, cpu);
	free(f.readers);
	free(slow);
	wh_buf_fini(&f.in);
	wh_buf_fini(&f.out);
	return 0;
}

/* ----------------------------------------------------------------- floor -- */

struct fan {
	int bell; /* one byte asks for one round */
	int *ends;
	uint32_t n;
	struct wh_str bytes;
};

static WH_NORETURN void
write_rounds(const struct fan *fan)
{
	char bell;

	while (read(fan->bell, &bell, 1) == 1)
		for (uint32_t i = 0; i < fan->n; i++)
			bench_send(fan->ends[i], fan->bytes);
	_exit(0);
}

static void
pair(int ends[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		bench_die("socketpair");
}

int
bench_fan(const struct bench_options *o)
{
	struct follow f = {.o = o};
	struct fan fan = {.n = o->clients};
	int bell[2];
	char *bytes = wh_xcalloc(1, o->size);

	f.epoll = epoll_create1(EPOLL_CLOEXEC);
	f.readers = wh_xcalloc(o->clients, sizeof(f.readers[0]));
	fan.ends = wh_xcalloc(o->clients, sizeof(fan.ends[0]));
	bytes[0] = '!';
	fan.bytes = wh_str(bytes, o->size);
	pair(bell);
	fan.bell = bell[0];
	for (uint32_t i = 0; i < o->clients; i++) {
		int ends[2];

		pair(ends);
		fan.ends[i] = ends[0];
		watch(&f, i, ends[1]);
	}
	pid_t child = fork();

	if (child == 0) {
		close(bell[1]);
		write_rounds(&fan);
	}
	uint64_t cpu = bench_cpu(child);

	for (uint32_t i = 0; i < o->count; i++) {
		uint64_t from = bench_now();

		bench_send(bell[1], WH_STR("!"));
		read_all(&f, WH_STR("!"));
		bench_times_add(&f.times, bench_now() - from);
	}
	report(&f, bench_cpu(child) - cpu);
	close(bell[1]);
	close(bell[0]);
	waitpid(child, NULL, 0);
	free(f.readers);
	free(fan.ends);
	free(bytes);
	return 0;
}
