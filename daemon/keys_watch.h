/* SPDX-License-Identifier: MIT */
/*
 * Notices when the file of keys is changed or replaced, so that new keys are
 * taken without anybody asking. It costs nothing while nothing happens. Loop
 * thread only.
 */
#pragma once

#include "daemon/whd.h"

/* on_change is called a moment after the last change, with d. NULL if memory is out. */
struct wh_keys_watch *wh_keys_watch_new(struct whd *d, void (*on_change)(struct whd *d));
/* Watches this file from now on, instead of any before; NULL or "": none. A folder that cannot
 * be watched is logged: a reload is needed then. */
void wh_keys_watch_file(struct wh_keys_watch *w, const char *file);
/* The loop must run once more before it ends. NULL is fine. */
struct wh_keys_watch *wh_keys_watch_free(struct wh_keys_watch *w);
