/* SPDX-License-Identifier: MIT */
/*
 * What saves a start the reading of all pages: a note of how the data file was
 * when whd closed it with nothing found wrong.
 *
 * Whoever goes on with the same bytes in the same boot is where a running whd
 * is, which looks at its pages no more either: its own last commit is flushed,
 * and what is read is what it wrote. Any write to the file since, by whomever,
 * gives it other times, of which nobody can set the one of its last change.
 * The note is taken away before the store is used, so that a whd that was
 * killed, as one may be that met damage, leaves none. It is not flushed: what
 * a crash of the machine does to it does not matter in the next boot.
 *
 * Called by wh_store_open, and last of all before the store is closed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/seal.h"

#define CLOSED_FORM "whdclosed1 %lld %llx %lld.%09u %lld.%09u %lld.%09u %lld"
#define CLOSED_MAX 256
#define SAME_BOOT_MS 1000 /* the time of the boot is reckoned anew by each start */

/* The file as it is. False if that cannot be told. */
static bool
spell(int fd, char ret[CLOSED_MAX], int64_t booted_at)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &st) != 0)
		return false;
	snprintf(ret, CLOSED_MAX, CLOSED_FORM "\n", (long long)booted_at,
		 (unsigned long long)st.stx_ino, (long long)st.stx_btime.tv_sec,
		 st.stx_btime.tv_nsec, (long long)st.stx_mtime.tv_sec, st.stx_mtime.tv_nsec,
		 (long long)st.stx_ctime.tv_sec, st.stx_ctime.tv_nsec, (long long)st.stx_size);
	return true;
}

static bool
take_note(int dir, char ret[CLOSED_MAX])
{
	int fd = openat(dir, WH_CLOSED_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return false;
	ssize_t n = read(fd, ret, CLOSED_MAX - 1);

	close(fd);
	ret[n > 0 ? n : 0] = '\0';
	return n > 0 && unlinkat(dir, WH_CLOSED_FILE, 0) == 0;
}

bool
wh_closed_take(const struct wh_opening *op, int file)
{
	char note[CLOSED_MAX], now[CLOSED_MAX];
	long long booted_at;

	if (op->o->read_only_check || op->single_file || !take_note(op->s->dir, note) ||
	    op->o->booted_at == 0 || sscanf(note, "whdclosed1 %lld ", &booted_at) != 1)
		return false;
	if (booted_at < op->o->booted_at - SAME_BOOT_MS ||
	    booted_at > op->o->booted_at + SAME_BOOT_MS)
		return false;
	return spell(file, now, booted_at) && strcmp(note, now) == 0;
}

void
wh_store_rest(struct wh_store *s)
{
	const int flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW;
	char note[CLOSED_MAX];
	int file, fd;

	wh_seal_rest(s);
	if (s->read_only || s->booted_at == 0 || mdb_env_get_fd(s->env, &file) != 0 ||
	    !spell(file, note, s->booted_at))
		return;
	fd = openat(s->dir, WH_CLOSED_FILE, flags, 0600);
	if (fd < 0)
		return; /* the next start reads all pages, no more */
	(void)!write(fd, note, strlen(note));
	close(fd);
}
