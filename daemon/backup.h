/* SPDX-License-Identifier: MIT */
/*
 * Copies of the store while it is being served: on request, and by the clock
 * ([store] backup_interval) into the folder `backups` of the store, where the
 * newest few are kept. Loop thread.
 */
#pragma once

#include "daemon/server.h"

#define WH_BACKUPS_KEPT 7 /* in the folder of our own; whatever was put elsewhere stays */

/*
 * Begins a copy, to `file` or, if that is empty, to a name of its own. With a
 * ticket the call is answered when it is done. False if another job is running.
 */
bool wh_backup_begin(struct whd *d, struct wh_str file, const struct wh_ticket *ticket);
/* When the next one is due: at start, and when the configuration was read again. */
void wh_backup_schedule(struct whd *d);
