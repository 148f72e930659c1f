/* SPDX-License-Identifier: MIT */
/*
 * After the store was made anew from what could be read: operations of which
 * only a trace is left, or an older state, are shown to a person and held, so
 * that none is forgotten without a word and none goes out other than it was
 * meant. Overlays, which are made of rows and operations, are made again.
 *
 * At start, in the transaction that comes before anything else.
 */
#include <stdio.h>

#include "daemon/apply.h"

#define LOST "its record was damaged and cannot be read: the damaged store was kept"
#define OUTDATED                                                                               \
	"the store was damaged: this is what could be read, it may be older than it was"

/* The lane may be what is left of one. */
static void
name_lane(const struct wh_damaged *d, struct wh_buf *lane)
{
	char room[WH_KEY_MAX];
	struct wh_str key = wh_key_fold(d->lane, room);

	if (key.n && !memchr(key.p, 0, key.n))
		wh_buf_str(lane, key);
	else
		wh_buf_printf(lane, "damaged-%llu", (unsigned long long)d->seq);
}

static void
draw_id(const struct wh_damaged *d, const struct wh_rules *rules, uint8_t id[WH_OP_ID])
{
	uint64_t bits[2] = {rules->random, d->seq};

	if (d->has_id)
		memcpy(id, d->id, WH_OP_ID);
	else
		wh_op_id_make(id, rules->now.wall, (const uint8_t *)bits);
}

/* What stands for an operation that cannot be read: it changes nothing, and holds its lane. */
static int
put_remnant(struct wh_txn *t, const struct wh_rules *rules, const struct wh_damaged *d)
{
	struct wh_buf lane = WH_BUF_NULL, body = WH_BUF_NULL;
	struct wh_op op = {
		.seq = d->seq,
		.kind = WH_OP_UPDATE,
		.state = WH_OP_HELD,
		.flags = WH_OPF_RESTORED | WH_OPF_MAYBE_SENT,
		.reason = WH_STR("damaged"),
		.last_error = WH_STR(LOST),
		.created_at = rules->now.wall.ms,
		.changed_at = rules->now.wall.ms,
	};

	name_lane(d, &lane);
	op.target = wh_buf_view(&lane);
	draw_id(d, rules, op.id);
	wh_op_encode(&body, &op);
	struct wh_oprow row = {
		.seq = d->seq,
		.lane = op.target,
		.state = WH_OP_HELD,
		.due_at = WH_NOT_DUE,
		.body = wh_buf_view(&body),
	};
	int r = body.fault ? body.fault : lane.fault;

	memcpy(row.id, op.id, sizeof(row.id));
	if (r == 0)
		r = wh_ops_put(t, &row);
	wh_buf_fini(&body);
	wh_buf_fini(&lane);
	return r;
}

static void
hold(struct wh_lane *l, struct wh_lane_op *o)
{
	o->dirty = true;
	o->op.last_error = WH_STR(OUTDATED);
	if (o->op.state == WH_OP_QUEUED || o->op.state == WH_OP_UNKNOWN)
		wh_lane_state(l, o, WH_OP_HELD, "outdated");
	else if (o->op.state == WH_OP_HELD)
		o->op.reason = WH_STR("outdated");
}

static int
show(struct wh_txn *t, const struct wh_rules *rules, uint64_t seq, bool is_new)
{
	struct wh_lane l;
	struct wh_lane_op *o;
	int r = wh_lane_open_op(&l, &t->view, rules, seq, &o);

	if (r == 0 && is_new)
		o->fresh = o->dirty = true; /* an event is due */
	else if (r == 0)
		hold(&l, o);
	if (r == 0)
		r = wh_lane_close(&l, t);
	wh_lane_fini(&l);
	return r;
}

/* Where the key of a row was damaged an operation that is there is told of by another number,
 * too.
 */
static int
is_known_otherwise(const struct wh_txn *t, const struct wh_damaged *d, bool *ret)
{
	uint64_t seq;
	int r = d->has_id ? wh_ops_find(&t->view, d->id, &seq) : WH_ABSENT;

	*ret = r == 0;
	return r < 0 ? r : 0;
}

int
wh_damaged_run(struct wh_txn *t, const struct wh_rules *rules, uint64_t *ret_n)
{
	struct wh_damaged d = {.seq = 0};
	struct wh_oprow row;
	int r;

	*ret_n = 0;
	while ((r = wh_damaged_next(&t->view, d.seq, &d)) == 0) {
		bool is_new = wh_ops_get(&t->view, d.seq, &row) == WH_ABSENT, known = false;

		r = is_new ? is_known_otherwise(t, &d, &known) : 0;
		if (known)
			continue;
		if (r == 0 && is_new)
			r = put_remnant(t, rules, &d);
		if (r == 0)
			r = show(t, rules, d.seq, is_new);
		if (r)
			return r;
		(*ret_n)++;
	}
	if (r != WH_ABSENT)
		return r;
	return *ret_n ? wh_damaged_forget(t) : 0;
}

/* ----------------------------------------------------------------- rebuild -- */

static int
next_key(const struct wh_txn *t, struct wh_str after, char room[WH_KEY_MAX], struct wh_str *ret)
{
	struct wh_scan scan;
	struct wh_row row;
	int r = wh_scan_begin(&t->view, WH_SCAN_ROWS, after, &scan);

	if (r)
		return r;
	r = wh_scan_next(&scan, ret, &row, NULL);
	if (r == 0 && ret->n <= WH_KEY_MAX) {
		memcpy(room, ret->p, ret->n);
		*ret = wh_str(room, ret->n);
	}
	wh_scan_end(&scan);
	return r;
}

int
wh_rebuild_run(struct wh_txn *t, const struct wh_rules *rules)
{
	char room[WH_KEY_MAX];
	struct wh_str key = WH_STR_NULL;
	int r;

	while ((r = next_key(t, key, room, &key)) == 0) {
		struct wh_lane l;

		r = wh_lane_open(&l, &t->view, rules, key);
		if (r == 0)
			r = wh_lane_close(&l, t);
		wh_lane_fini(&l);
		if (r)
			return r;
	}
	return r == WH_STORE_END ? 0 : r;
}
