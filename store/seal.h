/* SPDX-License-Identifier: MIT */
/*
 * The seal: what tells a commit that is on disk as a whole from one that is not.
 *
 * LMDB flushes twice, the pages and then the meta page that leads to them. Here
 * both are flushed at once, and a hash over them (fresh.h) stands behind the
 * meta page. After the power went, the newer state counts only if it is what its
 * seal says; else the one before, which was flushed before this one began.
 * Internal to store/.
 */
#pragma once

#include "store/opening.h"

struct wh_seal;

/* A step of opening: takes back a commit that is not there as a whole. */
WH_MUST_USE int wh_seal_judge(struct wh_opening *op);
/* A step of opening: from here on commits are sealed. */
WH_MUST_USE int wh_seal_start(struct wh_opening *op);
/* Before the file is closed in good order: takes the seals away, since all that it holds was
 * flushed. What is found wrong with it later is damage, and what others commit counts. */
void wh_seal_rest(const struct wh_store *s);
void wh_seal_stop(struct wh_store *s);

/* After LMDB's commit, which flushed nothing: returns once it is on disk. 0 or WH_EIO: then
 * nobody can say what is there, and the store must not be used any more. The thread that
 * committed; until it returns there is no other commit. */
WH_MUST_USE int wh_seal_commit(struct wh_store *s);
/* The last commit has its seal: none is flushed by LMDB any more. The same. */
bool wh_seal_begun(const struct wh_store *s);
/* Such a one has failed: no transaction is begun any more, or the next one would be flushed and
 * stand on pages that are on no disk. */
bool wh_seal_broken(const struct wh_store *s);
