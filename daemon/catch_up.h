/* SPDX-License-Identifier: MIT */
/*
 * Index rows of the operations that came or ended last, which wait to be written for
 * many at once: written when nobody has brought a change for a while, or when
 * somebody had to read through many operations that have none. Whoever adds to
 * the queue does it himself if neither ever is. Loop thread.
 */
#pragma once

#include "daemon/job.h"
#include "daemon/whd.h"

void wh_catch_up_init(struct whd *d);
/* After each commit, and at the start. */
void wh_catch_up_mind(struct whd *d);
/* The body that writes those of the oldest; commit thread. */
int wh_catch_up_run(struct wh_job *job, struct wh_txn *t);
