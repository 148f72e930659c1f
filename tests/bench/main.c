/* SPDX-License-Identifier: MIT */
/*
 * whd-bench: one measurement a call, printed as one line of JSON. bench.py
 * says which, in which order and beside whom.
 */
#include <getopt.h>
#include <sched.h>
#include <stdlib.h>

#include "tests/bench/bench.h"

static const char usage[] =
	"whd-bench VERB [OPTION]...: measures one thing and prints it as JSON\n"
	"\n"
	"  load     asks and asks: --speak rpc|redis|memcached --what get|set|create|update,\n"
	"           of operations the first page (queue) or those held (held)\n"
	"           --socket PATH --keys N --clients N --depth N --seconds S --size BYTES\n"
	"  list     lists everything: --speak rpc|redis --socket PATH --count TIMES\n"
	"           --what filtered: only one application, page: only one municipality\n"
	"  follow   changes until all subscribers have seen it: --socket PATH --clients N\n"
	"           --count CHANGES --slow SUBSCRIBERS-THAT-DO-NOT-READ --keys N\n"
	"  fan      the floor of that: the same bytes written to as many sockets\n"
	"           --clients N --count TIMES --size BYTES\n"
	"  commit   bare LMDB commits: --folder DIR --count COMMITS --depth PUTS --size BYTES\n"
	"  store    bare LMDB commits of rows like whd's: the same options, --keys WEBHOOKS\n"
	"           --what create|drain\n"
	"  flush    bare appends with fdatasync: --folder DIR --count N --size BYTES\n"
	"  sqlite   inserts, WAL and synchronous=FULL: the same options\n"
	"  patch    a bare curl multi loop: --url URL --count N --clients AT-ONCE --size "
	"BYTES\n"
	"  fetch    a list: --url URL, parsed with --what parse, stored with --folder DIR\n"
	"\n"
	"  --pid PID reports the CPU time of that process too; --cpu N pins whd-bench.\n";

struct verb {
	const char *name;
	int (*run)(const struct bench_options *o);
};

static const struct verb verbs[] = {
	{"load", bench_load},     {"list", bench_list},     {"follow", bench_follow},
	{"fan", bench_fan},       {"commit", bench_commit}, {"flush", bench_flush},
	{"sqlite", bench_sqlite}, {"patch", bench_patch},   {"patch-uv", bench_patch_uv},
	{"fetch", bench_fetch},   {"store", bench_store},
};

enum {
	TEXT_SPEAK,
	TEXT_WHAT,
	TEXT_SOCKET,
	TEXT_FOLDER,
	TEXT_URL,
	NUMBER_KEYS,
	NUMBER_CLIENTS,
	NUMBER_DEPTH,
	NUMBER_SIZE,
	NUMBER_COUNT,
	NUMBER_PID,
	NUMBER_CPU,
	NUMBER_SLOW,
	SECONDS,
};

static const struct option options[] = {
	{"speak", required_argument, NULL, TEXT_SPEAK},
	{"what", required_argument, NULL, TEXT_WHAT},
	{"socket", required_argument, NULL, TEXT_SOCKET},
	{"folder", required_argument, NULL, TEXT_FOLDER},
	{"url", required_argument, NULL, TEXT_URL},
	{"keys", required_argument, NULL, NUMBER_KEYS},
	{"clients", required_argument, NULL, NUMBER_CLIENTS},
	{"depth", required_argument, NULL, NUMBER_DEPTH},
	{"size", required_argument, NULL, NUMBER_SIZE},
	{"count", required_argument, NULL, NUMBER_COUNT},
	{"pid", required_argument, NULL, NUMBER_PID},
	{"cpu", required_argument, NULL, NUMBER_CPU},
	{"slow", required_argument, NULL, NUMBER_SLOW},
	{"seconds", required_argument, NULL, SECONDS},
	{NULL, 0, NULL, 0},
};

static void
take_text(struct bench_options *o, int which, const char *text)
{
	const char **places[] = {
		[TEXT_SPEAK] = &o->speak,   [TEXT_WHAT] = &o->what, [TEXT_SOCKET] = &o->socket,
		[TEXT_FOLDER] = &o->folder, [TEXT_URL] = &o->url,
	};

	*places[which] = text;
}

static void
take_number(struct bench_options *o, int which, const char *text)
{
	int64_t v;

	if (!wh_parse_i64(wh_str_c(text), -1, INT32_MAX, &v))
		bench_die("%s is no number", text);
	switch (which) {
	case NUMBER_KEYS:
		o->keys = (uint32_t)v;
		break;
	case NUMBER_CLIENTS:
		o->clients = (uint32_t)v;
		break;
	case NUMBER_DEPTH:
		o->depth = (uint32_t)v;
		break;
	case NUMBER_SIZE:
		o->size = (uint32_t)v;
		break;
	case NUMBER_COUNT:
		o->count = (uint32_t)v;
		break;
	case NUMBER_PID:
		o->pid = (int)v;
		break;
	case NUMBER_CPU:
		o->cpu = (int)v;
		break;
	default:
		o->slow = (int)v;
	}
}

static void
pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((unsigned)cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		bench_die("cannot run on cpu %d only", cpu);
}

int
main(int argc, char **argv)
{
	struct bench_options o = {
		.speak = "rpc",
		.what = "get",
		.keys = 1,
		.clients = 1,
		.depth = 1,
		.size = 500,
		.count = 1,
		.seconds = 1,
		.cpu = -1,
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == '?')
			return 2;
		if (c == SECONDS)
			o.seconds = strtod(optarg, NULL);
		else if (c <= TEXT_URL)
			take_text(&o, c, optarg);
		else
			take_number(&o, c, optarg);
	}
	o.verb = optind < argc ? argv[optind] : "";
	if (o.clients == 0 || o.depth == 0 || o.depth > BENCH_DEPTH_MAX || o.keys == 0 ||
	    o.count == 0)
		bench_die("clients, keys, count and depth (to %u) are 1 or more",
			  BENCH_DEPTH_MAX);
	if (o.cpu >= 0)
		pin(o.cpu);
	for (size_t i = 0; i < wh_array_len(verbs); i++)
		if (wh_str_is(wh_str_c(o.verb), verbs[i].name))
			return verbs[i].run(&o);
	fputs(usage, stderr);
	return 2;
}
