/* SPDX-License-Identifier: MIT */
/*
 * Loading a lane, changing its members in memory, and the small verbs the
 * transaction bodies are written in. Writing back is in lane_close.c.
 *
 * Runs on the commit thread inside a transaction, and on the loop over its
 * view for dry runs. Never logs, never reads a clock.
 */
#include "daemon/lane.h"

#include <stdlib.h>

#include "daemon/doc.h"
#include "daemon/form.h"
#include "daemon/withheld.h"

static int
load_row(struct wh_lane *l)
{
	int r = wh_rows_get(l->view, l->key, &l->row);

	if (r == WH_ABSENT)
		return 0;
	if (r)
		return r;

	wh_buf_str(&l->row_bytes, l->row.body);
	if (l->row_bytes.fault)
		return l->row_bytes.fault;

	l->row.body = wh_buf_view(&l->row_bytes);
	l->has_row = l->had_row = true;
	return 0;
}

/* Remembers what readers saw before the change, to tell afterwards whether it was one. */
static int
load_before(struct wh_lane *l)
{
	struct wh_buf room = WH_BUF_NULL;
	struct wh_overlay o;
	int r = WH_ABSENT;

	if (l->view->meta.overlays > 0)
		r = wh_overlays_get(l->view, l->key, &room, &o);
	if (r == WH_ECORRUPT) { /* it is made of the rest, and made anew when the lane closes */
		l->had_overlay = l->mend = true;
		r = WH_ABSENT;
	}
	if (r == 0) {
		l->had_overlay = true;
		l->visible_before = !o.hidden;
		l->withheld = l->was_withheld = wh_overlay_withholds(&o);
		l->revision_before = o.revision;
		wh_buf_str(&l->before, o.body);
	} else if (r == WH_ABSENT && l->has_row) {
		l->visible_before = true;
		l->revision_before = l->row.revision;
		wh_buf_str(&l->before, l->row.body);
	}
	wh_buf_fini(&room);
	return r < 0 ? r : l->before.fault;
}

static struct wh_lane_op *
grow(struct wh_lane *l)
{
	if (l->n_ops == l->cap_ops) {
		size_t cap = l->cap_ops ? l->cap_ops * 2 : 2;
		struct wh_lane_op *ops = realloc(l->ops, cap * sizeof(*ops));

		if (!ops)
			return NULL;
		l->ops = ops;
		l->cap_ops = cap;
	}
	struct wh_lane_op *o = &l->ops[l->n_ops++];

	memset(o, 0, sizeof(*o));
	return o;
}

static int
load_op(struct wh_lane *l, uint64_t seq)
{
	struct wh_oprow row;
	int r = wh_ops_get(l->view, seq, &row);

	if (r)
		return r < 0 ? r : WH_ECORRUPT;

	struct wh_lane_op *o = grow(l);

	if (!o)
		return WH_ENOMEM;

	wh_buf_str(&o->bytes, row.body);
	if (o->bytes.fault)
		return o->bytes.fault;

	r = wh_op_decode(&o->op, wh_buf_view(&o->bytes));
	if (r)
		return r == WH_ENOMEM ? r : WH_ECORRUPT;

	o->op.seq = seq;
	memcpy(o->op.id, row.id, sizeof(o->op.id));
	o->was = o->op.state;
	return 0;
}

static int
load_ops(struct wh_lane *l)
{
	uint64_t seqs[WH_LANE_READ];
	size_t n = 0;
	int r = wh_ops_lane(l->view, l->key, seqs, WH_LANE_READ, &n);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = load_op(l, seqs[i]);
	return r;
}

static int
begin(struct wh_lane *l, const struct wh_view *v, const struct wh_rules *rules,
      struct wh_str whid)
{
	*l = (struct wh_lane){.view = v, .rules = rules};
	l->key = wh_key_fold(whid, l->key_room);
	return l->key.n ? 0 : WH_EINVAL;
}

int
wh_lane_begin(struct wh_lane *l, const struct wh_view *v, const struct wh_rules *rules,
	      struct wh_str tmp_id)
{
	int r = begin(l, v, rules, tmp_id);

	l->is_new = true;
	return r;
}

int
wh_lane_open(struct wh_lane *l, const struct wh_view *v, const struct wh_rules *rules,
	     struct wh_str whid)
{
	int r = begin(l, v, rules, whid);

	if (r == 0)
		r = load_row(l);
	if (r == 0)
		r = load_before(l);
	if (r == 0)
		r = load_ops(l);
	return r;
}

static int
lane_of(const struct wh_view *v, uint64_t seq, char room[WH_KEY_MAX], struct wh_str *ret)
{
	struct wh_oprow row;
	int r = wh_ops_get(v, seq, &row);

	if (r)
		return r;
	if (row.lane.n > WH_KEY_MAX)
		return WH_ECORRUPT;
	memcpy(room, row.lane.p, row.lane.n);
	*ret = wh_str(room, row.lane.n);
	return 0;
}

int
wh_lane_open_op(struct wh_lane *l, const struct wh_view *v, const struct wh_rules *rules,
		uint64_t seq, struct wh_lane_op **ret)
{
	char room[WH_KEY_MAX];
	struct wh_str lane;
	int r = lane_of(v, seq, room, &lane);

	*ret = NULL;
	if (r) {
		*l = (struct wh_lane){0};
		return r;
	}
	r = wh_lane_open(l, v, rules, lane);
	if (r == 0)
		*ret = wh_lane_find(l, seq);
	return r == 0 && !*ret ? WH_ECORRUPT : r;
}

void
wh_lane_fini(struct wh_lane *l)
{
	for (size_t i = 0; i < l->n_ops; i++)
		wh_buf_fini(&l->ops[i].bytes);
	free(l->ops);
	while (l->blocks) {
		struct wh_lane_block *next = l->blocks->next;

		free(l->blocks);
		l->blocks = next;
	}
	wh_buf_fini(&l->row_bytes);
	wh_buf_fini(&l->before);
	l->ops = NULL;
	l->n_ops = 0;
}

struct wh_str
wh_lane_resolve(const struct wh_view *v, struct wh_str whid)
{
	struct wh_str to;

	if (wh_tmp_id_is(whid) && wh_aliases_get(v, whid, &to) == 0)
		return to;
	return whid;
}

struct wh_lane_op *
wh_lane_find(struct wh_lane *l, uint64_t seq)
{
	for (size_t i = 0; i < l->n_ops; i++)
		if (l->ops[i].op.seq == seq && !l->ops[i].moved)
			return &l->ops[i];
	return NULL;
}

static bool
in_hand(enum wh_op_state s)
{
	return s == WH_OP_CHECKING || s == WH_OP_SENDING || s == WH_OP_UNKNOWN;
}

static bool
is_live(const struct wh_lane_op *o)
{
	return !o->moved && wh_op_state_live(o->op.state);
}

struct wh_lane_op *
wh_lane_head(struct wh_lane *l)
{
	struct wh_lane_op *first = NULL;

	for (size_t i = 0; i < l->n_ops; i++) {
		struct wh_lane_op *o = &l->ops[i];

		if (!is_live(o))
			continue;
		if (in_hand(o->op.state))
			return o;
		if (!first)
			first = o;
	}
	return first;
}

struct wh_lane_op *
wh_lane_tail(struct wh_lane *l)
{
	for (size_t i = l->n_ops; i > 0; i--)
		if (is_live(&l->ops[i - 1]))
			return &l->ops[i - 1];
	return NULL;
}

bool
wh_lane_wants(const struct wh_lane_op *o, uint32_t members)
{
	return is_live(o) && (wh_doc_members(o->op.fields) & members);
}

bool
wh_lane_may_want(const struct wh_lane_op *o, uint32_t members)
{
	return (is_live(o) || (!o->moved && o->op.state == WH_OP_DEAD)) &&
	       (wh_doc_members(o->op.fields) & members);
}

static uint32_t
wanted_before(const struct wh_lane *l, const struct wh_lane_op *end,
	      bool (*wants)(const struct wh_lane_op *, uint32_t))
{
	uint32_t members = 0;

	for (const struct wh_lane_op *o = l->ops; o != end && o < l->ops + l->n_ops; o++)
		if (wants(o, WH_RECORD_ALL))
			members |= wh_doc_members(o->op.fields);
	return members & WH_RECORD_ALL;
}

uint32_t
wh_lane_wanted(const struct wh_lane *l)
{
	return wanted_before(l, NULL, wh_lane_wants);
}

uint32_t
wh_lane_maybe_wanted(const struct wh_lane *l, const struct wh_lane_op *end)
{
	return wanted_before(l, end, wh_lane_may_want);
}

struct wh_lane_op *
wh_lane_append(struct wh_lane *l)
{
	struct wh_lane_op *o = grow(l);

	if (o)
		o->fresh = o->dirty = true;
	else
		l->fault = WH_ENOMEM;
	return o;
}

struct wh_lane_op *
wh_lane_move(struct wh_lane_op *op, struct wh_lane *to, struct wh_str whid)
{
	struct wh_lane_op *o = grow(to);

	if (!o)
		return NULL;

	*o = *op; /* its bytes go along; their place on the heap stays */
	op->bytes = WH_BUF_NULL;
	op->moved = true;
	o->dirty = true;
	o->op.target = wh_lane_keep(to, whid);
	return o;
}

struct wh_str
wh_lane_keep(struct wh_lane *l, struct wh_str text)
{
	struct wh_lane_block *b = malloc(sizeof(*b) + text.n);

	if (!b) {
		l->fault = WH_ENOMEM;
		return WH_STR_NULL;
	}
	if (text.n)
		memcpy(b->data, text.p, text.n);
	b->next = l->blocks;
	l->blocks = b;
	return wh_str(b->data, text.n);
}

struct wh_str
wh_lane_keep_buf(struct wh_lane *l, struct wh_buf *b)
{
	if (b->fault)
		l->fault = b->fault;

	struct wh_str kept = wh_lane_keep(l, wh_buf_view(b));

	wh_buf_fini(b);
	return kept;
}

void
wh_lane_state(struct wh_lane *l, struct wh_lane_op *o, enum wh_op_state to, const char *reason)
{
	if (l->view->writing) /* a dry run is none of the commit thread's */
		wh_crash_edge(l->rules->crash, wh_op_state_str(o->op.state),
			      wh_op_state_str(to));
	wh_op_set_state(&o->op, to, reason, l->rules->now.wall);
	o->dirty = true;
}

void
wh_lane_look_anew(struct wh_lane *l, struct wh_lane_op *o)
{
	o->op.unknown_list = l->rules->list_last;
	o->op.negatives = o->op.incompletes = 0;
	o->op.boot = l->rules->boot;
	o->op.settle_mono = l->rules->now.mono.ms;
	o->op.next_at = l->rules->now.wall.ms;
	o->dirty = true;
}

void
wh_lane_done(struct wh_lane *l, struct wh_lane_op *o, const char *result)
{
	wh_lane_state(l, o, WH_OP_DONE, "");
	o->op.result = wh_str_c(result);
	o->op.last_error = WH_STR_NULL;
}

void
wh_lane_touch(struct wh_lane *l, struct wh_txn *t)
{
	if (!l->has_row)
		return;
	l->row.confirm = ++t->view.meta.confirm;
	l->row_dirty = true;
}

void
wh_lane_set_row(struct wh_lane *l, struct wh_txn *t, struct wh_str body, int64_t confirmed_at)
{
	struct wh_buf copy = WH_BUF_NULL;

	wh_buf_str(&copy, body);
	if (copy.fault)
		l->fault = copy.fault;
	wh_buf_fini(&l->row_bytes);
	l->row_bytes = copy;
	if (!l->has_row)
		l->row = (struct wh_row){.first_list = l->rules->list_last};
	l->row.body = wh_buf_view(&l->row_bytes);
	l->has_row = true;
	l->row_dirty = true;
	l->row.confirm = ++t->view.meta.confirm;
	if (confirmed_at > 0)
		l->row.confirmed_at = confirmed_at;
}

void
wh_lane_drop_row(struct wh_lane *l)
{
	l->has_row = false;
	l->row_dirty = true;
}
