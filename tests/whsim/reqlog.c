/* SPDX-License-Identifier: MIT */
/*
 * The log of the requests to the simulated API: see reqlog.h.
 *
 * Written by the connections' threads and the late thread, read by the
 * control verbs, all with the simulator's lock held.  It never holds a key:
 * only the key's number is passed in.
 */
#include "tests/whsim/reqlog.h"

#include <stdlib.h>
#include <string.h>

#include "tests/whsim/clock.h"
#include "tests/whsim/mem.h"

struct wh_log_entry {
	uint64_t n;
	int64_t at_ms;
	int64_t wall_ms;
	uint64_t conn;
	uint64_t conn_req;
	char *method;
	char *path;
	char *query;
	char *whid;
	char *headers[WH_REQUEST_HEADER_COUNT];
	struct wh_buf body;
	struct wh_buf fault;
	int key;
	int status;
	uint64_t executed_n;
	size_t rows;
	size_t changed;
	bool done;
};

static const char *const log_methods[WH_LOG_METHODS] = {
	[LOG_GET] = "GET",       [LOG_POST] = "POST",   [LOG_PATCH] = "PATCH",
	[LOG_DELETE] = "DELETE", [LOG_OTHER] = "other",
};

enum wh_log_method
wh_log_method(const char *name)
{
	for (unsigned i = 0; i < LOG_OTHER; i++) {
		if (!strcmp(log_methods[i], name))
			return (enum wh_log_method)i;
	}
	return LOG_OTHER;
}

static void
entry_free(struct wh_log_entry *entry)
{
	free(entry->method);
	free(entry->path);
	free(entry->query);
	free(entry->whid);
	for (size_t i = 0; i < WH_REQUEST_HEADER_COUNT; i++)
		free(entry->headers[i]);
	wh_buf_free(&entry->body);
	wh_buf_free(&entry->fault);
}

void
wh_log_init(struct wh_log *log, int64_t started_ms)
{
	*log = (struct wh_log){.started_ms = started_ms};
}

void
wh_log_clear(struct wh_log *log)
{
	for (size_t i = 0; i < log->count; i++)
		entry_free(&log->entries[i]);
	log->count = 0;
	log->last = 0;
	log->done = 0;
	log->epoch++;
	memset(log->counts, 0, sizeof(log->counts));
}

void
wh_log_fini(struct wh_log *log)
{
	wh_log_clear(log);
	free(log->entries);
	log->entries = NULL;
	log->cap = 0;
}

/* Drops the older half when the log is full. */
static void
log_make_room(struct wh_log *log)
{
	size_t drop = log->count / 2;

	if (log->count < log->cap)
		return;
	if (log->cap < WH_LOG_ENTRIES_MAX) {
		log->cap = log->cap ? log->cap * 2 : 64;
		log->entries = wh_mem_resize(log->entries, log->cap * sizeof(*log->entries));
		return;
	}
	for (size_t i = 0; i < drop; i++)
		entry_free(&log->entries[i]);
	log->count -= drop;
	memmove(log->entries, log->entries + drop, log->count * sizeof(*log->entries));
}

static struct wh_log_entry *
log_find(struct wh_log *log, struct wh_log_ref ref)
{
	uint64_t first = log->last - log->count + 1;

	if (ref.epoch != log->epoch || ref.n < first || ref.n > log->last)
		return NULL;
	return &log->entries[ref.n - first];
}

void
wh_log_arrive(struct wh_log *log, struct wh_request *req, int key)
{
	struct wh_log_entry *entry;
	size_t body = req->body.len;

	log_make_room(log);
	entry = &log->entries[log->count++];
	*entry = (struct wh_log_entry){
		.n = ++log->last,
		.at_ms = wh_clock_mono_ms() - log->started_ms,
		.wall_ms = wh_clock_wall_ms(),
		.conn = req->conn,
		.conn_req = req->conn_req,
		.method = wh_mem_text(req->method),
		.path = wh_mem_text(req->path),
		.query = wh_mem_text(req->query),
		.whid = wh_mem_text(req->whid),
		.key = key,
	};
	for (size_t i = 0; i < WH_REQUEST_HEADER_COUNT; i++)
		entry->headers[i] = wh_mem_text(req->headers[i]);
	wh_buf_add(&entry->body, req->body.data,
		   body < WH_LOG_BODY_MAX ? body : WH_LOG_BODY_MAX);
	log->counts[wh_log_method(req->method)].requests++;
	req->log = (struct wh_log_ref){.epoch = log->epoch, .n = entry->n};
}

void
wh_log_fault(struct wh_log *log, struct wh_log_ref ref, const char *name)
{
	struct wh_log_entry *entry = log_find(log, ref);

	if (!entry)
		return;
	if (entry->fault.len)
		wh_buf_text(&entry->fault, "+");
	wh_buf_text(&entry->fault, name);
}

void
wh_log_settle(struct wh_log *log, struct wh_log_ref ref, int status,
	      const struct wh_reply *reply)
{
	struct wh_log_entry *entry = log_find(log, ref);

	if (!entry)
		return;
	entry->status = status;
	entry->rows = reply->rows;
	entry->changed = reply->changed;
}

void
wh_log_executed(struct wh_log *log, const struct wh_request *req)
{
	struct wh_log_entry *entry = log_find(log, req->log);

	if (!entry)
		return;
	entry->executed_n++;
	log->counts[wh_log_method(req->method)].executed++;
}

void
wh_log_changed_late(struct wh_log *log, struct wh_log_ref ref, size_t changed)
{
	struct wh_log_entry *entry = log_find(log, ref);

	if (entry)
		entry->changed += changed;
}

void
wh_log_done(struct wh_log *log, struct wh_log_ref ref)
{
	struct wh_log_entry *entry = log_find(log, ref);

	if (!entry || entry->done)
		return;
	entry->done = true;
	log->done++;
}

/* What a peer sent need not be text; what JSON cannot carry becomes "?". */
static json_t *
lossy_text(const char *text, size_t len)
{
	json_t *out = json_stringn(text, len);
	char *copy;

	if (out)
		return out;
	copy = wh_mem_copy(text, len);
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)copy[i] >= 0x80)
			copy[i] = '?';
	}
	out = json_stringn(copy, len);
	free(copy);
	return out;
}

static json_t *
lossy_or_null(const char *text)
{
	return text ? lossy_text(text, strlen(text)) : json_null();
}

/* A body cut at its maximum must not end inside a character. */
static size_t
whole_characters(const struct wh_buf *body)
{
	size_t len = body->len;

	if (len < WH_LOG_BODY_MAX)
		return len;
	while (len && ((unsigned char)body->data[len - 1] & 0xc0) == 0x80)
		len--;
	if (len && (unsigned char)body->data[len - 1] >= 0xc0)
		len--;
	return len;
}

static json_t *
entry_headers(const struct wh_log_entry *entry)
{
	json_t *out = json_object();

	for (size_t i = 0; i < WH_REQUEST_HEADER_COUNT; i++) {
		if (entry->headers[i])
			json_object_set_new(out, wh_request_header_names[i],
					    lossy_or_null(entry->headers[i]));
	}
	return out;
}

static json_t *
entry_print(const struct wh_log_entry *entry)
{
	json_t *out = json_pack("{s:I, s:I, s:I, s:I, s:I}", "n", (json_int_t)entry->n, "at_ms",
				(json_int_t)entry->at_ms, "wall_ms", (json_int_t)entry->wall_ms,
				"conn", (json_int_t)entry->conn, "conn_req",
				(json_int_t)entry->conn_req);

	json_object_set_new(out, "method", lossy_or_null(entry->method));
	json_object_set_new(out, "path", lossy_or_null(entry->path));
	json_object_set_new(out, "query", lossy_or_null(entry->query));
	json_object_set_new(out, "whid", lossy_or_null(entry->whid));
	json_object_set_new(out, "key", json_integer(entry->key));
	json_object_set_new(out, "status", json_integer(entry->status));
	json_object_set_new(out, "executed", json_boolean(entry->executed_n));
	json_object_set_new(out, "executed_n", json_integer((json_int_t)entry->executed_n));
	json_object_set_new(out, "fault",
			    json_string(entry->fault.data ? entry->fault.data : ""));
	json_object_set_new(out, "body",
			    lossy_text(entry->body.data, whole_characters(&entry->body)));
	json_object_set_new(out, "headers", entry_headers(entry));
	json_object_set_new(out, "reply_rows", json_integer((json_int_t)entry->rows));
	json_object_set_new(out, "rows_changed", json_integer((json_int_t)entry->changed));
	json_object_set_new(out, "done", json_boolean(entry->done));
	return out;
}

json_t *
wh_log_print(const struct wh_log *log, uint64_t since, uint64_t limit)
{
	json_t *entries = json_array();
	uint64_t next = since < log->last ? since : log->last;

	for (size_t i = 0; i < log->count && limit; i++) {
		const struct wh_log_entry *entry = &log->entries[i];

		if (entry->n <= since)
			continue;
		json_array_append_new(entries, entry_print(entry));
		next = entry->n;
		limit--;
	}
	return json_pack("{s:I, s:o}", "next", (json_int_t)next, "entries", entries);
}

json_t *
wh_log_print_counts(const struct wh_log *log)
{
	json_t *out = json_object();

	for (size_t i = 0; i < WH_LOG_METHODS; i++)
		json_object_set_new(out, log_methods[i],
				    json_pack("{s:I, s:I}", "requests",
					      (json_int_t)log->counts[i].requests, "executed",
					      (json_int_t)log->counts[i].executed));
	return out;
}
