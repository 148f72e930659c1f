/* SPDX-License-Identifier: MIT */
/*
 * Stands between whd and the kernel (LD_PRELOAD): ends the process at a chosen
 * call, makes calls on the store fail, and keeps a journal of what the store's
 * files were told (journal.py reads it). For the tests of this folder only.
 * Environment, read before whd clears it:
 *
 *   WHD_SHIM_DIR=FOLDER    the store: calls on what is in it are the store's
 *   WHD_SHIM_KILL=K        SIGKILL in place of the K-th counted call (from 1)
 *   WHD_SHIM_COUNT=FILE    the name of each counted call is appended there
 *   WHD_SHIM_JOURNAL=FILE  each call on the store, and each answer to a caller,
 *                          before it is made and once it is through
 *   WHD_SHIM_FAIL=CALL:ERRNO:K:N
 *                          the K-th CALL on the store and N - 1 more (N = 0: all)
 *                          fail. CALL: data, meta, sync or truncate; ERRNO: a
 *                          number, or 0: the write is short by half
 *   WHD_SHIM_FULL=FILE     while FILE exists the disk is full: data and truncate
 *                          fail with ENOSPC
 *   WHD_SHIM_LOW=FILE      while FILE exists 512 KiB are left, as far as is told
 *
 * Counted is what somebody else can see afterwards: data (pages of the store),
 * meta (the write that ends a commit of LMDB), sync, truncate, rename, request
 * (bytes to the API), answer (bytes to a caller).
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <sys/un.h>
#include <unistd.h>

enum kind { DATA, META, SYNC, TRUNCATE, RENAME, REQUEST, ANSWER, CREATE, UNLINK, MKDIR, END };

#define COUNTED (ANSWER + 1)
#define RECORD_MAGIC UINT64_C(0x6c616e72756f6a77)

static const char *const names[] = {"data",   "meta",    "sync",  "truncate",
				    "rename", "request", "answer"};

/* A call on its way into the journal; what follows it are `n` bytes. */
struct record {
	uint64_t magic, kind, seq;
	uint64_t file; /* inode */
	uint64_t at;   /* offset or new size; of END: the seq of the call that is through */
	uint64_t n;
	uint64_t durable; /* a write that is a sync, too */
	char name[40];    /* in the store; "." is the store, ".." its parent */
};

static struct {
	pthread_mutex_t mutex;
	char dir[PATH_MAX];
	int count_fd, journal_fd;
	long counted, kill_at;
	uint64_t seq;
	bool fails;
	enum kind fail_kind;
	int fail_errno;
	long fail_from, fail_n, fail_seen;
	char full[PATH_MAX], low[PATH_MAX]; /* empty = never */
} shim = {.mutex = PTHREAD_MUTEX_INITIALIZER, .count_fd = -1, .journal_fd = -1};

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

static void
read_fail(char *text)
{
	char *save = NULL, *word = strtok_r(text, ":", &save);

	for (int k = DATA; k < COUNTED && word; k++)
		if (strcmp(names[k], word) == 0) {
			shim.fail_kind = (enum kind)k;
			shim.fails = true;
		}
	word = strtok_r(NULL, ":", &save);
	shim.fail_errno = word ? (int)strtol(word, NULL, 10) : EIO;
	word = strtok_r(NULL, ":", &save);
	shim.fail_from = word ? strtol(word, NULL, 10) : 1;
	word = strtok_r(NULL, ":", &save);
	shim.fail_n = word ? strtol(word, NULL, 10) : 0;
}

__attribute__((constructor)) static void
begin(void)
{
	const char *dir = getenv("WHD_SHIM_DIR"), *kill_at = getenv("WHD_SHIM_KILL");
	const char *full = getenv("WHD_SHIM_FULL"), *low = getenv("WHD_SHIM_LOW");
	char *fail = getenv("WHD_SHIM_FAIL");

	if (!dir)
		return;
	snprintf(shim.dir, sizeof(shim.dir), "%s", dir);
	shim.count_fd = append_to("WHD_SHIM_COUNT");
	shim.journal_fd = append_to("WHD_SHIM_JOURNAL");
	shim.kill_at = kill_at ? strtol(kill_at, NULL, 10) : 0;
	snprintf(shim.full, sizeof(shim.full), "%s", full ? full : "");
	snprintf(shim.low, sizeof(shim.low), "%s", low ? low : "");
	if (fail)
		read_fail(fail);
}

/* --------------------------------------------------------- what a call is -- */

/* The name in the store of an absolute path; false if it is elsewhere. */
static bool
name_in_store(const char *path, char name[40])
{
	size_t n = strlen(shim.dir);
	const char *slash = strrchr(shim.dir, '/');

	if (n == 0)
		return false;
	if (strcmp(path, shim.dir) == 0)
		snprintf(name, 40, ".");
	else if (strncmp(path, shim.dir, n) == 0 && path[n] == '/')
		snprintf(name, 40, "%.39s", path + n + 1);
	else if (strlen(path) == (size_t)(slash - shim.dir) &&
		 !strncmp(path, shim.dir, strlen(path)))
		snprintf(name, 40, "..");
	else
		return false;
	return true;
}

static bool
is_store(int fd, char name[40])
{
	char link[64], path[PATH_MAX];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);

	ssize_t n = readlink(link, path, sizeof(path) - 1);

	if (n <= 0)
		return false;
	path[n] = '\0';
	return name_in_store(path, name);
}

/* REQUEST, ANSWER, or END: a socket that is nobody else's. */
static enum kind
kind_of_socket(int fd)
{
	struct sockaddr_storage a = {0};
	socklen_t n = sizeof(a);

	if (getsockname(fd, (struct sockaddr *)&a, &n) != 0)
		return END;
	if (a.ss_family == AF_INET || a.ss_family == AF_INET6)
		return REQUEST;
	return a.ss_family == AF_UNIX && n > sizeof(sa_family_t) ? ANSWER : END;
}

static bool
is_durable(int fd)
{
	return (fcntl(fd, F_GETFL) & O_DSYNC) != 0;
}

static uint64_t
inode_of(int fd)
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

static uint64_t
journal(struct record *r, const struct iovec *data, int n)
{
	struct iovec all[IOV_MAX];

	if (shim.journal_fd < 0 || n >= IOV_MAX)
		return 0;
	all[0] = (struct iovec){r, sizeof(*r)};
	for (int i = 0; i < n; i++) {
		all[i + 1] = data[i];
		r->n += data[i].iov_len;
	}
	r->magic = RECORD_MAGIC;
	pthread_mutex_lock(&shim.mutex);
	r->seq = ++shim.seq;
	append(shim.journal_fd, all, n + 1);
	pthread_mutex_unlock(&shim.mutex);
	return r->seq;
}

static void
through(uint64_t seq)
{
	struct record r = {.kind = END, .at = seq};
	int saved = errno;

	if (seq)
		journal(&r, NULL, 0);
	errno = saved;
}

static void
count(enum kind kind)
{
	char line[32];
	struct iovec part = {line, 0};

	pthread_mutex_lock(&shim.mutex);
	part.iov_len = (size_t)snprintf(line, sizeof(line), "%s\n", names[kind]);
	append(shim.count_fd, &part, 1);
	if (++shim.counted == shim.kill_at)
		kill(getpid(), SIGKILL);
	pthread_mutex_unlock(&shim.mutex);
}

/* ----------------------------------------------------------------- failing -- */

static bool
exists(const char *path)
{
	return path[0] && syscall(SYS_faccessat, AT_FDCWD, path, F_OK) == 0;
}

static bool
is_full(enum kind kind)
{
	return (kind == DATA || kind == TRUNCATE) && exists(shim.full);
}

int
fstatvfs(int fd, struct statvfs *v)
{
	struct statfs fs;

	if (syscall(SYS_fstatfs, fd, &fs) != 0)
		return -1;
	*v = (struct statvfs){
		.f_bsize = (unsigned long)fs.f_bsize,
		.f_frsize = (unsigned long)fs.f_frsize,
		.f_bavail = exists(shim.low) ? (512U << 10) / (unsigned long)fs.f_frsize
					     : fs.f_bavail,
	};
	return 0;
}

static bool
is_chosen(enum kind kind)
{
	if (!shim.fails || kind != shim.fail_kind)
		return false;
	long n = ++shim.fail_seen;

	return n >= shim.fail_from && (shim.fail_n == 0 || n < shim.fail_from + shim.fail_n);
}

/* Sets errno; 0 = the write is to be short. */
static bool
shall_fail(enum kind kind)
{
	static const char line[] = "failed\n";
	struct iovec part = {(void *)(uintptr_t)line, sizeof(line) - 1};

	if (is_full(kind)) {
		errno = ENOSPC;
		return true;
	}
	pthread_mutex_lock(&shim.mutex);
	bool chosen = is_chosen(kind);

	if (chosen)
		append(shim.count_fd, &part, 1);
	pthread_mutex_unlock(&shim.mutex);
	if (chosen)
		errno = shim.fail_errno;
	return chosen;
}

/* ------------------------------------------------------------------ writes -- */

static ssize_t
real_writev(int fd, const struct iovec *part, int n, off_t at)
{
	if (at < 0)
		return syscall(SYS_writev, fd, part, (unsigned long)n);
	return syscall(SYS_pwritev, fd, part, (unsigned long)n, at, 0);
}

static ssize_t
fail_write(int fd, const struct iovec *part, off_t at)
{
	if (errno == 0) {
		struct iovec half = {part->iov_base, part->iov_len / 2};

		return real_writev(fd, &half, 1, at);
	}
	return -1;
}

static ssize_t
write_store(struct record *r, int fd, const struct iovec *part, int n)
{
	off_t at = (off_t)r->at;

	r->durable = is_durable(fd);
	r->kind = r->durable ? META : DATA;
	r->file = inode_of(fd);
	if (shall_fail((enum kind)r->kind))
		return fail_write(fd, part, at);

	uint64_t seq = journal(r, part, n);

	count((enum kind)r->kind);

	ssize_t done = real_writev(fd, part, n, at);

	through(seq);
	return done;
}

static void
pass_socket(int fd, const struct iovec *part, int n)
{
	struct record r = {.kind = kind_of_socket(fd)};

	if (r.kind == ANSWER)
		journal(&r, part, n);
	if (r.kind != END)
		count((enum kind)r.kind);
}

/* at < 0: where the descriptor stands. */
static ssize_t
write_any(int fd, const struct iovec *part, int n, off_t at)
{
	struct record r = {0};
	struct stat st;

	if (!shim.dir[0] || fstat(fd, &st) != 0)
		return real_writev(fd, part, n, at);
	if (S_ISSOCK(st.st_mode)) {
		pass_socket(fd, part, n);
		return real_writev(fd, part, n, at);
	}
	if (!S_ISREG(st.st_mode) || !is_store(fd, r.name))
		return real_writev(fd, part, n, at);
	off_t place = at < 0 ? lseek(fd, 0, SEEK_CUR) : at;

	r.at = (uint64_t)place;
	ssize_t done = write_store(&r, fd, part, n);

	if (at < 0 && done > 0)
		(void)lseek(fd, place + done, SEEK_SET);
	return done;
}

ssize_t
write(int fd, const void *p, size_t n)
{
	struct iovec part = {(void *)(uintptr_t)p, n};

	return write_any(fd, &part, 1, -1);
}

ssize_t
writev(int fd, const struct iovec *part, int n)
{
	return write_any(fd, part, n, -1);
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	struct iovec part = {(void *)(uintptr_t)p, n};

	return write_any(fd, &part, 1, at);
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	return pwrite(fd, p, n, at);
}

ssize_t
send(int fd, const void *p, size_t n, int flags)
{
	struct iovec part = {(void *)(uintptr_t)p, n};

	if (shim.dir[0])
		pass_socket(fd, &part, 1);
	return syscall(SYS_sendto, fd, p, n, flags, NULL, 0);
}

ssize_t
sendmsg(int fd, const struct msghdr *m, int flags)
{
	if (shim.dir[0])
		pass_socket(fd, m->msg_iov, (int)m->msg_iovlen);
	return syscall(SYS_sendmsg, fd, m, flags);
}

/* ------------------------------------------------------- syncs and names -- */

static int
sync_any(int fd, long number)
{
	struct record r = {.kind = SYNC};
	uint64_t seq = 0;

	if (is_store(fd, r.name)) {
		r.file = inode_of(fd);
		if (shall_fail(SYNC))
			return -1;
		seq = journal(&r, NULL, 0);
		count(SYNC);
	}
	int done = (int)syscall(number, fd);

	through(seq);
	return done;
}

int
fsync(int fd)
{
	return sync_any(fd, SYS_fsync);
}

int
fdatasync(int fd)
{
	return sync_any(fd, SYS_fdatasync);
}

int
ftruncate(int fd, off_t size)
{
	struct record r = {.kind = TRUNCATE, .at = (uint64_t)size};
	uint64_t seq = 0;

	if (is_store(fd, r.name)) {
		r.file = inode_of(fd);
		if (shall_fail(TRUNCATE))
			return -1;
		seq = journal(&r, NULL, 0);
		count(TRUNCATE);
	}
	int done = (int)syscall(SYS_ftruncate, fd, size);

	through(seq);
	return done;
}

int
ftruncate64(int fd, off64_t size)
{
	return ftruncate(fd, size);
}

/* Names are changed in the store with renameat and unlinkat; the socket's with rename. */
int
renameat(int from_dir, const char *from, int to_dir, const char *to)
{
	struct record r = {.kind = RENAME};
	struct iovec part = {(void *)(uintptr_t)to, strlen(to)};
	uint64_t seq = 0;

	if (is_store(from_dir, r.name)) {
		snprintf(r.name, sizeof(r.name), "%.39s", from);
		seq = journal(&r, &part, 1);
	}
	count(RENAME);

	int done = (int)syscall(SYS_renameat, from_dir, from, to_dir, to);

	through(seq);
	return done;
}

int
rename(const char *from, const char *to)
{
	count(RENAME);
	return (int)syscall(SYS_rename, from, to);
}

int
unlinkat(int dir, const char *name, int flags)
{
	struct record r = {.kind = UNLINK};
	int done = (int)syscall(SYS_unlinkat, dir, name, flags);

	if (done == 0 && is_store(dir, r.name)) {
		snprintf(r.name, sizeof(r.name), "%.39s", name);
		journal(&r, NULL, 0);
	}
	return done;
}

int
mkdir(const char *path, mode_t mode)
{
	struct record r = {.kind = MKDIR};
	int done = (int)syscall(SYS_mkdir, path, mode);

	if (done == 0 && name_in_store(path, r.name))
		journal(&r, NULL, 0);
	return done;
}

/* ----------------------------------------------------------------- opening -- */

static int
open_any(int dir, const char *path, int flags, mode_t mode)
{
	struct record r = {.kind = CREATE};
	bool may_create = shim.dir[0] && (flags & O_CREAT);
	bool was_there = may_create && faccessat(dir, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	int fd = (int)syscall(SYS_openat, dir, path, flags, mode);

	if (fd >= 0 && may_create && !was_there && is_store(fd, r.name)) {
		r.file = inode_of(fd);
		journal(&r, NULL, 0);
	}
	return fd;
}

static mode_t
mode_of(int flags, va_list ap)
{
	return flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;
}

#define OPEN(name)                                                                             \
	int name(const char *path, int flags, ...)                                             \
	{                                                                                      \
		va_list ap;                                                                    \
		va_start(ap, flags);                                                           \
		mode_t mode = mode_of(flags, ap);                                              \
		va_end(ap);                                                                    \
		return open_any(AT_FDCWD, path, flags, mode);                                  \
	}
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                                                           \
	int name(int dir, const char *path, int flags, ...)                                    \
	{                                                                                      \
		va_list ap;                                                                    \
		va_start(ap, flags);                                                           \
		mode_t mode = mode_of(flags, ap);                                              \
		va_end(ap);                                                                    \
		return open_any(dir, path, flags, mode);                                       \
	}
OPENAT(openat)
OPENAT(openat64)
