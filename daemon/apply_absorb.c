/* SPDX-License-Identifier: MIT */
/*
 * A change that has not left yet takes in a later one of the same webhook: its
 * members, what their callers saw of them, and its id. Commit thread (dry run:
 * loop).
 */
#include "daemon/apply_set.h"

#include "daemon/core/coalesce.h"
#include "daemon/core/norm.h"
#include "daemon/doc.h"

#define ABSORBED_KEPT 16u /* ids of merged changes that an operation names */

/* Those of the record that stand in the row as they did in the base, with nothing before the
 * change that may still make something else of them. */
static int
find_void(const struct wh_lane *l, const struct wh_lane_op *tail,
	  const struct wh_record *fields, uint32_t *ret)
{
	struct wh_doc base = {0}, row = {0};
	struct wh_record differs = *fields;
	int r = wh_doc_open(&base, tail->op.base);

	if (r == 0 && l->has_row)
		r = wh_doc_open(&row, l->row.body);
	if (r == 0) {
		wh_norm_keep_changes(&differs, &base.record);
		*ret = fields->seen & ~differs.seen & ~wh_lane_maybe_wanted(l, tail);
		differs.seen = *ret;
		wh_norm_keep_changes(&differs, l->has_row ? &row.record : &base.record);
		*ret &= ~differs.seen;
	}
	wh_doc_close(&base);
	wh_doc_close(&row);
	return r;
}

/*
 * Back at its base a member is no wish any more, and with none left the change
 * is void. Were it kept, it would become one again as soon as the base moves.
 */
static int
drop_void(struct wh_lane *l, struct wh_lane_op *tail)
{
	struct wh_doc fields = {0};
	struct wh_buf left = WH_BUF_NULL;
	uint32_t is_void = 0;
	int r;

	if (tail->op.base.n == 0)
		return 0;
	r = wh_doc_open(&fields, tail->op.fields);
	if (r == 0)
		r = find_void(l, tail, &fields.record, &is_void);
	if (r == 0) {
		fields.record.seen &= ~is_void;
		wh_record_pack(&left, &fields.record);
		tail->op.fields = wh_lane_keep_buf(l, &left);
	}
	if (r == 0 && (fields.record.seen & WH_RECORD_ALL) == 0)
		wh_lane_done(l, tail, "noop");
	wh_doc_close(&fields);
	return r;
}

/*
 * The base of a member is what the caller saw who wanted it first: members that
 * only the later change wants take theirs from its base. Else a value set back
 * to what the base says would count as no change, although others changed it
 * in between.
 */
static int
merge_bases(struct wh_lane *l, struct wh_lane_op *tail, const struct wh_op *later,
	    uint32_t earlier, uint32_t wanted)
{
	struct wh_doc first = {0}, second = {0};
	struct wh_buf base = WH_BUF_NULL;
	int r = 0;

	if (earlier & wanted & WH_SET_MEMBER)
		r = wh_set_join(l, tail, later);
	if (r == 0)
		r = wh_doc_open(&first, tail->op.base);
	if (r == 0)
		r = wh_doc_open(&second, later->base);
	if (r == 0) {
		second.record.seen &= wanted & ~earlier;
		wh_record_patch(&base, &first.tree.root, &second.record, WH_STR_NULL);
		tail->op.base = wh_lane_keep_buf(l, &base);
	}
	wh_doc_close(&first);
	wh_doc_close(&second);
	return r;
}

/* The id of the later one is added to what tail took in, of which the newest are kept. */
static int
note_absorbed(struct wh_lane *l, struct wh_lane_op *tail, const struct wh_op *later)
{
	char id[WH_OP_TEXT_ID + 1];
	struct wh_buf ids = WH_BUF_NULL;
	struct wh_tree before = {0};
	int r = tail->op.absorbed.n ? wh_unpack(&before, tail->op.absorbed, NULL) : 0;
	uint32_t n = r == 0 && tail->op.absorbed.n ? before.root.via.array.size : 0;
	uint32_t from = n < ABSORBED_KEPT ? 0 : n - ABSORBED_KEPT + 1;

	if (r)
		return r;
	wh_pack_array(&ids, n - from + 1);
	for (uint32_t i = from; i < n; i++)
		wh_pack_object(&ids, &before.root.via.array.ptr[i]);
	wh_op_id_text(later->id, id);
	wh_pack_c(&ids, id);
	wh_tree_fini(&before);
	tail->op.absorbed = wh_lane_keep_buf(l, &ids);
	return 0;
}

static int
join(struct wh_lane *l, struct wh_lane_op *tail, struct wh_lane_op *o)
{
	tail->dirty = true;
	if (o->op.uid != tail->op.uid)
		tail->op.flags |= WH_OPF_SHARED;
	wh_lane_done(l, o, "merged");
	return note_absorbed(l, tail, &o->op);
}

int
wh_absorb(struct wh_lane *l, struct wh_lane_op *tail, struct wh_lane_op *o)
{
	struct wh_doc earlier = {0}, later = {0};
	struct wh_buf merged = WH_BUF_NULL;
	int r = wh_doc_open(&earlier, tail->op.fields);

	if (r == 0)
		r = wh_doc_open(&later, o->op.fields);
	if (r == 0 && tail->op.base.n)
		r = merge_bases(l, tail, &o->op, earlier.record.seen, later.record.seen);
	if (r == 0) {
		wh_coalesce_fields(&merged, &earlier.record, &later.record);
		tail->op.fields = wh_lane_keep_buf(l, &merged);
		r = join(l, tail, o);
	}
	wh_doc_close(&earlier);
	wh_doc_close(&later);
	return r ? r : drop_void(l, tail);
}
