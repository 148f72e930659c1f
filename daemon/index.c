/* SPDX-License-Identifier: MIT */
/* Building the index by terms, a slice a transaction. */
#include "daemon/index.h"

#include <stdlib.h>

#include "daemon/writer.h"

#define SLICE 20000u  /* rows read in a transaction: some ten milliseconds */
#define AGAIN_MS 1000 /* after there was no room for it */

struct build {
	struct wh_job job;
	struct wh_terms_build from, to;
};

/* Commit thread. */
int
wh_index_run(struct wh_job *job, struct wh_txn *t)
{
	struct build *b = (struct build *)job;

	b->to = b->from;
	return wh_terms_build(t, &b->to, SLICE);
}

/* Without room it is tried again; until then the index is as good as none. */
static void
give_up(struct whd *d, int fault)
{
	const bool no_room = wh_fault_is_no_room(fault), told = d->index.again_at.ms != 0;

	d->index.failed = true;
	d->index.again_at.ms = no_room ? d->now.mono.ms + AGAIN_MS : WH_NEVER;
	if (no_room && told)
		return;
	wh_log(WH_LOG_ERROR, "store",
	       no_room ? "the index has no room: filtered lists stay slow until it is built, "
			 "which is tried again every second: " WHD_MAKE_ROOM
		       : "the index cannot be built: filtered lists stay slow until whd is "
			 "started again; run whd --check",
	       "fault=%s", WH_LOGQ(wh_str_c(wh_fault_str(fault))));
}

static void
done(struct wh_job *job, struct whd *d, int fault)
{
	struct build *b = (struct build *)job;

	if (fault == 0 && !b->to.done && !d->stopping) {
		b->from = b->to;
		wh_writer_submit(d->writer, job);
		return;
	}
	d->index.building = false;
	if (fault) {
		give_up(d, fault);
	} else if (b->to.done) {
		d->index.again_at.ms = 0;
		wh_log(WH_LOG_INFO, "store", "the index was built", WH_LOG_PLAIN);
	}
	free(b);
}

static void
build(struct whd *d)
{
	struct build *b = wh_xcalloc(1, sizeof(*b));

	d->index.building = true;
	d->index.failed = false;
	b->job = (struct wh_job){.run = wh_index_run, .done = done, .class = WH_JOB_SYNC};
	wh_writer_submit(d->writer, &b->job);
}

bool
wh_index_usable(const struct whd *d)
{
	return d->view.meta.terms == WH_TERMS_VERSION && !d->index.building && !d->index.failed;
}

void
wh_index_mind(struct whd *d)
{
	const struct wh_meta *m = &d->view.meta;
	bool wanted = d->index.failed ? d->now.mono.ms >= d->index.again_at.ms
				      : m->terms != WH_TERMS_VERSION && m->synced_at != 0;

	if (wanted && !d->index.building && !d->stopping)
		build(d);
}

void
wh_index_damaged(struct whd *d)
{
	d->counters.rows_corrupt++;
	if (d->index.building || d->index.failed || d->stopping)
		return;
	wh_log(WH_LOG_ERROR, "store", "the index is damaged and is built anew", WH_LOG_PLAIN);
	build(d);
}
