/* SPDX-License-Identifier: MIT */
/*
 * Keeping the index by terms usable: built in slices when it is not whole (a
 * store of an older whd, a damaged row that was replaced), and built anew when
 * a reader met damage in it. Meanwhile lists scan. Loop thread.
 */
#pragma once

#include "daemon/job.h"
#include "daemon/whd.h"

/* May lists be read by it now? */
bool wh_index_usable(const struct whd *d);
/* Builds it if it is not whole, but not before the first list was: that brings most rows at
 * once. At the start, and after each commit. */
void wh_index_mind(struct whd *d);
/* The body that builds a part of it; commit thread. */
int wh_index_run(struct wh_job *job, struct wh_txn *t);
/* A reader met damage. */
void wh_index_damaged(struct whd *d);
