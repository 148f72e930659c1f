/* SPDX-License-Identifier: MIT */
/*
 * The store at a start: opened, judged, bound to its upstream, and the marks
 * that an end in the middle of things makes necessary. Main thread, before any
 * other exists.
 */
#pragma once

#include "daemon/whd.h"

/* Opens d->store, sets d->instance and d->boot_waits and begins d->view. 0, or the exit status
 * of the process; why has been logged. */
int wh_boot_store(struct whd *d);
