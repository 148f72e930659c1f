/* SPDX-License-Identifier: MIT */
/*
 * What callers see of an operation: the map of PROTOCOL, and for queue.get
 * also its attempts and one sentence on what happens next.
 *
 * Called on the loop for every reply that carries an operation; pure. Text
 * that came from the upstream is made valid UTF-8 here, so that no client
 * trips over a reply.
 */
#include <time.h>

#include "daemon/core/op.h"

/* What a person can do about a held operation, by reason; the last row is for all others. */
struct held_next {
	const char *reason;
	const char *why;
	const char *verb; /* of `whctl queue`, "" if there is nothing to do to this one */
	const char *words;
};

#define DECIDE " adopt --whid ID, or recreate to send it again, or discard"

static const struct held_next held_next[] = {
	{"admin", "waits for an admin", "release", ""},
	{"dependency", "waits for the operation before it on the same webhook: settle that one",
	 "", ""},
	{"forbidden", "the upstream does not permit it; once it does", "retry", ""},
	{"ambiguous", "waits for a person, the upstream may have made it under other values",
	 "resolve", DECIDE},
	{"no_complete_list", "waits for a person, no list of the upstream was complete",
	 "resolve", DECIDE},
	{"vanished", "waits for a person, the upstream reported it done but does not list it",
	 "resolve", DECIDE},
	{"restored", "waits for a person, a restored store cannot tell if it was sent",
	 "resolve", DECIDE},
	{NULL, "waits for a person", "release", ""},
};

static void
add_command(struct wh_buf *out, const struct wh_op *op, const char *verb, const char *words)
{
	char id[WH_OP_TEXT_ID + 1];

	wh_op_id_text(op->id, id);
	wh_buf_printf(out, ": whctl queue %s %s%s", verb, id, words);
}

static void
held_sentence(struct wh_buf *out, const struct wh_op *op)
{
	const struct held_next *h = held_next;

	while (h->reason && !wh_str_is(op->reason, h->reason))
		h++;
	wh_buf_c(out, h->why);
	if (h->verb[0])
		add_command(out, op, h->verb, h->words);
}

static void
conflict_sentence(struct wh_buf *out, const struct wh_op *op)
{
	wh_buf_c(out, op->theirs.n ? "waits for a person"
				   : "waits for a person, the webhook is gone at the upstream");
	add_command(out, op, "resolve",
		    op->theirs.n ? " mine, or theirs" : " recreate, or discard");
}

/* " 2026-11-23 09:22:17 UTC", or nothing for a time that cannot be shown. */
static void
add_time(struct wh_buf *out, int64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	char text[40];
	struct tm tm;

	if (gmtime_r(&seconds, &tm) &&
	    strftime(text, sizeof(text), " %Y-%m-%d %H:%M:%S UTC", &tm))
		wh_buf_c(out, text);
}

static void
queued_sentence(struct wh_buf *out, const struct wh_op *op)
{
	if (!op->next_at || (op->attempts == 0 && op->failures == 0)) {
		wh_buf_c(out, "sent when its turn comes and the upstream can be reached");
		return;
	}
	wh_buf_c(out, "sent again at");
	add_time(out, op->next_at);
	wh_buf_c(out, ", or at once with");
	add_command(out, op, "retry", "");
}

static void
unknown_sentence(struct wh_buf *out, const struct wh_op *op)
{
	wh_buf_c(out, "looked up in the next list");
	if (op->next_at) {
		wh_buf_c(out, ", due at");
		add_time(out, op->next_at);
	}
	wh_buf_c(out, "; not sent again before that tells what became of it");
}

static void
next_sentence(struct wh_buf *out, const struct wh_op *op)
{
	switch (op->state) {
	case WH_OP_QUEUED:
		queued_sentence(out, op);
		break;
	case WH_OP_CHECKING:
		wh_buf_c(out, "sent once the upstream's row has been read and still fits");
		break;
	case WH_OP_SENDING:
		wh_buf_c(out, "waits for the upstream's reply");
		break;
	case WH_OP_UNKNOWN:
		unknown_sentence(out, op);
		break;
	case WH_OP_CONFLICT:
		conflict_sentence(out, op);
		break;
	case WH_OP_HELD:
		held_sentence(out, op);
		break;
	case WH_OP_DEAD:
		wh_buf_c(out, "not sent again unless a person acts");
		add_command(out, op, "retry", ", or cancel");
		break;
	case WH_OP_DONE:
	case WH_OP_CANCELLED:
	case WH_OP_SUPERSEDED:
		wh_buf_c(out, "nothing, it has ended");
		break;
	case WH_OP_STATE_COUNT:
		break;
	}
}

/* ------------------------------------------------------------- the map -- */

/* One member after the other; the count is filled in at the end. */
struct map {
	struct wh_buf *b;
	size_t n;
};

static void
put_text(struct map *m, const char *key, struct wh_str v)
{
	wh_pack_kv_str(m->b, key, v);
	m->n++;
}

static void
put_int(struct map *m, const char *key, int64_t v)
{
	wh_pack_kv_int(m->b, key, v);
	m->n++;
}

static void
put_raw(struct map *m, const char *key, struct wh_str v)
{
	wh_pack_kv_raw(m->b, key, v);
	m->n++;
}

static void
put_text_if(struct map *m, const char *key, struct wh_str v)
{
	if (v.n)
		put_text(m, key, v);
}

static void
put_raw_if(struct map *m, const char *key, struct wh_str v)
{
	if (v.n)
		put_raw(m, key, v);
}

/* Text that may hold bytes of the upstream: cut characters and the like become '?'. */
static void
put_foreign(struct map *m, const char *key, struct wh_str v)
{
	struct wh_buf clean = WH_BUF_NULL;

	if (wh_utf8_valid(v)) {
		put_text(m, key, v);
		return;
	}
	for (size_t i = 0; i < v.n; i++)
		wh_buf_byte(&clean, (unsigned char)v.p[i] < 0x80 ? v.p[i] : '?');
	put_text(m, key, wh_buf_view(&clean));
	wh_buf_fini(&clean);
}

static void
put_attempt(struct wh_buf *b, const struct wh_attempt *a)
{
	wh_pack_map(b, 6);
	struct map m = {b, 0};

	put_int(&m, "at", a->at);
	put_int(&m, "took_ms", a->took_ms);
	put_int(&m, "status", a->status);
	put_text(&m, "outcome", a->outcome);
	put_text(&m, "rule", a->rule);
	put_foreign(&m, "error", a->error);
}

static void
put_story(struct map *m, const struct wh_op *op)
{
	struct wh_buf next = WH_BUF_NULL;

	wh_pack_c(m->b, "log");
	wh_pack_array(m->b, op->n_log);
	for (uint32_t i = 0; i < op->n_log; i++)
		put_attempt(m->b, &op->log[i]);
	m->n++;

	next_sentence(&next, op);
	put_text(m, "next", wh_buf_view(&next));
	wh_buf_fini(&next);

	put_raw_if(m, "absorbed", op->absorbed);
	put_int(m, "changed_at", op->changed_at);
	if (op->ended_at)
		put_int(m, "ended_at", op->ended_at);
}

static void
put_conflict(struct map *m, const struct wh_op *op)
{
	put_raw_if(m, "base", op->base);
	put_raw_if(m, "mine", op->fields);
	if (op->theirs.n) {
		put_raw(m, "theirs", op->theirs);
		return;
	}
	wh_pack_kv_nil(m->b, "theirs");
	m->n++;
}

void
wh_op_pack(struct wh_buf *b, const struct wh_op *op, bool full)
{
	bool waits = op->state == WH_OP_QUEUED || op->state == WH_OP_UNKNOWN;
	char id[WH_OP_TEXT_ID + 1];
	size_t place = wh_pack_open_map(b);
	struct map m = {b, 0};

	wh_op_id_text(op->id, id);
	put_text(&m, "op", wh_str(id, WH_OP_TEXT_ID));
	put_text(&m, "kind", wh_str_c(wh_op_kind_str(op->kind)));
	put_text(&m, "whid", op->target);
	put_text_if(&m, "tmp_id", op->tmp_id);
	put_text(&m, "state", wh_str_c(wh_op_state_str(op->state)));
	put_text_if(&m, "reason", op->reason);
	put_raw_if(&m, "fields", op->fields);
	put_int(&m, "created_at", op->created_at);
	put_int(&m, "created_by", op->uid);
	put_int(&m, "attempts", op->attempts);
	if (waits && op->next_at)
		put_int(&m, "next_at", op->next_at);
	if (op->last_error.n)
		put_foreign(&m, "last_error", op->last_error);
	put_text_if(&m, "result", op->result);
	put_text_if(&m, "into", op->into);
	if (op->state == WH_OP_CONFLICT)
		put_conflict(&m, op);
	if (full)
		put_story(&m, op);
	wh_pack_close_map(b, place, m.n);
}
