/* SPDX-License-Identifier: MIT */
/*
 * Reasons not to talk to the upstream now. Gates belong to the endpoint, never
 * to an operation: a shut gate fails nothing and counts no attempt.
 *   LINK   it cannot be reached: one GET probes
 *   AUTH   all keys are refused: slow probes, each with the next key, at once
 *          after a key change
 *   QUOTA  the call volume is used up: wait as told, probe hourly
 *   RATE   too many calls: wait as told
 * Pure; one instance, owned by the loop.
 */
#pragma once

#include "daemon/core/outcome.h"

enum wh_gate_id { WH_GATE_LINK, WH_GATE_AUTH, WH_GATE_QUOTA, WH_GATE_RATE, WH_GATE_COUNT };

struct wh_gate_one {
	bool shut;
	struct wh_mono until; /* when the next probe is allowed */
	struct wh_mono hold;  /* asked by the upstream: nothing at all before this */
	struct wh_wall since;
	uint32_t probes; /* failed ones since it shut */
};

struct wh_gates {
	struct wh_gate_one g[WH_GATE_COUNT];
	uint32_t link_failures; /* consecutive */
	uint32_t slow_start;    /* requests allowed at once after an outage; 0 = no bound */
	bool ever_up;
};

struct wh_gate_limits {
	int64_t base_ms, cap_ms; /* [retry] */
	int64_t probe_max_ms;    /* 30 s: while operations wait */
	bool ops_wait;
};

void wh_gates_init(struct wh_gates *g);
/*
 * Takes the outcome of any transfer. Returns a bit mask
 * of gates whose `shut` changed.
 */
unsigned wh_gates_note(struct wh_gates *g, const struct wh_outcome *o,
		       const struct wh_gate_limits *lim, struct wh_now now, uint64_t random);
/* Opens AUTH for one probe now: keys changed, or an admin asked. */
void wh_gates_reopen_auth(struct wh_gates *g, struct wh_now now);
/* LINK is probed at that time at the latest, unless the upstream asked for a longer wait. */
void wh_gates_hurry_link(struct wh_gates *g, struct wh_mono latest);
/* A call that went past the gates was granted: QUOTA is there again, whatever wait was named.
 */
void wh_gates_end_quota(struct wh_gates *g, struct wh_now now);
/* Any gate shut? Mutations go out only if none is. */
bool wh_gates_open(const struct wh_gates *g);
/* The gate shown in status: the first shut one, or WH_GATE_COUNT. */
enum wh_gate_id wh_gates_worst(const struct wh_gates *g);
/* May a GET (list, probe) go out now? If not, *ret_at says when to ask again. */
bool wh_gates_may_read(const struct wh_gates *g, struct wh_mono now, struct wh_mono *ret_at);
/* Mutations allowed at once: 0 when a gate is shut, else min(limit, slow start). */
uint32_t wh_gates_width(const struct wh_gates *g, uint32_t limit);
const char *wh_gate_str(enum wh_gate_id id); /* "link" ... , "open" for WH_GATE_COUNT */
/* Gate memory across restarts: waits asked by the upstream survive. Text form. */
void wh_gates_save(const struct wh_gates *g, struct wh_now now, struct wh_buf *out);
void wh_gates_load(struct wh_gates *g, struct wh_str text, struct wh_now now);
