/* SPDX-License-Identifier: MIT */
/*
 * The operations in the pump's hands, found by their sequence numbers, and how
 * many of them are how far. Of the pump; loop thread only.
 */
#pragma once

#include "daemon/clock.h"
#include "daemon/core/norm.h"
#include "daemon/core/op.h"
#include "daemon/core/sched.h"

/* Marked, or with an outcome that is being flushed: from so many on none is begun. More than
 * WH_AHEAD_MAX and [queue] concurrency, which is at most 64, together. */
#define FLIGHTS_MAX (2 * WH_AHEAD_MAX + 32u)
#define FLIGHT_CHAINS 512u

enum flight_phase {
	FLIGHT_MARKING, /* SENDING or CHECKING is being flushed */
	FLIGHT_READY,   /* it is flushed, and waits for a connection until `until` */
	FLIGHT_CHECK,   /* the row is being read */
	FLIGHT_WIRE,    /* the request is out */
	/* from here on it occupies no connection */
	FLIGHT_RESULT, /* the outcome is being flushed */
	FLIGHT_COOL,   /* nothing came of it: not again before `until` */
	FLIGHT_PHASES,
};

/* An operation in the pump's hands. */
struct flight {
	uint64_t seq;
	enum wh_op_kind kind;
	enum flight_phase phase; /* set by wh_flights_turn() */
	struct wh_create_keys keys;
	uint32_t bytes; /* of the operation */
	struct wh_now began;
	struct wh_mono until;
	uint16_t next; /* of its chain */
};

struct flights {
	struct flight at[FLIGHTS_MAX]; /* in no order; one moves when another is dropped */
	uint32_t n;
	uint32_t in[FLIGHT_PHASES]; /* how many of them are */
	uint64_t bytes;             /* of those that occupy a connection */
	uint16_t chain[FLIGHT_CHAINS];
};

void wh_flights_init(struct flights *s);
/* NULL: it is not in the pump's hands. */
struct flight *wh_flights_find(struct flights *s, uint64_t seq);
/* There must be room, and none with its number. */
void wh_flights_add(struct flights *s, const struct flight *f);
void wh_flights_turn(struct flights *s, struct flight *f, enum flight_phase phase);
void wh_flights_drop(struct flights *s, struct flight *f);

/* It occupies a connection now, or will when its mark is flushed. */
static inline bool
wh_flight_is_busy(enum flight_phase phase)
{
	return phase < FLIGHT_RESULT;
}

/* How many do. */
static inline uint32_t
wh_flights_busy(const struct flights *s)
{
	return s->n - s->in[FLIGHT_RESULT] - s->in[FLIGHT_COOL];
}
