/* SPDX-License-Identifier: MIT */
/*
 * What the parts of whd-bench share: its options, the clock, histograms and
 * the languages it speaks. One thread a process; nothing of whd but proto/ is
 * linked, so that the one who measures shares no work with what is measured.
 */
#pragma once

#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#include "proto/buf.h"

#define BENCH_DEPTH_MAX 256u

struct bench_options {
	const char *verb;
	const char *speak;  /* rpc, redis or memcached */
	const char *what;   /* get, set, create, update, queue, held, drain, filtered, ... */
	const char *socket; /* of the server */
	const char *folder; /* of a floor's files */
	const char *url;
	uint32_t keys, clients, depth, size, count;
	double seconds;
	int pid, cpu, slow; /* of the server; of this process; subscribers that do not read */
};

/* Says what went wrong and ends; errno's text is added if it is not 0. */
WH_PRINTF(1, 2) WH_NORETURN void bench_die(const char *fmt, ...);

uint64_t bench_now(void); /* monotonic ns */
/* ns that all threads of a process have run; of this one if pid is 0. */
uint64_t bench_cpu(int pid);
/* A stream socket connected to the server. */
int bench_connect(const char *path);
/* Writes or reads all of it. */
void bench_send(int fd, struct wh_str bytes);
/* Reads one answer of whd into `in`, which is emptied first. */
struct wh_str bench_answer(int fd, struct wh_buf *in);

/* Durations with a precision of 3 %, in fixed memory. */
#define BENCH_BUCKETS (64u * 32u)
struct bench_times {
	uint64_t n, sum;
	uint32_t bucket[BENCH_BUCKETS];
};
void bench_times_add(struct bench_times *t, uint64_t ns);
/* us that a share of them, 0 to 1, did not exceed. */
double bench_times_at(const struct bench_times *t, double share);
/* "p50_us": .., "p99_us": .. */
void bench_times_print(const struct bench_times *t);

/* The id of row i; spread over the keys. */
#define BENCH_ID 36
void bench_id(char out[BENCH_ID + 1], uint32_t i);

struct bench_ask {
	uint32_t key;    /* row asked for */
	uint32_t seq;    /* of the connection, from 0 */
	uint64_t serial; /* of the process: what makes a change differ from all others */
	uint32_t size;   /* bytes to be written */
};

/* How one server is asked, and how its answers end. */
struct bench_talk {
	const char *speak, *what;
	void (*ask)(struct wh_buf *out, const struct bench_ask *a);
	/* Bytes of the first answer in p; 0: not whole yet; -1: not the answer to seq. */
	ptrdiff_t (*answer)(const char *p, size_t n, uint32_t seq);
};
const struct bench_talk *bench_talk_find(const char *speak, const char *what);
/* Bytes of the MessagePack object that p begins with, 0 if it is not whole. */
size_t bench_skip(const char *p, size_t n);

/* One function a verb; each prints one line of JSON. */
int bench_load(const struct bench_options *o);     /* load.c */
int bench_list(const struct bench_options *o);     /* list.c */
int bench_follow(const struct bench_options *o);   /* follow.c */
int bench_fan(const struct bench_options *o);      /* follow.c */
int bench_commit(const struct bench_options *o);   /* floor_disk.c */
int bench_flush(const struct bench_options *o);    /* floor_disk.c */
int bench_store(const struct bench_options *o);    /* floor_store.c */
int bench_sqlite(const struct bench_options *o);   /* floor_sqlite.c */
int bench_patch(const struct bench_options *o);    /* floor_http.c */
int bench_patch_uv(const struct bench_options *o); /* floor_http.c */
int bench_fetch(const struct bench_options *o);    /* floor_fetch.c */
