/* SPDX-License-Identifier: MIT */
/*
 * The text of one log line in each form. log.c's own; pure, any thread. The
 * journal's form is made by log.c itself from the same fields.
 */
#pragma once

#include "daemon/core/instant.h"
#include "daemon/log.h"

struct wh_log_line {
	enum wh_log_level level;
	const char *group;
	const char *msg;
	struct wh_str fields;     /* "k=v k=v", values quoted where needed */
	const struct wh_wall *at; /* NULL: no time in the line */
};

/* Cuts the next k=v off *rest; false at the end. *ret_value is as written, quotes included. */
bool wh_log_next_field(struct wh_str *rest, struct wh_str *ret_key, struct wh_str *ret_value);
/* Appends value without its quotes; "\x1b" and the like stay as they are. */
void wh_log_unquote(struct wh_buf *out, struct wh_str value);

/* Each appends one line with its line break, free of any other control byte. */
void wh_log_line_logfmt(struct wh_buf *out, const struct wh_log_line *l);
WH_MUST_USE int wh_log_line_json(struct wh_buf *out, const struct wh_log_line *l);
