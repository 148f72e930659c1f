/* SPDX-License-Identifier: MIT */
/*
 * Answers that were given since the last commit, by the words of their
 * question (of a webhook.get, the key of the row): who asks again in the
 * same words gets the same bytes, and nothing is looked for.
 *
 * Only what depends on words and snapshot alone may be kept. An answer counts
 * for the snapshot it was read from and for no other, so that none is older
 * than the last commit. Takes no memory before the first is kept, then 2 MiB
 * at most, however much is asked; what was kept first goes first. Loop thread only.
 */
#pragma once

#include "proto/base.h"

#define WH_RECALL_ROOM ((size_t)2 << 20)
#define WH_RECALL_OFFERS 8u /* of so many answers one is kept */

struct wh_recall *wh_recall_new(void); /* ends the process without memory */
struct wh_recall *wh_recall_free(struct wh_recall *r);
/* What was kept under these words of this snapshot; borrowed until the next call. */
bool wh_recall_find(struct wh_recall *r, uint64_t snapshot, struct wh_str words,
		    struct wh_str *ret_answer);
/*
 * Offers an answer. One in eight is kept: what is asked often soon is, and what
 * is asked once costs nothing; fewer while none that is kept is asked for again.
 * Large ones are not, nor is anything without memory.
 */
void wh_recall_offer(struct wh_recall *r, uint64_t snapshot, struct wh_str words,
		     struct wh_str answer);
