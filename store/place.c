/* SPDX-License-Identifier: MIT */
/*
 * The folder of the store: made, judged and locked before LMDB sees it.
 *
 * Called once, by wh_store_open. The lock file is held for as long as the
 * store is open, so that there is one writer whatever LMDB's own locks make of
 * containers with process numbers of their own.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "store/opening.h"

static const struct {
	uint32_t magic;
	const char *name;
} remote_types[] = {
	{0x00006969, "NFS"},    {0xff534d42, "CIFS"},   {0xfe534d42, "SMB2"},
	{0x0000517b, "SMB"},    {0x65735546, "FUSE"},   {0x01021997, "9p"},
	{0x00c36400, "Ceph"},   {0x5346414f, "AFS"},    {0x6b414653, "AFS"},
	{0x73757245, "Coda"},   {0x0bd00bd0, "Lustre"}, {0x7461636f, "OCFS2"},
	{0x01161970, "GFS2"},   {0x47504653, "GPFS"},   {0x19830326, "BeeGFS"},
	{0x786f4256, "vboxsf"}, {0x0000564c, "NCP"},    {0x61636673, "ACFS"},
	{0x013661b7, "IBRIX"},  {0xaad7aaea, "PanFS"},
};

static const char *
remote_name(uint32_t magic)
{
	for (size_t i = 0; i < wh_array_len(remote_types); i++)
		if (remote_types[i].magic == magic)
			return remote_types[i].name;
	return NULL;
}

bool
wh_place_is_remote(uint32_t magic)
{
	return remote_name(magic) != NULL;
}

int
wh_place_give(const struct wh_opening *op, int dir, int fd)
{
	struct stat st;

	if (!op->for_owner || geteuid() != 0)
		return 0;
	if (fstat(dir, &st) != 0)
		return errno;
	return st.st_uid == 0 || fchown(fd, st.st_uid, st.st_gid) == 0 ? 0 : errno;
}

static int
give_folder(const struct wh_opening *op, int parent)
{
	int fd = open(op->o->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return errno;
	int err = wh_place_give(op, parent, fd);

	close(fd);
	return err;
}

/* The name of a new folder is on disk only once its parent was flushed. */
static int
settle_in_parent(const struct wh_opening *op)
{
	char *copy = strdup(op->o->path);

	if (!copy)
		return ENOMEM;
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int err = fd < 0 ? errno : 0;

	free(copy);
	if (err)
		return err;
	err = give_folder(op, fd);
	if (err == 0 && fsync(fd) != 0)
		err = errno;
	close(fd);
	return err;
}

static int
make_folder(struct wh_opening *op)
{
	if (op->o->read_only_check)
		return 0;
	if (mkdir(op->o->path, 0700) != 0)
		return errno == EEXIST ? 0 : wh_refuse_errno(op, errno, "create");
	int err = settle_in_parent(op);

	return err ? wh_refuse_errno(op, err, "flush the folder above") : 0;
}

static int
open_folder(struct wh_opening *op)
{
	const char *path = op->o->path;
	struct stat st;

	if (stat(path, &st) != 0)
		return wh_refuse_errno(op, errno, "open");
	op->single_file = op->o->read_only_check && S_ISREG(st.st_mode);
	op->s->dir = open(path, O_RDONLY | O_CLOEXEC | (op->single_file ? 0 : O_DIRECTORY));
	if (op->s->dir < 0)
		return wh_refuse_errno(op, errno, "open");
	if (!op->o->read_only_check && (st.st_mode & 022) != 0)
		return wh_refuse(op, WH_STORE_WHY_SYSTEM, WH_ESYS,
				 "others may write to %s, the folder of the store; run: chmod "
				 "0700 %s",
				 path, path);
	return 0;
}

static int
judge_file_system(struct wh_opening *op)
{
	struct statfs fs;

	if (op->single_file) /* nobody writes to a copy */
		return 0;
	if (fstatfs(op->s->dir, &fs) != 0)
		return wh_refuse_errno(op, errno, "look at the file system of");
	const char *name = remote_name((uint32_t)fs.f_type);

	if (!name)
		return 0;
	return wh_refuse(op, WH_STORE_WHY_REMOTE_FS, WH_EINVAL,
			 "%s lies on %s, where a store can be damaged without notice; set "
			 "[store] path to a folder on a local disk",
			 op->o->path, name);
}

/* Who only reads it keeps no other from reading. */
static int
refuse_locked(struct wh_opening *op)
{
	if (flock(op->s->lock, LOCK_SH | LOCK_NB) == 0)
		return wh_refuse(
			op, WH_STORE_WHY_SYSTEM, WH_EBUSY,
			"%s is being checked by a whd --check, which keeps others from "
			"writing to it: start again when that has ended, or end it",
			op->o->path);
	return wh_refuse(op, WH_STORE_WHY_LOCKED, WH_EBUSY,
			 "another whd has %s open (it holds %s in it); stop that one, or set "
			 "[store] path to another folder",
			 op->o->path, WH_LOCK_FILE);
}

static int
lock_to_write(struct wh_opening *op)
{
	const int flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW;
	struct wh_store *s = op->s;

	s->lock = openat(s->dir, WH_LOCK_FILE, flags, 0600);
	if (s->lock < 0)
		return wh_refuse_errno(op, errno, "create the file " WH_LOCK_FILE " in");
	int err = wh_place_give(op, s->dir, s->lock);

	if (err)
		return wh_refuse_errno(op, err, "hand over the file " WH_LOCK_FILE " in");
	if (flock(s->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	return errno == EWOULDBLOCK ? refuse_locked(op) : wh_refuse_errno(op, errno, "lock");
}

/*
 * A check leaves no trace, so it makes no lock file. If a whd is running it
 * reads beside it, as one more reader of LMDB; otherwise it keeps one from
 * starting while it reads, since it takes part in no locking of LMDB.
 */
static int
lock_to_read(struct wh_opening *op)
{
	struct wh_store *s = op->s;

	if (op->single_file)
		return 0;
	s->lock = openat(s->dir, WH_LOCK_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (s->lock < 0 && errno == ENOENT)
		return 0;
	if (s->lock < 0)
		return wh_refuse_errno(op, errno, "open the file " WH_LOCK_FILE " in");
	if (flock(s->lock, LOCK_SH | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return wh_refuse_errno(op, errno, "lock");
	s->beside_writer = true;
	return 0;
}

int
wh_place_open(struct wh_opening *op)
{
	int r = make_folder(op);

	if (r == 0)
		r = open_folder(op);
	if (r == 0)
		r = judge_file_system(op);
	if (r == 0)
		r = op->o->read_only_check ? lock_to_read(op) : lock_to_write(op);
	return r;
}
