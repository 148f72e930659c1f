/* SPDX-License-Identifier: MIT */
/*
 * Which page a scan comes to next, so that it is on its way from memory when
 * the scan gets there.
 *
 * Pages that follow one another in a table lie anywhere in the file, and the
 * rows of a page anywhere in it: the processor cannot guess them, and a scan of
 * many rows waits for memory most of its time. LMDB does not tell where it goes
 * next; the page above the one it is on does. What is found here is asked for
 * and never used, so nothing but time depends on it. Internal to store/; of the
 * thread that owns the view.
 */
#pragma once

#include "store/table.h"

/* Finds where the file is mapped; its pages were verified. */
void wh_ahead_init(struct wh_store *s);
/* The scan has come to this row of the table; `a` was zeroed when it began. */
void wh_ahead_ask(struct wh_ahead *a, const struct wh_view *v, enum wh_table table,
		  const MDB_val *key, const MDB_val *data);
