/* SPDX-License-Identifier: MIT */
/*
 * libwhclient: what a local program needs to talk to whd.
 *
 * A handle (struct whc) is one connection. It belongs to one thread at a time
 * and to the process that opened it: after a fork the child gets WHC_EFORKED
 * and opens its own. Handles share nothing, so threads may have one each.
 * The library raises no signal, starts no thread and keeps no global state.
 *
 * Functions that return int return 0 when done and a negative enum whc_fault
 * otherwise; whc_error() then says more. Text is UTF-8. Times are int64_t
 * milliseconds since 1970 (UTC), durations and timeouts are milliseconds.
 *
 * Two ways to use a handle, which mix freely:
 *   blocking      whc_call() and everything built on it
 *   non-blocking  whc_fd(), whc_events(), whc_timeout() and whc_process() in
 *                 the caller's own event loop, calls by whc_call_async()
 *
 * The methods, their parameters and results are those of `whctl rpc
 * rpc.describe`; parameters are one MessagePack map.
 */
#ifndef WHCLIENT_H
#define WHCLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WHC_API __attribute__((visibility("default")))

#define WHC_SOCKET_DEFAULT "/run/whd/whd.sock"
#define WHC_NO_TIMEOUT INT64_MAX /* as timeout_ms: wait without limit */
#define WHC_REQUEST_ID_SIZE 37   /* text of a UUID and its NUL */

enum whc_fault {
	WHC_EANSWER = -1,      /* whd answered with an error: its code is in whc_error() */
	WHC_EUNREACHABLE = -2, /* whd cannot be reached; no request left whole */
	WHC_ELOST = -3,        /* the connection broke after sending, before the answer */
	WHC_ETIMEOUT = -4,     /* no answer in time; the work may go on */
	WHC_EPROTOCOL = -5,    /* the peer does not speak whd's protocol */
	WHC_ENOMEM = -6,       /* out of memory */
	WHC_EINVALID = -7,     /* the caller broke a rule of this header */
	WHC_EFORKED = -8,      /* the handle belongs to another process */
	WHC_ECANCELLED = -9,   /* the cancel descriptor became readable */
};

/* Why the last failing function of a handle failed. */
struct whc_error {
	int fault;           /* enum whc_fault; 0 = nothing failed so far */
	int errnum;          /* the errno behind UNREACHABLE and LOST, else 0 */
	const char *code;    /* whd's code as "NOT_FOUND", or the fault's as "UNREACHABLE" */
	const char *message; /* what happened and what to do next, one line */
};

/* Encoded MessagePack lent to a function for the time of its call. */
struct whc_bytes {
	const void *data;
	size_t size;
};

struct whc;
struct whc_object;

/* ---- handle ---- */

/*
 * Opens a connection to path; NULL means $WHD_SOCKET, or WHC_SOCKET_DEFAULT if
 * that is not set. flags must be 0. *ret is a handle also when this fails with
 * WHC_EUNREACHABLE: ask it for whc_error(), use it (each blocking call tries to
 * connect again) and close it. It is NULL only after WHC_ENOMEM, WHC_EINVALID.
 */
WHC_API int whc_open(struct whc **ret, const char *path, unsigned flags);
/*
 * Ends all calls that wait with WHC_ELOST, closes and frees. NULL is fine.
 * WHC_EINVALID, and nothing is closed, from within a callback of the handle.
 */
WHC_API int whc_close(struct whc *c);
/* Never NULL. Valid until the next function of the handle. */
WHC_API const struct whc_error *whc_error(const struct whc *c);
/* The path in use. Valid until whc_close(). */
WHC_API const char *whc_path(const struct whc *c);
/* What -1 as a call's timeout_ms means, and what connecting may take: 10 s. */
WHC_API int whc_set_timeout(struct whc *c, int64_t timeout_ms);
/*
 * While fd (an eventfd, a signalfd, a pipe) is readable, blocking functions end
 * with WHC_ECANCELLED; nothing is read from it. -1 = none. It stays the caller's.
 */
WHC_API int whc_set_cancel_fd(struct whc *c, int fd);

/* ---- calls ----
 *
 * Callbacks named *_done_fn and *_event_fn may queue further calls; a blocking
 * function called from within one returns WHC_EINVALID.
 */

/*
 * Calls a method and waits for its result. params is one map; size 0 stands
 * for an empty one. timeout_ms -1 means the handle's. *ret belongs to the
 * caller (whc_object_unref); ret may be NULL.
 *
 * A connection that breaks is opened again, with growing pauses, and the
 * request is repeated once, if that is harmless: the method only reads, the
 * parameters hold a request_id, or nothing was sent yet. Otherwise WHC_ELOST:
 * whether whd did it is not known.
 */
WHC_API int whc_call(struct whc *c, const char *method, struct whc_bytes params,
		     int64_t timeout_ms, struct whc_object **ret);

/* One item of a list; ref it to keep it. A result other than 0 ends the list and is handed on.
 */
typedef int whc_item_fn(struct whc *c, struct whc_object *item, void *arg);

/*
 * Calls a method that answers in pages (items, cursor) until the last page and
 * hands over each item. The callback may make other calls with the handle.
 */
WHC_API int whc_call_paged(struct whc *c, const char *method, struct whc_bytes params,
			   whc_item_fn *item, void *arg);

/* Draws a fresh id (UUIDv7) for the parameter request_id. */
WHC_API int whc_request_id(char ret[WHC_REQUEST_ID_SIZE]);

/* ---- webhooks ---- */

/* The documented members of a webhook; NULL = not given. */
struct whc_fields {
	size_t size; /* sizeof(struct whc_fields) */
	const char *whname;
	const char *whcomment;
	const char *applicationId;
	const char *municipalityId;
	const char *callbackUrl;
	const char *const *processes; /* ends with NULL */
};

/* Which webhooks to list: exact matches that must all hold; NULL = any. */
struct whc_filter {
	size_t size; /* sizeof(struct whc_filter) */
	const char *whname;
	const char *applicationId;
	const char *municipalityId;
	const char *callbackUrl;
	const char *process;
	int pending;        /* 1 with, -1 without queued changes, 0 any */
	int64_t max_age_ms; /* fail with STALE if the copy is older; 0 = any age */
};

/* A change of a webhook. */
struct whc_change {
	size_t size; /* sizeof(struct whc_change) */
	struct whc_fields set;
	const char *const *add_processes;    /* ends with NULL; NULL = none */
	const char *const *remove_processes; /* ends with NULL; NULL = none */
	const char *policy;                  /* NULL = whd's own */
	int64_t if_revision;                 /* -1 = whatever it is */
};

static inline struct whc_fields
whc_fields_init(void)
{
	struct whc_fields f;

	memset(&f, 0, sizeof(f));
	f.size = sizeof(f);
	return f;
}

static inline struct whc_filter
whc_filter_init(void)
{
	struct whc_filter f;

	memset(&f, 0, sizeof(f));
	f.size = sizeof(f);
	return f;
}

static inline struct whc_change
whc_change_init(void)
{
	struct whc_change ch;

	memset(&ch, 0, sizeof(ch));
	ch.size = sizeof(ch);
	ch.set = whc_fields_init();
	ch.if_revision = -1;
	return ch;
}

#define WHC_FORCE 1u /* delete even if others changed the webhook meanwhile */

/* Reads one webhook, queued changes included. */
WHC_API int whc_get(struct whc *c, const char *whid, struct whc_object **ret);
/* Hands over every webhook that filter lets through; NULL = all. */
WHC_API int whc_list(struct whc *c, const struct whc_filter *filter, whc_item_fn *item,
		     void *arg);
/*
 * Queue a change. *ret is the operation; once it is returned the change is on
 * disk and will be carried out. Each draws a request_id, so that repeating it
 * after a broken connection cannot queue the change twice.
 */
WHC_API int whc_create(struct whc *c, const struct whc_fields *fields, struct whc_object **ret);
WHC_API int whc_update(struct whc *c, const char *whid, const struct whc_change *change,
		       struct whc_object **ret);
WHC_API int whc_delete(struct whc *c, const char *whid, unsigned flags,
		       struct whc_object **ret);
/*
 * Waits until operation op has ended or needs a person, or timeout_ms is over.
 * *ret is the operation as it then is: look at its member state. If another one
 * carries it out in its place (into), that is waited for and is *ret.
 */
WHC_API int whc_wait(struct whc *c, const char *op, int64_t timeout_ms,
		     struct whc_object **ret);
WHC_API int whc_status(struct whc *c, struct whc_object **ret);

/* ---- events ---- */

/*
 * One event of the change log. NULL: the subscription ended, because the
 * connection did; subscribe again with the last revision and the instance.
 */
typedef void whc_event_fn(struct whc *c, struct whc_object *event, void *arg);

/*
 * Subscribes to the change log from revision since on (-1 = only what is new),
 * which instance belongs to (NULL if since is -1). *ret holds revision,
 * instance and, if there is a gap, reset: then list again. Events are handed
 * over from within whc_process(), whc_dispatch() and blocking calls. A handle
 * has one subscription; a new one replaces it. ret may be NULL.
 */
WHC_API int whc_subscribe(struct whc *c, int64_t since, const char *instance,
			  struct whc_object **ret);
/* Sets who is given the events: before whc_subscribe(). */
WHC_API int whc_on_event(struct whc *c, whc_event_fn *event, void *arg);
/*
 * Waits until something arrived and was handed over, or timeout_ms is over
 * (WHC_ETIMEOUT).
 */
WHC_API int whc_dispatch(struct whc *c, int64_t timeout_ms);

/* ---- event loops of others ---- */

/* The descriptor to poll, -1 if there is no connection. It changes whenever
 * the handle connects again. */
WHC_API int whc_fd(const struct whc *c);
/* What to poll it for: POLLIN, POLLOUT. Ask anew after each function. */
WHC_API short whc_events(const struct whc *c);
/* Milliseconds until whc_process() has to be called in any case; -1 = never. */
WHC_API int whc_timeout(const struct whc *c);
/*
 * Sends and receives what is possible without waiting, hands over results and
 * events, ends calls that ran out of time. After any fault but WHC_EINVALID and
 * WHC_EFORKED the connection is gone and all its calls were ended; whc_error()
 * says why, which may be what whd said last (WHC_EANSWER); whc_connect() opens
 * another.
 */
WHC_API int whc_process(struct whc *c);
/* Connects if there is no connection. May take the handle's timeout when whd
 * is too busy to accept. */
WHC_API int whc_connect(struct whc *c);

/*
 * The end of a call: fault is 0 and result is set, or result is NULL and
 * whc_error() says why. result belongs to the library: ref it to keep it.
 */
typedef void whc_done_fn(struct whc *c, int fault, struct whc_object *result, void *arg);

/*
 * Queues a request; the handle's timeout applies. If 0 is returned, done is
 * called exactly once, from whc_process() or another function that receives
 * or closes, never from here. Nothing is repeated by itself.
 */
WHC_API int whc_call_async(struct whc *c, const char *method, struct whc_bytes params,
			   whc_done_fn *done, void *arg);

/* ---- results ---- */

/*
 * A webhook, an operation, an event, a status: one decoded MessagePack object.
 * It never changes and may be read by any thread; text belongs to it. A path
 * names a member, deeper ones after dots, list items by number: "whname",
 * "_whd.revision", "processes.0"; NULL or "" is the object itself.
 */
WHC_API struct whc_object *whc_object_ref(struct whc_object *o);
/* Always returns NULL; NULL is fine. */
WHC_API struct whc_object *whc_object_unref(struct whc_object *o);
/* The object as encoded MessagePack; belongs to the object. */
WHC_API struct whc_bytes whc_object_bytes(const struct whc_object *o);
/* Text, ended by NUL; NULL if there is none. */
WHC_API const char *whc_str(const struct whc_object *o, const char *path);
/* A whole number; otherwise if there is none. */
WHC_API int64_t whc_int(const struct whc_object *o, const char *path, int64_t otherwise);
/* True only if the member is true. */
WHC_API bool whc_bool(const struct whc_object *o, const char *path);
/* Members of a map or items of a list; 0 for anything else. */
WHC_API size_t whc_count(const struct whc_object *o, const char *path);
/* True if the member is there and not nil. */
WHC_API bool whc_has(const struct whc_object *o, const char *path);

#ifdef __cplusplus
}
#endif
#endif
