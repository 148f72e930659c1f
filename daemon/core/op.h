/* SPDX-License-Identifier: MIT */
/*
 * One operation: one requested change, what has happened to it so far, and its
 * encoding. The store keeps the encoded body; only this file knows it.
 *
 * Pure; any thread. Text in a decoded op borrows from the bytes it was decoded
 * from; wh_op_encode writes whatever the members hold.
 */
#pragma once

#include "daemon/core/instant.h"
#include "proto/record.h"

enum wh_op_state {
#define WH_OP_STATE(id, name, live, help) WH_OP_##id,
#include "daemon/core/op.def"
#undef WH_OP_STATE
	WH_OP_STATE_COUNT
};

enum wh_op_kind { WH_OP_CREATE, WH_OP_UPDATE, WH_OP_DELETE };
enum wh_policy {
	WH_POLICY_MERGE,
	WH_POLICY_LOCAL_WINS,
	WH_POLICY_REMOTE_WINS,
	WH_POLICY_MANUAL
};

/* State of a webhook as a reader sees it (member _whd.state). */
enum wh_webhook_state {
	WH_HOOK_SYNCED,
	WH_HOOK_CREATING,
	WH_HOOK_UPDATING,
	WH_HOOK_DELETING,
	WH_HOOK_CONFLICT,
	WH_HOOK_HELD,
	WH_HOOK_REJECTED,
};

enum wh_op_flags {
	WH_OPF_ALLOW_DUPLICATE = 1, /* create even if an identical webhook exists */
	WH_OPF_FORCE = 2,           /* delete whatever others changed */
	WH_OPF_EXECUTED = 4,        /* a complete 2xx came, the id or body did not */
	WH_OPF_MAYBE_SENT = 8,      /* at least one attempt may have reached the upstream */
	WH_OPF_RESTORED = 16,       /* comes from a restored store */
	WH_OPF_ANSWERED = 32,       /* the last attempt got a complete 5xx: short settle time */
	WH_OPF_SENT_BEFORE = 64, /* an attempt was looked for and not found; it may be late */
	WH_OPF_SHARED = 128,     /* changes of other users were joined with it */
};

#define WH_OP_SETTLING "settling" /* reason: waits for what may still be carried out */

#define WH_OP_TEXT_ID 36              /* text form of an op id, without NUL */
#define WH_TMP_ID (4 + WH_OP_TEXT_ID) /* "tmp-" + op */
#define WH_ATTEMPTS_KEPT 16           /* newest attempts kept in the record */

/* One attempt, newest last. Text is bounded: error 512 B, body 2 KiB, in all. */
struct wh_attempt {
	int64_t at;            /* wall ms, when SENDING (or the check) was committed */
	int64_t took_ms;       /* -1 while it runs or when a crash ended it */
	int64_t status;        /* HTTP status, 0 if none */
	struct wh_str outcome; /* not_executed, executed, rejected, unknown */
	struct wh_str rule;    /* which rule decided, a fixed sentence of core/outcome */
	struct wh_str error;   /* transport error or the start of the reply */
};

struct wh_op {
	uint64_t seq;
	uint8_t id[16];
	enum wh_op_kind kind;
	enum wh_op_state state;
	enum wh_policy policy;
	uint32_t flags;       /* enum wh_op_flags */
	struct wh_str reason; /* why it is in that state: a token, "" if plain */
	struct wh_str target; /* whid, or local id as long as there is none */
	struct wh_str tmp_id; /* creates: its local id; else empty */
	struct wh_str fields; /* msgpack map: documented members wanted (create: all, update:
				 changed ones) */
	struct wh_str base; /* msgpack map: the webhook as the caller saw it; empty: a create */
	struct wh_str theirs; /* conflict: the upstream's row, empty = it is gone */
	uint32_t uid;
	uint32_t pid;
	int64_t created_at;       /* wall ms */
	int64_t changed_at;       /* wall ms of the last state change */
	int64_t next_at;          /* wall ms; 0 = none */
	int64_t ended_at;         /* wall ms; 0 = not ended */
	uint32_t attempts;        /* requests that were (perhaps) sent */
	uint32_t failures;        /* consecutive, for backoff */
	uint32_t poison;          /* 5xx of this op while others succeeded */
	uint64_t mark;            /* create: last complete list begun before the POST; others:
				     confirm counter + 1 as the check began, 0 = no row then */
	uint64_t sent_after;      /* create: the newest operation when it was sent first */
	uint64_t unknown_list;    /* last list number given out when it became UNKNOWN */
	uint32_t negatives;       /* complete lists since then that lack it */
	uint32_t incompletes;     /* incomplete lists since then */
	uint64_t boot;            /* settle time: the process (boot counter) ... */
	int64_t settle_mono;      /* ... and its monotonic ms when the attempt ended */
	struct wh_str method;     /* request of the running attempt: POST, PATCH, DELETE ... */
	struct wh_str request;    /* ... and its exact body, immutable from SENDING on */
	struct wh_str last_error; /* one sentence, "" if none */
	struct wh_str
		result;     /* done: applied, applied_changed, adopted, merged, noop, already */
	struct wh_str into; /* merged / superseded: text id of the op that carries it */
	struct wh_str absorbed; /* msgpack array of text ids merged into this op */
	struct wh_attempt log[WH_ATTEMPTS_KEPT];
	uint32_t n_log;
};

/* What a log calls an operation and its webhook. Zeroed: not known. */
struct wh_op_names {
	char op[WH_OP_TEXT_ID + 1];
	char whid[WH_WHID_MAX + 1]; /* its target */
};

/*
 * Decodes body; all text and maps of *ret borrow from it, nothing is allocated that outlives
 * the call. Nested maps (fields, base, theirs) and arrays (absorbed) were checked to be exactly
 * one object each, so they may be copied into a reply as they are. Attempts beyond
 * WH_ATTEMPTS_KEPT are dropped, the oldest first. 0, WH_EPROTO, WH_ELIMIT or WH_ENOMEM.
 */
WH_MUST_USE int wh_op_decode(struct wh_op *ret, struct wh_str body);
/* Appends the stored form; members that hold nothing are left out. Faults are b's. Returns
 * where in that form the map `fields` begins, 0 if there is none. */
size_t wh_op_encode(struct wh_buf *b, const struct wh_op *op);
/* The op as callers see it (see PROTOCOL). With around (queue.get), else NULL, also its
 * attempts, why it is in its state and what is next. */
struct wh_op_around;
void wh_op_pack(struct wh_buf *b, const struct wh_op *op, const struct wh_op_around *around);

const char *wh_op_state_str(enum wh_op_state s);
bool wh_op_state_parse(struct wh_str s, enum wh_op_state *ret);
bool wh_op_state_live(enum wh_op_state s);  /* part of the effective view */
bool wh_op_state_ended(enum wh_op_state s); /* done, cancelled, superseded */
/* Ended, or needs a person: dead, held, conflict. What queue.wait waits for. */
bool wh_op_state_settled(enum wh_op_state s);
/* Its last request was answered as one about a webhook that is not there. */
static inline bool
wh_op_is_absent(const struct wh_op *op)
{
	return wh_str_is(op->reason, "absent");
}
bool wh_op_edge(enum wh_op_state from, enum wh_op_state to);
/*
 * The only way to change a state: requires the edge to be legal. Sets reason (NULL = ""; it is
 * borrowed and must outlive the op: a literal), changed_at and ended_at; leaves next_at alone.
 */
void wh_op_set_state(struct wh_op *op, enum wh_op_state to, const char *reason,
		     struct wh_wall now);
/* Appends an attempt, dropping the oldest beyond WH_ATTEMPTS_KEPT. Its text is borrowed. */
void wh_op_log(struct wh_op *op, const struct wh_attempt *a);

const char *wh_op_kind_str(enum wh_op_kind k);
bool wh_policy_parse(struct wh_str s, enum wh_policy *ret);
const char *wh_policy_str(enum wh_policy p);
const char *wh_webhook_state_str(enum wh_webhook_state s);

/* UUIDv7 from 48 bit of wall ms and 74 random bits (RFC 9562, 5.7). */
void wh_op_id_make(uint8_t id[16], struct wh_wall now, const uint8_t random[10]);
/* The same, but those of one millisecond follow one another, by a counter in the place of 12 of
 * the random bits (RFC 9562, 6.2, method 1): what is stored by id is appended. */
struct wh_op_ids { /* all zeros at first */
	int64_t ms;
	unsigned count;
};
void wh_op_id_next(struct wh_op_ids *ids, uint8_t id[16], struct wh_wall now,
		   const uint8_t random[10]);
void wh_op_id_text(const uint8_t id[16], char text[WH_OP_TEXT_ID + 1]);
void wh_op_name(struct wh_op_names *ret, const struct wh_op *op);
bool wh_op_id_parse(struct wh_str text, uint8_t id[16]);
bool wh_tmp_id_is(struct wh_str whid); /* "tmp-" and the text of an op id */
