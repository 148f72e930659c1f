/* SPDX-License-Identifier: MIT */
/*
 * Another data file in the place of the one that is there.
 *
 * Called by whd --restore, whd --rebind and by a start that found the store
 * unreadable; nothing else may have the store open, which the lock sees to.
 * The new file is copied in, flushed and checked under another name before
 * anything is touched. The old one keeps its bytes under a name of its own: it
 * is never deleted. The mark goes, so that the next start knows that the file
 * is not the one it had.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/opening.h"

#define BLOCK ((size_t)1 << 20)

struct replacing {
	struct wh_opening op;
	const char *file;
	struct wh_replacement *ret;
	struct wh_store place; /* only its folder and its lock are used */
};

static int
refuse_file(struct replacing *x, int err, const char *doing)
{
	int fault = wh_mdb_fault(err);

	return wh_refuse(&x->op, WH_STORE_WHY_SYSTEM, fault == WH_EBUG ? WH_ESYS : fault,
			 "cannot %s %s: %s; nothing was changed", doing, x->file,
			 strerror(err));
}

/* ----------------------------------------------------------- the new file -- */

static int
copy_bytes(int from, int to)
{
	char *block = malloc(BLOCK);
	int err = block ? 0 : ENOMEM;

	while (err == 0) {
		ssize_t n = read(from, block, BLOCK);

		if (n == 0)
			break;
		if (n < 0 || write(to, block, (size_t)n) != n)
			err = errno ? errno : ENOSPC;
	}
	free(block);
	return err;
}

static int
copy_in(struct replacing *x)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW;
	int dir = x->place.dir;
	int from = open(x->file, O_RDONLY | O_CLOEXEC);

	if (from < 0)
		return refuse_file(x, errno, "read");
	(void)unlinkat(dir, WH_DATA_FILE_NEW, 0);
	int to = openat(dir, WH_DATA_FILE_NEW, flags, 0600);
	int err = to < 0 ? errno : copy_bytes(from, to);

	if (err == 0)
		err = wh_place_give(&x->op, dir, to);
	if (err == 0 && fsync(to) != 0)
		err = errno;
	if (to >= 0)
		close(to);
	close(from);
	return err ? refuse_file(x, err, "copy") : 0;
}

static void
on_damage(void *ctx, const char *table, const char *sentence)
{
	struct replacing *x = ctx;

	if (x->ret->damages++ == 0)
		(void)wh_refuse(&x->op, WH_STORE_WHY_LMDB, WH_ECORRUPT,
				"%s is damaged (%s: %s) and was not put in place; take another "
				"copy",
				x->file, table, sentence);
}

static int
count_rows(struct replacing *x, struct wh_store *s)
{
	struct wh_view v;
	int r = wh_view_begin(s, &v);

	if (r < 0)
		return r;
	x->ret->meta = v.meta;
	wh_view_end(&v);
	return 0;
}

static int
prove(struct replacing *x, const char *file)
{
	const struct wh_store_options o = {
		.path = file, .terms = x->op.o->terms, .read_only_check = true};
	struct wh_store *s = NULL;

	if (access(file, R_OK) != 0)
		return refuse_file(x, errno, "read");
	int r = wh_store_open(&s, &o, &x->op.why, x->op.text);

	if (r == 0)
		r = wh_store_check(s, true, on_damage, x);
	if (r == 0)
		r = count_rows(x, s);
	if (r < 0 && x->ret->damages == 0 && x->op.text->n == 0)
		r = wh_refuse(&x->op, WH_STORE_WHY_LMDB, r, "%s cannot be checked: %s", x->file,
			      wh_fault_str(r));
	wh_store_close(s);
	return r;
}

/* Again, because the file may have changed since, and so may its bytes on the way. */
static int
prove_copied(struct replacing *x)
{
	char *made = wh_path_join(x->op.o->path, WH_DATA_FILE_NEW);
	int r = made ? prove(x, made) : refuse_file(x, ENOMEM, "check");

	free(made);
	return r;
}

/* ----------------------------------------------------------- the old file -- */

static void
name_aside(const struct wh_swap *s, unsigned try)
{
	time_t seconds = (time_t)(s->now / 1000);
	char at[32] = "";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(at, sizeof(at), "%Y%m%dT%H%M%SZ", &tm);
	snprintf(s->aside, WH_ASIDE_NAME, WH_DATA_FILE ".%s-%s", s->label, at);
	if (try > 0)
		snprintf(s->aside + strlen(s->aside), WH_ASIDE_NAME - strlen(s->aside), "-%u",
			 try);
}

/* A second name first: at no time is the folder without a data file, which would be an
 * empty store to whoever starts then. */
static int
keep_aside(struct wh_opening *op, const struct wh_swap *s)
{
	int dir = op->s->dir;
	int err = EEXIST;

	for (unsigned i = 0; err == EEXIST && i < 100; i++) {
		name_aside(s, i);
		err = linkat(dir, WH_DATA_FILE, dir, s->aside, 0) == 0 ? 0 : errno;
	}
	if (err == ENOENT) {
		s->aside[0] = '\0';
		return 0;
	}
	return err ? wh_refuse_errno(op, err, "keep the data file aside in") : 0;
}

int
wh_replace_swap(struct wh_opening *op, const struct wh_swap *s)
{
	int dir = op->s->dir;
	int r = keep_aside(op, s);
	int err = 0;

	if (r < 0)
		return r;
	if (s->has_new && renameat(dir, WH_DATA_FILE_NEW, dir, WH_DATA_FILE) != 0)
		err = errno;
	if (!s->has_new && unlinkat(dir, WH_DATA_FILE, 0) != 0 && errno != ENOENT)
		err = errno;
	if (err == 0)
		(void)unlinkat(dir, WH_MARK_FILE, 0);
	if (err == 0 && fsync(dir) != 0)
		err = errno;
	return err ? wh_refuse_errno(op, err, "replace the data file in") : 0;
}

int
wh_store_replace(const struct wh_store_options *o, struct wh_replacement *ret,
		 struct wh_buf *text)
{
	const char *file = ret->file;
	struct replacing x = {
		.op = {.o = o, .text = text, .for_owner = true},
		.file = file,
		.ret = ret,
		.place = {.dir = -1, .lock = -1, .mark = -1},
	};

	ret->damages = 0;
	ret->meta = (struct wh_meta){0};
	ret->aside[0] = '\0';
	x.op.s = &x.place;
	wh_buf_reset(text);
	int r = wh_place_open(&x.op);

	ret->why = x.op.why;
	if (r == 0 && file)
		r = prove(&x, file);
	if (r == 0 && file)
		r = copy_in(&x);
	if (r == 0 && file)
		r = prove_copied(&x);
	const struct wh_swap swap = {ret->label, ret->now, file != NULL, ret->aside};

	if (r == 0)
		r = wh_replace_swap(&x.op, &swap);
	if (r < 0 && file && x.place.dir >= 0 && ret->why != WH_STORE_WHY_LOCKED)
		(void)unlinkat(x.place.dir, WH_DATA_FILE_NEW, 0);
	if (x.place.lock >= 0)
		close(x.place.lock);
	if (x.place.dir >= 0)
		close(x.place.dir);
	return r;
}
