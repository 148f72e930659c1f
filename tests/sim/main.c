/* SPDX-License-Identifier: MIT */
/*
 * whd-sim: options, the loop over seeds, in several processes if asked for,
 * the report. A broken promise ends the run: the seed is lived again with its
 * trace, and the command that does the same stands at the end.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/sim.h"

#define STEPS_DEFAULT 1500
#define SECONDS_DEFAULT 60
#define SEEDS_LEAST 300
#define JOBS_MAX 64

static const char usage[] =
	"whd-sim: lives many lives of whd in virtual time and checks its promises\n"
	"\n"
	"  --seeds A..B   these seeds, whatever time it takes\n"
	"  --seed N       this one\n"
	"  --minutes M    as many seeds as fit (default 1 minute, at least 300 seeds)\n"
	"  --jobs N       in so many processes (default 1)\n"
	"  --steps N      events of the active part of each life (default 1500)\n"
	"  --trace        print what happens\n"
	"  --hash         print no more than a hash of all that happened\n"
	"\n"
	"Exit status: 0 all good, 1 a promise was broken or, in a run of 2000 seeds or more,\n"
	"something was met too seldom, 2 usage.\n";

struct options {
	uint64_t first, last;
	uint64_t jobs;
	bool fixed; /* the seeds were given */
	bool trace, hash;
	int64_t seconds;
	struct sim_limits limits;
};

/* One process's share. */
struct share {
	uint64_t first, step;
	int64_t end; /* monotonic seconds */
	struct sim_coverage *coverage;
	uint64_t hash;
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
		o->fixed = true;
		return parse_number(value, &o->first) && parse_number(value, &o->last);
	case 't':
		o->trace = true;
		return true;
	case 'h':
		o->hash = true;
		return true;
	case 'j':
		return parse_number(value, &o->jobs) && o->jobs > 0 && o->jobs <= JOBS_MAX;
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
		{"minutes", required_argument, NULL, 'm'},
		{"jobs", required_argument, NULL, 'j'},
		{"steps", required_argument, NULL, 'n'},
		{"trace", no_argument, NULL, 't'},
		{"hash", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	*o = (struct options){
		.first = 1,
		.last = UINT64_MAX,
		.jobs = 1,
		.seconds = SECONDS_DEFAULT,
		.limits = {.steps = STEPS_DEFAULT},
	};
	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1)
		if (!parse_one(c, optarg, o))
			return false;
	return optind == argc && (o->jobs == 1 || (!o->trace && !o->hash));
}

static int64_t
seconds_now(void)
{
	struct timespec t;

	wh_require(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
	return (int64_t)t.tv_sec;
}

static void
replay(const struct options *o, uint64_t seed)
{
	struct sim_coverage *ignored = wh_xcalloc(1, sizeof(*ignored));

	printf("the life of seed %" PRIu64 ":\n", seed);
	(void)sim_live(seed, &o->limits, true, ignored, NULL);
	printf("to see it again: whd-sim --seed %" PRIu64 " --steps %" PRIu64 " --trace\n",
	       seed, o->limits.steps);
	free(ignored);
}

/* False if a promise was broken. */
static bool
live_share(const struct options *o, struct share *mine)
{
	for (uint64_t seed = mine->first; seed <= o->last; seed += mine->step) {
		if (!sim_live(seed, &o->limits, o->trace, mine->coverage, &mine->hash)) {
			if (!o->trace)
				replay(o, seed);
			return false;
		}
		if (!o->fixed && seed - o->first + 1 >= SEEDS_LEAST &&
		    seconds_now() >= mine->end)
			break;
	}
	return true;
}

/* ------------------------------------------------------------ many processes -- */

static pid_t
begin_job(const struct options *o, struct share *mine)
{
	fflush(stdout);

	pid_t pid = fork();

	wh_require(pid >= 0);
	if (pid == 0) {
		bool good = live_share(o, mine);

		fflush(stdout);
		_exit(good ? EXIT_SUCCESS : EXIT_FAILURE);
	}
	return pid;
}

/* Waits for one of them. False if it found something: the others need not go on then. */
static bool
end_job(const struct options *o, pid_t *pids)
{
	int status = 0;
	pid_t ended;

	while ((ended = waitpid(-1, &status, 0)) < 0)
		wh_require(errno == EINTR);
	bool good = WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;

	for (uint64_t i = 0; i < o->jobs; i++)
		if (pids[i] == ended)
			pids[i] = 0;
	for (uint64_t i = 0; !good && i < o->jobs; i++)
		if (pids[i])
			kill(pids[i], SIGTERM);
	return good;
}

/* Each of the processes has counters of its own, in memory that all of them share. */
static bool
live_in_jobs(const struct options *o, const struct share *all)
{
	size_t size = o->jobs * sizeof(struct sim_coverage);
	struct sim_coverage *c =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pids[JOBS_MAX];
	bool good = true;

	wh_require(c != MAP_FAILED);
	for (uint64_t i = 0; i < o->jobs; i++) {
		struct share mine = *all;

		mine.first += i;
		mine.step = o->jobs;
		mine.coverage = &c[i];
		pids[i] = begin_job(o, &mine);
	}
	for (uint64_t left = o->jobs; left > 0; left--)
		good = end_job(o, pids) && good;
	for (uint64_t i = 0; i < o->jobs; i++)
		sim_cover_add(all->coverage, &c[i]);
	munmap(c, size);
	return good;
}

static int
run(const struct options *o)
{
	struct share all = {
		.first = o->first,
		.step = 1,
		.end = seconds_now() + o->seconds,
		.coverage = wh_xcalloc(1, sizeof(*all.coverage)),
	};
	bool good = o->jobs > 1 ? live_in_jobs(o, &all) : live_share(o, &all);

	if (good && o->hash)
		printf("%016" PRIx64 "\n", all.hash);
	else if (good)
		good = sim_cover_report(all.coverage);
	free(all.coverage);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
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
