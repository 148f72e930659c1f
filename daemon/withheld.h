/* SPDX-License-Identifier: MIT */
/*
 * Rows that are kept from readers because they may be the result of a create
 * that is not decided. Which they are is remembered in the store, so that
 * letting them go costs what is withheld, not what is queued. Commit thread.
 */
#pragma once

#include "daemon/rules.h"
#include "store/store.h"

static inline bool
wh_overlay_withholds(const struct wh_overlay *o)
{
	return o->hidden && o->pending == 0 && o->state == WH_HOOK_SYNCED;
}

/* A row is withheld from now on. */
WH_MUST_USE int wh_withheld_note(struct wh_txn *t, struct wh_str key);
/* Any row may be withheld: a start cannot know what the store was written by. */
WH_MUST_USE int wh_withheld_doubt(struct wh_txn *t);
/* Lets rows into view that no undecided create wants any more. */
WH_MUST_USE int wh_withheld_release(struct wh_txn *t, const struct wh_rules *rules);
