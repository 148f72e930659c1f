/* SPDX-License-Identifier: MIT */
/*
 * What to do next at the upstream: one pure decision a turn. It only proposes;
 * the transaction that carries it out checks again. Pure; any thread.
 */
#pragma once

#include "daemon/core/gate.h"
#include "daemon/core/norm.h"

/* A lane's first operation that asks for attention, in order of due time. */
struct wh_cand {
	uint64_t seq;
	enum wh_op_kind kind;
	enum wh_op_state state; /* queued or unknown */
	struct wh_wall due;
	struct wh_create_keys keys; /* creates only */
	uint32_t bytes;             /* of it, as it is stored */
	bool fresh; /* its base needs no further look (row held by a recent list or reply) */
	bool busy;  /* already in the pump's hands, or waits for something in them */
};

struct wh_inflight {
	uint64_t seq;
	enum wh_op_kind kind;
	struct wh_create_keys keys;
};

struct wh_sched_in {
	struct wh_now now;
	const struct wh_gates *gates;
	uint32_t concurrency;
	const struct wh_cand *cand; /* due-ordered; the first not yet due ends the list */
	size_t n_cand;
	const struct wh_inflight *inflight; /* mutations and checks in the pump's hands */
	size_t n_inflight;                  /* entries above */
	uint32_t n_busy;                    /* how many of them occupy a connection, or will */
	uint64_t bytes;                     /* of these */
	uint32_t ahead; /* updates and deletes that may be begun before one is free */
	bool list_running;
	bool list_paged; /* lists come in pages, as far as is known */
	bool stopping;
	struct wh_mono list_due; /* the next periodic list; ms 0 = at once */
	bool list_wanted;        /* sync.now, a suspect list, a fresh list for creates */
	bool list_mends;         /* a row of the copy is damaged */
	bool list_costs;         /* there is a rate: a change waits for each list */
	bool listed_last;        /* the last request begun was a list */
	/* Lists nobody scheduled or asked for (unknown ops, probes, stale bases) not before
	 * this. */
	struct wh_mono observe_spacing_until;
	bool list_ages;           /* what it vouched for will be stale before long */
	uint32_t list_for_checks; /* from this many stale updates on, list instead of GET */
};

enum wh_action { WH_ACT_SEND, WH_ACT_CHECK, WH_ACT_LIST, WH_ACT_SLEEP };

struct wh_sched_out {
	enum wh_action action;
	uint64_t seq;    /* SEND, CHECK */
	const char *why; /* LIST: wanted, interval, probe, unknown, damage, create or check */
	struct wh_mono wake; /* SLEEP: look again then; WH_NEVER = only when poked */
};

/*
 * No delete of ours is under way while a list is read in pages, since that would move
 * webhooks to pages that were read before: deletes are not begun until it has ended, and it is
 * not begun until they have.
 *
 * While a gate is shut the only action is LIST, as the probe, when the gate allows it. Stale
 * updates that wait for a list are checked one by one as long as no list can start, so that a
 * slow list never stops them. After a list something that is ready goes before the next one,
 * so that under a low rate lists never take it all; a create that lacks its list waits there
 * until it is the first in line. A wall clock that was set back delays the next look at a
 * candidate by at most 5 minutes; the caller then moves due times that lie too far ahead.
 */
struct wh_sched_out wh_sched_next(const struct wh_sched_in *in);

/*
 * How many updates and deletes to mark SENDING before a connection is free for them, so that
 * none waits idle for the flush of the next mark: four times what was answered while the last
 * transaction was made and flushed, which took took_ms, since beside those that are on their
 * way now one transaction is being flushed, one is made, and a larger one writes fewer pages
 * for each of them; fewer, if need be than were answered, if the last of them would wait for
 * longer than WH_AHEAD_MS. alone:
 * nobody has brought a change for WH_ALONE_MS, who would wait for a long transaction: twice as
 * many. before: the number until now; it falls slowly. The upstream's pace decides: one that
 * answers slower than the disk flushes has none marked ahead. What is marked is held in memory:
 * none more from WH_AHEAD_BYTES on.
 */
uint32_t wh_sched_ahead(uint32_t before, uint32_t answered, int64_t took_ms, bool alone);
#define WH_AHEAD_MS 400
#define WH_AHEAD_MAX 960u /* alone */
#define WH_ALONE_MS 100
#define WH_AHEAD_BYTES ((uint64_t)1 << 20)
