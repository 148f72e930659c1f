/* SPDX-License-Identifier: MIT */
/*
 * A store made anew from what can be read of a damaged one.
 *
 * Called by a start that found damage it cannot live with; nothing else runs.
 * The damaged file is only read, and kept. The new one is built beside it,
 * whole and flushed, before it takes its place; a crash at any moment leaves
 * one or the other.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "store/salvage.h"
#include "store/sieve.h"
#include "store/tail.h"

/* Numbers that were given out since the newest that is known; far more than there can be. */
#define UNKNOWN_AHEAD ((uint64_t)1 << 32)

void
wh_salvage_tell(struct wh_salvage *x, enum wh_table table, const char *fmt, ...)
{
	static const char *const names[WH_TABLE_END] = {
#define WH_TABLE(id, number, name) [number] = name,
#include "store/tables.def"
#undef WH_TABLE
	};
	struct wh_buf text = wh_buf_capped(1024);
	va_list ap;

	va_start(ap, fmt);
	wh_buf_vprintf(&text, fmt, ap);
	va_end(ap);
	wh_buf_byte(&text, '\0');
	x->ret->problems++;
	x->report(x->ctx, names[table], text.fault ? "damage was found" : text.p);
	wh_buf_fini(&text);
}

/* ------------------------------------------------------------ the new file -- */

static int
open_new(struct wh_salvage *x)
{
	char *file = wh_path_join(x->op.o->path, WH_DATA_FILE_NEW);
	MDB_txn *txn = NULL;

	if (!file)
		return wh_refuse_errno(&x->op, ENOMEM, "make anew");
	wh_create_remove_leftovers(x->place.dir);
	int r = wh_create_file(&x->op, file);
	int rc = r ? 0 : wh_env_open(file, x->op.o->max_size, MDB_NOSUBDIR, &x->into.env);

	free(file);
	if (r == 0 && rc == 0)
		rc = wh_trap_init(&x->into);
	if (r == 0 && rc == 0)
		rc = mdb_txn_begin(x->into.env, NULL, 0, &txn);
	if (r || rc)
		return r ? r : wh_refuse_lmdb(&x->op, rc, "make anew");
	r = wh_env_open_tables(&x->into, txn, 0);
	rc = mdb_txn_commit(txn);
	if (r == 0 && rc == 0)
		r = wh_txn_begin(&x->into, &x->t);
	return rc ? wh_refuse_lmdb(&x->op, rc, "make anew") : r;
}

static int
flush_new(struct wh_salvage *x)
{
	int fd = openat(x->place.dir, WH_DATA_FILE_NEW, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	int err = fd < 0 || fsync(fd) != 0 ? errno : 0;

	if (err == 0)
		err = wh_place_give(&x->op, x->place.dir, fd);
	if (fd >= 0)
		close(fd);
	return err ? wh_refuse_errno(&x->op, err, "make anew") : 0;
}

static void
close_new(struct wh_salvage *x)
{
	wh_txn_abort(&x->t);
	if (x->into.env)
		mdb_env_close(x->into.env);
	wh_trap_fini(&x->into);
	wh_buf_fini(&x->into.scratch);
	wh_tail_free(&x->into);
	wh_sieve_free(&x->into);
	x->into.env = NULL;
}

/* ---------------------------------------------------------------- counters -- */

/* What the tables count themselves stays; what is handed out goes on where it was, or, if that
 * is not known for certain, far ahead. */
static void
set_counters(struct wh_salvage *x)
{
	const struct wh_meta *was = &x->counters;
	struct wh_meta *m = &x->t.view.meta;
	uint64_t ahead = x->cut[WH_TABLE_META] || !x->has_counters ? UNKNOWN_AHEAD : 0;

	m->revision = was->revision + ahead;
	m->op_seq = wh_higher(was->op_seq, x->highest) + ahead;
	m->confirm = was->confirm + ahead;
	m->list_last = was->list_last + ahead;
	m->list_complete = was->list_complete;
	m->synced_at = x->cut[WH_TABLE_ROWS] ? 0 : was->synced_at;
	m->accept_shrink = 0;
}

static void
tell_tables(struct wh_salvage *x)
{
	static const struct {
		enum wh_table table;
		const char *sentence;
	} told[] = {
		{WH_TABLE_META, "counters or texts were lost; they go on with higher numbers"},
		{WH_TABLE_ROWS, "webhooks were lost; the next list brings them back"},
		{WH_TABLE_TOMBS, "deletions may be forgotten; the next list tells them again"},
		{WH_TABLE_LATE,
		 "unanswered requests may be forgotten; a newer change may be undone by one"},
		{WH_TABLE_ALIASES, "local ids of webhooks may be forgotten"},
		{WH_TABLE_HISTORY, "operations that have ended may be forgotten"},
		{WH_TABLE_REQUESTS, "request ids may be forgotten: do not repeat old requests"},
	};

	for (size_t i = 0; i < wh_array_len(told); i++)
		if (x->cut[told[i].table])
			wh_salvage_tell(x, told[i].table, "%s", told[i].sentence);
}

static int
note_damage(struct wh_salvage *x)
{
	time_t seconds = (time_t)(x->ret->now / 1000);
	char text[240], at[32] = "";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(at, sizeof(at), "%Y%m%dT%H%M%SZ", &tm);
	snprintf(text, sizeof(text),
		 "the store was damaged and was made anew: %" PRIu64
		 " problems are told in the log, and the damaged file is kept as " WH_DATA_FILE
		 ".damaged-%s",
		 x->ret->problems, at);
	int r = wh_meta_put_text(&x->t, WH_META_DAMAGE, wh_str_c(text));

	return r ? r : wh_meta_put_text(&x->t, WH_META_REBUILD, WH_STR("1"));
}

static int
fill(struct wh_salvage *x)
{
	int r = wh_salvage_rows(x);

	if (r == 0)
		r = wh_salvage_lost_ops(x);
	if (r == 0 && x->ret->rows == 0)
		return wh_refuse(&x->op, WH_STORE_WHY_LMDB, WH_ECORRUPT,
				 "nothing that whd wrote can be found in the data file of %s; "
				 "restore a backup with --restore, or move the file away to "
				 "begin with an empty store",
				 x->op.o->path);
	if (r < 0)
		return r;
	tell_tables(x);
	r = wh_ops_catch_up(&x->t, 0,
			    SIZE_MAX); /* what leads to them is what tells of lost ones */
	if (r == 0)
		r = wh_history_catch_up(&x->t, 0, SIZE_MAX);
	set_counters(x);
	if (r == 0)
		r = note_damage(x);
	return r ? r : wh_txn_commit(&x->t);
}

/* --------------------------------------------------------------------- all -- */

static int
make_anew(struct wh_salvage *x)
{
	const struct wh_swap swap = {"damaged", x->ret->now, true, x->ret->aside};
	int r = open_new(x);

	if (r == 0)
		r = fill(x);
	close_new(x);
	if (r == 0)
		r = flush_new(x);
	if (r == 0)
		r = wh_replace_swap(&x->op, &swap);
	wh_create_remove_leftovers(x->place.dir);
	return r;
}

static int
read_damaged(struct wh_salvage *x)
{
	int fd = openat(x->place.dir, WH_DATA_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return wh_refuse_errno(&x->op, errno, "open the data file of");
	int r = wh_pages_open(&x->pages, fd);
	uint64_t marked = wh_mark_txn(x->place.dir, fd);

	/* With one meta page the newer one may be lost; the mark remembers how far it was. */
	x->behind = x->pages.txn < marked || (x->pages.metas < 2 && marked == 0);
	if (r == 0)
		r = make_anew(x);
	wh_pages_close(&x->pages);
	close(fd);
	return r;
}

int
wh_store_salvage(const struct wh_store_options *o, struct wh_salvaged *ret,
		 wh_check_report *report, void *ctx, struct wh_buf *text)
{
	struct wh_salvage x = {
		.op = {.o = o, .text = text, .for_owner = true},
		.place = {.dir = -1, .lock = -1, .mark = -1},
		.into = {.dir = -1, .lock = -1, .mark = -1},
		.ret = ret,
		.report = report,
		.ctx = ctx,
	};

	x.op.s = &x.place;
	x.into.scratch = wh_buf_capped(WH_VALUE_MAX);
	ret->rows = ret->problems = 0;
	ret->aside[0] = '\0';
	wh_buf_reset(text);
	int r = wh_place_open(&x.op);

	if (r == 0)
		r = read_damaged(&x);
	if (r < 0 && text->n == 0)
		wh_buf_printf(text, "the store in %s cannot be made anew: %s", o->path,
			      wh_fault_str(r));
	ret->why = x.op.why;
	if (x.place.lock >= 0)
		close(x.place.lock);
	if (x.place.dir >= 0)
		close(x.place.dir);
	return r;
}
