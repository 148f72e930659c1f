/* SPDX-License-Identifier: MIT */
/*
 * A consistent copy of the store as one file.
 *
 * Runs on a thread of its own while others read and write. The store is
 * checked, so that a good copy is never followed by one of a damaged store;
 * the copy is compacted, flushed, opened and checked as a whole, and only then
 * renamed: a file under the name that was asked for is a whole one. No file is
 * ever replaced.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/table.h"

struct copying {
	struct wh_store *s;
	const char *file; /* its name in the end */
	const char *made; /* its name until then */
	struct wh_buf *why;
};

static int
errno_fault(int err)
{
	int fault = wh_mdb_fault(err);

	/* The device of a copy may be any; its errors say nothing of the store's. */
	return fault == WH_ENOSPACE || fault == WH_ENOMEM ? fault : WH_ESYS;
}

static int
fail_errno(struct copying *c, int err, const char *doing)
{
	wh_buf_reset(c->why);
	wh_buf_printf(c->why, "cannot %s %s: %s; %s", doing, c->file, strerror(err),
		      err == EEXIST ? "name a file that does not exist"
				    : "check the folder it should stand in");
	return errno_fault(err);
}

static int
fail_lmdb(struct copying *c, int rc)
{
	if (rc > 0)
		return fail_errno(c, rc, "write");
	wh_buf_reset(c->why);
	wh_buf_printf(c->why, "the store cannot be copied: %s; run whd --check",
		      mdb_strerror(rc));
	return wh_mdb_fault(rc);
}

/* --------------------------------------------------------------- checking -- */

struct damage {
	struct copying *c;
	const char *of; /* what is checked */
	unsigned found;
};

static void
on_damage(void *ctx, const char *table, const char *sentence)
{
	struct damage *d = ctx;

	if (d->found++ > 0)
		return;
	wh_buf_reset(d->c->why);
	wh_buf_printf(d->c->why, "%s is damaged, so no copy was kept (%s: %s); run whd --check",
		      d->of, table, sentence);
}

static int
check(struct copying *c, struct wh_store *s, const char *of)
{
	struct damage d = {.c = c, .of = of};
	int r = wh_store_check(s, true, on_damage, &d);

	if (r < 0 && d.found == 0) {
		wh_buf_reset(c->why);
		wh_buf_printf(c->why, "%s cannot be checked: %s; try again", of,
			      wh_fault_str(r));
	}
	return r;
}

static int
prove_copy(struct copying *c)
{
	const struct wh_store_options o = {
		.path = c->made, .terms = c->s->terms, .read_only_check = true};
	enum wh_store_why why;
	struct wh_store *s = NULL;
	int r = wh_store_open(&s, &o, &why, c->why);

	if (r == 0)
		r = check(c, s, "the copy");
	wh_store_close(s);
	return r;
}

/* ---------------------------------------------------------------- writing -- */

static int
write_copy(struct copying *c)
{
	int fd = open(c->made, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return fail_errno(c, errno, "create");
	int rc = mdb_env_copyfd2(c->s->env, fd, MDB_CP_COMPACT);
	int r = rc ? fail_lmdb(c, rc) : 0;

	if (r == 0 && fsync(fd) != 0)
		r = fail_errno(c, errno, "flush");
	if (close(fd) != 0 && r == 0)
		r = fail_errno(c, errno, "write");
	return r;
}

static int
flush_folder_of(const char *file)
{
	char *copy = strdup(file);

	if (!copy)
		return ENOMEM;
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = fd < 0 || fsync(fd) != 0 ? errno : 0;

	if (fd >= 0)
		close(fd);
	free(copy);
	return err;
}

/* Where a file system cannot rename without replacing, such as NFS, a second name does it. */
static int
put_in_place(struct copying *c)
{
	if (renameat2(AT_FDCWD, c->made, AT_FDCWD, c->file, RENAME_NOREPLACE) != 0 &&
	    (errno != EINVAL || link(c->made, c->file) != 0 || unlink(c->made) != 0))
		return fail_errno(c, errno, "create");
	int err = flush_folder_of(c->file);

	return err ? fail_errno(c, err, "flush the folder of") : 0;
}

int
wh_store_copy(struct wh_store *s, const char *file, struct wh_buf *why)
{
	size_t n = strlen(file) + sizeof(WH_COPY_SUFFIX);
	char *made = malloc(n);
	struct copying c = {.s = s, .file = file, .made = made, .why = why};

	if (!made)
		return fail_errno(&c, ENOMEM, "create");
	snprintf(made, n, "%s" WH_COPY_SUFFIX, file);
	int r = access(file, F_OK) == 0 ? fail_errno(&c, EEXIST, "create")
					: check(&c, s, "the store");

	if (r == 0) {
		(void)unlink(made); /* what an earlier copy that was cut short left */
		r = write_copy(&c);
		if (r == 0)
			r = prove_copy(&c);
		if (r == 0)
			r = put_in_place(&c);
		if (r < 0)
			(void)unlink(made);
	}
	free(made);
	return r;
}
