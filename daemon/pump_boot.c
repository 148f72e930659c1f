/* SPDX-License-Identifier: MIT */
/*
 * A start that found no room in the store: what was on its way when whd ended
 * still stands there as if it were. Until its outcome is stored as unknown
 * nothing is sent and nothing is read; callers are served meanwhile.
 */
#include <stdlib.h>

#include "daemon/pump_own.h"
#include "daemon/rules_now.h"

void
wh_pump_tell_boot(const struct wh_boot *b)
{
	if (b->unknown || b->requeued)
		wh_log(WH_LOG_WARNING, "queue",
		       "operations were on their way when whd ended; they are looked up first",
		       "unknown=%llu requeued=%llu", (unsigned long long)b->unknown,
		       (unsigned long long)b->requeued);
}

static void
boot_done(struct wh_job *job, struct whd *d, int fault)
{
	struct wh_boot *b = (struct wh_boot *)job;
	struct wh_pump *p = d->pump;

	d->boot_waits = fault != 0;
	if (fault == 0)
		wh_pump_tell_boot(b);
	free(b);
	p->boot_at.ms = d->now.mono.ms + WH_PUMP_COOL_MS;
	wh_pump_poke(p);
}

void
wh_pump_boot_again(struct wh_pump *p)
{
	struct wh_boot *b;

	if (!p->d->boot_waits || p->boot_at.ms > p->d->now.mono.ms)
		return;
	p->boot_at.ms = WH_NEVER;
	b = wh_xcalloc(1, sizeof(*b));
	b->job =
		(struct wh_job){.run = wh_boot_run, .done = boot_done, .class = WH_JOB_CONTROL};
	wh_rules_now(p->d, &b->rules);
	wh_writer_submit(p->d->writer, &b->job);
}
