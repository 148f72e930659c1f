/* SPDX-License-Identifier: MIT */
/*
 * Carries out what core/sched proposes: sends operations, reads single rows,
 * lists the upstream, minds the gates. One timer; woken by commits, replies
 * and callers, all by "look again". Loop thread only.
 *
 * The way of a change: sched_next -> apply_send (SENDING, flushed, with the
 * exact bytes) -> http -> apply_outcome (flushed) -> look again.
 */
#pragma once

#include "daemon/core/gate.h"
#include "daemon/http.h"
#include "daemon/rules.h"

struct wh_pump *wh_pump_start(struct whd *d);
/* Logs what became of the operations that were on their way when whd ended; any thread. */
struct wh_boot;
void wh_pump_tell_boot(const struct wh_boot *b);
struct wh_pump *wh_pump_free(struct wh_pump *p);
/* Nothing new is begun from here on; what is in flight is let end. */
void wh_pump_drain(struct wh_pump *p);
/* Nothing is in flight any more, but for a list. */
bool wh_pump_is_drained(const struct wh_pump *p);
/* What still is in flight stays SENDING. */
void wh_pump_stop(struct wh_pump *p);
/* Look again: something was committed or configured. */
void wh_pump_poke(struct wh_pump *p);
/* Asks for a list; returns the smallest list number that satisfies the caller. */
uint64_t wh_pump_list_now(struct wh_pump *p);
/* A number for a probe: wh_waits_probed() tells of the end of the one that has it. */
uint64_t wh_pump_probe_draw(struct wh_pump *p);
/* One GET now, whatever gate is shut. */
void wh_pump_probe(struct wh_pump *p, uint64_t number);
/* ms until the gates let a list through; 0 = they do now. */
int64_t wh_pump_shut_for(const struct wh_pump *p);
/* Somebody asks: do not wait for the next probe of a line that is down, unless the upstream
 * asked for the wait. */
void wh_pump_hurry(struct wh_pump *p);
/* The keys changed, or an admin wants a probe: AUTH may try at once. */
void wh_pump_keys_changed(struct wh_pump *p);
/* The configuration was read again: a new interval counts at once. */
void wh_pump_reloaded(struct wh_pump *p);

/* A commit ended, of one batch or more; touches: what it did to confirmed rows (store/store.h).
 * Called on the loop with the view renewed, before anybody is told of it. */
void wh_pump_on_commit(struct wh_pump *p, const struct wh_buf *touches);
/* A stored row turned out to be damaged: the next list, asked for now, replaces it. */
void wh_pump_row_damaged(struct wh_pump *p);

/* What the HTTP thread reports; called on the loop by http.c. */
void wh_pump_on_result(struct wh_pump *p, struct wh_http_result *r);
void wh_pump_on_chunk(struct wh_pump *p, struct wh_chunk *c);

/* Fills in what the pump knows: list numbers, freshness, whether we are online. */
void wh_pump_rules(const struct wh_pump *p, struct wh_rules *ret);
/* Nothing queued, being checked, sent or unknown. */
bool wh_pump_idle(const struct wh_pump *p);
/* No gate shut and the last contact was a success. */
bool wh_pump_online(const struct wh_pump *p);
bool wh_pump_gate_is_shut(const struct wh_pump *p, enum wh_gate_id id);
/* A whole list was seen and is not stale. */
bool wh_pump_synced(const struct wh_pump *p);
/* The store had no room for the last operation that was to be sent. */
bool wh_pump_has_no_room(const struct wh_pump *p);
/* Requests in 1000 s that whd sends at most, as 429 answers taught; 0 = no such limit. */
int64_t wh_pump_learned_rate(const struct wh_pump *p);
/* Members of status: one map each. */
void wh_pump_status_upstream(const struct wh_pump *p, struct wh_buf *out);
void wh_pump_status_sync(const struct wh_pump *p, struct wh_buf *out);
/* The gate that stands in the way of what waits; adds to *ret. */
struct wh_op_around;
void wh_pump_around(const struct wh_pump *p, struct wh_op_around *ret);
void wh_pump_dump(const struct wh_pump *p, struct wh_buf *out);
/* Age of the copy in ms, measured on the monotonic clock where this process saw the list, else
 * on the wall clock; -1 if never synced, or if the wall clock is behind that list. */
int64_t wh_pump_age(const struct wh_pump *p);
