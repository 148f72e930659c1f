/* SPDX-License-Identifier: MIT */
/*
 * The log of the requests to the simulated API, and the counts.
 *
 * An entry is made when a request was read, and settled when its reply is
 * decided, before the first byte of it is sent.  Belongs to the simulator's
 * state; every call needs its lock.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/whsim/reply.h"
#include "tests/whsim/request.h"

enum { WH_LOG_BODY_MAX = 8192, WH_LOG_ENTRIES_MAX = 100000 };

/* Methods that are counted apart. */
enum wh_log_method { LOG_GET, LOG_POST, LOG_PATCH, LOG_DELETE, LOG_OTHER, WH_LOG_METHODS };

struct wh_log_count {
	uint64_t requests;
	uint64_t executed;
};

struct wh_log_entry;

struct wh_log {
	struct wh_log_entry *entries; /* the newest ones, in order */
	size_t count;
	size_t cap;
	uint64_t last; /* number of the newest entry; the first has 1 */
	uint64_t epoch;
	uint64_t done; /* requests that are over, since the log was cleared */
	int64_t started_ms;
	struct wh_log_count counts[WH_LOG_METHODS];
};

void wh_log_init(struct wh_log *log, int64_t started_ms);
void wh_log_fini(struct wh_log *log);

/* Forgets entries and counts; numbers begin with 1 again. */
void wh_log_clear(struct wh_log *log);

/* Makes the entry of a request; `key` is its number or -1. */
void wh_log_arrive(struct wh_log *log, struct wh_request *req, int key);

/* Names the fault that was done to a request; later ones follow after "+". */
void wh_log_fault(struct wh_log *log, struct wh_log_ref ref, const char *name);

/* Notes what was decided; `status` 0 = no reply is sent. */
void wh_log_settle(struct wh_log *log, struct wh_log_ref ref, int status,
		   const struct wh_reply *reply);

/* Counts one execution of a request. */
void wh_log_executed(struct wh_log *log, const struct wh_request *req);

/* Notes what an execution after the reply has changed. */
void wh_log_changed_late(struct wh_log *log, struct wh_log_ref ref, size_t changed);

/* Notes that the connection is through with the request. */
void wh_log_done(struct wh_log *log, struct wh_log_ref ref);

/* Returns the number of the method by its name; all others are LOG_OTHER. */
enum wh_log_method wh_log_method(const char *name);

/* Returns {"next", "entries"} as new JSON: those after `since`, at most
 * `limit`. */
json_t *wh_log_print(const struct wh_log *log, uint64_t since, uint64_t limit);

/* Returns method -> {"requests", "executed"} as a new object. */
json_t *wh_log_print_counts(const struct wh_log *log);
