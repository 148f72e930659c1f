/* SPDX-License-Identifier: MIT */
/*
 * Stands between whd and the kernel (LD_PRELOAD): ends the process at a chosen
 * call, makes calls on the store fail, and keeps a journal of what the store's
 * files were told (journal.py reads it). For the tests of this folder only.
 * Environment, read before whd clears it:
 *
 *   WHD_SHIM_DIR=FOLDER    the store: calls on what is in it are the store's
 *   WHD_SHIM_KILL=K        SIGKILL in place of the K-th counted call (from 1)
 *   WHD_SHIM_KILL=CALL:K   the same, where only calls of this kind are counted
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
#include "tests/crash/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

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
write_store(struct shim_record *r, int fd, const struct iovec *part, int n)
{
	off_t at = (off_t)r->at;

	r->durable = shim_is_durable(fd);
	r->kind = r->durable ? META : DATA;
	r->file = shim_inode_of(fd);
	if (shim_fails((enum shim_kind)r->kind))
		return fail_write(fd, part, at);

	uint64_t seq = shim_journal(r, part, n);

	shim_count((enum shim_kind)r->kind);

	ssize_t done = real_writev(fd, part, n, at);

	shim_through(seq);
	return done;
}

static void
pass_socket(int fd, const struct iovec *part, int n)
{
	struct shim_record r = {.kind = shim_kind_of_socket(fd)};

	if (r.kind == ANSWER)
		shim_journal(&r, part, n);
	if (r.kind != END)
		shim_count((enum shim_kind)r.kind);
}

/* at < 0: where the descriptor stands. */
static ssize_t
write_any(int fd, const struct iovec *part, int n, off_t at)
{
	struct shim_record r = {0};
	struct stat st;

	if (!shim_is_on() || fstat(fd, &st) != 0)
		return real_writev(fd, part, n, at);
	if (S_ISSOCK(st.st_mode)) {
		pass_socket(fd, part, n);
		return real_writev(fd, part, n, at);
	}
	if (!S_ISREG(st.st_mode) || !shim_is_store(fd, r.name))
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

	if (shim_is_on())
		pass_socket(fd, &part, 1);
	return syscall(SYS_sendto, fd, p, n, flags, NULL, 0);
}

ssize_t
sendmsg(int fd, const struct msghdr *m, int flags)
{
	if (shim_is_on())
		pass_socket(fd, m->msg_iov, (int)m->msg_iovlen);
	return syscall(SYS_sendmsg, fd, m, flags);
}

/* ------------------------------------------------------- syncs and names -- */

static int
sync_any(int fd, long number)
{
	struct shim_record r = {.kind = SYNC};
	uint64_t seq = 0;

	if (shim_is_store(fd, r.name)) {
		r.file = shim_inode_of(fd);
		if (shim_fails(SYNC))
			return -1;
		seq = shim_journal(&r, NULL, 0);
		shim_count(SYNC);
	}
	int done = (int)syscall(number, fd);

	shim_through(seq);
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
	struct shim_record r = {.kind = TRUNCATE, .at = (uint64_t)size};
	uint64_t seq = 0;

	if (shim_is_store(fd, r.name)) {
		r.file = shim_inode_of(fd);
		if (shim_fails(TRUNCATE))
			return -1;
		seq = shim_journal(&r, NULL, 0);
		shim_count(TRUNCATE);
	}
	int done = (int)syscall(SYS_ftruncate, fd, size);

	shim_through(seq);
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
	struct shim_record r = {.kind = RENAME};
	struct iovec part = {(void *)(uintptr_t)to, strlen(to)};
	uint64_t seq = 0;

	if (shim_is_store(from_dir, r.name)) {
		snprintf(r.name, sizeof(r.name), "%.39s", from);
		seq = shim_journal(&r, &part, 1);
	}
	shim_count(RENAME);

	int done = (int)syscall(SYS_renameat, from_dir, from, to_dir, to);

	shim_through(seq);
	return done;
}

int
rename(const char *from, const char *to)
{
	shim_count(RENAME);
	return (int)syscall(SYS_rename, from, to);
}

int
unlinkat(int dir, const char *name, int flags)
{
	struct shim_record r = {.kind = UNLINK};
	int done = (int)syscall(SYS_unlinkat, dir, name, flags);

	if (done == 0 && shim_is_store(dir, r.name)) {
		snprintf(r.name, sizeof(r.name), "%.39s", name);
		shim_journal(&r, NULL, 0);
	}
	return done;
}

int
mkdir(const char *path, mode_t mode)
{
	struct shim_record r = {.kind = MKDIR};
	int done = (int)syscall(SYS_mkdir, path, mode);

	if (done == 0 && shim_name_of(path, r.name))
		shim_journal(&r, NULL, 0);
	return done;
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
		.f_bavail =
			shim_is_low() ? (512U << 10) / (unsigned long)fs.f_frsize : fs.f_bavail,
	};
	return 0;
}

/* ----------------------------------------------------------------- opening -- */

static int
open_any(int dir, const char *path, int flags, mode_t mode)
{
	struct shim_record r = {.kind = CREATE};
	bool may_create = shim_is_on() && (flags & O_CREAT);
	bool was_there = may_create && faccessat(dir, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	int fd = (int)syscall(SYS_openat, dir, path, flags, mode);

	if (fd >= 0 && may_create && !was_there && shim_is_store(fd, r.name)) {
		r.file = shim_inode_of(fd);
		shim_journal(&r, NULL, 0);
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
