/* SPDX-License-Identifier: MIT */
/*
 * The tail of the queue: the operations from meta.ops_tail on, which came last
 * and have no index rows yet.
 *
 * The index rows of one operation fall on a dozen pages all over the index,
 * and most operations end soon. So they are put together later, for thousands
 * of operations at once: sorted by page, so to speak, they cost a fraction, and
 * nobody waits for them who brings a change. Until then the tail itself is
 * read, in order, by whoever looks for an operation. Its length is bounded by
 * WH_TAIL_MAX.
 *
 * The commit thread, which looks several times for each change, has the keys of
 * the tail in memory (tail_keys.h); they follow each put and delete, and are
 * read anew after a transaction that came to nothing. A view that remembers has
 * the ids of a long tail. All others walk the rows, and let it be known if these
 * were many.
 *
 * A row of the tail is the only trace of its operation, so its fixed fields
 * and its lane are taken as they stand even if its checksum is wrong: whoever
 * is led to it then learns of the damage. Internal to store/.
 */
#pragma once

#include "store/row.h"
#include "store/tail_keys.h"

static inline bool
wh_tail_has(const struct wh_meta *m, uint64_t seq)
{
	return m->ops_tail != 0 && seq >= m->ops_tail;
}

uint64_t wh_tail_key_of_id(const uint8_t id[WH_OP_ID]);
uint64_t wh_tail_key_of_lane(struct wh_str lane);

/* A search from seq `from` on for what has the key, which is 0 for WH_TAIL_ANY. */
struct wh_tail_scan {
	const struct wh_view *view;
	enum wh_tail_key kind;
	uint64_t key;
	const struct wh_tail_keys *keys; /* NULL: the rows are walked through */
	uint32_t at;                     /* place of the next one in the keys */
	struct wh_walk walk;
	size_t walked;      /* rows that were looked at in the walk */
	struct wh_oprow op; /* what was found; borrows, and may be damaged */
};
/* Nothing is to be ended if it does not return 0; a call of end does no harm. */
WH_MUST_USE int wh_tail_begin(const struct wh_view *v, enum wh_tail_key kind, uint64_t key,
			      uint64_t from, struct wh_tail_scan *ret);
/* 0 with s->op, WH_ABSENT or a fault. In order of seq. The key of an id or a lane is a hash:
 * compare those. */
WH_MUST_USE int wh_tail_next(struct wh_tail_scan *s);
void wh_tail_end(struct wh_tail_scan *s);

/* What a view remembers of the ids of a long tail; NULL without memory. Of the thread that owns
 * the view. */
struct wh_tail_keys *wh_tail_ids_new(void);
/* The view was renewed. *ids may be NULL afterwards. */
void wh_tail_ids_follow(struct wh_tail_keys **ids, const struct wh_meta *m);

/* ------------------------------------------------------- commit thread -- */

/* True if an operation that is not stored yet joins the tail. */
WH_MUST_USE int wh_tail_join(struct wh_txn *t, uint64_t seq, bool *ret);
/* The row of one in the tail was put, or deleted. */
WH_MUST_USE int wh_tail_put(struct wh_txn *t, const struct wh_oprow *op);
void wh_tail_del(struct wh_txn *t, uint64_t seq);
/* The seq before which there are the first `max` of the tail, or all. */
WH_MUST_USE int wh_tail_end_of(const struct wh_view *v, size_t max, uint64_t *ret);
/* Those before `end`, as that function gave it, have their index rows now. */
void wh_tail_leave(struct wh_txn *t, uint64_t end);
/* The keys are to be read anew: the transaction came to nothing, or the tail is another one. */
void wh_tail_forget(struct wh_store *s);
void wh_tail_free(struct wh_store *s);
