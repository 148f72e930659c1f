/* SPDX-License-Identifier: MIT */
/*
 * The virtual transport: what http.c and libcurl do, as events. Each request
 * is kept for the whole run, since together they are the log of the upstream:
 * when it left, when it was executed, when and what whd was told.
 */
#pragma once

#include "daemon/reading.h"
#include "tests/sim/agenda.h"
#include "tests/sim/fault.h"

#define SIM_NEVER INT64_C(-1) /* of times: it has not happened */

/* A list being read. */
struct sim_reading {
	struct sim *s;
	struct wh_reading whd;
	struct wh_http_result *result;
	struct wh_known *known; /* as submitted, until the reply comes in */
	struct wh_known_items news;
	struct wh_spill *spill;
	size_t fed; /* bytes of the page */
	unsigned chunks_open;
	bool paused;
};

struct sim_transfer {
	uint64_t id;    /* counted from 1 */
	uint64_t epoch; /* of the process that sent it */
	enum wh_http_kind kind;
	uint64_t tag;
	char method[8];
	char whid[WH_WHID_MAX + 1];
	struct wh_buf body;
	unsigned key; /* the upstream's number of the key */
	enum sim_fault fault;
	int64_t submitted, left, executed, told, died;
	bool late; /* it was executed after whd was told or had died */
	/* the reply */
	int status;
	struct wh_buf reply, link;
	char location[160];
	const char *type; /* Content-Type; NULL = none */
	int64_t retry_after_ms;
	bool flawed;   /* a list that shows that it is not whole */
	bool complete; /* a list that whd took for whole */
	size_t *shown; /* rows of a list */
	size_t n_shown, cap_shown;
	size_t page_from;
	struct sim_reading in;
	/* the oracle's notes */
	bool decided;      /* whd has looked for what it made */
	bool suspect;      /* a list that lacked so much that whd did not believe it */
	size_t op;         /* its record; SIZE_MAX = none */
	int64_t marked;    /* when whd proposed to send it */
	int64_t seen_from; /* changes by others before this must be known to whd */
	size_t row;        /* that it wrote; SIZE_MAX = none */
	size_t version;
};

/* A request that waits until fewer are under way. */
struct sim_standing {
	struct sim_standing *next;
	struct wh_http_request request;
	struct wh_buf whid, body; /* of it */
};

struct sim_net {
	struct sim_transfer **all;
	size_t n, cap;
	/* Of this process: */
	uint32_t under_way; /* changes and reads of one */
	bool unjudged;      /* whd is being told of a change that was no success */
	struct sim_standing *standing, **standing_tail;
	unsigned keys_valid; /* bit per key of the upstream */
};

void sim_net_fini(struct sim_net *n);
struct sim_transfer *sim_net_get(struct sim_net *n, uint64_t id);
void sim_net_submit(struct sim *s, const struct wh_http_request *r);
uint64_t sim_net_standing(const struct sim *s);
uint64_t sim_net_withdraw(struct sim *s);
void sim_net_chunk_taken(struct sim *s, uint64_t tag);
/* whd has died: what has not left never will, and nobody hears a reply. */
void sim_net_died(struct sim *s);

/* upstream.c: the request has arrived; fills in what the upstream replies. */
void sim_upstream_serve(struct sim *s, struct sim_transfer *t);
/* Carries a change out, sooner or later. */
void sim_upstream_execute(struct sim *s, struct sim_transfer *t);
/* The page that begins with row t->page_from. */
void sim_upstream_page(struct sim *s, struct sim_transfer *t);

/* net_read.c: feeds a reply to whd's reader piece by piece, and ends it. */
void sim_read_begin(struct sim *s, struct sim_transfer *t);
void sim_read_fini(struct sim_reading *in);
/* Hands over a result without a list; net.c and net_read.c. */
void sim_net_tell(struct sim *s, struct sim_transfer *t, struct wh_http_result *r);
void sim_net_facts(const struct sim_transfer *t, struct wh_http_result *r, int64_t took);
