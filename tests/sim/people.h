/* SPDX-License-Identifier: MIT */
/*
 * Everybody around whd: local clients that change webhooks, an admin who looks
 * after the queue, other people who work at the upstream, and what happens to
 * the host (weather, clocks, keys).
 */
#pragma once

#include "daemon/apply.h"
#include "tests/sim/doc.h"

struct sim;

#define SIM_CLIENTS_MAX 4

struct sim_client {
	bool busy;     /* a call is not answered */
	uint64_t turn; /* which call */
	size_t op;     /* its record */
	bool again;    /* the answer never came: asks again with the same request_id */
};

struct sim_people {
	struct sim_client clients[SIM_CLIENTS_MAX];
	uint64_t words; /* for values nobody used before */
};

/* A call into the funnel: an enqueue or a verb. */
struct sim_call {
	union {
		struct wh_job job;
		struct wh_enqueue e;
		struct wh_verb v;
		struct wh_mark m;
	};
	enum { SIM_CALL_CHANGE, SIM_CALL_VERB, SIM_CALL_ACCEPT } what;
	size_t op;     /* record: of the new change, or of the one the verb is about */
	size_t client; /* SIZE_MAX = the admin */
	uint64_t seq;  /* of a new operation that was stored */
	bool has_seen; /* what the caller saw, read in the same transaction */
	struct wh_buf seen;
	int row; /* enum sim_row_id of the coalescing table that is due; -1 = none */
};

int sim_call_run(struct wh_job *job, struct wh_txn *t);
void sim_call_drop(struct wh_job *job);

void sim_people_begin(struct sim *s);
void sim_people_died(struct sim *s);
void sim_people_started(struct sim *s);
/* The active part is over: the admin settles what is left. */
void sim_people_settle(struct sim *s);

/* admin.c */
void sim_admin_turn(struct sim *s, uint64_t unused);
/* call.c */
struct sim_call *sim_call_new_verb(struct sim *s, enum wh_cmd_id verb, size_t op);
struct sim_call *sim_call_new_change(struct sim *s, size_t op, size_t client);
void sim_call_submit(struct sim *s, struct sim_call *c);
/* others.c */
void sim_others_turn(struct sim *s, uint64_t unused);
void sim_nature_begin(struct sim *s);
void sim_nature_calm(struct sim *s);
/* wish.c: draws a change into a new record; SIZE_MAX if there is nothing to change. */
size_t sim_wish_draw(struct sim *s);
void sim_wish_doc(struct sim *s, struct sim_doc *doc);
void sim_wish_word(struct sim *s, char text[SIM_TEXT], unsigned field);
