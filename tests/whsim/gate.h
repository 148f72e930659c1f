/* SPDX-License-Identifier: MIT */
/*
 * The gateway in front of the simulated API: keys, rate limit, quota.
 *
 * Answers in the words of Azure API Management.  Belongs to the simulator's
 * state; every call that takes the gate needs its lock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/whsim/reply.h"

enum { WH_GATE_KEYS_MAX = 64 };

/* Keys are never forgotten, so that a key has one number for ever. */
struct wh_gate_key {
	char *text;
	bool valid;
};

struct wh_gate_limit {
	int64_t calls; /* in a window; -1 = no limit */
	int64_t window_ms;
	int64_t window_start_ms;
	int64_t used;
};

struct wh_gate {
	struct wh_gate_key keys[WH_GATE_KEYS_MAX];
	size_t key_count;
	struct wh_gate_limit rate;
	struct wh_gate_limit quota;
	const char *retry_after; /* name of the header; borrowed */
};

/* Texts the gateway may answer with, without any condition. */
enum wh_gate_text {
	GATE_KEY_MISSING,
	GATE_KEY_INVALID,
	GATE_NO_ROUTE,
	GATE_FORBIDDEN,
	GATE_BACKEND_TIMEOUT,
};

void wh_gate_init(struct wh_gate *gate, const char *retry_after);
void wh_gate_fini(struct wh_gate *gate);

/*
 * Makes `keys`, and no others, valid.  Returns 0, or -ENOSPC if more keys
 * than WH_GATE_KEYS_MAX were ever named.
 */
int wh_gate_set_keys(struct wh_gate *gate, const char *const *keys, size_t count);

/* Returns the number of the key, valid or not, or -1 if it is not known. */
int wh_gate_key_number(const struct wh_gate *gate, const char *key);

/* Starts a new window; `calls` -1 takes the limit away. */
void wh_gate_limit_set(struct wh_gate_limit *limit, int64_t calls, int64_t window_ms,
		       int64_t now_ms);

/*
 * Checks the key, then counts the call against rate and quota.  Returns true
 * if the request may pass, else fills `ret_reply`.
 */
bool wh_gate_admit(struct wh_gate *gate, const char *key, int64_t now_ms,
		   struct wh_reply *ret_reply);

/* The fixed answers. */
void wh_gate_refuse(struct wh_reply *reply, enum wh_gate_text text);

/* 429; `seconds` go into the sentence and the header, if one is named. */
void wh_gate_refuse_rate(struct wh_reply *reply, const char *header, int64_t seconds);

/* 403 out of quota; `period` like "5.03:23:11" goes into the sentence. */
void wh_gate_refuse_quota(struct wh_reply *reply, const char *header, const char *period,
			  int64_t seconds);
