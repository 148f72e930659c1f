/* SPDX-License-Identifier: MIT */
/*
 * The oracle: remembers what callers asked and were told, reads the upstream's
 * log of versions, and states whd's promises as checks. What whd has stored it
 * knows only as callers do: acknowledgements, queue.get and webhook.get.
 *
 *   oracle.c       operations: what was asked, acknowledged, and became of it
 *   oracle_op.c    operations: every end and every stop has its reason
 *   oracle_wire.c  requests: what may be sent, when, and what it may overwrite
 *   oracle_post.c  creates: executed once, or looked for before
 *   oracle_rows.c  reads: never made up, never going back, nothing lost
 *   oracle_end.c   rest: all has ended and both sides hold the same
 */
#pragma once

#include "daemon/core/op.h"
#include "daemon/job.h"
#include "tests/sim/doc.h"

struct sim;
struct sim_transfer;
struct sim_call;
struct wh_list_end;

#define SIM_NEW WH_OP_STATE_COUNT /* the state before an operation is stored */
#define SIM_DECISIONS 6

/* One change a caller asked for. */
struct sim_op {
	/* the wish */
	enum wh_op_kind kind;
	char target[WH_WHID_MAX + 1]; /* as the caller named it; empty: a create */
	uint32_t has;                 /* bit per text member */
	struct sim_doc want;
	bool whole_set;             /* processes are given as a whole, in want */
	struct sim_doc adds, drops; /* ... or as additions and removals */
	bool has_policy, force, allow_duplicate, has_revision;
	enum wh_policy policy; /* in force */
	uint64_t if_revision;
	char request_id[24]; /* "" = none */
	uint64_t hash;       /* of the parameters */
	unsigned uid;

	/* what came of the call */
	uint8_t id[WH_OP_ID];
	char tmp[WH_TMP_ID + 1];
	bool committed, acked;
	uint64_t seq;
	int64_t called;
	bool has_seen;
	struct sim_doc seen; /* what the caller saw of the webhook */
	bool behind;         /* others were queued on it, that may fail */

	/* what is known of the operation */
	enum wh_op_state state;
	int64_t since; /* monotonic, of that state */
	char reason[24], result[20], whid[WH_WHID_MAX + 1];
	size_t into;       /* the operation that carries it; SIZE_MAX = itself */
	size_t obj;        /* which webhook it is about */
	bool forced;       /* a delete: nothing others did stops it */
	bool stopped;      /* a person was asked about it */
	bool recreated;    /* an update that became a create by decision */
	bool in_doubt;     /* it was put back with an older state of the store */
	int64_t doubted;   /* ... at that time */
	int64_t sent_anew; /* when a person said that a create was not made */
	struct sim_doc decided[SIM_DECISIONS]; /* what a person saw who decided for `mine` */
	unsigned n_decided;
	bool has_base; /* its base was moved: to what a person saw who decided, or to the */
	struct sim_doc base; /* webhook that was adopted for the create before it ... */
	uint64_t base_seq;   /* ... when this was the newest operation */
	bool base_adopted; /* the latter: items follow from what its callers saw all the same */
	int64_t proposed;  /* when whd last proposed to send it */
	int64_t read_from; /* when the GET before that began; INT64_MAX = none */
};

/* An operation as queue.list shows it. */
struct sim_listed {
	uint64_t seq;
	uint8_t id[WH_OP_ID];
	uint8_t state;
};

struct sim_listing {
	struct sim_listed *at;
	size_t n, cap;
};

/* A change of state that a transaction made. */
struct sim_change {
	uint64_t seq;
	uint8_t id[WH_OP_ID];
	enum wh_op_state from, to;
	char reason[24], result[20], whid[WH_WHID_MAX + 1], into[WH_OP_TEXT_ID + 1];
	char reason_was[24];
	bool by_call;
	bool creates; /* it has a local id */
	const char *job;
};

struct sim_oracle {
	struct sim_op *ops;
	size_t n, cap;
	struct sim_listing now, next; /* committed; as the open transaction would leave it */
	struct sim_change *changes;   /* of the open transaction */
	size_t n_changes, cap_changes;
	size_t objs;        /* objects known */
	uint64_t *sent_seq; /* by object: newest operation that was executed */
	size_t cap_objs;
	int64_t booted;          /* monotonic start of the running process */
	uint64_t revision;       /* newest that a reader was shown */
	bool put_back;           /* an older state of the store was put back */
	bool suspect;            /* status says that the last list lacked too much */
	uint64_t executed_twice; /* creates, excused by the upstream's lateness */
};

void sim_oracle_init(struct sim *s);
void sim_oracle_fini(struct sim_oracle *o);

/* -------------------------------------------------- operations: oracle.c -- */
/* A new record for a call; returns its index. */
size_t sim_oracle_new_op(struct sim_oracle *o);
struct sim_op *sim_oracle_op(struct sim *s, size_t at);
struct sim_op *sim_oracle_by_id(struct sim *s, const uint8_t id[WH_OP_ID]);
struct sim_op *sim_oracle_by_seq(struct sim *s, uint64_t seq);
/* The object of a webhook as a caller names it. */
size_t sim_oracle_object(struct sim *s, const char *name);
void sim_oracle_submitted(struct sim *s, const struct wh_job *job);
/* An operation as queue.get shows it, by c->id. False if it is nowhere. */
bool sim_oracle_get(const struct wh_view *v, struct sim_change *c);
/* The next operation behind a create; NULL if none waits. */
struct sim_op *sim_oracle_follower(struct sim *s, const struct sim_op *create);
/* What is queued is read anew. */
void sim_oracle_list(struct sim *s, const struct wh_view *v);
/* Inside of the transaction, after each body; then one of the two others. */
void sim_oracle_ran(struct sim *s, const struct wh_job *job, struct wh_txn *t);
void sim_oracle_aborted(struct sim *s);
void sim_oracle_committed(struct sim *s, const struct wh_job *first, const struct wh_job *end);
/* An older state of the store takes its place, and with it all that whd knows. */
void sim_oracle_put_back(struct sim *s, const struct wh_view *v);
/* A caller is told that its operation was taken: what it reads from now on must show it. */
void sim_oracle_answered(struct sim *s, const struct sim_op *op);
void sim_oracle_died(struct sim *s);
void sim_oracle_started(struct sim *s);
/* True if `op` is carried by `carrier`, or is it. */
bool sim_oracle_carries(struct sim *s, const struct sim_op *carrier, const struct sim_op *op);
const char *sim_op_name(struct sim *s, const struct sim_op *op, char out[64]);

/* ------------------------------------------------ ends: oracle_op.c ------ */
/* An operation changed its state, which a caller may see from now on. */
void sim_oracle_changed(struct sim *s, struct sim_op *op, const struct sim_change *c);
/* Whoever looked found it in effect, though its request was still under way: others wrote all
 * that the update wants, or a list lacked what is to be deleted. */
bool sim_oracle_found_done(struct sim *s, const struct sim_op *op,
			   const struct sim_transfer *t);

/* ---------------------------------------------- requests: oracle_wire.c --- */
void sim_oracle_sends(struct sim *s, struct sim_transfer *t);
void sim_oracle_told(struct sim *s, struct sim_transfer *t);
/* Before the upstream carries it out. */
void sim_oracle_executes(struct sim *s, struct sim_transfer *t, const struct sim_doc *doc);

/* What an operation wants together with all that it carries, against what its first caller saw.
 */
struct sim_wish {
	uint32_t has;               /* bit per text member that is to change */
	uint32_t may;               /* ... or that whd may have to take for one */
	struct sim_doc want;        /* their values; of a create: all */
	struct sim_doc adds, drops; /* items */
};
/* Two creates may have come to one webhook, and callers may have named it by any of its ids. */
bool sim_oracle_same_webhook(const struct sim_oracle *all, const struct sim_op *o,
			     const struct sim_op *op);
/* Are operations that came before it live? */
bool sim_oracle_is_behind(const struct sim_oracle *all, const struct sim_op *op);
/* An operation before it may have failed, over what its caller saw: to set that back is no
 * wish. */
bool sim_oracle_was_seen_before(struct sim *s, const struct sim_op *op, unsigned f,
				const char *value);
/* ... and counts as none. */
void sim_oracle_forget_set_back(struct sim *s, const struct sim_op *op, struct sim_wish *w);
void sim_oracle_wish(struct sim *s, const struct sim_op *op, struct sim_wish *ret);

/* ----------------------------------------------- creates: oracle_post.c --- */
/* A commit ended a list; before anything is held against it. */
void sim_oracle_list_stored(struct sim *s, const struct wh_list_end *e);
/* whd concludes from looking that what was sent was not carried out. */
void sim_oracle_concluded(struct sim *s, const struct sim_op *op);
void sim_oracle_posts(struct sim *s, struct sim_transfer *t);
/* Was it carried out when whd need not reckon with it any more? */
bool sim_oracle_too_late(const struct sim *s, const struct sim_transfer *t);
void sim_oracle_creates(struct sim *s, struct sim_transfer *t);
/* A create was answered with another one that waits. */
void sim_oracle_same_wish(struct sim *s, const struct sim_op *op,
			  const struct sim_op *answered);

/* ------------------------------------------------- reads: oracle_rows.c --- */
/* After each completion of commits: what readers see now. */
void sim_oracle_look(struct sim *s);
/* A list is stored: what status says of it. */
void sim_oracle_list_ended(struct sim *s);
/* A complete list was told: rows it lacks although they are there may vanish. */
void sim_oracle_listed(struct sim *s, const struct sim_transfer *t);

/* -------------------------------------------------- rest: oracle_end.c ---- */
/* True if nothing is left to be done: no operation open, both sides equal. */
bool sim_oracle_at_rest(struct sim *s);
/* A local id whose create is done leads to its webhook. */
void sim_oracle_aliases(struct sim *s);
/* Says what is missing if there is no rest. */
void sim_oracle_end(struct sim *s);
