/* SPDX-License-Identifier: MIT */
/*
 * What an update asks for, and what that is seen against.
 *
 * Readers see what waits as if it were in effect already, but it may still
 * fail, or be cancelled. So a member that an operation before it wants, too, is
 * asked for even if readers see it that way; and the base is what stood there
 * before those operations. Each of them that is in effect puts what it made
 * into the bases of those behind it (apply_finish.c), and one that fails leaves
 * nothing to be put right. Commit thread (dry run: loop).
 */
#include "daemon/apply_set.h"

#include "daemon/core/merge.h"
#include "daemon/core/norm.h"
#include "daemon/doc.h"

struct asking {
	struct wh_lane *lane;
	struct wh_enqueue *e;
	struct wh_doc have; /* what readers see */
	struct wh_doc want;
	struct wh_doc mine; /* processes as they are to be */
};

static int
open_asking(struct asking *a, struct wh_str effect)
{
	int r = wh_doc_open(&a->have, effect);

	return r ? r : wh_doc_open(&a->want, wh_buf_view(&a->e->fields));
}

static void
close_asking(struct asking *a)
{
	wh_doc_close(&a->have);
	wh_doc_close(&a->want);
	wh_doc_close(&a->mine);
}

/* ------------------------------------------------------------- processes -- */

static void
refuse_processes(struct wh_enqueue *e, const char *sentence)
{
	e->refusal.code = WH_ERR_INVALID_PARAM;
	wh_buf_c(&e->refusal.text, sentence);
}

/* The set with what is added and removed. */
static int
ask_processes(struct asking *a, const struct wh_doc *add, const struct wh_doc *remove)
{
	struct wh_record *want = &a->want.record;
	bool whole = wh_record_has(want, WH_F_PROCESSES);
	const struct wh_record *from = whole ? want : &a->have.record;
	int r = wh_doc_become_set(&a->mine, from->set[WH_F_PROCESSES], &add->tree.root,
				  &remove->tree.root);

	if (r)
		return r;
	want->set[WH_F_PROCESSES] = &a->mine.tree.root;
	want->seen |= WH_SET_MEMBER;
	if (!whole && !wh_record_has(&a->have.record, WH_F_PROCESSES))
		refuse_processes(
			a->e,
			"processes of this webhook is not shown as a list of text, so nothing "
			"can be added to it or taken out: set it as a whole");
	else if (a->mine.tree.root.via.array.size > WH_SET_MAX)
		refuse_processes(a->e, "processes would hold more than 256 items: remove some");
	return 0;
}

/* ------------------------------------------------------------------ base -- */

/* Puts the members of `over` in, those that it lacks as empty ones. */
static int
put_members(struct wh_buf *acc, struct wh_str over, uint32_t members)
{
	const struct wh_record which = {.seen = members};
	struct wh_doc from = {0}, under = {0};
	struct wh_buf next = WH_BUF_NULL;
	int r = wh_doc_open(&under, wh_buf_view(acc));

	if (r == 0)
		r = wh_doc_open(&from, over);
	if (r == 0) {
		wh_merge_rebase(&next, &under.tree.root, &which, &from.record);
		r = next.fault;
	}
	wh_doc_close(&under);
	wh_doc_close(&from);
	wh_buf_fini(acc);
	*acc = next;
	return r;
}

int
wh_asked_base(struct wh_lane *l, struct wh_str effect, struct wh_str *ret)
{
	struct wh_buf base = WH_BUF_NULL;
	struct wh_doc have = {0};
	int r = wh_doc_open(&have, effect);

	if (r == 0) {
		wh_record_pack(&base, &have.record);
		r = base.fault;
	}
	wh_doc_close(&have);
	for (size_t i = l->n_ops; r == 0 && i > 0; i--) {
		const struct wh_lane_op *o = &l->ops[i - 1];

		if (o->op.base.n && wh_lane_wants(o, WH_RECORD_ALL))
			r = put_members(&base, o->op.base, wh_doc_members(o->op.fields));
	}
	*ret = wh_lane_keep_buf(l, &base);
	return r;
}

/* ---------------------------------------------------------------- update -- */

/* The members that the row lacks (what readers see, if it is gone), or that those before want,
 * too. */
static int
find_changes(struct asking *a, struct wh_str base, uint32_t *ret)
{
	struct wh_record *want = &a->want.record;
	uint32_t keep = wh_lane_wanted(a->lane) & want->seen & ~WH_SET_MEMBER;
	struct wh_doc row = {0}, against = {0};
	struct wh_record differs = *want;
	int r = wh_doc_open(&against, base);

	if (r == 0 && a->lane->has_row)
		r = wh_doc_open(&row, a->lane->row.body);
	if (r == 0) {
		wh_norm_keep_changes(&differs,
				     a->lane->has_row ? &row.record : &a->have.record);
		keep |= differs.seen & ~WH_SET_MEMBER;
		differs.seen = want->seen & WH_SET_MEMBER;
		wh_norm_keep_changes(&differs, &against.record);
		keep |= differs.seen;
	}
	wh_doc_close(&row);
	wh_doc_close(&against);
	*ret = keep & WH_RECORD_ALL;
	return r;
}

static int
pack_asked(struct asking *a, uint32_t members, struct wh_str *ret_fields)
{
	struct wh_buf fields = WH_BUF_NULL;

	a->want.record.seen = members;
	wh_record_pack(&fields, &a->want.record);
	int r = fields.fault;

	*ret_fields = wh_lane_keep_buf(a->lane, &fields);
	return r;
}

/* What is not shown as a list of text is replaced as a whole. */
static bool
asks_for_set(const struct asking *a)
{
	return wh_record_has(&a->want.record, WH_F_PROCESSES) &&
	       wh_record_has(&a->have.record, WH_F_PROCESSES);
}

/* The base of an update that asks for processes is seen against a set of its own. */
static int
ask(struct asking *a, struct wh_str *ret_base)
{
	bool whole = wh_record_has(&a->want.record, WH_F_PROCESSES);
	struct wh_doc add = {0}, remove = {0}, set = {0};
	int r = wh_doc_open(&add, wh_buf_view(&a->e->add));

	if (r == 0)
		r = wh_doc_open(&remove, wh_buf_view(&a->e->remove));
	if (r == 0 && (a->e->add.n || a->e->remove.n))
		r = ask_processes(a, &add, &remove);
	if (r == 0 && !a->e->refusal.code && asks_for_set(a)) {
		const struct wh_set_asked asked = {
			.mine = a->want.record.set[WH_F_PROCESSES],
			.seen = a->have.record.set[WH_F_PROCESSES],
			.add = whole ? NULL : &add.tree.root,
			.remove = whole ? NULL : &remove.tree.root,
		};

		r = wh_set_against(a->lane, &asked, &set);
		if (r == 0)
			r = wh_lane_put_set(a->lane, ret_base, &set.tree.root);
	}
	wh_doc_close(&add);
	wh_doc_close(&remove);
	wh_doc_close(&set);
	return r;
}

int
wh_asked_update(struct wh_lane *l, struct wh_enqueue *e, struct wh_str effect,
		struct wh_asked *ret)
{
	struct asking a = {.lane = l, .e = e};
	int r = wh_asked_base(l, effect, &ret->base);

	if (r == 0)
		r = open_asking(&a, effect);
	if (r == 0)
		r = ask(&a, &ret->base);
	if (r == 0 && !e->refusal.code)
		r = find_changes(&a, ret->base, &ret->members);
	if (r == 0 && !e->refusal.code)
		r = pack_asked(&a, ret->members, &ret->fields);
	close_asking(&a);
	return r;
}
