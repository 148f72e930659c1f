/* SPDX-License-Identifier: MIT */
/*
 * Places at which a test build ends as if by kill -9. They exist with
 * WHD_TEST_HOOKS only; in what is shipped the macros below are nothing.
 *
 * The environment chooses one: WHD_CRASH=NAME or WHD_CRASH=NAME:N for the N-th
 * time it is passed; WHD_CRASH=trace names each on stderr and goes on. Names:
 *
 *   JOB.before      the body of this kind of job has run, nothing is committed
 *   JOB.after       it is committed and flushed, the loop does not know yet
 *   JOB.done        its completion has run on the loop
 *   FROM-TO.before  the same for a commit in which an operation takes this
 *   FROM-TO.after   edge between two states (daemon/core/op.def)
 *   PLACE           any other of crash_points.def
 */
#pragma once

#ifdef WHD_TEST_HOOKS

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define WH_CRASH_NAME 48
#define WH_CRASH_MARKS 32 /* different ones in one batch; more are passed over */

struct wh_job;
struct wh_txn;

enum wh_crash_place {
#define WH_CRASH_PLACE(id, name, help) WH_CRASH_##id,
#define WH_CRASH_JOB(name, run, help)
#include "daemon/crash_points.def"
#undef WH_CRASH_PLACE
#undef WH_CRASH_JOB
};

/* Zeroed: nothing ever happens. */
struct wh_crash {
	bool trace;
	char name[WH_CRASH_NAME]; /* empty = off */
	atomic_int left;          /* times it is still passed before the end */

	/* what the open transaction has done, and the one that is committed and flushed; each
	 * is of one thread at a time */
	struct wh_crash_marks {
		char name[WH_CRASH_MARKS][WH_CRASH_NAME];
		size_t n;
	} open, made;
};

/* Reads WHD_CRASH; before any other thread exists. */
void wh_crash_init(struct wh_crash *c);
/* Any thread. */
void wh_crash_at(struct wh_crash *c, enum wh_crash_place place);
/* Thread that commits: this body has run, this edge was taken, in the open transaction. */
void wh_crash_ran(struct wh_crash *c, int (*run)(struct wh_job *, struct wh_txn *));
void wh_crash_edge(struct wh_crash *c, const char *from, const char *to);
/* Right before and right after the commit; forget: the transaction was given up. */
void wh_crash_before_commit(struct wh_crash *c);
void wh_crash_after_commit(struct wh_crash *c);
void wh_crash_forget(struct wh_crash *c);
/* Loop: the completion of a job with this body has run. */
void wh_crash_done(struct wh_crash *c, int (*run)(struct wh_job *, struct wh_txn *));

#else

#define wh_crash_at(c, place) ((void)0)
#define wh_crash_ran(c, run) ((void)0)
#define wh_crash_edge(c, from, to) ((void)0)
#define wh_crash_before_commit(c) ((void)0)
#define wh_crash_after_commit(c) ((void)0)
#define wh_crash_forget(c) ((void)0)
#define wh_crash_done(c, run) ((void)(run))

#endif
