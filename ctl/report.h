/* SPDX-License-Identifier: MIT */
/*
 * Errors to standard error: for people two lines (what happened, what to do
 * next), for programs one JSON object. Returns are exit statuses.
 */
#pragma once

#include "proto/rpc.h"

enum wh_exit {
	WH_EXIT_OK = 0,
	WH_EXIT_NEGATIVE = 1,
	WH_EXIT_USAGE = 2,
	WH_EXIT_NOT_FOUND = 3,
	WH_EXIT_REJECTED = 4,
	WH_EXIT_UNREACHABLE = 5,
	WH_EXIT_TIMEOUT = 6,
	WH_EXIT_PARTLY = 7,
	WH_EXIT_NOT_PERMITTED = 8,
	WH_EXIT_OTHER = 9,
	WH_EXIT_INTERRUPTED = 130,
};

/* What went wrong. hint may be empty: then the code's own is used. */
struct wh_problem {
	const char *code;
	struct wh_str message;
	struct wh_str hint;
};

/* The exit status of a code; WH_EXIT_OTHER for one nobody knows. */
int wh_exit_of(const char *code);
/* The hint of a code; "" if there is none. */
const char *wh_hint_of(const char *code);
/* Prints p and returns the exit status of its code. */
int wh_report(const struct wh_problem *p, bool as_json);
/* Appends p as the members code, message and hint (they are three). */
void wh_problem_pack(struct wh_buf *b, const struct wh_problem *p);
/* Prints {"error": the map encoded in error}. */
void wh_report_packed(struct wh_str error);
