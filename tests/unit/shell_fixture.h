/* SPDX-License-Identifier: MIT */
/*
 * A folder of its own for tests of what reads files: made before each test,
 * removed after it with all it holds. Included after rows.h.
 */
#pragma once

#include <dirent.h>
#include <limits.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

struct folder {
	char path[64];
	char file[256]; /* where the last file was written */
};

static inline int
folder_make(void **state)
{
	struct folder *f = wh_xcalloc(1, sizeof(*f));

	snprintf(f->path, sizeof(f->path), "/tmp/whd-unit-XXXXXX");
	*state = f;
	return mkdtemp(f->path) ? 0 : -1;
}

static inline void
folder_empty(const char *path)
{
	DIR *dir = opendir(path);

	for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
		char name[PATH_MAX];

		if (snprintf(name, sizeof(name), "%s/%s", path, e->d_name) >= (int)sizeof(name))
			continue;
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (unlink(name) != 0) {
			folder_empty(name);
			rmdir(name);
		}
	}
	closedir(dir);
}

static inline int
folder_remove(void **state)
{
	struct folder *f = *state;

	folder_empty(f->path);
	rmdir(f->path);
	free(f);
	return 0;
}

/* Writes n bytes as `name` with `mode`; the path is in f->file. */
static inline const char *
folder_write(struct folder *f, const char *name, const void *bytes, size_t n, mode_t mode)
{
	snprintf(f->file, sizeof(f->file), "%s/%s", f->path, name);
	unlink(f->file);
	int fd = open(f->file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	check(f->file, fd >= 0 && write(fd, bytes, n) == (ssize_t)n);
	check(f->file, fchmod(fd, mode) == 0);
	close(fd);
	return f->file;
}

static inline const char *
folder_text(struct folder *f, const char *name, const char *text)
{
	return folder_write(f, name, text, strlen(text), 0600);
}

static inline const char *
folder_path(struct folder *f, const char *name)
{
	snprintf(f->file, sizeof(f->file), "%s/%s", f->path, name);
	return f->file;
}
