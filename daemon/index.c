/* SPDX-License-Identifier: MIT */
/* Building the index by terms, a slice a transaction. */
#include "daemon/index.h"

#include <stdlib.h>

#include "daemon/writer.h"

#define SLICE 20000u /* rows read in a transaction: some ten milliseconds */

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
	d->index.failed = fault != 0;
	if (fault)
		wh_log(WH_LOG_ERROR, "store",
		       "the index cannot be built: filtered lists stay slow until whd is "
		       "started again; run whd --check",
		       "fault=%s", WH_LOGQ(wh_str_c(wh_fault_str(fault))));
	else
		wh_log(WH_LOG_INFO, "store", "the index was built", WH_LOG_PLAIN);
	free(b);
}

static void
build(struct whd *d)
{
	struct build *b = wh_xcalloc(1, sizeof(*b));

	d->index.building = true;
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

	if (m->terms != WH_TERMS_VERSION && m->synced_at != 0 && !d->index.building &&
	    !d->index.failed && !d->stopping)
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
