/* SPDX-License-Identifier: MIT */
/* The order of creates that share callbackUrl or whname. */
#include "daemon/turn.h"

static bool
in_hand(enum wh_op_state s)
{
	return s == WH_OP_CHECKING || s == WH_OP_SENDING || s == WH_OP_UNKNOWN;
}

int
wh_turn_of(const struct wh_view *v, const struct wh_op *op, struct wh_turn *ret)
{
	struct wh_oprow row;
	int r = WH_ABSENT;

	*ret = (struct wh_turn){0};
	if (op->kind == WH_OP_CREATE)
		r = wh_ops_get(v, op->seq, &row);
	if (r == 0) {
		memcpy(ret->group, row.group, sizeof(ret->group));
		ret->in_hand = row.in_hand;
	}
	return r < 0 ? r : 0;
}

/* Is nobody else of its groups before it? */
static int
comes_first(const struct wh_view *v, const struct wh_oprow *row, bool *ret)
{
	int r = 0;

	*ret = true;
	for (size_t i = 0; r == 0 && *ret && i < WH_OP_GROUPS; i++) {
		struct wh_member other;

		r = wh_ops_first_in_group(v, i, row->group[i], row->seq, &other);
		if (r == 0)
			*ret = !other.in_hand && row->seq < other.seq;
		else if (r == WH_ABSENT)
			r = 0;
	}
	return r;
}

int
wh_turn_take(const struct wh_view *v, const struct wh_lane_op *o, struct wh_oprow *row)
{
	enum wh_op_state state = o->op.state;
	bool first = true;
	int r = 0;

	if (o->op.kind != WH_OP_CREATE || (state != WH_OP_QUEUED && !in_hand(state)))
		return 0;
	row->in_hand = in_hand(state);
	memcpy(row->group, o->wish.group, sizeof(row->group));
	if (state == WH_OP_QUEUED && row->due_at != WH_NOT_DUE)
		r = comes_first(v, row, &first);
	if (!first)
		row->due_at = WH_NOT_DUE;
	return r;
}

/* Closing a lane sets the due times of its operations. One that is damaged waits for a person.
 */
static int
set_due(const struct wh_lane *l, struct wh_txn *t, uint64_t seq)
{
	struct wh_lane other;
	struct wh_lane_op *o;
	int r = wh_lane_open_op(&other, &t->view, l->rules, seq, &o);

	if (r == WH_ECORRUPT)
		r = 0;
	else if (r == 0 && !wh_str_eq(other.key, l->key)) /* that one is closed already */
		r = wh_lane_close(&other, t);
	wh_lane_fini(&other);
	return r;
}

/* The first of a group but `seq` is due if and only if it is its turn. */
static int
settle(const struct wh_lane *l, struct wh_txn *t, size_t which, uint64_t group, uint64_t seq)
{
	struct wh_member next;
	struct wh_oprow row;
	bool first;
	int r = wh_ops_first_in_group(&t->view, which, group, seq, &next);

	if (r == WH_ABSENT || (r == 0 && next.in_hand))
		return 0;
	if (r == 0)
		r = wh_ops_get(&t->view, next.seq, &row);
	if (r)
		return r == WH_ECORRUPT ? 0 : r;
	r = comes_first(&t->view, &row, &first);
	if (r == 0 && first != (row.due_at != WH_NOT_DUE))
		r = set_due(l, t, next.seq);
	return r;
}

int
wh_turn_pass(const struct wh_lane *l, struct wh_txn *t, const struct wh_lane_op *o,
	     const struct wh_turn *before)
{
	struct wh_turn now;
	int r = wh_turn_of(&t->view, &o->op, &now);

	if (r == 0 && now.in_hand == before->in_hand &&
	    memcmp(now.group, before->group, sizeof(now.group)) == 0)
		return 0;
	for (size_t i = 0; r == 0 && i < WH_OP_GROUPS; i++) {
		if (before->group[i] && before->group[i] != now.group[i])
			r = settle(l, t, i, before->group[i], o->op.seq);
		if (r == 0 && now.group[i])
			r = settle(l, t, i, now.group[i], o->op.seq);
	}
	return r;
}

int
wh_turn_free(const struct wh_view *v, const struct wh_op *op, bool *ret)
{
	struct wh_wish wish;
	int r = wh_wish_of(op->fields, &wish);

	*ret = true;
	for (size_t i = 0; r == 0 && *ret && i < WH_OP_GROUPS; i++) {
		struct wh_member other;

		r = wh_ops_first_in_group(v, i, wish.group[i], op->seq, &other);
		if (r == 0)
			*ret = !other.in_hand;
		else if (r == WH_ABSENT)
			r = 0;
	}
	return r;
}
