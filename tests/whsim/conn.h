/* SPDX-License-Identifier: MIT */
/*
 * The open connections to the simulated API.
 *
 * Numbered in the order in which they came, so that the log shows which were
 * reused, and breakable from outside.  Belongs to the simulator's state;
 * every call needs its lock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wh_conn {
	struct wh_conn *prev;
	struct wh_conn *next;
	int fd; /* owned by libmicrohttpd, open as long as this struct lives */
	uint64_t number;
	uint64_t requests;
	bool busy; /* a request has begun and is not over */
};

struct wh_conns {
	struct wh_conn *first;
	uint64_t numbered;
	size_t count;
};

/* Registers a connection; release it with wh_conn_end. */
struct wh_conn *wh_conn_begin(struct wh_conns *conns, int fd);
void wh_conn_end(struct wh_conns *conns, struct wh_conn *conn);

/* Sends a text past libmicrohttpd. */
void wh_conn_say(const struct wh_conn *conn, const char *text);

/* Sends a TCP reset at once; the descriptor stays open for its owner. */
void wh_conn_reset(const struct wh_conn *conn);

/* Resets every connection. */
void wh_conns_reset(const struct wh_conns *conns);

/* Ends every connection without a request in an orderly way; counts them. */
size_t wh_conns_close_idle(const struct wh_conns *conns);

/* True if the other side has closed or reset the connection. */
bool wh_conn_is_gone(const struct wh_conn *conn);
