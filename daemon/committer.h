/* SPDX-License-Identifier: MIT */
/*
 * What the loop (writer.c) and the commit threads (committer.c) share: two
 * lists of jobs and one mutex. For those two files only.
 *
 * There are two commit threads, so that one runs the next batch while the other
 * flushes its own: a flush is mostly waiting. Only one has a transaction open
 * (`running`), and only one commits and flushes (`flushing`), in the same
 * order.
 */
#pragma once

#include "daemon/jobs.h"
#include "daemon/writer.h"
#include "store/commit.h"

/* What bodies did. */
struct wh_did {
	struct wh_tally tally;
	struct wh_buf touches;
};

/* One commit thread. */
struct wh_committer {
	struct wh_writer *w;
	uv_thread_t thread;
	bool started;

	/* under the mutex */
	uv_cond_t work;
	bool idle; /* it waits for that */

	/* its own */
	struct wh_txn txn;
	struct wh_did open, batch; /* in that, and what it has committed of its batch */
};

#define WH_COMMITTERS 2

struct wh_writer {
	struct whd *d;
	uv_mutex_t mutex;
	uv_async_t wake;
	struct wh_committer committers[WH_COMMITTERS];

	/* under the mutex */
	struct wh_jobs waiting, finished;
	struct wh_committer *running, *flushing; /* who does; NULL: nobody */
	uv_cond_t turn; /* for who has run a batch, and may not commit it yet */
	bool ending;
	unsigned at_work;      /* threads that have not ended */
	struct wh_ready ready; /* the snapshot in which all that is finished is to be seen */
	int lost;              /* a fault of that */
	uint64_t commits, jobs, reruns;
	struct wh_did did; /* in what is finished; the touches since it was taken */

	/* loop only */
	size_t open; /* jobs submitted and not completed */
	unsigned corks;
	struct wh_jobs corked;
	void (*stopped)(struct whd *);
};

WH_MUST_USE bool wh_committers_start(struct wh_writer *w);
/* Waits for them: nothing is submitted any more. */
void wh_committers_end(struct wh_writer *w);
/* Jobs wait. Under the mutex. */
void wh_committers_wake(struct wh_writer *w);
