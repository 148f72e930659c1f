/* SPDX-License-Identifier: MIT */
/*
 * A consistent copy of the store as one file.
 *
 * Runs on a thread of its own while others read and write. The copy is
 * compacted, which reads every page, flushed, opened once to see that it is
 * what it should be, and only then renamed: a file under the name that was
 * asked for is a whole one.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/table.h"

#define NEW_SUFFIX ".new"

static int
open_folder_of(const char *file)
{
	char *copy = strdup(file);
	int fd = -1;

	if (copy)
		fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(copy);
	return fd;
}

static int
errno_fault(int err)
{
	int fault = wh_mdb_fault(err);

	/* The device of a copy may be any; its errors say nothing of the store's. */
	return fault == WH_ENOSPACE || fault == WH_ENOMEM ? fault : WH_ESYS;
}

static int
write_copy(struct wh_store *s, const char *file)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return errno_fault(errno);
	int rc = mdb_env_copyfd2(s->env, fd, MDB_CP_COMPACT);
	int r = rc > 0 ? errno_fault(rc) : wh_mdb_fault(rc);

	if (r == 0 && fsync(fd) != 0)
		r = errno_fault(errno);
	if (close(fd) != 0 && r == 0)
		r = errno_fault(errno);
	return r;
}

static int
prove_copy(const char *file)
{
	const struct wh_store_options o = {.path = file, .read_only_check = true};
	struct wh_buf text = wh_buf_capped(4096);
	enum wh_store_why why;
	struct wh_store *s = NULL;
	struct wh_view v;
	int r = wh_store_open(&s, &o, &why, &text);

	wh_buf_fini(&text);
	if (r == 0)
		r = wh_view_begin(s, &v);
	if (r == 0)
		wh_view_end(&v);
	wh_store_close(s);
	return r;
}

static int
rename_and_flush(const char *from, const char *to)
{
	int dir = open_folder_of(to);
	int r = 0;

	if (dir < 0)
		return errno_fault(errno);
	if (rename(from, to) != 0 || fsync(dir) != 0)
		r = errno_fault(errno);
	close(dir);
	return r;
}

int
wh_store_copy(struct wh_store *s, const char *file)
{
	size_t n = strlen(file) + sizeof(NEW_SUFFIX);
	char *made = malloc(n);

	if (!made)
		return WH_ENOMEM;
	snprintf(made, n, "%s" NEW_SUFFIX, file);
	(void)unlink(made); /* what an earlier copy that was cut short left */
	int r = write_copy(s, made);

	if (r == 0)
		r = prove_copy(made);
	if (r == 0)
		r = rename_and_flush(made, file);
	if (r < 0)
		(void)unlink(made);
	free(made);
	return r;
}
