/* SPDX-License-Identifier: MIT */
/* Sets are arrays here, and each step makes a new one: they are small, and changed rarely. */
#include "daemon/apply_set.h"

int
wh_lane_put_set(struct wh_lane *l, struct wh_str *body, const msgpack_object *set)
{
	struct wh_record with = {.seen = WH_SET_MEMBER};
	struct wh_buf next = WH_BUF_NULL;
	struct wh_doc under = {0};
	int r = wh_doc_open(&under, *body);

	with.set[WH_F_PROCESSES] = set;
	if (r == 0)
		wh_record_patch(&next, &under.tree.root, &with, WH_STR_NULL);
	wh_doc_close(&under);
	if (r == 0)
		*body = wh_lane_keep_buf(l, &next);
	return r;
}

/* d becomes what it has in common with `only`. */
static int
intersect(struct wh_doc *d, const msgpack_object *only)
{
	struct wh_doc others = {0};
	int r = wh_doc_become_set(&others, &d->tree.root, NULL, only);

	if (r == 0)
		r = wh_doc_become_set(d, &d->tree.root, NULL, &others.tree.root);
	wh_doc_close(&others);
	return r;
}

/* What is added, and what is taken out. */
struct change {
	struct wh_doc adds, drops;
};

static void
change_close(struct change *c)
{
	wh_doc_close(&c->adds);
	wh_doc_close(&c->drops);
}

/* From one set to the other. */
static int
change_between(struct change *c, const msgpack_object *from, const msgpack_object *to)
{
	int r = wh_doc_become_set(&c->adds, to, NULL, from);

	return r ? r : wh_doc_become_set(&c->drops, from, NULL, to);
}

static int
change_of(struct change *c, const struct wh_op *op)
{
	struct wh_doc base = {0}, mine = {0};
	int r = wh_doc_open(&mine, op->fields);

	if (r == 0)
		r = wh_doc_open(&base, op->base);
	if (r == 0)
		r = change_between(c, base.record.set[WH_F_PROCESSES],
				   mine.record.set[WH_F_PROCESSES]);
	wh_doc_close(&base);
	wh_doc_close(&mine);
	return r;
}

/* ---------------------------------------------------------------- doubts -- */

/* What leads to mine from any of the sets that there may be. */
static int
doubt(struct change *all, const msgpack_object *mine, const msgpack_object *maybe)
{
	struct change c = {0};
	int r = change_between(&c, maybe, mine);

	if (r == 0)
		r = wh_doc_become_set(&all->adds, &all->adds.tree.root, &c.adds.tree.root,
				      NULL);
	if (r == 0)
		r = wh_doc_become_set(&all->drops, &all->drops.tree.root, &c.drops.tree.root,
				      NULL);
	change_close(&c);
	return r;
}

static int
doubt_body(struct change *all, const msgpack_object *mine, struct wh_str body)
{
	struct wh_doc doc = {0};
	int r = wh_doc_open(&doc, body);

	if (r == 0)
		r = doubt(all, mine, doc.record.set[WH_F_PROCESSES]);
	wh_doc_close(&doc);
	return r;
}

/* Those of the row and of what is before `end`: live, or dead, as that may be retried while
 * this change waits. NULL: of a new change, which ends at once if it has nothing to do; all
 * that is live. */
static int
doubt_lane(struct change *all, const struct wh_lane *l, const struct wh_lane_op *end,
	   const msgpack_object *mine)
{
	int r = l->has_row ? doubt_body(all, mine, l->row.body) : 0;
	const struct wh_lane_op *o = l->ops;

	for (; r == 0 && o != end && o < l->ops + l->n_ops; o++)
		if (end ? wh_lane_may_want(o, WH_SET_MEMBER) : wh_lane_wants(o, WH_SET_MEMBER))
			r = doubt_body(all, mine, o->op.fields);
	return r;
}

/* --------------------------------------------------------------- against -- */

int
wh_set_against(const struct wh_lane *l, const struct wh_set_asked *asked, struct wh_doc *ret)
{
	struct change c = {0};
	int r = doubt(&c, asked->mine, asked->seen);

	if (r == 0)
		r = doubt_lane(&c, l, NULL, asked->mine);
	if (r == 0 && (asked->add || asked->remove))
		r = intersect(&c.adds, asked->add);
	if (r == 0 && (asked->add || asked->remove))
		r = intersect(&c.drops, asked->remove);
	if (r == 0)
		r = wh_doc_become_set(ret, asked->seen, &c.drops.tree.root, &c.adds.tree.root);
	change_close(&c);
	return r;
}

/* Of the change only what may have to be done. */
static int
drop_sure(struct change *c, const struct change *doubts)
{
	int r = intersect(&c->adds, &doubts->adds.tree.root);

	return r ? r : intersect(&c->drops, &doubts->drops.tree.root);
}

/* The base of o becomes that from which the change, but for what is sure, leads to mine. */
static int
put_base(struct wh_lane *l, struct wh_lane_op *o, struct change *c, const struct change *doubts,
	 const msgpack_object *mine)
{
	struct wh_doc base = {0};
	int r = drop_sure(c, doubts);

	if (r == 0)
		r = wh_doc_become_set(&base, mine, &c->drops.tree.root, &c->adds.tree.root);
	if (r == 0)
		r = wh_lane_put_set(l, &o->op.base, &base.tree.root);
	wh_doc_close(&base);
	return r;
}

/* What is asked for last counts. */
static int
join_changes(struct change *c, const struct change *later)
{
	int r = wh_doc_become_set(&c->adds, &c->adds.tree.root, &later->adds.tree.root,
				  &later->drops.tree.root);

	return r ? r
		 : wh_doc_become_set(&c->drops, &c->drops.tree.root, &later->drops.tree.root,
				     &later->adds.tree.root);
}

int
wh_set_join(struct wh_lane *l, struct wh_lane_op *tail, const struct wh_op *later)
{
	struct change all = {0}, last = {0}, doubts = {0};
	struct wh_doc mine = {0};
	int r = wh_doc_open(&mine, later->fields);
	const msgpack_object *set = mine.record.set[WH_F_PROCESSES];

	if (r == 0)
		r = change_of(&all, &tail->op);
	if (r == 0)
		r = change_of(&last, later);
	if (r == 0)
		r = doubt_body(&doubts, set, tail->op.base);
	if (r == 0)
		r = doubt_lane(&doubts, l, tail, set);
	if (r == 0)
		r = join_changes(&all, &last);
	if (r == 0)
		r = put_base(l, tail, &all, &doubts, set);
	change_close(&all);
	change_close(&last);
	change_close(&doubts);
	wh_doc_close(&mine);
	return r;
}

int
wh_set_rebase(struct wh_lane *l, struct wh_lane_op *o, const struct wh_set_made *before)
{
	struct change c = {0}, doubts = {0};
	struct wh_doc mine = {0};
	int r = wh_doc_open(&mine, o->op.fields);
	const msgpack_object *set = mine.record.set[WH_F_PROCESSES];

	if (r == 0)
		r = change_of(&c, &o->op);
	if (r == 0)
		r = doubt(&doubts, set, before->wanted);
	if (r == 0)
		r = doubt(&doubts, set, before->made);
	if (r == 0)
		r = doubt_lane(&doubts, l, o, set);
	if (r == 0)
		r = put_base(l, o, &c, &doubts, set);
	change_close(&c);
	change_close(&doubts);
	wh_doc_close(&mine);
	return r;
}
