/* SPDX-License-Identifier: MIT */
/*
 * The log: one line per change of state, logfmt on stderr ("level group
 * message k=v ..."), JSON, or the journal with fields. Values are escaped so
 * that a line stays one line. Keys whid, op, call, conn repeat, so that one
 * grep tells a life story. Any thread; never blocks for long; never prints a
 * subscription key (nobody hands it one).
 *
 * The log is the one piece of process-wide state in whd.
 */
#pragma once

#include "proto/buf.h"

enum wh_log_level { WH_LOG_ERROR, WH_LOG_WARNING, WH_LOG_INFO, WH_LOG_DEBUG };
enum wh_log_format { WH_LOG_AUTO, WH_LOG_LOGFMT, WH_LOG_JSON, WH_LOG_JOURNAL };

void wh_log_open(enum wh_log_format format, enum wh_log_level level);
void wh_log_set_level(enum wh_log_level level);
enum wh_log_level wh_log_get_level(void);
bool wh_log_level_parse(struct wh_str s, enum wh_log_level *ret);
const char *wh_log_level_str(enum wh_log_level level);

/*
 * group: a short module name ("sync", "queue", "http", "conn", ...). fmt makes
 * "key=value key=value" pairs, values with spaces quoted by the caller through
 * WH_LOGQ, or is WH_LOG_PLAIN for none. Example:
 *   wh_log(WH_LOG_INFO, "sync", "list applied", "rows=%zu added=%zu", n, a);
 */
#define WH_LOG_PLAIN "%s", "" /* an empty format is a warning of the compiler */
/* What is made of the values costs nothing while the level is off. */
#define wh_log(level, ...)                                                                     \
	((level) <= wh_log_get_level() ? wh_log_write((level), __VA_ARGS__) : (void)0)
WH_PRINTF(4, 5)
void wh_log_write(enum wh_log_level level, const char *group, const char *msg, const char *fmt,
		  ...);
/* Copies s for a log value: control bytes and quotes escaped, at most cap - 1 bytes. */
const char *wh_log_quote(struct wh_str s, char *out, size_t cap);
#define WH_LOGQ(s) wh_log_quote((s), (char[256]){0}, 256)
