/* SPDX-License-Identifier: MIT */
/*
 * Handlers of store.*: a copy of the store and its check, both answered when
 * they are done. Loop thread; the work is the pool's.
 */
#include <stdlib.h>

#include "daemon/backup.h"
#include "daemon/dispatch.h"
#include "daemon/pool.h"
#include "proto/pack.h"

#define PATH_LONGEST 4000
#define PROBLEMS_MAX 200 /* told one by one; all are counted */
#define SENTENCE_MAX 1000

static void
fail_busy(struct wh_call *c)
{
	const char *what = wh_pool_runs(c->d);

	wh_call_fail(c, WH_ERR_BUSY, "%s of the store is running: retry when it is done",
		     what ? what : "another job");
}

/* ------------------------------------------------------------ store.backup -- */

void
on_store_backup(struct wh_call *c, const struct wh_args_store_backup *a)
{
	struct wh_str path = wh_has(a, store_backup, path) ? a->path : WH_STR_NULL;

	if (wh_has(a, store_backup, path) && (path.n == 0 || path.n > PATH_LONGEST ||
					      path.p[0] != '/' || wh_str_has_control(path)))
		wh_call_fail(
			c, WH_ERR_INVALID_PARAM,
			"path must be given from / on: whd writes the file, not the caller");
	else if (wh_backup_begin(c->d, path, &c->ticket))
		wh_call_park(c);
	else
		fail_busy(c);
}

/* ------------------------------------------------------------- store.check -- */

struct check {
	struct wh_pool_job job;
	struct wh_now began;
	/* results */
	int fault;
	uint64_t found;
	uint32_t told;
	struct wh_buf problems; /* packed, one map each */
};

static void
on_problem(void *ctx, const char *table, const char *sentence)
{
	struct check *k = ctx;
	struct wh_str text = wh_str_c(sentence);

	if (k->found++ >= PROBLEMS_MAX)
		return;
	if (text.n > SENTENCE_MAX)
		text.n = SENTENCE_MAX;
	k->told++;
	wh_pack_map(&k->problems, 2);
	wh_pack_kv_c(&k->problems, "table", table);
	wh_pack_kv_str(&k->problems, "problem", text);
}

static void
check_work(struct wh_pool_job *job, struct wh_store *store)
{
	struct check *k = (struct check *)job;

	k->fault = wh_store_check(store, true, on_problem, k);
}

static void
answer_check(const struct check *k, struct whd *d)
{
	struct wh_buf out = WH_BUF_NULL;

	if (k->fault && k->found == 0) {
		wh_server_fail(d->server, k->job.caller, WH_ERR_INTERNAL,
			       "the store could not be checked (%s): retry later",
			       wh_fault_str(k->fault));
		return;
	}
	wh_pack_map(&out, 4);
	wh_pack_kv_bool(&out, "sound", k->found == 0);
	wh_pack_kv_uint(&out, "found", k->found);
	wh_pack_kv_int(&out, "took_ms", d->now.mono.ms - k->began.mono.ms);
	wh_pack_c(&out, "problems");
	wh_pack_array(&out, k->told);
	wh_buf_str(&out, wh_buf_view(&k->problems));
	wh_server_reply(d->server, k->job.caller, wh_buf_view(&out));
	wh_buf_fini(&out);
}

static void
check_done(struct wh_pool_job *job, struct whd *d)
{
	struct check *k = (struct check *)job;

	if (k->found)
		wh_log(WH_LOG_ERROR, "store", "the check found damage", "problems=%llu",
		       (unsigned long long)k->found);
	if (k->job.has_caller)
		answer_check(k, d);
	wh_buf_fini(&k->problems);
	free(k);
}

void
on_store_check(struct wh_call *c, const struct wh_args_store_check *a)
{
	struct check *k = wh_xcalloc(1, sizeof(*k));

	(void)a;
	k->job = (struct wh_pool_job){
		.what = "a check",
		.has_caller = true,
		.caller = c->ticket,
		.work = check_work,
		.done = check_done,
	};
	k->began = c->d->now;
	if (wh_pool_begin(c->d, &k->job)) {
		wh_call_park(c);
		return;
	}
	free(k);
	fail_busy(c);
}
