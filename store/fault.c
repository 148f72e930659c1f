/* SPDX-License-Identifier: MIT */
/*
 * What LMDB's return codes mean for whd.
 *
 * Called wherever LMDB was called; on any thread. LMDB returns its own codes
 * (negative) or errno values (positive). MDB_NOTFOUND is an answer, not an
 * error, and is handled before it comes here.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "store/table.h"

#define ROOM_LEAST ((off_t)1 << 20) /* with less a disk may have been full in between */

static const struct {
	int rc;
	int fault;
} faults[] = {
	{MDB_MAP_FULL, WH_EFULL},
	{MDB_TXN_FULL, WH_EFULL},
	{MDB_READERS_FULL, WH_EBUSY},
	{MDB_MAP_RESIZED, WH_EBUSY}, /* another process wrote to the file */
	{MDB_VERSION_MISMATCH, WH_EVERSION},
	{MDB_PANIC, WH_EIO},
	{MDB_PAGE_NOTFOUND, WH_ECORRUPT},
	{MDB_CORRUPTED, WH_ECORRUPT},
	{MDB_INVALID, WH_ECORRUPT},
	{MDB_INCOMPATIBLE, WH_ECORRUPT},
	{MDB_PAGE_FULL, WH_ECORRUPT},
	{MDB_CURSOR_FULL, WH_ECORRUPT},
	/* Faults are sticky, so a refused transaction met a damaged page before. */
	{MDB_BAD_TXN, WH_ECORRUPT},
	{ENOSPC, WH_ENOSPACE},
	{EDQUOT, WH_ENOSPACE},
	{EFBIG, WH_ENOSPACE},
	{ENOMEM, WH_ENOMEM},
	{EIO, WH_EIO},
	{EINVAL, WH_EBUG},
};

int
wh_mdb_fault(int rc)
{
	if (rc == 0)
		return 0;
	for (size_t i = 0; i < wh_array_len(faults); i++)
		if (faults[i].rc == rc)
			return faults[i].fault;
	return rc > 0 ? WH_ESYS : WH_EBUG;
}

int
wh_write_fault(ssize_t done)
{
	return done < 0 && errno == ENOSPC ? WH_ENOSPACE : WH_EIO;
}

/* May the data file not become longer, as far as this process goes? */
static bool
is_at_limit(const struct wh_store *s)
{
	struct rlimit limit;
	struct stat st;
	int fd;

	if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
	    mdb_env_get_fd(s->env, &fd) != 0 || fstat(fd, &st) != 0)
		return false;
	return (uint64_t)(st.st_size + ROOM_LEAST) > limit.rlim_cur;
}

/* Does the folder take a file of this size, which has no name and is gone at once? What is free
 * does not tell: there are quotas. */
static bool
takes_another(const struct wh_store *s)
{
	int fd = openat(s->dir, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	int err = fd < 0 ? 0 : posix_fallocate(fd, 0, ROOM_LEAST);

	if (fd >= 0)
		close(fd);
	return wh_mdb_fault(err) != WH_ENOSPACE;
}

/* LMDB reports a short write, which is how a file system says that it became full in the middle
 * of a large value, as EIO. */
static bool
has_room(const struct wh_store *s)
{
	struct statvfs vfs;

	if (fstatvfs(s->dir, &vfs) == 0 &&
	    (uint64_t)vfs.f_bavail * vfs.f_frsize < (uint64_t)ROOM_LEAST)
		return false;
	return !is_at_limit(s) && takes_another(s);
}

int
wh_commit_fault(const struct wh_store *s, int rc)
{
	return rc == EIO && !has_room(s) ? WH_ENOSPACE : wh_mdb_fault(rc);
}

int
wh_txn_fail(struct wh_txn *t, int fault)
{
	if (fault < 0 && t->fault == 0)
		t->fault = fault;
	return fault;
}
