/* SPDX-License-Identifier: MIT */
/* Handlers of sync.*: asking for a list and accepting a suspicious one. Loop thread. */
#include <stdlib.h>

#include "daemon/apply.h"
#include "daemon/dispatch.h"
#include "daemon/pump.h"
#include "daemon/rules_now.h"
#include "daemon/status.h"
#include "daemon/waits.h"
#include "daemon/writer.h"

void
on_sync_now(struct wh_call *c, const struct wh_args_sync_now *a)
{
	int64_t timeout = wh_has(a, sync_now, timeout_ms) ? a->timeout_ms : 30000;
	uint64_t list = wh_pump_list_now(c->d->pump);
	int64_t shut = wh_pump_shut_for(c->d->pump);

	if (shut > timeout)
		wh_call_fail(c, WH_ERR_OFFLINE,
			     "no list can be made for another %lld s, since a gate is shut: "
			     "status tells which one and why; the list will be made then",
			     (long long)(shut + 999) / 1000);
	else
		wh_waits_park_sync(c, list, timeout);
}

struct accept_call {
	struct wh_mark mark;
	struct wh_ticket ticket;
};

static void
accept_done(struct wh_job *job, struct whd *d, int fault)
{
	struct accept_call *a = (struct accept_call *)job;
	struct wh_buf status = WH_BUF_NULL;

	if (fault) {
		wh_server_fail(d->server, a->ticket, WH_ERR_INTERNAL,
			       "the acceptance could not be stored: %s", wh_fault_str(fault));
	} else {
		wh_pump_list_now(d->pump);
		wh_status_pack(d, &status);
		wh_server_reply(d->server, a->ticket, wh_buf_view(&status));
	}
	wh_buf_fini(&status);
	wh_mark_fini(&a->mark);
	free(a);
}

void
on_sync_accept(struct wh_call *c, const struct wh_args_sync_accept *args)
{
	struct accept_call *a = wh_xcalloc(1, sizeof(*a));

	(void)args;
	a->mark.job = (struct wh_job){
		.run = wh_mark_run, .done = accept_done, .class = WH_JOB_CONTROL};
	wh_rules_now(c->d, &a->mark.rules);
	a->mark.accept_shrink = true;
	a->ticket = c->ticket;
	wh_call_park(c);
	wh_writer_submit(c->d->writer, &a->mark.job);
}
