/* SPDX-License-Identifier: MIT */
/*
 * The sentences with which opening a store refuses.
 *
 * Called by the steps of opening. Every sentence says what happened, to which
 * file, and what to do next; the caller of wh_store_open prints it.
 */
#include <errno.h>

#include "store/opening.h"

int
wh_refuse(struct wh_opening *op, enum wh_store_why why, int fault, const char *fmt, ...)
{
	va_list ap;

	op->why = why;
	wh_buf_reset(op->text);
	va_start(ap, fmt);
	wh_buf_vprintf(op->text, fmt, ap);
	va_end(ap);
	return fault;
}

const char *
wh_refuse_advice(const struct wh_opening *op)
{
	return op->single_file
		       ? "take another copy"
		       : "a start of whd tries to make the store anew of what can be read, "
			 "and keeps this file; whd --restore puts a backup in its place";
}

static const struct {
	int err;
	const char *advice;
} advices[] = {
	{EACCES, "make it belong to the user whd runs as"},
	{EPERM, "make it belong to the user whd runs as"},
	{EROFS, "the file system is mounted read-only; mount it writable"},
	{ENOSPC, "free some space on its file system"},
	{EDQUOT, "free some of the quota of the user whd runs as"},
	{ENOENT, "create the folder that should hold it, or correct [store] path"},
	{ENOTDIR, "[store] path must name a folder"},
	{ENOMEM, "lower [store] max_size, or allow the process more address space"},
	{EMFILE, "raise the limit of open files of the service"},
};

static const char *
advice(int err)
{
	for (size_t i = 0; i < wh_array_len(advices); i++)
		if (advices[i].err == err)
			return advices[i].advice;
	return "check the file system and its log";
}

int
wh_refuse_errno(struct wh_opening *op, int err, const char *doing)
{
	int fault = wh_mdb_fault(err);

	/* EINVAL and the like are the system's answer here, not a bug of ours. */
	return wh_refuse(op, WH_STORE_WHY_SYSTEM, fault == WH_EBUG ? WH_ESYS : fault,
			 "cannot %s %s: %s; %s", doing, op->o->path, strerror(err),
			 advice(err));
}

int
wh_refuse_lmdb(struct wh_opening *op, int rc, const char *doing)
{
	if (rc > 0)
		return wh_refuse_errno(op, rc, doing);
	return wh_refuse(op, WH_STORE_WHY_LMDB, wh_mdb_fault(rc), "cannot %s %s: %s; %s", doing,
			 op->o->path, mdb_strerror(rc), wh_refuse_advice(op));
}
