/* SPDX-License-Identifier: MIT */
/*
 * Operations that have not ended: rows, and the index rows that follow them.
 *
 * Written by the commit thread. Every put and del reads the row that is there,
 * and changes index rows and counters by what differs, so that they cannot
 * drift from the rows. What the states mean is the caller's business; here
 * each only has a counter.
 */
#include "store/index.h"
#include "store/sieve.h"
#include "store/tail.h"
#include "store/terms.h"

int
wh_oprow_decode(uint64_t seq, const struct wh_value *v, struct wh_oprow *ret)
{
	const uint8_t *p = v->prefix;

	ret->seq = seq;
	memcpy(ret->id, p, WH_OP_ID);
	p += WH_OP_ID;
	ret->state = (uint8_t)wh_be_take(&p, 1);
	ret->due_at = wh_be_to_time(wh_be_take(&p, 8));
	size_t lane_n = (size_t)wh_be_take(&p, 2);
	bool grouped = v->prefix_n >= WH_OP_PREFIX_GROUPED;

	for (size_t i = 0; i < WH_OP_GROUPS; i++)
		ret->group[i] = grouped ? wh_be_take(&p, 8) : 0;
	ret->in_hand = grouped && wh_be_take(&p, 1) != 0;
	ret->form = v->prefix_n >= WH_OP_PREFIX_ALL ? wh_be_take(&p, 8) : 0;
	int r = wh_value_split(v, lane_n, &ret->lane, &ret->body);

	if (r == 0 && (!wh_lane_valid(ret->lane) || ret->state >= WH_OP_STATES))
		r = WH_ECORRUPT;
	return r;
}

/* NULL for a state that has none. */
static uint64_t *
counter_of(struct wh_meta *m, uint8_t state)
{
	uint64_t *const by_state[WH_OP_STATES] = {
		&m->ops_queued,   &m->ops_checking, &m->ops_sending, &m->ops_unknown,
		&m->ops_conflict, &m->ops_held,     &m->ops_dead,
	};

	return state < WH_OP_STATES ? by_state[state] : NULL;
}

uint64_t
wh_meta_ops(const struct wh_meta *m, uint8_t state)
{
	/* It is only looked at. */
	const uint64_t *n = counter_of((struct wh_meta *)(uintptr_t)m, state);

	return n ? *n : 0;
}

static int
get_op(const struct wh_view *v, uint64_t seq, struct wh_oprow *ret, size_t *ret_size)
{
	struct wh_value value = {.size = 0};
	struct wh_key k;

	wh_key_order(&k, seq);
	int r = wh_table_get(v, WH_TABLE_OPS, &k, WH_OP_PREFIX, &value);

	*ret_size = value.size;
	return r == 0 ? wh_oprow_decode(seq, &value, ret) : r;
}

int
wh_ops_get(const struct wh_view *v, uint64_t seq, struct wh_oprow *ret)
{
	size_t size;

	return get_op(v, seq, ret, &size);
}

enum { BY_ID, BY_LANE, BY_STATE, BY_DUE, BY_FORM, BY_GROUP, INDEXES = BY_GROUP + WH_OP_GROUPS };

/* The keys of the index rows of one operation. Built before anything is
 * written, because a lane that was read borrows from a page. */
struct op_index {
	struct wh_key key[INDEXES]; /* bad: it has no such row */
	uint8_t state;
};

static void
index_keys(const struct wh_oprow *op, struct op_index *ret)
{
	wh_index_by_id(&ret->key[BY_ID], op->id);
	wh_index_by_lane(&ret->key[BY_LANE], op->lane, op->seq);
	wh_index_by_state(&ret->key[BY_STATE], op->state, op->seq);
	wh_index_by_due(&ret->key[BY_DUE], op->state, op->due_at, op->seq);
	ret->key[BY_DUE].bad = op->due_at == WH_NOT_DUE;
	wh_index_by_form(&ret->key[BY_FORM], op->form, op->seq);
	for (size_t i = 0; i < WH_OP_GROUPS; i++)
		wh_index_by_group(&ret->key[BY_GROUP + i], op, i);
	ret->state = op->state;
}

static bool
same_key(const struct wh_key *a, const struct wh_key *b)
{
	return a->bad == b->bad && wh_str_eq(wh_key_view(a), wh_key_view(b));
}

/* Removes the index rows of `old` that `kept` (may be NULL) does not have. */
static int
drop_index(struct wh_txn *t, const struct op_index *old, const struct op_index *kept)
{
	int r = 0;

	for (size_t i = 0; i < INDEXES && r == 0; i++)
		if (!kept || !same_key(&old->key[i], &kept->key[i]))
			r = wh_table_drop(t, WH_TABLE_OPS_INDEX, &old->key[i]);
	return r;
}

/* Rows that stand already are found equal and not written again. */
static int
put_index(struct wh_txn *t, const struct op_index *x, uint64_t seq)
{
	int r = 0;

	for (size_t i = 0; i < INDEXES && r == 0; i++) {
		wh_sieve_add(t->view.store, &x->key[i]);
		if (!x->key[i].bad)
			r = wh_index_put(t, WH_TABLE_OPS_INDEX, &x->key[i], seq,
					 i == BY_ID ? WH_BY_ID_PREFIX : 0);
	}
	return r;
}

static void
draft(const struct wh_oprow *op, struct wh_key *k, struct wh_draft *d)
{
	wh_key_order(k, op->seq);
	wh_draft_init(d);
	wh_draft_bytes(d, op->id, WH_OP_ID);
	wh_draft_num(d, op->state, 1);
	wh_draft_time(d, op->due_at);
	wh_draft_num(d, op->lane.n, 2);
	for (size_t i = 0; i < WH_OP_GROUPS; i++)
		wh_draft_num(d, op->group[i], 8);
	wh_draft_num(d, op->in_hand, 1);
	wh_draft_num(d, op->form, 8);
	d->tail[0] = op->lane;
	d->tail[1] = op->body;
}

/* An id names one operation for ever. A damaged index row is written anew. */
static int
refuse_taken_id(const struct wh_txn *t, const struct wh_oprow *op)
{
	uint64_t seq;
	int r = wh_ops_find(&t->view, op->id, &seq);

	if (r == 0 && seq != op->seq)
		return WH_EBUG;
	return r == WH_ABSENT || r == WH_ECORRUPT ? 0 : r;
}

static void
count_put(struct wh_txn *t, const struct wh_put_result *res, const struct op_index *was,
	  const struct wh_oprow *op)
{
	struct wh_meta *m = &t->view.meta;

	if (was)
		wh_meta_sub(counter_of(m, was->state), 1);
	*counter_of(m, op->state) += 1;
	wh_meta_sub(&m->op_bytes, res->old_size);
	m->op_bytes += res->new_size;
	if (op->seq > m->op_seq)
		m->op_seq = op->seq;
}

/* So that who looks for one of them need not read all of the tail. */
static void
count_moved(struct wh_meta *m, uint8_t was, uint8_t is)
{
	if (was > 0)
		wh_meta_sub(&m->ops_tail_moved, 1);
	m->ops_tail_moved += is > 0;
}

/* What leads to the row follows it: at once, or with the rest of the tail. */
static int
follow(struct wh_txn *t, const struct wh_oprow *op, const struct op_index *was)
{
	struct op_index is;
	bool in_tail = wh_tail_has(&t->view.meta, op->seq);
	int r = 0;

	if (!was)
		r = wh_tail_join(t, op->seq, &in_tail);
	if (in_tail)
		count_moved(&t->view.meta, was ? was->state : 0, op->state);
	if (r || in_tail)
		return r ? r : wh_tail_put(t, op);
	index_keys(op, &is);
	if (was)
		r = drop_index(t, was, &is);
	return r ? r : put_index(t, &is, op->seq);
}

static bool
is_valid(const struct wh_oprow *op)
{
	return op->seq != 0 && op->state < WH_OP_STATES && wh_lane_valid(op->lane) &&
	       op->due_at >= WH_DUE_AT_ONCE;
}

int
wh_ops_put(struct wh_txn *t, const struct wh_oprow *op)
{
	struct op_index was;
	struct wh_oprow old;
	struct wh_put_result res;
	struct wh_draft d;
	struct wh_key k;
	size_t size;

	if (t->fault)
		return t->fault;
	if (!is_valid(op))
		return wh_txn_fail(t, WH_EINVAL);
	int found = get_op(&t->view, op->seq, &old, &size);
	int r = found < 0 ? found : refuse_taken_id(t, op);

	if (r < 0)
		return wh_txn_fail(t, r);
	if (found == 0)
		index_keys(&old, &was);
	draft(op, &k, &d);
	r = wh_table_put(t, WH_TABLE_OPS, &k, &d, &res);
	if (r < 0 || res.how == WH_PUT_SAME)
		return r;
	r = follow(t, op, found == 0 ? &was : NULL);
	if (r == 0)
		count_put(t, &res, found == 0 ? &was : NULL, op);
	return r;
}

int
wh_ops_add(struct wh_txn *t, const struct wh_oprow *op)
{
	struct wh_put_result res;
	struct wh_draft d;
	struct wh_key k;

	if (t->fault)
		return t->fault;
	int r = is_valid(op) ? refuse_taken_id(t, op) : WH_EINVAL;

	if (r < 0)
		return wh_txn_fail(t, r);
	draft(op, &k, &d);
	r = wh_table_add(t, WH_TABLE_OPS, &k, &d, &res);
	if (r == 0)
		r = follow(t, op, NULL);
	if (r == 0)
		count_put(t, &res, NULL, op);
	return r;
}

/* The state that counts one more than there are: that of a damaged row of the tail. */
static int
find_state(const struct wh_txn *t, uint64_t seq, uint8_t *ret)
{
	int r = 0;

	for (uint8_t state = 0; r == 0 && state < WH_OP_STATES; state++) {
		uint64_t n = 0;

		for (uint64_t at = 0; r == 0; n += r == 0 && at != seq)
			r = wh_ops_next_in_state(&t->view, state, at, &at);
		r = r == WH_ABSENT ? 0 : r;
		if (wh_meta_ops(&t->view.meta, state) > n)
			*ret = state;
	}
	return r;
}

/* The caller wants a damaged operation gone, and has said so loudly. */
static int
del_damaged(struct wh_txn *t, uint64_t seq, size_t size)
{
	bool in_tail = wh_tail_has(&t->view.meta, seq);
	uint8_t state = WH_OP_STATES;
	struct wh_key k;
	int r = in_tail ? find_state(t, seq, &state)
			: wh_index_sweep(t, WH_TABLE_OPS_INDEX, seq, &state);

	if (r < 0)
		return wh_txn_fail(t, r);
	if (in_tail) {
		count_moved(&t->view.meta, state < WH_OP_STATES ? state : 0, 0);
		wh_tail_del(t, seq);
	}
	uint64_t *counter = counter_of(&t->view.meta, state);

	if (counter)
		wh_meta_sub(counter, 1);
	wh_meta_sub(&t->view.meta.op_bytes, size);
	wh_key_order(&k, seq);
	return wh_table_del(t, WH_TABLE_OPS, &k);
}

int
wh_ops_del(struct wh_txn *t, uint64_t seq)
{
	struct op_index was;
	struct wh_oprow old;
	struct wh_key k;
	size_t size;

	if (t->fault)
		return t->fault;
	int r = get_op(&t->view, seq, &old, &size);

	if (r == WH_ABSENT)
		return r;
	if (r == WH_ECORRUPT)
		return del_damaged(t, seq, size);
	if (r < 0)
		return wh_txn_fail(t, r);
	if (wh_tail_has(&t->view.meta, seq)) {
		count_moved(&t->view.meta, old.state, 0);
		wh_tail_del(t, seq);
	} else {
		index_keys(&old, &was);
		r = drop_index(t, &was, NULL);
	}
	if (r < 0)
		return r;
	wh_meta_sub(counter_of(&t->view.meta, old.state), 1);
	wh_meta_sub(&t->view.meta.op_bytes, size);
	wh_sieve_follow(&t->view);
	wh_key_order(&k, seq);
	return wh_table_del(t, WH_TABLE_OPS, &k);
}

/* ------------------------------------------------------------- the tail -- */

/* Those of one kind lie together: most kinds come in order by themselves. */
struct catch_up {
	struct wh_batch ops[INDEXES];
	struct wh_batch terms;
	uint64_t moved; /* of them that are not queued */
};

static int
gather_one(struct wh_txn *t, const struct wh_oprow *op, uint64_t end, struct catch_up *c)
{
	struct op_index is;

	index_keys(op, &is);
	for (size_t i = 0; i < INDEXES; i++) {
		wh_sieve_add(t->view.store, &is.key[i]);
		wh_batch_add(&c->ops[i], &is.key[i], op->seq, i == BY_ID ? WH_BY_ID_PREFIX : 0);
	}
	c->moved += op->state > 0;
	return wh_overlay_catch_up(t, op->lane, end, &c->terms);
}

/* All before `end`. */
static int
gather(struct wh_txn *t, uint64_t end, struct catch_up *c)
{
	struct wh_tail_scan s;
	int r = wh_tail_begin(&t->view, WH_TAIL_ANY, 0, 0, &s);

	if (r == 0)
		r = wh_tail_next(&s);
	while (r == 0 && s.op.seq < end) {
		r = gather_one(t, &s.op, end, c);
		if (r == 0)
			r = wh_tail_next(&s);
	}
	wh_tail_end(&s);
	return r == WH_ABSENT ? 0 : r;
}

static int
index_all(struct wh_txn *t, uint64_t end)
{
	struct catch_up c = {.terms.table = WH_TABLE_TERMS};
	int r;

	for (size_t i = 0; i < INDEXES; i++)
		c.ops[i].table = WH_TABLE_OPS_INDEX;
	r = gather(t, end, &c);
	for (size_t i = 0; i < INDEXES; i++) {
		if (r == 0)
			r = wh_batch_put(t, &c.ops[i]);
		wh_batch_fini(&c.ops[i]);
	}
	if (r == 0)
		r = wh_batch_put(t, &c.terms);
	wh_batch_fini(&c.terms);
	wh_meta_sub(&t->view.meta.ops_tail_moved, c.moved);
	return r;
}

uint64_t
wh_ops_behind(const struct wh_meta *m)
{
	return m->ops_tail ? m->op_seq - m->ops_tail + 1 : 0;
}

int
wh_ops_catch_up(struct wh_txn *t, uint64_t behind, size_t max)
{
	struct wh_meta *m = &t->view.meta;
	uint64_t end;

	if (t->fault || wh_ops_behind(m) <= behind)
		return t->fault;
	int r = wh_txn_fail(t, wh_tail_end_of(&t->view, max, &end));

	if (r == 0)
		r = wh_txn_fail(t, index_all(t, end));
	if (r == 0)
		wh_tail_leave(t, end);
	return r;
}
