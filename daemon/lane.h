/* SPDX-License-Identifier: MIT */
/*
 * A lane is one webhook with everything known of it: the confirmed row and its
 * operations in order. Every transaction body loads the lane it is about,
 * changes the members in memory and closes it; closing is the one place where
 *   - the effective view is folded and stored,
 *   - successors of a blocked operation are held, and revived,
 *   - the next due time is set,
 *   - ended operations move to the history,
 *   - the change log is written.
 * So no body can forget one of them.
 *
 * Opening and folding only read: they also serve dry runs on the loop's view.
 * Closing is for the commit thread. This is where store and core meet.
 */
#pragma once

#include "daemon/rules.h"
#include "daemon/wish.h"
#include "store/store.h"

struct wh_lane_op {
	struct wh_op op;
	struct wh_buf bytes;  /* what op's text borrows from */
	bool fresh;           /* not stored yet */
	bool dirty;           /* to be written */
	bool moved;           /* handed to another lane: not ours any more */
	enum wh_op_state was; /* as loaded: a change of state is an event */
	struct wh_wish wish;  /* creates: see wh_wish_keep() */
	size_t fields_at;     /* where op.fields are in its stored form; 0: nowhere */
};

struct wh_lane_block {
	struct wh_lane_block *next;
	char data[];
};

struct wh_lane {
	const struct wh_view *view;
	const struct wh_rules *rules;
	char key_room[WH_KEY_MAX];
	struct wh_str key; /* folded whid, or local id */

	bool has_row;      /* confirmed row present */
	struct wh_row row; /* its body borrows from row_bytes */
	struct wh_buf row_bytes;
	bool row_dirty; /* to be written (or deleted, if !has_row) */
	bool had_row;   /* as loaded */

	bool had_overlay;
	bool mend;           /* it was damaged: closing makes it anew */
	bool visible_before; /* as readers saw it */
	bool withheld;       /* hidden until an undecided create is decided */
	bool was_withheld;   /* as loaded */
	uint64_t revision_before;
	struct wh_buf before; /* effective body as readers saw it */

	struct wh_str renamed_from; /* local id this webhook was known by until now */
	bool quiet;                 /* first load: no event a row */
	bool is_new;                /* nothing of it is stored yet */

	struct wh_lane_op *ops; /* in order of seq */
	size_t n_ops, cap_ops;
	struct wh_lane_block *blocks; /* text that members were replaced with */
	int fault;                    /* sticky; close forwards it */
};

/* Loads the lane of a whid or local id (already resolved through the aliases). */
WH_MUST_USE int wh_lane_open(struct wh_lane *l, const struct wh_view *v,
			     const struct wh_rules *r, struct wh_str whid);
/* The lane of a local id that was just drawn: nothing is looked for. */
WH_MUST_USE int wh_lane_begin(struct wh_lane *l, const struct wh_view *v,
			      const struct wh_rules *r, struct wh_str tmp_id);
/* The lane of an operation, and the operation in it. WH_ABSENT if it has ended meanwhile. */
WH_MUST_USE int wh_lane_open_op(struct wh_lane *l, const struct wh_view *v,
				const struct wh_rules *r, uint64_t seq,
				struct wh_lane_op **ret);
/* Writes what changed. The lane is to be finished by wh_lane_fini() in any case. */
WH_MUST_USE int wh_lane_close(struct wh_lane *l, struct wh_txn *t);
void wh_lane_fini(struct wh_lane *l);

/* Follows the alias of a local id; a plain whid comes back unchanged. Borrows. */
struct wh_str wh_lane_resolve(const struct wh_view *v, struct wh_str whid);

/* The operation with this seq in the lane, or NULL. */
struct wh_lane_op *wh_lane_find(struct wh_lane *l, uint64_t seq);
/*
 * The one the pump works on: the first operation that is not dead or ended. One that is being
 * checked, sent or looked for stays it, even if the followers of a create that turned out to be
 * this webhook, and are older, came into the lane meanwhile. NULL if there is none.
 */
struct wh_lane_op *wh_lane_head(struct wh_lane *l);
/* The last live one, or NULL. */
struct wh_lane_op *wh_lane_tail(struct wh_lane *l);
/* Is it live, and wants any of the members (bits of enum wh_field)? */
bool wh_lane_wants(const struct wh_lane_op *o, uint32_t members);
/* The same, but a dead one counts, too: a person may retry it. */
bool wh_lane_may_want(const struct wh_lane_op *o, uint32_t members);
/* The members that live ones want. */
uint32_t wh_lane_wanted(const struct wh_lane *l);
/* That those before `end` may want, dead ones among them. */
uint32_t wh_lane_maybe_wanted(const struct wh_lane *l, const struct wh_lane_op *end);
/* A new zeroed operation at the end; NULL with a fault of the lane if memory is out. More than
 * WH_LANE_MAX are not to stay. */
struct wh_lane_op *wh_lane_append(struct wh_lane *l);
/* Hands an operation over to the end of another lane; its target becomes whid. NULL if memory
 * is out. The lane it came from must be finished last: the op may still borrow from it. */
struct wh_lane_op *wh_lane_move(struct wh_lane_op *op, struct wh_lane *to, struct wh_str whid);

/* Copies text into the lane's own memory: valid until the lane is finished. */
struct wh_str wh_lane_keep(struct wh_lane *l, struct wh_str text);
/* The same for a buffer, which is finished; its fault becomes the lane's. */
struct wh_str wh_lane_keep_buf(struct wh_lane *l, struct wh_buf *b);
/* Sets the state (edge checked) and marks the op dirty. */
void wh_lane_state(struct wh_lane *l, struct wh_lane_op *o, enum wh_op_state to,
		   const char *reason);
/* The same for done: with its result. */
void wh_lane_done(struct wh_lane *l, struct wh_lane_op *o, const char *result);
/* An operation of unknown outcome: what lists told of it until now counts no more. */
void wh_lane_look_anew(struct wh_lane *l, struct wh_lane_op *o);

/* Replaces the confirmed row's body (copied) and touches it. confirmed_at: wall ms when the
 * reply, GET or list that held it began; 0 = it keeps the time it has. */
void wh_lane_set_row(struct wh_lane *l, struct wh_txn *t, struct wh_str body,
		     int64_t confirmed_at);
/* Touches the row so that lists begun earlier do not overwrite it. */
void wh_lane_touch(struct wh_lane *l, struct wh_txn *t);
/* The upstream has it no more. */
void wh_lane_drop_row(struct wh_lane *l);

/* What readers see with the operations as they are now. */
struct wh_effect {
	bool overlay; /* an overlay is needed */
	bool exists;  /* there is a body */
	bool hidden;
	uint32_t pending;
	enum wh_webhook_state state;
	struct wh_str tmp_id;
};
/* Folds the live operations over the confirmed row; the body is appended to out. */
WH_MUST_USE int wh_lane_fold(const struct wh_lane *l, struct wh_effect *ret,
			     struct wh_buf *out);

/* foresee.c: the three-way merge of an update with the row as it is; there must be one. The
 * document in *ret is the caller's. */
struct wh_merged;
WH_MUST_USE int wh_lane_merge(const struct wh_lane *l, const struct wh_op *op,
			      enum wh_policy policy, struct wh_merged *ret);
/* foresee.c: the reason of the conflict that the operation will come into if the webhook stays
 * as the copy has it; NULL = none. */
WH_MUST_USE int wh_lane_foresee(const struct wh_lane *l, const struct wh_op *op,
				const char **ret);

/* Appends one event to the change log. op may be NULL; fields: msgpack array or empty. */
struct wh_event {
	const char *kind;
	struct wh_str whid;
	struct wh_str old_whid;
	const struct wh_op *op;
	uint32_t fields;  /* bit per documented member that changed */
	const char *note; /* gate, sync: a word more */
};
WH_MUST_USE int wh_event_add(struct wh_txn *t, const struct wh_event *e, struct wh_wall now,
			     uint64_t *ret_revision);
