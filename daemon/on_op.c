/* SPDX-License-Identifier: MIT */
/*
 * Handlers of queue.* and history.*: reading operations wherever they are
 * kept, and the admin's verbs, which are jobs. queue.wait is in on_wait.c.
 * Loop thread.
 */
#include "daemon/on_op.h"

#include <stdlib.h>

#include "daemon/apply.h"
#include "daemon/core/op_story.h"
#include "daemon/cursor.h"
#include "daemon/dispatch.h"
#include "daemon/page.h"
#include "daemon/pump.h"
#include "daemon/rules_now.h"
#include "daemon/writer.h"

#define LOOKS_MAX 4096u /* ended operations looked at for one page: some milliseconds */

/* -------------------------------------------------------------- find one -- */

static bool
goes_first(const struct wh_oprow *other, uint64_t seq)
{
	enum wh_op_state s = (enum wh_op_state)other->state;

	if (s == WH_OP_CHECKING || s == WH_OP_SENDING || s == WH_OP_UNKNOWN)
		return true;
	return other->seq < seq && wh_op_state_live(s);
}

/* Does another operation of its webhook go first? */
static bool
is_behind(const struct wh_view *v, const struct wh_oprow *row)
{
	uint64_t lane[WH_LANE_READ];
	struct wh_oprow other;
	size_t n = 0;

	if (wh_ops_lane(v, row->lane, lane, WH_LANE_READ, &n))
		return false;
	for (size_t i = 0; i < n; i++)
		if (lane[i] != row->seq && wh_ops_get(v, lane[i], &other) == 0 &&
		    goes_first(&other, row->seq))
			return true;
	return false;
}

static bool
is_there(const struct wh_view *v, struct wh_str lane)
{
	struct wh_row row;

	return wh_rows_get(v, lane, &row) == 0;
}

/* row: where it stands in the queue; NULL = it has ended. */
static int
pack_body(struct whd *d, struct wh_str body, const struct wh_oprow *row, bool full,
	  struct wh_buf *out)
{
	struct wh_op_around around = {0};
	struct wh_op op;
	int r = wh_op_decode(&op, body);

	if (r)
		return WH_ECORRUPT;
	if (full && row) {
		around.behind = is_behind(&d->view, row);
		around.like_another = op.kind == WH_OP_CREATE && op.state == WH_OP_QUEUED &&
				      !around.behind && row->due_at == WH_NOT_DUE;
		around.there = is_there(&d->view, row->lane);
		wh_pump_around(d->pump, &around);
	}
	wh_op_pack(out, &op, full ? &around : NULL);
	return out->fault;
}

int
wh_op_find_pack(struct whd *d, struct wh_str text, bool full, struct wh_buf *out)
{
	uint8_t id[WH_OP_ID];
	struct wh_oprow row;
	struct wh_past past;
	uint64_t seq;

	if (!wh_op_id_parse(text, id))
		return WH_EINVAL;

	int r = wh_ops_find(&d->view, id, &seq);

	if (r == 0)
		r = wh_ops_get(&d->view, seq, &row);
	if (r == 0)
		return pack_body(d, row.body, &row, full, out);
	if (r < 0)
		return r;
	r = wh_history_find(&d->view, id, &past);
	return r ? r : pack_body(d, past.body, NULL, full, out);
}

void
wh_op_refuse_id(struct wh_call *c)
{
	wh_call_fail(c, WH_ERR_INVALID_PARAM,
		     "op is not an operation id: give the text that create, update or delete "
		     "returned");
}

void
on_queue_get(struct wh_call *c, const struct wh_args_queue_get *a)
{
	struct wh_buf op = WH_BUF_NULL;
	int r = wh_op_find_pack(c->d, a->op, true, &op);

	if (r == 0)
		wh_buf_str(wh_call_result(c), wh_buf_view(&op));
	else if (r == WH_EINVAL)
		wh_op_refuse_id(c);
	else if (r == WH_ABSENT)
		wh_call_fail(c, WH_ERR_OP_NOT_FOUND,
			     "no operation has this id: list them with "
			     "queue.list or history.list");
	else
		wh_call_fail(c, r == WH_ECORRUPT ? WH_ERR_CORRUPT : WH_ERR_INTERNAL,
			     "the operation could not be read: %s", wh_fault_str(r));
	wh_buf_fini(&op);
}

/* ------------------------------------------------------------------ lists -- */

struct op_filter {
	bool has_state;
	enum wh_op_state state;
	char lane_room[WH_KEY_MAX];
	struct wh_str lane;  /* empty = all */
	struct wh_str local; /* history: the tmp_id of the lane's create, once it was met */
	int64_t since;       /* history: ended at or after; 0 = all */
	uint64_t hash;
};

static bool
filter_lane(struct wh_call *c, struct op_filter *f, struct wh_str whid)
{
	if (!wh_call_check_whid(c, whid))
		return false;
	f->lane = wh_key_fold(wh_lane_resolve(&c->d->view, whid), f->lane_room);
	f->hash = wh_cursor_filter(f->hash, "whid", f->lane);
	return true;
}

static bool
filter_state(struct wh_call *c, struct op_filter *f, struct wh_str name)
{
	if (!wh_op_state_parse(name, &f->state)) {
		wh_call_fail(c, WH_ERR_INVALID_PARAM,
			     "state is not a state: use queued, checking, sending, unknown, "
			     "conflict, held, dead, done, cancelled or superseded");
		return false;
	}
	f->has_state = true;
	f->hash = wh_cursor_filter(f->hash, "state", name);
	return true;
}

static int
next_live(struct whd *d, const struct op_filter *f, uint64_t after, uint64_t *ret_seq)
{
	uint64_t lane[WH_LANE_READ];
	size_t n = 0;
	int r;

	if (f->lane.n == 0)
		return f->has_state ? wh_ops_next_in_state(&d->view, (uint8_t)f->state, after,
							   ret_seq)
				    : wh_ops_next(&d->view, after, ret_seq);
	r = wh_ops_lane(&d->view, f->lane, lane, WH_LANE_READ, &n);
	for (size_t i = 0; r == 0 && i < n; i++)
		if (lane[i] > after) {
			*ret_seq = lane[i];
			return 0;
		}
	return r ? r : WH_ABSENT;
}

/* Ops that have not ended, in the order in which they were queued. */
static int
list_live(struct wh_call *c, const struct op_filter *f, struct wh_page *page, uint64_t after)
{
	struct whd *d = c->d;
	struct wh_oprow row;
	struct wh_op op;
	int r = 0;

	while (r == 0 && wh_page_room(page)) {
		uint64_t seq;
		char key[24];

		r = next_live(d, f, after, &seq);
		if (r == 0)
			r = wh_ops_get(&d->view, seq, &row);
		if (r)
			break;
		after = seq;
		if (wh_op_decode(&op, row.body) || (f->has_state && op.state != f->state))
			continue;
		snprintf(key, sizeof(key), "%llu", (unsigned long long)seq);
		wh_op_pack(wh_page_item(page, wh_str_c(key)), &op, NULL);
		if (!wh_page_keep(page))
			return 0;
	}
	wh_page_more(page, r == 0);
	return r < 0 ? r : 0;
}

/* What was joined with a create ended before it, when the webhook had its tmp_id alone. */
static void
note_create(struct op_filter *f, const struct wh_op *op)
{
	if (f->lane.n > 0 && op->tmp_id.n > 0 && !wh_str_eq(op->tmp_id, f->lane))
		f->local = op->tmp_id;
}

static int
next_past(struct whd *d, const struct op_filter *f, uint64_t before, struct wh_past *ret)
{
	if (f->lane.n > 0)
		return wh_history_before_in_lane(&d->view, before, f->lane, f->local, ret);
	if (f->has_state)
		return wh_history_before_in_state(&d->view, before, (uint8_t)f->state, ret);
	return wh_history_before(&d->view, before, ret);
}

#define PAST_KEY (24 + WH_TMP_ID)

/* The next page has to know the tmp_id, too. */
static struct wh_str
past_key(const struct op_filter *f, uint64_t end, char buf[PAST_KEY])
{
	int n = snprintf(buf, PAST_KEY, "%llu%s%.*s", (unsigned long long)end,
			 f->local.n ? "." : "", WH_STR_FMT(f->local));

	return wh_str(buf, (size_t)n);
}

/* Ended ops, newest first. */
static int
list_past(struct wh_call *c, struct op_filter *f, struct wh_page *page, uint64_t before)
{
	struct whd *d = c->d;
	unsigned looked = 0;
	char key[PAST_KEY];
	int r = 0;

	while (r == 0 && wh_page_room(page)) {
		struct wh_past past = {.end = before};
		struct wh_op op;

		if (looked++ == LOOKS_MAX) { /* the rest is left to the next page */
			wh_page_cut(page, past_key(f, before, key));
			return 0;
		}
		r = next_past(d, f, before, &past);
		if (r == WH_ECORRUPT && past.end < before) {
			before = past.end; /* one damaged entry hides no other */
			d->counters.rows_corrupt++;
			r = 0;
			continue;
		}
		if (r)
			break;
		before = past.end;
		if (past.ended_at < f->since) { /* all behind it ended earlier */
			r = WH_ABSENT;
			break;
		}
		if (wh_op_decode(&op, past.body))
			continue;
		note_create(f, &op);
		if (f->has_state && past.state != f->state)
			continue;
		wh_op_pack(wh_page_item(page, past_key(f, past.end, key)), &op, NULL);
		if (!wh_page_keep(page))
			return 0;
	}
	wh_page_more(page, r == 0);
	return r < 0 ? r : 0;
}

static bool
read_key(struct op_filter *f, struct wh_str key, uint64_t *ret)
{
	const char *dot = memchr(key.p, '.', key.n);
	size_t n = dot ? (size_t)(dot - key.p) : key.n;
	int64_t value;

	if (!wh_parse_i64(wh_str(key.p, n), 0, INT64_MAX, &value))
		return false;
	*ret = (uint64_t)value;
	if (dot)
		f->local = wh_str(dot + 1, key.n - n - 1);
	return !dot || wh_tmp_id_is(f->local);
}

/* *ret holds where to start without a cursor; a cursor (p NULL = none given) replaces it. */
static bool
start_of(struct wh_call *c, struct op_filter *f, struct wh_str cursor, uint64_t *ret)
{
	struct wh_str key;

	if (!cursor.p)
		return true;
	if (wh_cursor_read(cursor, f->hash, &key) && read_key(f, key, ret))
		return true;
	wh_call_fail(
		c, WH_ERR_INVALID_PARAM,
		"cursor belongs to another question: repeat the same filters, or start anew");
	return false;
}

static void
finish(struct wh_call *c, struct wh_page *page, int r)
{
	if (r)
		wh_call_fail(c, r == WH_ECORRUPT ? WH_ERR_CORRUPT : WH_ERR_INTERNAL,
			     "operations could not be read: %s", wh_fault_str(r));
	else
		wh_page_end(page, NULL);
	wh_page_fini(page);
}

void
on_queue_list(struct wh_call *c, const struct wh_args_queue_list *a)
{
	struct op_filter f = {.hash = wh_cursor_filter(0, "queue", WH_STR_NULL)};
	struct wh_page page;

	if (wh_has(a, queue_list, state) && !filter_state(c, &f, a->state))
		return;
	if (wh_has(a, queue_list, whid) && !filter_lane(c, &f, a->whid))
		return;

	bool past = f.has_state && wh_op_state_ended(f.state);
	uint64_t start = past ? UINT64_MAX : 0;

	if (!wh_page_begin(&page, c, wh_has(a, queue_list, limit), a->limit, f.hash) ||
	    !start_of(c, &f, a->cursor, &start))
		return;
	finish(c, &page,
	       past ? list_past(c, &f, &page, start) : list_live(c, &f, &page, start));
}

void
on_history_list(struct wh_call *c, const struct wh_args_history_list *a)
{
	struct op_filter f = {.hash = wh_cursor_filter(0, "history", WH_STR_NULL)};
	struct wh_page page;
	uint64_t start = UINT64_MAX;

	if (wh_has(a, history_list, whid) && !filter_lane(c, &f, a->whid))
		return;
	if (wh_has(a, history_list, since))
		f.since = a->since;
	f.hash = wh_cursor_filter(f.hash, "since",
				  wh_str((const char *)&f.since, sizeof(f.since)));
	if (!wh_page_begin(&page, c, wh_has(a, history_list, limit), a->limit, f.hash) ||
	    !start_of(c, &f, a->cursor, &start))
		return;
	finish(c, &page, list_past(c, &f, &page, start));
}

/* ------------------------------------------------------------------ verbs -- */

struct verb_call {
	struct wh_verb verb;
	const char *method;
	struct wh_ticket ticket;
};

static void
answer_verb(struct whd *d, struct verb_call *v, int fault)
{
	struct wh_buf map = WH_BUF_NULL;

	if (fault) {
		wh_server_fail(d->server, v->ticket,
			       fault == WH_ECORRUPT ? WH_ERR_CORRUPT : WH_ERR_INTERNAL,
			       "the change could not be stored: %s", wh_fault_str(fault));
	} else if (v->verb.refusal.code) {
		wh_server_fail(d->server, v->ticket, v->verb.refusal.code, "%.*s",
			       WH_STR_FMT(wh_buf_view(&v->verb.refusal.text)));
	} else if (v->verb.verb == WH_CMD_queue_flush) {
		wh_pack_map(&map, 1);
		wh_pack_kv_uint(&map, "due", v->verb.swept.n);
		wh_server_reply(d->server, v->ticket, wh_buf_view(&map));
	} else {
		wh_server_reply(d->server, v->ticket, wh_buf_view(&v->verb.op));
	}
	wh_buf_fini(&map);
}

/* What was done; not what was refused. */
static void
log_verb(const struct verb_call *v)
{
	const struct wh_verb *verb = &v->verb;

	if (verb->verb == WH_CMD_queue_flush)
		wh_log(WH_LOG_INFO, "queue", v->method, "uid=%u due=%llu", verb->uid,
		       (unsigned long long)verb->swept.n);
	else if (verb->refusal.code == WH_ERR_NONE)
		wh_log(WH_LOG_INFO, "queue", v->method,
		       "op=%s whid=%s uid=%u state=%s take=%s cascade=%d", verb->names.op,
		       WH_LOGQ(wh_str_c(verb->names.whid)), verb->uid,
		       wh_op_state_str(verb->state), WH_LOGQ(wh_buf_view(&verb->take)),
		       verb->cascade);
}

static void
verb_done(struct wh_job *job, struct whd *d, int fault)
{
	struct verb_call *v = (struct verb_call *)job;

	if (fault == 0 && v->verb.sweep.kind && !v->verb.swept.done) {
		v->verb.sweep = v->verb.swept;
		wh_writer_submit(d->writer, job);
		return;
	}
	if (fault == 0)
		log_verb(v);
	answer_verb(d, v, fault);
	if (v->verb.verb == WH_CMD_queue_flush || v->verb.verb == WH_CMD_queue_retry)
		wh_pump_hurry(d->pump);
	wh_verb_fini(&v->verb);
	free(v);
}

/* op may be empty for verbs on the whole queue. NULL after an answer was given. */
static struct verb_call *
new_verb(struct wh_call *c, struct wh_str op)
{
	struct verb_call *v = wh_xcalloc(1, sizeof(*v));

	if (op.n && !wh_op_id_parse(op, v->verb.id)) {
		wh_op_refuse_id(c);
		free(v);
		return NULL;
	}
	v->verb.job =
		(struct wh_job){.run = wh_verb_run, .done = verb_done, .class = WH_JOB_CONTROL};
	wh_rules_now(c->d, &v->verb.rules);
	v->verb.verb = c->cmd->id;
	v->method = c->cmd->method;
	v->verb.uid = c->peer->uid;
	v->verb.admin = c->peer->role == WH_ROLE_ADMIN;
	v->ticket = c->ticket;
	return v;
}

/* The answer is the whole operation. */
static void
foresee_answer(struct wh_call *c, struct verb_call *v)
{
	struct wh_oprow row;
	uint64_t seq;

	if (wh_ops_find(&c->d->view, v->verb.id, &seq) == 0 &&
	    wh_ops_get(&c->d->view, seq, &row) == 0)
		v->ticket.size += (uint32_t)row.body.n;
	c->ticket = v->ticket;
}

static void
submit(struct wh_call *c, struct verb_call *v)
{
	foresee_answer(c, v);
	wh_call_park(c);
	wh_writer_submit(c->d->writer, &v->verb.job);
}

static void
verb_on(struct wh_call *c, struct wh_str op, bool cascade)
{
	struct verb_call *v;

	if (op.n == 0) {
		wh_call_fail(c, WH_ERR_INVALID_PARAM, "op is empty: give an operation id");
		return;
	}
	v = new_verb(c, op);
	if (!v)
		return;
	v->verb.cascade = cascade;
	submit(c, v);
}

void
on_queue_retry(struct wh_call *c, const struct wh_args_queue_retry *a)
{
	verb_on(c, a->op, false);
}

void
on_queue_cancel(struct wh_call *c, const struct wh_args_queue_cancel *a)
{
	verb_on(c, a->op, a->cascade);
}

void
on_queue_hold(struct wh_call *c, const struct wh_args_queue_hold *a)
{
	verb_on(c, a->op, false);
}

void
on_queue_release(struct wh_call *c, const struct wh_args_queue_release *a)
{
	verb_on(c, a->op, false);
}

void
on_queue_resolve(struct wh_call *c, const struct wh_args_queue_resolve *a)
{
	struct verb_call *v = a->op.n ? new_verb(c, a->op) : NULL;

	if (!v) {
		if (c->state == WH_CALL_OPEN)
			wh_call_fail(c, WH_ERR_INVALID_PARAM,
				     "op is empty: give an operation id");
		return;
	}
	wh_buf_str(&v->verb.take, a->take);
	wh_buf_str(&v->verb.whid, a->whid);
	submit(c, v);
}

void
on_queue_flush(struct wh_call *c, const struct wh_args_queue_flush *a)
{
	struct verb_call *v = new_verb(c, WH_STR_NULL);

	(void)a;
	if (!v)
		return;
	v->verb.sweep.kind = WH_SWEEP_DUE;
	submit(c, v);
}
