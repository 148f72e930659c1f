/* SPDX-License-Identifier: MIT */
/*
 * The transaction bodies: every write of whd is one of these. Each checks all
 * it relies on inside the transaction, before its first put; what the loop
 * decided from its view was only a proposal.
 *
 * Structures hold constant input (owned, freed by *_fini) and results
 * (overwritten by each run). `job` is first, so that the loop's own structure
 * can embed these and add what it needs for the answer. Neither uv nor curl is
 * seen here; no log, no clock.
 */
#pragma once

#include "daemon/core/outcome.h"
#include "daemon/chunk.h"
#include "daemon/core/churn.h"
#include "daemon/job.h"
#include "daemon/lane.h"
#include "proto/command.h"

/* What a caller is told when a body refuses: WH_ERR_NONE = done. */
struct wh_refusal {
	enum wh_error code;
	struct wh_buf text;
};

/* ------------------------------------------------- apply_enqueue.c -------- */

/* A new change: create, update or delete. */
struct wh_enqueue {
	struct wh_job job;
	struct wh_rules rules;
	enum wh_op_kind kind;
	enum wh_cmd_id method;
	uint32_t uid, pid;
	uint8_t id[16];     /* drawn by the loop */
	struct wh_buf whid; /* update, delete */
	struct wh_buf
		fields; /* msgpack map: create all six, update the set ones (may be empty) */
	struct wh_wish wish;       /* create: of fields, if the loop has made it */
	struct wh_buf add, remove; /* update: msgpack arrays, may be empty */
	struct wh_buf request_id;  /* may be empty */
	uint64_t params_hash[2];
	bool has_revision;
	uint64_t if_revision;
	bool has_policy;
	enum wh_policy policy;
	bool force, allow_duplicate, dry_run;
	/* results */
	struct wh_refusal refusal;
	struct wh_buf op;       /* the op map */
	uint8_t answer[16];     /* its id: the new one's, or an earlier one's */
	bool queued, coalesced; /* for the counters */
};
int wh_enqueue_run(struct wh_job *job, struct wh_txn *t);
/* [queue] max_ops or max_bytes is reached: new changes are refused with QUEUE_FULL. */
bool wh_queue_full(const struct wh_meta *m, const struct wh_rules *r);
/* apply_absorb.c: tail, which has not left yet, takes in o, a later change of its lane; o is
 * done as merged. Its `into` is the caller's to set. */
WH_MUST_USE int wh_absorb(struct wh_lane *l, struct wh_lane_op *tail, struct wh_lane_op *o);
/* apply_asked.c */
struct wh_asked {
	uint32_t members; /* that may have to be changed */
	struct wh_str fields, base;
};
/* An update over the effective webhook; e says what of. May refuse. */
WH_MUST_USE int wh_asked_update(struct wh_lane *l, struct wh_enqueue *e, struct wh_str effect,
				struct wh_asked *ret);
/* The base of a change that says nothing of members. */
WH_MUST_USE int wh_asked_base(struct wh_lane *l, struct wh_str effect, struct wh_str *ret);
/* The same decision over a view, writing nothing. */
int wh_enqueue_dry_run(struct wh_enqueue *e, const struct wh_view *v);
void wh_enqueue_fini(struct wh_enqueue *e);
/* apply_request.c: 0 = it is a repeated call, now answered or refused; WH_ABSENT = a new one.
 */
WH_MUST_USE int wh_request_answer(struct wh_enqueue *e, const struct wh_view *v);
/* Remembers e->answer under the caller's request_id, if it gave one. */
WH_MUST_USE int wh_request_remember(const struct wh_enqueue *e, struct wh_txn *t);

/* ------------------------------------------------- apply_sweep.c ---------- */

enum wh_sweep_kind {
	WH_SWEEP_NONE,
	WH_SWEEP_DUE, /* queued operations that wait in a backoff become due now */
	WH_SWEEP_CUT, /* the wall clock was set back: no wait is longer than it can be */
};

/*
 * Going through the operations that wait, a bounded slice a transaction, so
 * that the commit thread is never held for long, however many they are. Whoever
 * sweeps runs again, with what the run before returned, until it is done.
 */
struct wh_sweep {
	enum wh_sweep_kind kind;
	bool begun, done;
	struct wh_due at; /* where it goes on */
	uint64_t n;       /* operations changed so far */
};
/* The next slice; *s is moved on. */
WH_MUST_USE int wh_sweep_run(struct wh_txn *t, const struct wh_rules *rules,
			     struct wh_sweep *s);

/* ------------------------------------------------- apply_verb.c ----------- */

/* An admin's verb on an operation. */
struct wh_verb {
	struct wh_job job;
	struct wh_rules rules;
	enum wh_cmd_id verb; /* queue_retry, _cancel, _hold, _release, _resolve, _flush */
	uint8_t id[16];
	uint32_t uid;
	bool admin;
	bool cascade;
	struct wh_buf take;    /* resolve */
	struct wh_buf whid;    /* resolve adopt */
	struct wh_sweep sweep; /* flush */
	/* results */
	struct wh_refusal refusal;
	struct wh_buf op;
	struct wh_op_names names;
	enum wh_op_state state; /* after */
	struct wh_sweep swept;  /* flush: if it is not done, the sweep of the next run */
};
int wh_verb_run(struct wh_job *job, struct wh_txn *t);
void wh_verb_fini(struct wh_verb *v);

/* ------------------------------------------------- apply_send.c ----------- */

enum wh_send_result {
	WH_SEND_NOTHING, /* it ended, moved or is not ours to send any more: look again */
	WH_SEND_REQUEST, /* SENDING is flushed: these bytes may go out */
	WH_SEND_CHECK,   /* CHECKING is flushed: read the row first */
};

/* Marks an operation SENDING, with the exact request, or CHECKING. */
struct wh_send {
	struct wh_job job;
	struct wh_rules rules;
	uint64_t seq;
	bool create_fresh; /* a list began less than check_age ago */
	/* the answer to the check, when there was one */
	bool checked;
	bool check_failed;  /* there was no usable answer */
	bool check_gated;   /* ... because a gate is shut: costs the operation nothing */
	bool check_found;   /* a row was found */
	bool check_refused; /* it says nothing of the row: a list must */
	struct wh_buf check_row;
	int64_t check_began; /* wall ms */
	/* results */
	enum wh_send_result result;
	enum wh_op_kind kind;
	struct wh_op_names names;
	struct wh_buf whid, request;
	char method[8];
	bool want_list; /* absence must be confirmed by a list */
	bool changed;   /* the operation was changed: look again at once */
};
int wh_send_run(struct wh_job *job, struct wh_txn *t);
void wh_send_fini(struct wh_send *s);
/* Appends the body of the request that this create would send. */
WH_MUST_USE int wh_create_request(struct wh_buf *out, const struct wh_rules *rules,
				  const struct wh_op *op);

/* ------------------------------------------------- apply_outcome.c -------- */

/* What became of an attempt. facts' text points into the buffers here. */
struct wh_result_job {
	struct wh_job job;
	struct wh_rules rules;
	uint64_t seq;
	struct wh_facts facts;
	struct wh_outcome outcome;
	bool taken_back; /* it was marked but not sent, and is as if it had not been marked */
	bool key_retry;  /* 401, and another key is left: no backoff */
	bool others_succeed; /* other requests succeeded since its last failure: poison counts
			      */
	struct wh_buf body, content_type, location, error;
	/* results */
	struct wh_op_names names;
	enum wh_op_state state; /* after */
	bool ended, created_without_id;
	bool members_lost; /* the upstream dropped undocumented ones in an update */
};
int wh_result_run(struct wh_job *job, struct wh_txn *t);
void wh_result_fini(struct wh_result_job *j);

/* Used by outcome, observation and resolve: the operation is in effect. */
struct wh_made {
	struct wh_str whid, body; /* of the webhook that the create made */
	const char *result;
};
WH_MUST_USE int wh_finish_create(struct wh_lane *l, struct wh_lane_op *o, struct wh_txn *t,
				 const struct wh_made *made);
WH_MUST_USE int wh_finish_update(struct wh_lane *l, struct wh_lane_op *o, struct wh_txn *t,
				 struct wh_str body, const char *result);
WH_MUST_USE int wh_finish_delete(struct wh_lane *l, struct wh_lane_op *o, const char *result);

/* ------------------------------------------------- apply_list.c ----------- */

struct wh_list_counts {
	uint64_t added, changed, removed, unchanged, corrupt;
	uint64_t withheld; /* added ones that an undecided create may have made */
	uint64_t twins;    /* added ones that equal a webhook that a create of ours made */
};

/* Rows of a running list, to be put where they differ. */
struct wh_list_rows {
	struct wh_job job;
	struct wh_rules rules;
	uint64_t list;          /* its number */
	uint64_t fence;         /* confirm counter when its request began */
	int64_t began_at;       /* wall ms */
	bool first_load;        /* no list was ever whole: new rows get no event each */
	bool of_result;         /* the transport has not handed it on as a chunk */
	struct wh_chunk *chunk; /* owned */
	const struct wh_str
		*ignore; /* members whose change is none; borrowed from the session */
	size_t n_ignore;
	/* results */
	struct wh_list_counts counts;
	uint64_t present;  /* of the chunk's webhooks: those that have a confirmed row now */
	uint64_t confirms; /* steps of the confirm counter made here */
	struct wh_churn_tally churn;
};
int wh_list_rows_run(struct wh_job *job, struct wh_txn *t);

/* The end of a list: removals, the stamp, operations of unknown outcome. */
struct wh_list_end {
	struct wh_job job;
	struct wh_rules rules;
	uint64_t list, fence;
	bool complete; /* also a result: false if its last rows failed */
	bool usable;
	/* Its last rows, run right before it in the same batch, or NULL: what they come to is
	 * added to what is told here of all others. If they failed it is not complete. */
	const struct wh_list_rows *last;
	bool told, told_whole;   /* what the last event said; another state is worth one */
	bool untold;             /* rows came that got no event each, or may have */
	int64_t began_at;        /* wall ms */
	struct wh_mono began;    /* the same moment */
	uint64_t present;        /* webhooks of the list that have a confirmed row */
	uint64_t confirms;       /* steps of the confirm counter made by its chunks */
	struct wh_seen *seen;    /* borrowed from the session */
	uint64_t suspect_before; /* missing hash of the suspect list before, 0 = none */
	/* results */
	struct wh_list_counts counts;
	uint64_t suspect; /* != 0: suspiciously short; hash of what is missing */
	uint64_t suspect_missing;
	bool shrunk; /* suspiciously many were removed, as a second list said the same */
	bool behind; /* it lacks what a create of whd has just made, and whd did not delete */
	uint32_t duplicates, vanished;
	uint64_t revision;
};
int wh_list_end_run(struct wh_job *job, struct wh_txn *t);
/* Seen whole, and not suspiciously short: what it lacks is not there. Once it has run. */
static inline bool
wh_list_is_believed(const struct wh_list_end *e)
{
	return e->complete && e->suspect == 0;
}

/* ------------------------------------------------- apply_observe.c -------- */

/* A row of a list meets a lane whose head has an unknown outcome. */
struct wh_look {
	uint64_t list;      /* number of the list */
	bool complete;      /* all of it was seen */
	bool behind;        /* but what it lacks may be there all the same */
	bool present;       /* it holds the row ... */
	struct wh_str body; /* ... and this is it */
	int64_t read_at;    /* wall ms since when it is vouched for; 0 = keeps its time */
};
WH_MUST_USE int wh_observe_lane(struct wh_lane *l, struct wh_txn *t,
				const struct wh_look *look);
/* All creates of unknown outcome, in the light of a list that ended. */
WH_MUST_USE int wh_observe_creates(struct wh_txn *t, struct wh_list_end *e);
/* Does an undecided create want this row? Then it is withheld from readers. */
struct wh_undecided;
WH_MUST_USE int wh_undecided_load(struct wh_undecided **ret, const struct wh_view *v);
bool wh_undecided_wants(const struct wh_undecided *u, uint64_t list, struct wh_str body);
/* May a row that this list held first be what a create made whose reply has not come yet,
 * whatever others have changed in it since? */
bool wh_undecided_on_its_way(const struct wh_undecided *u, uint64_t list);
void wh_undecided_free(struct wh_undecided *u);

/* ------------------------------------------------- apply_boot.c ----------- */

/* After a start: SENDING becomes UNKNOWN, CHECKING goes back to QUEUED. */
struct wh_boot {
	struct wh_job job;
	struct wh_rules rules;
	bool sparing; /* only what must be written */
	uint64_t unknown, requeued;
};
int wh_boot_run(struct wh_job *job, struct wh_txn *t);

/* ------------------------------------------------- apply_restored.c ------- */

/*
 * The store was put back: whatever it has queued may have been sent since. *ret_n: how many
 * operations are in doubt. The change log begins anew, 2^32 revisions further on.
 */
WH_MUST_USE int wh_restored_run(struct wh_txn *t, const struct wh_rules *rules,
				uint64_t *ret_n);

/* ------------------------------------------------- apply_damaged.c -------- */

/* Operations that the salvage of a store lost or found in an older state are held for a person;
 * *ret_n: how many. */
WH_MUST_USE int wh_damaged_run(struct wh_txn *t, const struct wh_rules *rules, uint64_t *ret_n);
/* Makes anew what is made of confirmed rows. */
WH_MUST_USE int wh_rebuild_run(struct wh_txn *t, const struct wh_rules *rules);

/* Small marks: gate memory, an accepted shrink, trimming of what is old. */
struct wh_mark {
	struct wh_job job;
	struct wh_rules rules;
	struct wh_buf gates;    /* text to remember; empty with gate_event = forget it */
	const char *gate_event; /* "link shut", "open": fixed text; NULL = none */
	bool accept_shrink;
	bool damage; /* was found: an event tells */
	bool repair; /* the next start is to make the store anew */
	bool sound;  /* an admin has looked: damage is told no more */
	struct wh_sweep sweep;
	/* results */
	struct wh_sweep swept; /* if it is not done: the sweep of the next run */
};
int wh_mark_run(struct wh_job *job, struct wh_txn *t);
void wh_mark_fini(struct wh_mark *m);
