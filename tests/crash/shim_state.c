/* SPDX-License-Identifier: MIT */
/*
 * What the shim was told by its environment, its counts and its journal. Called
 * by the functions of shim.c, on any thread of whd.
 */
#include "tests/crash/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define COUNTED (ANSWER + 1)
#define RECORD_MAGIC UINT64_C(0x6c616e72756f6a77)

static const char *const names[] = {"data",   "meta",    "sync",  "truncate",
				    "rename", "request", "answer"};

static struct {
	pthread_mutex_t mutex;
	char dir[PATH_MAX];
	int count_fd, journal_fd;
	long counted, kill_at;
	enum shim_kind kill_kind; /* END = any counts */
	uint64_t seq;
	bool fails;
	enum shim_kind fail_kind;
	int fail_errno;
	long fail_from, fail_n, fail_seen;
	char full[PATH_MAX], low[PATH_MAX]; /* empty = never */
} state = {
	.mutex = PTHREAD_MUTEX_INITIALIZER, .count_fd = -1, .journal_fd = -1, .kill_kind = END};

bool
shim_is_on(void)
{
	return state.dir[0] != '\0';
}

/* ------------------------------------------------------------------ setup -- */

static int
append_to(const char *variable)
{
	const char *path = getenv(variable);

	if (!path)
		return -1;
	return (int)syscall(SYS_openat, AT_FDCWD, path,
			    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* END: no kind is called so. */
static enum shim_kind
kind_called(const char *word, size_t n)
{
	int k = DATA;

	while (k < COUNTED && (strncmp(names[k], word, n) != 0 || names[k][n]))
		k++;
	return k < COUNTED ? (enum shim_kind)k : END;
}

static void
read_kill(const char *text)
{
	const char *colon = strchr(text, ':');

	if (colon)
		state.kill_kind = kind_called(text, (size_t)(colon - text));
	state.kill_at = strtol(colon ? colon + 1 : text, NULL, 10);
}

static void
read_fail(char *text)
{
	char *save = NULL, *word = strtok_r(text, ":", &save);

	state.fail_kind = word ? kind_called(word, strlen(word)) : END;
	state.fails = state.fail_kind != END;
	word = strtok_r(NULL, ":", &save);
	state.fail_errno = word ? (int)strtol(word, NULL, 10) : EIO;
	word = strtok_r(NULL, ":", &save);
	state.fail_from = word ? strtol(word, NULL, 10) : 1;
	word = strtok_r(NULL, ":", &save);
	state.fail_n = word ? strtol(word, NULL, 10) : 0;
}

__attribute__((constructor)) static void
begin(void)
{
	const char *dir = getenv("WHD_SHIM_DIR"), *kill_at = getenv("WHD_SHIM_KILL");
	const char *full = getenv("WHD_SHIM_FULL"), *low = getenv("WHD_SHIM_LOW");
	char *fail = getenv("WHD_SHIM_FAIL");

	if (!dir)
		return;
	snprintf(state.dir, sizeof(state.dir), "%s", dir);
	state.count_fd = append_to("WHD_SHIM_COUNT");
	state.journal_fd = append_to("WHD_SHIM_JOURNAL");
	snprintf(state.full, sizeof(state.full), "%s", full ? full : "");
	snprintf(state.low, sizeof(state.low), "%s", low ? low : "");
	if (kill_at)
		read_kill(kill_at);
	if (fail)
		read_fail(fail);
}

/* --------------------------------------------------------- what a call is -- */

/* The name in the store of an absolute path; false if it is elsewhere. */
bool
shim_name_of(const char *path, char name[SHIM_NAME])
{
	size_t n = strlen(state.dir);
	const char *slash = strrchr(state.dir, '/');

	if (n == 0)
		return false;
	if (strcmp(path, state.dir) == 0)
		snprintf(name, SHIM_NAME, ".");
	else if (strncmp(path, state.dir, n) == 0 && path[n] == '/')
		snprintf(name, SHIM_NAME, "%.39s", path + n + 1);
	else if (strlen(path) == (size_t)(slash - state.dir) &&
		 !strncmp(path, state.dir, strlen(path)))
		snprintf(name, SHIM_NAME, "..");
	else
		return false;
	return true;
}

bool
shim_is_store(int fd, char name[SHIM_NAME])
{
	char link[64], path[PATH_MAX];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);

	ssize_t n = readlink(link, path, sizeof(path) - 1);

	if (n <= 0)
		return false;
	path[n] = '\0';
	return shim_name_of(path, name);
}

/* REQUEST, ANSWER, or END: a socket that is nobody else's. */
enum shim_kind
shim_kind_of_socket(int fd)
{
	struct sockaddr_storage a = {0};
	socklen_t n = sizeof(a);

	if (getsockname(fd, (struct sockaddr *)&a, &n) != 0)
		return END;
	if (a.ss_family == AF_INET || a.ss_family == AF_INET6)
		return REQUEST;
	return a.ss_family == AF_UNIX && n > sizeof(sa_family_t) ? ANSWER : END;
}

bool
shim_is_durable(int fd)
{
	return (fcntl(fd, F_GETFL) & O_DSYNC) != 0;
}

uint64_t
shim_inode_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 ? st.st_ino : 0;
}

/* ------------------------------------------------------------- the journal -- */

static void
append(int fd, const struct iovec *part, int n)
{
	if (fd >= 0 && syscall(SYS_writev, fd, part, (unsigned long)n) < 0)
		_exit(99);
}

uint64_t
shim_journal(struct shim_record *r, const struct iovec *data, int n)
{
	struct iovec all[IOV_MAX];

	if (state.journal_fd < 0 || n >= IOV_MAX)
		return 0;
	all[0] = (struct iovec){r, sizeof(*r)};
	for (int i = 0; i < n; i++) {
		all[i + 1] = data[i];
		r->n += data[i].iov_len;
	}
	r->magic = RECORD_MAGIC;
	pthread_mutex_lock(&state.mutex);
	r->seq = ++state.seq;
	append(state.journal_fd, all, n + 1);
	pthread_mutex_unlock(&state.mutex);
	return r->seq;
}

void
shim_through(uint64_t seq)
{
	struct shim_record r = {.kind = END, .at = seq};
	int saved = errno;

	if (seq)
		shim_journal(&r, NULL, 0);
	errno = saved;
}

void
shim_count(enum shim_kind kind)
{
	char line[32];
	struct iovec part = {line, 0};

	pthread_mutex_lock(&state.mutex);
	part.iov_len = (size_t)snprintf(line, sizeof(line), "%s\n", names[kind]);
	append(state.count_fd, &part, 1);
	if (state.kill_kind == END || state.kill_kind == kind)
		state.counted++;
	if (state.counted == state.kill_at)
		kill(getpid(), SIGKILL);
	pthread_mutex_unlock(&state.mutex);
}

/* ----------------------------------------------------------------- failing -- */

static bool
exists(const char *path)
{
	return path[0] && syscall(SYS_faccessat, AT_FDCWD, path, F_OK) == 0;
}

static bool
is_full(enum shim_kind kind)
{
	return (kind == DATA || kind == TRUNCATE) && exists(state.full);
}

bool
shim_is_low(void)
{
	return exists(state.low);
}

static bool
is_chosen(enum shim_kind kind)
{
	if (!state.fails || kind != state.fail_kind)
		return false;
	long n = ++state.fail_seen;

	return n >= state.fail_from &&
	       (state.fail_n == 0 || n < state.fail_from + state.fail_n);
}

/* Sets errno; 0 = the write is to be short. */
bool
shim_fails(enum shim_kind kind)
{
	static const char line[] = "failed\n";
	struct iovec part = {(void *)(uintptr_t)line, sizeof(line) - 1};

	if (is_full(kind)) {
		errno = ENOSPC;
		return true;
	}
	pthread_mutex_lock(&state.mutex);
	bool chosen = is_chosen(kind);

	if (chosen)
		append(state.count_fd, &part, 1);
	pthread_mutex_unlock(&state.mutex);
	if (chosen)
		errno = state.fail_errno;
	return chosen;
}
