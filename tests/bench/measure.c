/* SPDX-License-Identifier: MIT */
/* Clocks, CPU time, histograms, and sockets that are simply waited for. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "proto/frame.h"
#include "tests/bench/bench.h"

#define READ_AT_ONCE 262144u

void
bench_die(const char *fmt, ...)
{
	int err = errno;
	va_list ap;

	fputs("whd-bench: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "%s%s\n", err ? ": " : "", err ? strerror(err) : "");
	exit(1);
}

uint64_t
bench_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static uint64_t
cpu_of_thread(int pid, const char *thread)
{
	char path[300];
	uint64_t ns = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", pid, thread);
	FILE *f = fopen(path, "re");

	if (f && fscanf(f, "%" SCNu64, &ns) != 1)
		ns = 0;
	if (f)
		fclose(f);
	return ns;
}

uint64_t
bench_cpu(int pid)
{
	char path[64];
	uint64_t sum = 0;

	if (pid < 0)
		return 0;
	pid = pid ? pid : getpid();
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	DIR *dir = opendir(path);

	for (struct dirent *e; dir && (e = readdir(dir));)
		if (e->d_name[0] != '.')
			sum += cpu_of_thread(pid, e->d_name);
	if (dir)
		closedir(dir);
	return sum;
}

int
bench_connect(const char *path)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (!path || strlen(path) >= sizeof(a.sun_path))
		bench_die("no socket is named, or its path is too long");
	memcpy(a.sun_path, path, strlen(path));
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)))
		bench_die("cannot connect to %s", path);
	return fd;
}

void
bench_send(int fd, struct wh_str bytes)
{
	while (bytes.n > 0) {
		ssize_t n = write(fd, bytes.p, bytes.n);

		if (n <= 0)
			bench_die("the server does not take what is sent");
		bytes = wh_str(bytes.p + n, bytes.n - (size_t)n);
	}
}

struct wh_str
bench_answer(int fd, struct wh_buf *in)
{
	const struct wh_frame_limits limits = {(size_t)1 << 30, 32, UINT32_MAX};
	struct wh_frame frame;
	size_t len;
	int r = WH_FRAME_MORE;

	wh_buf_reset(in);
	wh_frame_init(&frame, &limits);
	while (r == WH_FRAME_MORE) {
		char *room = wh_buf_room(in, READ_AT_ONCE);
		ssize_t n = room ? read(fd, room, READ_AT_ONCE) : -1;

		if (n <= 0)
			bench_die("the server does not answer");
		in->n += (size_t)n;
		r = wh_frame_scan(&frame, in->p, in->n, &len);
	}
	if (r)
		bench_die("the answer is no MessagePack");
	return wh_str(in->p, len);
}

/* 32 buckets to each doubling. */
static size_t
bucket_of(uint64_t ns)
{
	if (ns < 32)
		return (size_t)ns;
	size_t log = 63u - (size_t)__builtin_clzll(ns);

	return (log - 4) * 32 + (size_t)(ns >> (log - 5) & 31u);
}

static double
middle_of(size_t bucket)
{
	if (bucket < 32)
		return (double)bucket;
	size_t log = bucket / 32 + 4;

	return (32.5 + (double)(bucket % 32)) * (double)(UINT64_C(1) << (log - 5));
}

void
bench_times_add(struct bench_times *t, uint64_t ns)
{
	t->n++;
	t->sum += ns;
	t->bucket[bucket_of(ns)]++;
}

double
bench_times_at(const struct bench_times *t, double share)
{
	double want = share * (double)t->n;
	double seen = 0;
	size_t last = 0;

	for (size_t i = 0; i < BENCH_BUCKETS; i++) {
		if (t->bucket[i] == 0)
			continue;
		last = i;
		seen += t->bucket[i];
		if (seen >= want)
			break;
	}
	return middle_of(last) / 1000;
}

void
bench_times_print(const struct bench_times *t)
{
	printf("\"p50_us\": %.2f, \"p99_us\": %.2f", bench_times_at(t, 0.5),
	       bench_times_at(t, 0.99));
}

static void
put_hex(char *to, uint32_t v)
{
	for (size_t i = 8; i > 0; i--, v >>= 4)
		to[i - 1] = "0123456789abcdef"[v & 15u];
}

/* By hand: it is done for each question, and printf costs as much as some servers' answers. */
void
bench_id(char out[BENCH_ID + 1], uint32_t i)
{
	memcpy(out, "00000000-0000-4000-8000-000000000000", BENCH_ID + 1);
	put_hex(out, i * UINT32_C(2654435761));
	put_hex(out + BENCH_ID - 8, i);
}
