/* SPDX-License-Identifier: MIT */
/*
 * What server*.c, accept.c and conn*.c share: the server and its
 * connections from the inside. Nobody else includes this. Loop thread only.
 *
 * Life of a connection: OPEN, then perhaps DRAINING (nothing more is read; it
 * is closed once what it is owed was sent), then CLOSED (handles are being
 * closed; the memory lives until libuv has let go of the last).
 *
 * Replies and pushes that come from outside a connection's own callbacks never
 * close it on the spot: they gather bytes and mark it; the settling sees
 * to it before the loop sleeps. So nobody who walks a list of waiting calls or
 * subscribers has one vanish under his hands.
 */
#pragma once

#include "daemon/access.h"
#include "daemon/dispatch.h"
#include "daemon/listen.h"
#include "proto/frame.h"

#define WH_READ_ROOM 65536u
#define WH_SPARES 64u

enum wh_conn_state { WH_CONN_OPEN, WH_CONN_DRAINING, WH_CONN_CLOSED };

struct wh_conn {
	struct wh_server *server;
	uint64_t id;
	struct wh_peer peer;
	enum wh_conn_state state;
	uv_pipe_t pipe;
	int fd;           /* that libuv has open there; -1 once it is closed */
	uv_timer_t timer; /* runs only while a request or an answer is half-way */
	int64_t timer_at; /* mono ms it is set to; WH_NEVER: it does not run */
	unsigned handles; /* not closed yet */

	struct wh_frame frame;
	struct wh_buf in; /* read, not yet taken; no memory while empty */
	size_t partial;   /* so many bytes of `in` only begin a request; 0: not known ... */
	int64_t partial_since; /* ... its first byte came then (mono ms) */
	bool reading, eof;
	bool busy;       /* its requests are being taken right now */
	bool turn_over;  /* its next request is taken once others had their turn */
	uint32_t parked; /* calls not answered yet */
	size_t owed;     /* bytes that their answers are expected to be */

	struct wh_buf out;     /* gathered, not yet handed to libuv */
	struct wh_buf sending; /* handed to libuv */
	uv_write_t write;
	bool writing;
	bool high;          /* reached out_high and has not drained to half of it */
	bool doomed;        /* to be closed at the next settling */
	size_t left_before; /* unsent bytes at the last look for progress */
	unsigned stalled;   /* looks without progress in a row */
	int64_t stall_at;   /* mono ms of the next look */

	bool marked; /* in the server's list */
	struct wh_conn *next_marked;
};

struct wh_uid_count {
	uint32_t uid, n;
};

/* What conn_again.c knows of who asks again at once. */
struct wh_again {
	unsigned vain;      /* settlings to be left out since nobody asked again ... */
	unsigned left_out;  /* ... and how many were */
	uint64_t alone;     /* the only one that had anything to be done; 0: there was none */
	unsigned alone_for; /* settlings in a row */
	int64_t stay_until; /* monotonic ms: it does not step aside before */
};

struct wh_server {
	struct whd *d;
	struct wh_listener listener;
	struct wh_access *access;
	uv_poll_t accept;
	uv_timer_t accept_again; /* runs only while file descriptors are short */
	uv_prepare_t settle;     /* before the loop sleeps: marked connections */
	uv_idle_t stay_awake;    /* runs only while settling is not done */
	uv_timer_t end;          /* the longest time closing may take */
	unsigned handles;        /* not closed yet */
	bool accepting, closing;
	void (*done)(struct whd *);

	struct wh_conn **slots; /* by the low bits of the id */
	uint32_t n_slots, cap_slots;
	uint32_t free_from; /* no slot below is free */
	uint32_t connections;
	uint64_t last_seq;
	struct wh_uid_count *uids;
	size_t n_uids;
	uint32_t alive;                       /* structures not freed yet */
	struct wh_conn *marked, **marked_end; /* in the order in which they were */
	size_t gathered; /* bytes of answers that came together since the last settling */

	struct wh_again again;
	char *read_room; /* WH_READ_ROOM bytes, shared: used within one callback */
	struct wh_buf spares[WH_SPARES]; /* lent to connections that gather answers */
	unsigned n_spares;
	struct wh_tree_room tree_room; /* the request at hand */

	int64_t log_since; /* lines that peers cause: so many in so long */
	unsigned log_n, log_suppressed;
};

/* accept.c */
void wh_accept_start(struct wh_server *s);
void wh_accept_stop(struct wh_server *s);
/* Reads what a peer sent and nobody will look at, so that it sees a plain end, not a reset. */
void wh_accept_drain(struct wh_server *s, int fd);

/* server.c */
struct wh_conn *wh_server_find(const struct wh_server *s, uint64_t id);
/* Gives the connection an id and a slot. */
void wh_server_enter(struct wh_server *s, struct wh_conn *c);
void wh_server_leave(struct wh_server *s, struct wh_conn *c);
/* libuv has let go of c: frees it, and ends the closing of the server with the last. */
void wh_server_gone(struct wh_server *s, struct wh_conn *c);
uint32_t wh_server_of_uid(const struct wh_server *s, uint32_t uid);
/* Has what was gathered since looked at before the loop sleeps, ... */
void wh_server_settle(struct wh_server *s);
/* ... and c. */
void wh_server_mark(struct wh_server *s, struct wh_conn *c);
/* True if a line a peer caused may be logged now; *ret_suppressed how many were not since the
 * last. */
bool wh_server_may_log(struct wh_server *s, unsigned *ret_suppressed);

/* conn.c */
/* Takes over fd. 0, or a fault after which fd is closed. */
WH_MUST_USE int wh_conn_new(struct wh_server *s, int fd, const struct wh_peer *peer);
/* Nothing more is read; closed once all is sent. */
void wh_conn_drain(struct wh_conn *c);
void wh_conn_close(struct wh_conn *c);
/* After anything that may have changed what c can do: sends, takes requests that wait, reads on
 * or stops, closes. */
void wh_conn_go_on(struct wh_conn *c);
/* A call of it was parked. */
void wh_conn_parked(struct wh_server *s, struct wh_ticket t);

/* conn_again.c */
/* Answers what a peer asks as soon as it is answered. alone: the only one that was settled;
 * NULL if there is none. */
void wh_conn_again(struct wh_server *s, struct wh_conn *alone);

/* conn_in.c */
/* May another request be taken now? */
bool wh_conn_may_take(const struct wh_conn *c);
/* What was read and not taken is known to be the beginning of a request. */
bool wh_conn_is_partial(const struct wh_conn *c);
/* Are there requests that were read and may not be taken yet? */
bool wh_conn_has_waiting(const struct wh_conn *c);
/* Takes of them what may be taken. */
void wh_conn_take_waiting(struct wh_conn *c);
/* n bytes came: at the end of `in` if it held some already, else at p. */
void wh_conn_take_bytes(struct wh_conn *c, const char *p, size_t n);

/* conn_out.c */
size_t wh_conn_unsent(const struct wh_conn *c);
/* True if more may be gathered; a peer with more than out_max unsent is doomed instead. */
bool wh_conn_has_room(struct wh_conn *c);
/* Sends what it can without waiting; closes c if the peer is gone. */
void wh_conn_flush(struct wh_conn *c);
/* Is it time to give up on a peer that does not read? */
bool wh_conn_has_stalled(struct wh_conn *c);
