/* SPDX-License-Identifier: MIT */
/*
 * Operations that are gone although an index tells of them: none is forgotten
 * without a word. The index is a table of its own, so that it mostly outlives
 * what it leads to.
 */
#include <inttypes.h>

#include "store/salvage.h"

static int
entry(const struct wh_salvage *x, uint64_t seq, struct wh_damaged *ret)
{
	int r = seq ? wh_damaged_next(&x->t.view, seq - 1, ret) : WH_ABSENT;

	return r == 0 && ret->seq != seq ? WH_ABSENT : r;
}

/* Is it neither among those that wait nor among those that have ended? */
static int
is_lost(const struct wh_salvage *x, const uint8_t id[WH_OP_ID])
{
	struct wh_past past;
	uint64_t seq;
	int r = wh_ops_find(&x->t.view, id, &seq);

	return r == WH_ABSENT ? wh_history_find(&x->t.view, id, &past) : r;
}

static int
note_id(struct wh_salvage *x, struct wh_str key, const struct wh_value *v)
{
	struct wh_damaged d = {.has_id = true};

	if (key.n != 1 + WH_OP_ID || v->prefix_n < WH_BY_ID_PREFIX)
		return 0;
	memcpy(d.id, key.p + 1, WH_OP_ID);
	d.seq = wh_be_get(v->prefix, 8);
	x->highest = wh_higher(x->highest, d.seq);
	int r = is_lost(x, d.id);

	return r == WH_ABSENT && d.seq > 0 ? wh_damaged_put(&x->t, &d) : r < 0 ? r : 0;
}

static int
note_lane(struct wh_salvage *x, struct wh_str key)
{
	struct wh_damaged d;

	if (key.n < 1 + 1 + 1 + 8)
		return 0;
	struct wh_str lane = wh_str(key.p + 1, key.n - 1 - 1 - 8);
	int r = entry(x, wh_be_get((const uint8_t *)key.p + key.n - 8, 8), &d);

	if (r != 0 || !wh_lane_valid(lane))
		return r < 0 ? r : 0;
	d.lane = lane;
	return wh_damaged_put(&x->t, &d);
}

/* Those by id come before those by lane: 'i' < 'l'. */
static int
on_index(void *ctx, const MDB_val *key, const MDB_val *data)
{
	struct wh_salvage *x = ctx;
	struct wh_str k = wh_str(key->mv_data, key->mv_size);
	struct wh_value v;

	if (k.n == 0 || wh_value_open(WH_TABLE_OPS_INDEX, key, data, 0, &v) < 0)
		return 0;
	if (k.p[0] == WH_BY_ID)
		return note_id(x, k, &v);
	return k.p[0] == WH_BY_LANE ? note_lane(x, k) : 0;
}

static int
tell_each(struct wh_salvage *x, uint64_t *ret_lost)
{
	struct wh_damaged d = {.seq = 0};
	struct wh_oprow op;
	int r = 0;

	while ((r = wh_damaged_next(&x->t.view, d.seq, &d)) == 0) {
		bool there = wh_ops_get(&x->t.view, d.seq, &op) == 0;

		*ret_lost += !there;
		wh_salvage_tell(x, WH_TABLE_OPS,
				there ? "operation %" PRIu64
					" was found, but may be older than it was; it is held"
				      : "operation %" PRIu64
					" cannot be read; what is known of it is held",
				d.seq);
	}
	return r == WH_ABSENT ? 0 : r;
}

static uint64_t
count_ops(const struct wh_meta *m)
{
	uint64_t n = 0;

	for (uint8_t i = 0; i < WH_OP_STATES; i++)
		n += wh_meta_ops(m, i);
	return n;
}

int
wh_salvage_lost_ops(struct wh_salvage *x)
{
	uint64_t lost = 0;
	int r = wh_pages_table(&x->pages, "ops_index", on_index, x);

	if (r < 0 && r != WH_ECORRUPT)
		return r;
	r = tell_each(x, &lost);
	if (r < 0)
		return r;
	uint64_t found = count_ops(&x->t.view.meta) + lost;
	uint64_t should = x->has_counters ? count_ops(&x->counters) : 0;

	if (should > found)
		wh_salvage_tell(x, WH_TABLE_OPS,
				"%" PRIu64 " more operations had not ended, and left no trace",
				should - found);
	else if (x->cut[WH_TABLE_OPS] && x->cut[WH_TABLE_META])
		wh_salvage_tell(x, WH_TABLE_OPS,
				"nobody knows how many there were: more may have left no "
				"trace");
	return 0;
}
