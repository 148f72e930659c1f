/* SPDX-License-Identifier: MIT */
/*
 * The pump's own state, shared by its files: pump.c (its life), pump_turn.c
 * (one turn), pump_gates.c (what an answer says of the line), pump_flights.c
 * (which operations are on their way), pump_flight.c (one of them), pump_wire.c
 * (its last step before the wire), pump_list.c (a list on its way),
 * pump_known.c (what is known of the lists before), pump_boot.c (what a start
 * had no room for), pump_probe.c, pump_status.c. Loop thread only.
 */
#pragma once

#include "daemon/apply.h"
#include "daemon/core/bucket.h"
#include "daemon/core/gate.h"
#include "daemon/core/sched.h"
#include "daemon/pump_flights.h"
#include "daemon/pump.h"
#include "daemon/writer.h"

#define FAILED_KEPT 64u    /* operations whose last failure is remembered */
#define PROBE_MAX_MS 30000 /* longest time between probes while operations wait */

/* What is the same about two failures, whatever times and texts come with them. */
struct failure {
	int status;
	enum wh_transport net;
	const char *rule; /* NULL: none */
};

/* The list that is running. */
/* Pause for an operation of which nothing came, and for what found no room. */
#define WH_PUMP_COOL_MS 1000

struct list_session {
	bool running;
	uint64_t no, fence;
	struct wh_now began;
	const char *why;
	struct wh_list_counts counts;
	struct wh_churn_tally churn;
	uint64_t present;              /* of the rows in chunks: are there now */
	uint64_t confirms;             /* steps of the confirm counter made by chunks */
	unsigned chunks_open;          /* handed to the funnel, not back */
	bool ending;                   /* the end is with the funnel */
	int fault;                     /* of a chunk */
	struct wh_http_result *result; /* the transfer has ended */
	bool again;                    /* ... and is tried with another key: no news yet */
	struct wh_str *ignore;         /* [sync] ignore_members, split */
	size_t n_ignore;
	char *ignore_text;
};

struct wh_pump {
	struct whd *d;
	uv_timer_t timer;
	bool draining; /* what is in flight is let end, nothing else is begun */
	bool stopping;
	bool in_turn; /* a turn is running: a poke makes it go round again */
	bool again;
	int64_t clocks_apart;   /* wall minus monotonic ms, to notice a wall clock set back */
	int64_t confirmed_from; /* wh_rules.confirmed_from: this start, or the last set-back */

	struct wh_gates gates;
	uint32_t keys_failed[2]; /* 401 in a row, each with another key: of reads, of changes */
	bool contact_good;       /* the last exchange was a success */
	struct wh_wall last_ok;
	char last_error[256];
	struct wh_wall last_error_at;
	struct failure failure; /* that last_error tells of */
	struct failure told;    /* by the log, last; none once all was well since */
	uint64_t successes;     /* executed requests, for the poison rule: */
	struct failed_op {
		uint64_t seq, successes; /* as they were when it failed last */
	} failed[FAILED_KEPT];
	size_t next_failed;

	struct flights flights;
	struct wh_job *ready, **ready_tail; /* wh_send: of flights in FLIGHT_READY, in order */
	uint32_t answered;                  /* executed requests since the last commit */
	uint32_t ahead;                     /* as core/sched's */
	struct wh_mono committed_at;        /* the last commit */
	uint64_t brought;                   /* changes of callers until then, */
	struct wh_mono brought_at;          /* ... and when the last came */
	struct wh_job *parked;              /* outcomes that the store could not take yet */
	struct wh_mono parked_until;
	struct wh_job *lost_marks; /* that the store could not take: one of each sweep */
	struct wh_mono lost_until;
	bool lost_told;
	struct wh_mono boot_at;    /* pump_boot.c: when it is tried next; WH_NEVER = it runs */
	struct wh_mono full_until; /* a mark had no room: none before; ms 0 = the last had */

	struct list_session list;
	struct wh_churn churn;      /* members that change all the time */
	struct wh_known *known;     /* NULL while a list has it */
	struct wh_known_items news; /* what has to be told to it with the next list */
	uint64_t known_seed;
	uint64_t list_last; /* last number given out */
	bool list_wanted;
	bool list_mends;  /* a row is damaged */
	bool listed_last; /* nothing was sent or looked at since the last one began */
	struct wh_mono list_due;
	struct wh_mono list_began; /* the last one, of whatever kind; ms 0 = none yet */
	int64_t interval;          /* ms, that list_due was reckoned with */
	struct wh_mono list_spacing;
	bool list_paged;          /* the last usable one was, or none was yet */
	uint32_t lists_too_large; /* in a row */
	/* The last usable one had ended, and the rate let the next request go out. */
	struct wh_mono list_counts_from;
	struct wh_mono whole_began; /* the last complete one; ms 0 = none in this process */
	uint64_t whole_fence;       /* its fence */
	bool ended_any;
	int64_t list_took_ms; /* the last one */
	bool last_whole;      /* the last list was complete */
	bool told_whole;      /* ... as last told in an event */
	bool whole_known;
	bool untold;      /* rows came since the last such event, without one each */
	uint64_t suspect; /* hash of what the suspect list lacked, 0 = none */
	uint64_t suspect_missing;
	struct wh_mono suspect_since; /* when that was seen first */
	char list_why[256];           /* why the last one was not complete */

	struct wh_bucket bucket;
	uint64_t probe_no; /* the newest that somebody asked for */
};

/* pump.c */
/* Notices a wall clock that was set back. */
void wh_pump_watch_clock(struct wh_pump *p);
struct wh_bucket_limits wh_pump_bucket_limits(const struct wh_pump *p);
/* So many requests go out, or went out without waiting for the rate. */
void wh_pump_pay(struct wh_pump *p, int64_t n);
/* A rate is in force. */
bool wh_pump_bounded(const struct wh_pump *p);

/* pump_turn.c */
/* Something is queued, being checked, sent or unknown. */
bool wh_pump_ops_wait(const struct whd *d);

/* pump_gates.c */
/* Completion of a mark that nobody waits for. */
void wh_pump_mark_done(struct wh_job *job, struct whd *d, int fault);
/* Hands marks that could not be stored to the funnel again when their time has come. */
void wh_pump_mark_again(struct wh_pump *p);
void wh_pump_drop_lost(struct wh_pump *p);
/* Takes an outcome into the gates; remembers errors; stores what must survive. */
void wh_pump_note(struct wh_pump *p, const struct wh_outcome *o, const struct wh_facts *f);
/* A 401 switches to the next key, nothing else does. True if there was one left to try at once;
 * when all were refused, the probes of the shut gate go on round them. */
bool wh_pump_next_key(struct wh_pump *p, const struct wh_facts *f);
void wh_pump_request_key(const struct wh_pump *p, struct wh_http_request *r);

/* pump_flight.c */
void wh_pump_begin_op(struct wh_pump *p, const struct wh_cand *c);
void wh_pump_op_result(struct wh_pump *p, struct wh_http_result *r);
void wh_pump_check_result(struct wh_pump *p, struct wh_http_result *r);
/* A read that is not made after all: its operation goes back to the queue. */
void wh_pump_check_in_vain(struct wh_pump *p, struct flight *f);
/* Takes over the job, with its seq, facts and outcome. */
void wh_pump_store_outcome(struct wh_pump *p, struct flight *f, struct wh_result_job *j);
void wh_pump_free_send(struct wh_send *s);
/* Hands parked outcomes to the funnel again when their time has come. */
void wh_pump_unpark(struct wh_pump *p);
void wh_pump_drop_parked(struct wh_pump *p);

/* pump_wire.c */
/* s, whose mark is flushed, goes out as soon as a connection is free; takes it over. */
void wh_pump_make_ready(struct wh_pump *p, struct flight *f, struct wh_send *s);
/* Sends what connections are free for; takes back what may not go out now. */
void wh_pump_send_ready(struct wh_pump *p);
/* When one that is ready has waited for too long; WH_NEVER. */
int64_t wh_pump_ready_until(struct wh_pump *p);
void wh_pump_take_back_all(struct wh_pump *p);
void wh_pump_drop_ready(struct wh_pump *p);

/* pump_list.c */
void wh_pump_begin_list(struct wh_pump *p, const char *why);
void wh_pump_list_chunk(struct wh_pump *p, struct wh_chunk *c);
void wh_pump_list_result(struct wh_pump *p, struct wh_http_result *r);
void wh_pump_list_fini(struct wh_pump *p);

/* pump_known.c */
void wh_pump_known_init(struct wh_pump *p);
/* What a commit touched is news for the next list. */
void wh_pump_known_touched(struct wh_pump *p, const struct wh_buf *touches);
void wh_pump_known_fini(struct wh_pump *p);
/* Hands it to a list's request, and takes it back from the list's result. */
void wh_pump_known_lend(struct wh_pump *p, struct wh_http_request *r);
void wh_pump_known_return(struct wh_pump *p, struct wh_http_result *r);
/* Nothing that was learned counts any more. */
void wh_pump_known_forget(struct wh_pump *p);
/* pump_boot.c */
/* Hands what a start had no room for to the funnel when its time has come. */
void wh_pump_boot_again(struct wh_pump *p);

/* pump_probe.c */
void wh_pump_probe_result(struct wh_pump *p, struct wh_http_result *r);

/* pump_status.c */
/* Two members: gate, the one shut or "open", and until, nil if none is. */
void wh_pump_pack_gate(const struct wh_pump *p, struct wh_buf *out);
