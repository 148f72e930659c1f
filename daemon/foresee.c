/* SPDX-License-Identifier: MIT */
/*
 * What is known already of an operation that has not been sent: others may
 * have changed the webhook since it was queued. The verdicts are those of the
 * step before a request leaves (apply_send.c); here nothing follows from them.
 * Any thread.
 */
#include "daemon/lane.h"

#include "daemon/core/merge.h"
#include "daemon/doc.h"

int
wh_lane_merge(const struct wh_lane *l, const struct wh_op *op, enum wh_policy policy,
	      struct wh_merged *ret)
{
	struct wh_doc base = {0}, mine = {0}, theirs = {0};
	int r = wh_doc_open(&base, op->base);

	if (r == 0)
		r = wh_doc_open(&mine, op->fields);
	if (r == 0)
		r = wh_doc_open(&theirs, l->row.body);
	if (r == 0)
		r = wh_merge(&base.record, &mine.record, &theirs.record, policy, ret);
	wh_doc_close(&base);
	wh_doc_close(&mine);
	wh_doc_close(&theirs);
	return r;
}

static int
foresee_update(const struct wh_lane *l, const struct wh_op *op, const char **ret)
{
	struct wh_merged merged = {0};
	int r = wh_lane_merge(l, op, op->policy, &merged);

	if (r == 0 && merged.verdict == WH_MERGE_CONFLICT)
		*ret = "both_changed";
	wh_buf_fini(&merged.doc);
	return r;
}

static int
foresee_delete(const struct wh_lane *l, const struct wh_op *op, const char **ret)
{
	bool asks = !(op->flags & WH_OPF_FORCE) && op->policy != WH_POLICY_LOCAL_WINS;
	uint32_t changed = 0;
	int r = op->base.n ? wh_doc_diff(op->base, l->row.body, &changed) : 0;

	if (r == 0 && changed && asks)
		*ret = "changed_upstream";
	return r;
}

int
wh_lane_foresee(const struct wh_lane *l, const struct wh_op *op, const char **ret)
{
	*ret = NULL;
	if (op->kind == WH_OP_CREATE)
		return 0;
	if (l->has_row)
		return op->kind == WH_OP_UPDATE ? foresee_update(l, op, ret)
						: foresee_delete(l, op, ret);
	if (op->kind == WH_OP_UPDATE)
		*ret = "gone_upstream";
	return 0;
}
