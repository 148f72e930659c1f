/* SPDX-License-Identifier: MIT */
/*
 * What LMDB's return codes mean for whd.
 *
 * Called wherever LMDB was called; on any thread. LMDB returns its own codes
 * (negative) or errno values (positive). MDB_NOTFOUND is an answer, not an
 * error, and is handled before it comes here.
 */
#include <errno.h>
#include <sys/statvfs.h>

#include "store/table.h"

#define DISK_FULL_BELOW ((uint64_t)1 << 20)

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

/*
 * LMDB reports a short write, which is how a file system says that it became
 * full in the middle of a large value, as EIO.
 */
int
wh_commit_fault(const struct wh_store *s, int rc)
{
	struct statvfs vfs;

	if (rc != EIO || fstatvfs(s->dir, &vfs) != 0)
		return wh_mdb_fault(rc);
	if ((uint64_t)vfs.f_bavail * vfs.f_frsize < DISK_FULL_BELOW)
		return WH_ENOSPACE;
	return WH_EIO;
}

int
wh_txn_fail(struct wh_txn *t, int fault)
{
	if (fault < 0 && t->fault == 0)
		t->fault = fault;
	return fault;
}
