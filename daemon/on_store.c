/* SPDX-License-Identifier: MIT */
/*
 * Handlers of store.*: a copy of the store and its check, both answered when
 * they are done. Loop thread; the work is the pool's.
 */
#include "daemon/backup.h"
#include "daemon/dispatch.h"
#include "daemon/pool.h"
#include "daemon/scrub.h"

#define PATH_LONGEST 4000

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

void
on_store_check(struct wh_call *c, const struct wh_args_store_check *a)
{
	(void)a;
	if (wh_scrub_begin(c->d, &c->ticket))
		wh_call_park(c);
	else
		fail_busy(c);
}
