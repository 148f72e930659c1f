/* SPDX-License-Identifier: MIT */
/*
 * whd-sim: options, the loop over seeds, the report. A broken promise ends
 * the run: the seed is lived again with its trace, and the command that does
 * the same stands at the end.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/sim.h"

#define STEPS_DEFAULT 1500
#define SECONDS_DEFAULT 60
#define SEEDS_LEAST 300

static const char usage[] =
	"whd-sim: lives many lives of whd in virtual time and checks its promises\n"
	"\n"
	"  --seeds A..B   these seeds, whatever time it takes\n"
	"  --seed N       this one\n"
	"  --trace        print what happens\n"
	"  --steps N      events of the active part of each life (default 1500)\n"
	"  --minutes M    as many seeds as fit (default 1 minute, at least 300 seeds)\n"
	"  --loose        do not fail for what the run never met\n"
	"\n"
	"Exit status: 0 all good, 1 a promise was broken or something was never met, 2 "
	"usage.\n";

struct options {
	uint64_t first, last;
	bool fixed; /* the seeds were given */
	bool trace, loose;
	int64_t seconds;
	struct sim_limits limits;
};

static bool
parse_number(const char *text, uint64_t *ret)
{
	int64_t n;

	if (!wh_parse_i64(wh_str_c(text), 0, INT64_MAX, &n))
		return false;
	*ret = (uint64_t)n;
	return true;
}

static bool
parse_seeds(char *text, struct options *o)
{
	char *dots = strstr(text, "..");

	if (!dots)
		return false;
	*dots = '\0';
	o->fixed = true;
	return parse_number(text, &o->first) && parse_number(dots + 2, &o->last) &&
	       o->first <= o->last;
}

static bool
parse_one(int option, char *value, struct options *o)
{
	uint64_t n;

	switch (option) {
	case 'S':
		return parse_seeds(value, o);
	case 's':
		o->fixed = o->loose = true;
		return parse_number(value, &o->first) && parse_number(value, &o->last);
	case 't':
		o->trace = true;
		return true;
	case 'l':
		o->loose = true;
		return true;
	case 'n':
		return parse_number(value, &o->limits.steps);
	case 'm':
		if (!parse_number(value, &n) || n > 100000)
			return false;
		o->seconds = (int64_t)n * 60;
		return true;
	default:
		return false;
	}
}

static bool
parse(int argc, char **argv, struct options *o)
{
	static const struct option names[] = {
		{"seeds", required_argument, NULL, 'S'},
		{"seed", required_argument, NULL, 's'},
		{"trace", no_argument, NULL, 't'},
		{"loose", no_argument, NULL, 'l'},
		{"steps", required_argument, NULL, 'n'},
		{"minutes", required_argument, NULL, 'm'},
		{NULL, 0, NULL, 0},
	};
	int c;

	*o = (struct options){
		.first = 1,
		.last = UINT64_MAX,
		.seconds = SECONDS_DEFAULT,
		.limits = {.steps = STEPS_DEFAULT},
	};
	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1)
		if (!parse_one(c, optarg, o))
			return false;
	return optind == argc;
}

static int64_t
seconds_now(void)
{
	struct timespec t;

	wh_require(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
	return (int64_t)t.tv_sec;
}

static int
replay(const struct options *o, uint64_t seed)
{
	struct sim_coverage *ignored = wh_xcalloc(1, sizeof(*ignored));

	printf("the life of seed %" PRIu64 ":\n", seed);
	(void)sim_live(seed, &o->limits, true, ignored);
	printf("to see it again: whd-sim --seed %" PRIu64 " --steps %" PRIu64 " --trace\n",
	       seed, o->limits.steps);
	free(ignored);
	return EXIT_FAILURE;
}

static int
run(const struct options *o)
{
	struct sim_coverage *coverage = wh_xcalloc(1, sizeof(*coverage));
	int64_t end = seconds_now() + o->seconds;
	int status = EXIT_SUCCESS;
	uint64_t seed = o->first;

	for (;; seed++) {
		if (!sim_live(seed, &o->limits, o->trace, coverage)) {
			status = o->trace ? EXIT_FAILURE : replay(o, seed);
			break;
		}
		if (o->fixed ? seed == o->last
			     : seed - o->first + 1 >= SEEDS_LEAST && seconds_now() >= end)
			break;
	}
	if (status == EXIT_SUCCESS && !sim_cover_report(coverage, !o->loose)) {
		puts("something that can occur was never met: see above");
		status = EXIT_FAILURE;
	}
	free(coverage);
	return status;
}

int
main(int argc, char **argv)
{
	struct options o;

	if (!parse(argc, argv, &o)) {
		fputs(usage, stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	return run(&o);
}
