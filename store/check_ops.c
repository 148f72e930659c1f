/* SPDX-License-Identifier: MIT */
/*
 * What the check asks of operations, of history, and of their indexes.
 *
 * Called by the check for each row. Rows and indexes are compared both ways:
 * each row has all its index rows, each index row leads to a row that would
 * make the same key.
 */
#include <inttypes.h>

#include "store/check.h"
#include "store/history.h"
#include "store/tail.h"

static void
expect_index(struct wh_check *c, const struct wh_walk *w, enum wh_table index,
	     const struct wh_key *k, const char *what)
{
	struct wh_value value;

	if (wh_check_look(c, index, k, 0, &value) == WH_ABSENT)
		wh_check_tell(c, w->table, wh_walk_key(w), "it is not in the index by %s",
			      what);
}

static void
expect_id(struct wh_check *c, const struct wh_walk *w, const struct wh_key *k)
{
	struct wh_value value;
	int r = wh_check_look(c, WH_TABLE_OPS_INDEX, k, WH_BY_ID_PREFIX, &value);

	if (r == WH_ABSENT || (r == 0 && wh_be_get(value.prefix, 8) != wh_walk_order(w)))
		wh_check_tell(c, w->table, wh_walk_key(w),
			      "its id leads to another row or none");
}

static void
expect_due(struct wh_check *c, const struct wh_walk *w, const struct wh_oprow *op)
{
	struct wh_key k;

	if (op->due_at == WH_NOT_DUE)
		return;
	wh_index_by_due(&k, op->state, op->due_at, op->seq);
	expect_index(c, w, WH_TABLE_OPS_INDEX, &k, "due time");
}

static void
expect_form(struct wh_check *c, const struct wh_walk *w, const struct wh_oprow *op)
{
	struct wh_key k;

	wh_index_by_form(&k, op->form, op->seq);
	if (!k.bad)
		expect_index(c, w, WH_TABLE_OPS_INDEX, &k, "form");
}

static void
expect_groups(struct wh_check *c, const struct wh_walk *w, const struct wh_oprow *op)
{
	struct wh_key k;

	for (size_t i = 0; i < WH_OP_GROUPS; i++) {
		wh_index_by_group(&k, op, i);
		if (!k.bad)
			expect_index(c, w, WH_TABLE_OPS_INDEX, &k, "group");
	}
}

void
wh_check_op(struct wh_check *c, const struct wh_walk *w, const struct wh_value *value)
{
	struct wh_oprow op;
	struct wh_key k;

	c->op_bytes += value->size;
	if (wh_oprow_decode(wh_walk_order(w), value, &op) < 0) {
		wh_check_tell(c, w->table, wh_walk_key(w), "its fields make no sense");
		return;
	}
	c->states[op.state]++;
	if (c->meta && wh_tail_has(c->meta, op.seq))
		c->tail_moved += op.state > 0;
	if (c->meta && op.seq > c->meta->op_seq)
		wh_check_tell(c, w->table, wh_walk_key(w),
			      "its number is above the last one given, %" PRIu64,
			      c->meta->op_seq);
	if (c->meta && wh_tail_has(c->meta, op.seq))
		return; /* it is found by reading the tail */
	wh_index_by_id(&k, op.id);
	expect_id(c, w, &k);
	wh_index_by_lane(&k, op.lane, op.seq);
	expect_index(c, w, WH_TABLE_OPS_INDEX, &k, "lane");
	wh_index_by_state(&k, op.state, op.seq);
	expect_index(c, w, WH_TABLE_OPS_INDEX, &k, "state");
	expect_due(c, w, &op);
	expect_form(c, w, &op);
	expect_groups(c, w, &op);
}

/* True if the index row under the walk has the key that the row would make. */
static bool
leads_back(const struct wh_walk *w, const struct wh_key *expected)
{
	return !expected->bad && wh_str_eq(wh_walk_key(w), wh_key_view(expected));
}

/* The target of an index row, looked up in `table`. False if it was told, or
 * cannot be told. */
static bool
look_target(struct wh_check *c, const struct wh_walk *w, enum wh_table table, size_t min_prefix,
	    struct wh_value *ret)
{
	uint64_t number = 0;
	struct wh_key k;

	if (wh_index_target(w, &number) < 0) {
		wh_check_tell(c, w->table, wh_walk_key(w), "the row leads nowhere");
		return false;
	}
	wh_key_order(&k, number);
	int r = wh_check_look(c, table, &k, min_prefix, ret);

	if (r == WH_ABSENT)
		wh_check_tell(c, w->table, wh_walk_key(w),
			      "it leads to row %" PRIu64 ", which is not there", number);
	return r == 0;
}

static bool
group_leads_back(const struct wh_walk *w, const struct wh_oprow *op)
{
	uint8_t which =
		(uint8_t)wh_walk_key(w).p[1]; /* the key holds a seq: it is long enough */
	struct wh_key k;

	if (which >= WH_OP_GROUPS)
		return false;
	wh_index_by_group(&k, op, which);
	return leads_back(w, &k);
}

static bool
op_leads_back(const struct wh_walk *w, const struct wh_oprow *op)
{
	struct wh_key k;

	wh_key_init(&k);
	k.bad = true;
	switch (wh_walk_key(w).p[0]) {
	case WH_BY_ID:
		wh_index_by_id(&k, op->id);
		break;
	case WH_BY_LANE:
		wh_index_by_lane(&k, op->lane, op->seq);
		break;
	case WH_BY_STATE:
		wh_index_by_state(&k, op->state, op->seq);
		break;
	case WH_BY_DUE:
		wh_index_by_due(&k, op->state, op->due_at, op->seq);
		k.bad = op->due_at == WH_NOT_DUE;
		break;
	case WH_BY_FORM:
		wh_index_by_form(&k, op->form, op->seq);
		break;
	case WH_BY_GROUP:
		return group_leads_back(w, op);
	}
	return leads_back(w, &k);
}

void
wh_check_op_index(struct wh_check *c, const struct wh_walk *w, const struct wh_value *value)
{
	struct wh_value row;
	struct wh_oprow op;
	uint64_t seq = 0;

	(void)value;
	if (!look_target(c, w, WH_TABLE_OPS, WH_OP_PREFIX, &row))
		return;
	if (wh_index_target(w, &seq) < 0 || wh_oprow_decode(seq, &row, &op) < 0)
		return; /* told where the row itself was checked */
	if (!op_leads_back(w, &op) || (c->meta && wh_tail_has(c->meta, seq)))
		wh_check_tell(c, w->table, wh_walk_key(w),
			      "operation %" PRIu64 " does not belong here", seq);
}

/* ------------------------------------------------------------- history -- */

/* The id of an operation that ended twice leads to the newer entry. */
static void
expect_past_id(struct wh_check *c, const struct wh_walk *w, const struct wh_key *k)
{
	struct wh_value value;
	int r = wh_check_look(c, WH_TABLE_HISTORY_INDEX, k, WH_BY_ID_PREFIX, &value);

	if (r == WH_ABSENT || (r == 0 && wh_be_get(value.prefix, 8) < wh_walk_order(w)))
		wh_check_tell(c, w->table, wh_walk_key(w),
			      "its id leads to an older row or none");
}

void
wh_check_past(struct wh_check *c, const struct wh_walk *w, const struct wh_value *value)
{
	struct wh_past past;
	struct wh_key k;

	if (wh_past_decode(wh_walk_order(w), value, &past) < 0) {
		wh_check_tell(c, w->table, wh_walk_key(w), "its fields make no sense");
		return;
	}
	wh_index_by_id(&k, past.id);
	expect_past_id(c, w, &k);
	wh_index_by_lane(&k, past.lane, past.end);
	if (c->meta && !wh_history_is_behind(c->meta, past.end))
		expect_index(c, w, WH_TABLE_HISTORY_INDEX, &k, "lane");
	wh_index_by_state(&k, past.state, past.end);
	expect_index(c, w, WH_TABLE_HISTORY_INDEX, &k, "state");
}

static bool
past_leads_back(const struct wh_check *c, const struct wh_walk *w, const struct wh_past *past)
{
	struct wh_key k;

	wh_key_init(&k);
	k.bad = true;
	switch (wh_walk_key(w).p[0]) {
	case WH_BY_ID:
		wh_index_by_id(&k, past->id);
		break;
	case WH_BY_LANE:
		wh_index_by_lane(&k, past->lane, past->end);
		k.bad |= c->meta && wh_history_is_behind(c->meta, past->end);
		break;
	case WH_BY_STATE:
		wh_index_by_state(&k, past->state, past->end);
		break;
	}
	return leads_back(w, &k);
}

void
wh_check_past_index(struct wh_check *c, const struct wh_walk *w, const struct wh_value *value)
{
	struct wh_value row;
	struct wh_past past;
	uint64_t end = 0;

	(void)value;
	if (!look_target(c, w, WH_TABLE_HISTORY, WH_PAST_PREFIX, &row))
		return;
	if (wh_index_target(w, &end) < 0 || wh_past_decode(end, &row, &past) < 0)
		return; /* told where the row itself was checked */
	if (!past_leads_back(c, w, &past))
		wh_check_tell(c, w->table, wh_walk_key(w),
			      "entry %" PRIu64 " does not belong here", end);
}
