/* SPDX-License-Identifier: MIT */
/*
 * What callers want: the wishes of an operation and of all it absorbed, folded
 * in the order in which they were stored. A member set to what the caller saw
 * already is no wish, but may be one if that was there only by operations
 * before it, and so may one that was set back.
 */
#include "tests/sim/sim.h"

/* A webhook goes by the local id of its create as well, once that found it upstream. */
static const char *
upstream_name(const struct sim_oracle *all, const struct sim_op *op)
{
	const char *name = op->whid[0] ? op->whid : op->target;

	for (size_t i = 0; strncmp(name, "tmp-", 4) == 0 && i < all->n; i++)
		if (strcmp(all->ops[i].tmp, name) == 0 && all->ops[i].whid[0])
			return all->ops[i].whid;
	return name;
}

bool
sim_oracle_same_webhook(const struct sim_oracle *all, const struct sim_op *o,
			const struct sim_op *op)
{
	const char *name = upstream_name(all, o);

	return o->obj == op->obj || (name[0] && strcmp(name, upstream_name(all, op)) == 0);
}

bool
sim_oracle_is_behind(const struct sim_oracle *all, const struct sim_op *op)
{
	for (size_t i = 0; i < all->n; i++) {
		const struct sim_op *o = &all->ops[i];

		if (o != op && o->committed && sim_oracle_same_webhook(all, o, op) &&
		    o->seq < op->seq && o->state != SIM_NEW && wh_op_state_live(o->state))
			return true;
	}
	return false;
}

bool
sim_oracle_was_seen_before(struct sim *s, const struct sim_op *op, unsigned f,
			   const char *value)
{
	for (size_t i = 0; op->behind && i < s->oracle.n; i++) {
		const struct sim_op *o = &s->oracle.ops[i];

		if (o->committed && o->has_seen && sim_oracle_same_webhook(&s->oracle, o, op) &&
		    o->seq < op->seq && sim_text_same(o->seen.text[f], value))
			return true;
	}
	return false;
}

void
sim_oracle_forget_set_back(struct sim *s, const struct sim_op *op, struct sim_wish *w)
{
	for (unsigned f = 0; f < WH_F_COUNT; f++)
		if (f != SIM_SET && w->has >> f & 1u &&
		    sim_oracle_was_seen_before(s, op, f, w->want.text[f]))
			w->has &= ~(1u << f);
}

static bool
touches_set(const struct sim_op *op)
{
	return op->whole_set || op->adds.n_items || op->drops.n_items;
}

static void
copy_items(struct sim_doc *to, const struct sim_doc *from)
{
	memcpy(to->item, from->item, sizeof(to->item));
	to->n_items = from->n_items;
}

/* `cur` is the set as the caller leaves it. */
static void
fold_set(const struct sim_op *op, struct sim_doc *cur)
{
	copy_items(cur, op->whole_set ? &op->want : &op->seen);
	for (unsigned i = 0; i < op->adds.n_items; i++)
		sim_doc_add_item(cur, op->adds.item[i]);
	for (unsigned i = 0; i < op->drops.n_items; i++)
		sim_doc_drop_item(cur, op->drops.item[i]);
}

/* Members of one more change. base: what was seen by the first who wanted each of them. */
static void
fold_one(const struct sim_op *op, struct sim_wish *w, struct sim_doc *base, struct sim_doc *cur)
{
	bool same_set;

	for (unsigned f = 0; f < WH_F_COUNT; f++) {
		bool more = w->has >> f & 1u;

		if (f == SIM_SET || !(op->has >> f & 1u))
			continue;
		if (!more && sim_text_same(op->want.text[f], op->seen.text[f])) {
			w->may |= op->behind ? 1u << f : 0;
			continue;
		}
		if (!more)
			memcpy(base->text[f], op->seen.text[f], SIM_TEXT);
		memcpy(w->want.text[f], op->want.text[f], SIM_TEXT);
		w->has |= 1u << f;
	}
	if (!touches_set(op))
		return;
	fold_set(op, cur);
	same_set = !(sim_doc_diff(cur, &op->seen) >> SIM_SET & 1u);
	if (same_set || w->has >> SIM_SET & 1u)
		return;
	copy_items(base, &op->seen);
	w->has |= 1u << SIM_SET;
}

/* The set of `a` without that of `b`. */
static void
subtract(struct sim_doc *out, const struct sim_doc *a, const struct sim_doc *b)
{
	out->n_items = 0;
	for (unsigned i = 0; i < a->n_items; i++)
		if (!sim_doc_has_item(b, a->item[i]))
			sim_doc_add_item(out, a->item[i]);
}

/* Back where it was a member is no wish: who wants it again sees anew where it is. */
static void
forget_void(struct sim_wish *w, const struct sim_doc *base, const struct sim_doc *cur)
{
	for (unsigned f = 0; f < WH_F_COUNT; f++)
		if (f != SIM_SET && w->has >> f & 1u &&
		    sim_text_same(w->want.text[f], base->text[f])) {
			w->has &= ~(1u << f);
			w->may |= 1u << f;
		}
	if (w->has >> SIM_SET & 1u && !(sim_doc_diff(cur, base) >> SIM_SET & 1u))
		w->has &= ~(1u << SIM_SET);
}

/* The operations that `op` carries, itself first, in the order in which they were stored. */
static const struct sim_op *
next_carried(struct sim *s, const struct sim_op *op, uint64_t after)
{
	const struct sim_op *next = NULL;

	for (size_t i = 0; i < s->oracle.n; i++) {
		const struct sim_op *o = &s->oracle.ops[i];

		if (o->committed && o->seq > after && sim_oracle_carries(s, op, o) &&
		    (!next || o->seq < next->seq))
			next = o;
	}
	return next;
}

static void
fold_create(struct sim *s, const struct sim_op *op, struct sim_wish *w)
{
	const struct sim_op *o = op;
	struct sim_doc base, cur;

	w->has = WH_RECORD_ALL;
	w->want = op->want;
	while ((o = next_carried(s, op, o->seq)) != NULL) {
		struct sim_wish one = {0};

		fold_one(o, &one, &base, &cur);
		for (unsigned f = 0; f < WH_F_COUNT; f++)
			if (f != SIM_SET && one.has >> f & 1u)
				memcpy(w->want.text[f], one.want.text[f], SIM_TEXT);
		if (touches_set(o))
			copy_items(&w->want, &cur);
	}
}

void
sim_oracle_wish(struct sim *s, const struct sim_op *op, struct sim_wish *w)
{
	struct sim_doc base = op->seen, cur = op->seen;
	bool moved = !op->has_base;

	*w = (struct sim_wish){0};
	if (op->kind == WH_OP_CREATE) {
		fold_create(s, op, w);
		return;
	}
	for (const struct sim_op *o = op; o || !moved; o = next_carried(s, op, o->seq)) {
		if (!moved && (!o || o->seq > op->base_seq)) {
			memcpy(base.text, op->base.text, sizeof(base.text));
			if (!op->base_adopted)
				copy_items(&base, &op->base);
			moved = true;
			forget_void(w, &base, &cur);
		}
		if (!o)
			break;
		fold_one(o, w, &base, &cur);
		forget_void(w, &base, &cur);
	}
	if (w->has >> SIM_SET & 1u) {
		subtract(&w->adds, &cur, &base);
		subtract(&w->drops, &base, &cur);
	}
}
