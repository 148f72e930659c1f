/* SPDX-License-Identifier: MIT */
/*
 * Parked calls: queue.wait, wait, sync.now, events.read, upstream.probe. Each holds a ticket
 * and a deadline; after every commit or change of state they are looked at
 * again. One timer for all. Loop thread only.
 */
#pragma once

#include "daemon/core/op.h"
#include "daemon/dispatch.h"

struct wh_waits *wh_waits_new(struct whd *d);
/* Stops the timer and frees; the loop must run once more before it ends. NULL is fine. */
struct wh_waits *wh_waits_free(struct wh_waits *w);

enum wh_wait_kind {
	WH_WAIT_OP,     /* until the operation ended or needs a person */
	WH_WAIT_WHD,    /* until whd is synced, idle or online */
	WH_WAIT_LIST,   /* until a list has ended */
	WH_WAIT_EVENTS, /* until the change log goes on */
	WH_WAIT_PROBE,  /* until a probe has its answer */
};

enum wh_until { WH_UNTIL_SYNCED, WH_UNTIL_IDLE, WH_UNTIL_ONLINE };

struct wh_wait {
	enum wh_wait_kind kind;
	uint8_t op[WH_OP_ID];    /* OP */
	enum wh_until until;     /* WHD */
	uint64_t revision;       /* WHD: and the log has reached it; EVENTS: behind it */
	uint32_t limit;          /* EVENTS: at most */
	uint64_t list;           /* LIST: this number or a later one; PROBE: this one */
	int64_t timeout_ms;      /* as given; clamped; <= 0 means now or never */
	struct wh_ticket ticket; /* waits.c's own */
	int64_t deadline;        /* waits.c's own */
};

/* The timeout_ms of a call: the default of 30 s if it was not given, at most 300 s. */
int64_t wh_waits_timeout(bool given, int64_t timeout_ms);
/* Answers the call if what it waits for is so or its time is up already, else parks it. */
void wh_waits_enter(struct wh_call *c, const struct wh_wait *what);
/* Parks a sync.now until the list of this number or a later one has ended. */
void wh_waits_park_sync(struct wh_call *c, uint64_t list, int64_t timeout_ms);

/* Look again at all of them. */
void wh_waits_poke(struct wh_waits *w);
/* A list that began after a sync.now call has ended. summary: the result map of sync.now; code:
 * WH_ERR_NONE or why it failed. */
void wh_waits_list_ended(struct wh_waits *w, uint64_t list, struct wh_str summary,
			 enum wh_error code, struct wh_str sentence);
/* A probe has its answer: the result map of upstream.probe. */
void wh_waits_probed(struct wh_waits *w, uint64_t probe, struct wh_str result);
void wh_waits_closed(struct wh_waits *w, uint64_t conn);
/* Ends all with SHUTTING_DOWN. */
void wh_waits_stop(struct wh_waits *w);
/* One map: how many of each kind wait, and when the next is over (section of dump). */
void wh_waits_dump(const struct wh_waits *w, struct wh_buf *out);
