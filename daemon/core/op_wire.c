/* SPDX-License-Identifier: MIT */
/*
 * What callers see of an operation: the map of PROTOCOL, and for queue.get
 * also its attempts, why it is in its state and what happens next.
 *
 * Called on the loop for every reply that carries an operation; pure. Text
 * that came from the upstream is made valid UTF-8 here, so that no client
 * trips over a reply.
 */
#include "daemon/core/op_story.h"

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
put_story(struct map *m, const struct wh_op *op, const struct wh_op_around *around)
{
	struct wh_buf next = WH_BUF_NULL;

	wh_pack_c(m->b, "log");
	wh_pack_array(m->b, op->n_log);
	for (uint32_t i = 0; i < op->n_log; i++)
		put_attempt(m->b, &op->log[i]);
	m->n++;

	put_text(m, "why", wh_str_c(wh_op_why(op)));
	wh_op_next(&next, op, around);
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
wh_op_pack(struct wh_buf *b, const struct wh_op *op, const struct wh_op_around *around)
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
	if (around)
		put_story(&m, op, around);
	wh_pack_close_map(b, place, m.n);
}
