/* SPDX-License-Identifier: MIT */
/* What waits to be written, a slice a transaction: index rows of operations, then of those that
 * ended, then rows that overlays stand for. */
#include "daemon/catch_up.h"

#include <stdlib.h>

#include "daemon/writer.h"

#define LOOK_MS 100
#define PAUSE_MS 1000 /* after a fault; doubled with each that follows, up to */
#define PAUSE_MOST_MS 60000

struct catch_up {
	struct wh_job job;
	uint64_t leave;
	size_t max;
};

int
wh_catch_up_run(struct wh_job *job, struct wh_txn *t)
{
	const struct catch_up *c = (struct catch_up *)job;

	if (wh_ops_behind(&t->view.meta) > c->leave)
		return wh_ops_catch_up(t, c->leave, c->max);
	if (wh_history_behind(&t->view.meta) > c->leave)
		return wh_history_catch_up(t, c->leave, c->max);
	return wh_settled_catch_up(t, c->max / 2); /* each is two pages */
}

static bool
is_behind(const struct whd *d)
{
	const struct wh_meta *m = &d->view.meta;
	const uint64_t leave = d->catch_up.leave;

	return (wh_ops_behind(m) > leave || wh_history_behind(m) > leave || m->settled > 0) &&
	       !d->stopping;
}

static void
note_fault(struct whd *d, int fault)
{
	uint64_t pause = d->catch_up.pause_ms;

	pause = pause ? 2 * pause : PAUSE_MS;
	d->catch_up.pause_ms = fault == 0 ? 0 : pause < PAUSE_MOST_MS ? pause : PAUSE_MOST_MS;
}

/* Goes on while nobody else is there, with the more at once the longer, which takes a fraction
 * for each; or if somebody reads through them again and again. */
static void
done(struct wh_job *job, struct whd *d, int fault)
{
	struct catch_up *c = (struct catch_up *)job;
	bool is_quiet = wh_writer_idle(d->writer);
	bool wanted = wh_ops_tail_walked(d->store) || is_quiet;

	d->catch_up.commits = d->counters.commits; /* its own is nobody's change */
	note_fault(d, fault);
	if (fault == 0 && wanted && is_behind(d)) {
		if (is_quiet && c->max < WH_CATCH_UP_MOST)
			c->max *= 2;
		wh_writer_submit(d->writer, job);
		return;
	}
	d->catch_up.running = false;
	free(job);
}

static void
begin(struct whd *d)
{
	struct catch_up *c = wh_xcalloc(1, sizeof(*c));

	c->job = (struct wh_job){.run = wh_catch_up_run, .done = done, .class = WH_JOB_SYNC};
	c->leave = d->catch_up.leave;
	c->max = WH_CATCH_UP;
	d->catch_up.running = true;
	wh_writer_submit(d->writer, &c->job);
}

static void
on_due(uv_timer_t *t)
{
	struct whd *d = t->data;
	bool is_quiet = d->counters.commits == d->catch_up.commits;

	whd_tick(d);
	d->catch_up.commits = d->counters.commits;
	if (is_behind(d) && (wh_ops_tail_walked(d->store) || is_quiet))
		begin(d);
	else
		wh_catch_up_mind(d);
}

void
wh_catch_up_mind(struct whd *d)
{
	uv_timer_t *t = &d->catch_up.timer;
	uint64_t pause = d->catch_up.pause_ms;

	if (is_behind(d) && !d->catch_up.running && !uv_is_active((uv_handle_t *)t))
		wh_alarm_start(&d->alarms, t, on_due, pause ? pause : d->catch_up.look_ms, 0);
}

void
wh_catch_up_init(struct whd *d)
{
	d->catch_up.leave = WH_BEHIND_FEW; /* the newest mostly end soon */
	d->catch_up.look_ms = LOOK_MS;
#ifdef WHD_TEST_HOOKS
	const char *leave = getenv("WHD_TEST_CATCH_UP");

	if (leave) {
		d->catch_up.leave = strtoull(leave, NULL, 10);
		d->catch_up.look_ms = 1;
	}
#endif
	wh_alarm_init(&d->alarms, &d->catch_up.timer);
	d->catch_up.timer.data = d;
}
