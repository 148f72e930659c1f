/* SPDX-License-Identifier: MIT */
/*
 * One run of whctl: the command line, the way out, the connection. Verbs take
 * it and return an exit status; whoever finds a problem reports it, once.
 */
#pragma once

#include "ctl/cli.h"
#include "ctl/out.h"
#include "ctl/report.h"
#include "proto/client/whclient.h"

#define WH_CTL_TIMEOUT 10000 /* ms for an answer */
#define WH_CTL_WAIT 30000    /* ms for what a waiting verb waits for */
#define WH_CTL_ROUND 300000  /* ms whd parks one call at most */
#define WH_CTL_LONG 1800000  /* ms for what reads the whole store */

struct wh_ctl {
	struct wh_cli cli;
	struct wh_out out;
	struct whc *client; /* NULL until the first call */
	int signal_fd;      /* readable after Ctrl-C; -1 = none */
	bool as_json;       /* errors as JSON */
	bool notes;         /* a person reads standard error */
	int64_t timeout;    /* --timeout, -1 = not given */
	int64_t wait;       /* --wait, -1 = do not wait */
	size_t queued;      /* changes that were queued ... */
	char queued_op[64]; /* ... and the operation of the last */
};

/*
 * Runs a command line. ctl holds the way out (out.file, out.terminal), the
 * signal descriptor, and -1 for timeout and wait. Returns the exit status;
 * nothing is left open.
 */
int wh_ctl_run(struct wh_ctl *ctl, int argc, char *const *argv);
/* Reports a problem of our own (a code of codes.def); returns its exit status. */
WH_PRINTF(3, 4) int wh_ctl_fail(struct wh_ctl *ctl, const char *code, const char *fmt, ...);
/* Reports why the last call failed; returns the exit status of it. */
int wh_ctl_report(struct wh_ctl *ctl);
/* What wh_ctl_report would report, its texts in b. */
struct wh_problem wh_ctl_problem(struct wh_ctl *ctl, struct wh_buf *b);

/*
 * Calls a method; connects if that was not done yet. params is an encoded map.
 * 0, or a negative enum whc_fault: nothing is reported yet. timeout_ms -1 =
 * the usual one.
 */
WH_MUST_USE int wh_ctl_try(struct wh_ctl *ctl, const char *method, struct wh_str params,
			   int64_t timeout_ms, struct whc_object **ret);
/* The same, but reports; 0 or an exit status. */
WH_MUST_USE int wh_ctl_call(struct wh_ctl *ctl, const char *method, struct wh_str params,
			    int64_t timeout_ms, struct whc_object **ret);
/* Connects if that was not done yet. 0, or a negative enum whc_fault. */
WH_MUST_USE int wh_ctl_open(struct wh_ctl *ctl);
/* Adds the parameters of the verb by its words and options; name:NAME may stand
 * for the whid in an option. 0 or an exit status. */
WH_MUST_USE int wh_ctl_params(struct wh_ctl *ctl, struct wh_params *p);
/* Decodes a result for the printers. 0 or an exit status. */
WH_MUST_USE int wh_ctl_decode(struct wh_ctl *ctl, const struct whc_object *o,
			      struct wh_tree *ret);
/* Prints a result as one record. 0 or an exit status. */
WH_MUST_USE int wh_ctl_show(struct wh_ctl *ctl, enum wh_result_shape shape,
			    const struct whc_object *o);
/* The same of a record that is decoded already. */
WH_MUST_USE int wh_ctl_show_record(struct wh_ctl *ctl, enum wh_result_shape shape,
				   const msgpack_object *record);
/* A remark for people on standard error; nothing when a program reads it. */
WH_PRINTF(2, 3) void wh_ctl_note(const struct wh_ctl *ctl, const char *fmt, ...);
/* One for programs too, silent only with --quiet. */
WH_PRINTF(2, 3) void wh_ctl_warn(const struct wh_ctl *ctl, const char *fmt, ...);
/* Keeps in mind that a change was queued; op is what whd answered. */
void wh_ctl_note_queued(struct wh_ctl *ctl, const struct whc_object *op);
/* True if the last failed call failed with whd's error `code`. */
bool wh_ctl_failed_with(const struct wh_ctl *ctl, const char *code);
/* Waits ms; false if Ctrl-C came first. */
bool wh_ctl_pause(const struct wh_ctl *ctl, int64_t ms);
int64_t wh_ctl_now(void);      /* monotonic ms */
int64_t wh_ctl_wall_now(void); /* ms since 1970 */

/* "name:NAME" to the whid of the one webhook with that name, written to b (which
 * ends with NUL then); any other word to itself. 0 or an exit status. */
WH_MUST_USE int wh_ctl_whid(struct wh_ctl *ctl, const char *word, struct wh_buf *b,
			    const char **ret);

/* ---- the verbs; each returns an exit status ---- */

int wh_run_call(struct wh_ctl *ctl); /* any method whose result is only shown */
int wh_run_list(struct wh_ctl *ctl);
int wh_run_queue_get(struct wh_ctl *ctl);
int wh_run_sync(struct wh_ctl *ctl);
int wh_run_probe(struct wh_ctl *ctl);
int wh_run_backup(struct wh_ctl *ctl);
int wh_run_check(struct wh_ctl *ctl);
int wh_run_rpc(struct wh_ctl *ctl);
int wh_run_create(struct wh_ctl *ctl);
int wh_run_update(struct wh_ctl *ctl);
int wh_run_delete(struct wh_ctl *ctl);
int wh_run_op(struct wh_ctl *ctl); /* retry, cancel, hold, release, resolve */
int wh_run_queue_wait(struct wh_ctl *ctl);
int wh_run_wait(struct wh_ctl *ctl);
int wh_run_watch(struct wh_ctl *ctl);
int wh_run_status(struct wh_ctl *ctl);
int wh_run_help(struct wh_ctl *ctl);
int wh_run_version(struct wh_ctl *ctl);
int wh_run_completion(struct wh_ctl *ctl);

/* Prints the help of a verb. */
void wh_help_verb(FILE *file, const struct wh_verb *v);
/* Prints the help the words ask for: all, a group, a verb. 0 or an exit status. */
int wh_help_words(struct wh_ctl *ctl, const char *const *words, size_t n);
/* Prints what the last word may be completed to, one a line; argv[0] is none. */
int wh_complete(int argc, char *const *argv);
