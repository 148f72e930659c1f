/* SPDX-License-Identifier: MIT */
/*
 * The funnel: the only way to change the store. Jobs that come while a commit
 * is being flushed share the next one (group commit). A commit thread runs the
 * bodies in one transaction, flushes, and hands the jobs back; only then does a
 * reply that promises durability leave, and can anybody read of it. The bodies
 * of the next one run meanwhile, on what is not flushed yet: it is committed
 * only behind it, or not at all.
 *
 * A batch runs outcomes first and new changes last. If a body or the commit
 * faults, nothing of the batch happened and it is run again one job a
 * transaction, so that one bad job cannot take others down. Bodies must
 * therefore be re-runnable: they start from the transaction and their own
 * constant input, and overwrite their results.
 *
 * A device error (WH_EIO) ends the process: what was acknowledged is on disk,
 * what comes next is not known.
 */
#pragma once

#include "daemon/job.h"
#include "daemon/whd.h"

/* Starts the commit threads. */
struct wh_writer *wh_writer_start(struct whd *d);
/* Loop thread. Takes over the job. */
void wh_writer_submit(struct wh_writer *w, struct wh_job *job);
/* Jobs submitted from here to the uncork come into one batch. Loop thread; may be nested, and
 * ends before the callback does. */
void wh_writer_cork(struct wh_writer *w);
void wh_writer_uncork(struct wh_writer *w);
/* True if no job waits, runs or has yet to be handed back. */
bool wh_writer_idle(const struct wh_writer *w);
/* Ends the thread after what was submitted is flushed; completions still run. `done` is called
 * on the loop when all is handed back. */
void wh_writer_stop(struct wh_writer *w, void (*done)(struct whd *));
struct wh_writer *wh_writer_free(struct wh_writer *w);
void wh_writer_dump(const struct wh_writer *w, struct wh_buf *out);
