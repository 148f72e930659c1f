/* SPDX-License-Identifier: MIT */
/*
 * How each kind of waiting call is looked at: is what it waits for so, and
 * what is the answer. The functions stand with the methods they belong to;
 * waits.c calls them. Loop thread only.
 */
#pragma once

#include "daemon/waits.h"

struct wh_wait_answer {
	bool settled;       /* there is an answer: */
	enum wh_error code; /* NONE: result holds one object; else the error */
	char sentence[320]; /* of the error */
	struct wh_buf result;
};

/* time_is_up: settle it whatever is so. They only read. */
typedef void wh_wait_look(struct whd *d, const struct wh_wait *wait, bool time_is_up,
			  struct wh_wait_answer *ret);

wh_wait_look wh_wait_look_op;     /* on_wait.c */
wh_wait_look wh_wait_look_whd;    /* on_wait.c */
wh_wait_look wh_wait_look_list;   /* on_wait.c */
wh_wait_look wh_wait_look_events; /* on_events.c */
wh_wait_look wh_wait_look_probe;  /* on_wait.c */

WH_PRINTF(3, 4)
void wh_wait_fail(struct wh_wait_answer *a, enum wh_error code, const char *fmt, ...);
/* The error for a fault of the store. */
void wh_wait_fault(struct wh_wait_answer *a, int fault);
