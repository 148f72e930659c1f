/* SPDX-License-Identifier: MIT */
/*
 * The index of the history by lane, which follows the history in steps.
 *
 * Read by any view. Written by the commit thread: when nobody brings a change,
 * when somebody has looked through many, or by whoever finds too many.
 */
#include <stdatomic.h>

#include "store/batch.h"
#include "store/history.h"

uint64_t
wh_history_behind(const struct wh_meta *m)
{
	return m->history_behind ? m->history_head - m->history_behind + 1 : 0;
}

/* Its fields and its lane as they stand, even if its checksum is wrong: whoever is led to it
 * learns of the damage. */
static bool
decode_walk(const struct wh_walk *w, struct wh_past *ret)
{
	struct wh_value value;

	return wh_walk_peek(w, WH_PAST_PREFIX, &value) == 0 &&
	       wh_past_decode(wh_walk_order(w), &value, ret) == 0;
}

/* What is looked for: a lane, by the names it has had. */
struct search {
	struct wh_str lane, other;
	uint64_t first; /* that is behind */
	size_t walked;  /* so many were looked at */
};

/* From the position downwards. */
static int
walk_down(struct wh_walk *w, struct search *s, uint64_t *ret_end)
{
	struct wh_past past;
	int r = 0;

	for (; r == 0 && wh_walk_order(w) >= s->first; s->walked++) {
		if (decode_walk(w, &past) &&
		    (wh_str_eq(past.lane, s->lane) || wh_str_eq(past.lane, s->other))) {
			*ret_end = past.end;
			return 0;
		}
		r = wh_walk_prev(w);
	}
	return r == 0 ? WH_ABSENT : r;
}

int
wh_history_look_through(const struct wh_view *v, uint64_t before, struct wh_str lane,
			struct wh_str other, uint64_t *ret_end)
{
	struct search s = {.lane = lane, .other = other, .first = v->meta.history_behind};
	struct wh_walk w;
	struct wh_key k;

	if (s.first == 0 || before <= s.first)
		return WH_ABSENT;
	int r = wh_walk_begin(v, WH_TABLE_HISTORY, &w);

	if (r < 0)
		return r;
	wh_key_order(&k, before);
	r = wh_walk_before(&w, &k);
	if (r == 0)
		r = walk_down(&w, &s, ret_end);
	wh_walk_end(&w);
	if (s.walked > WH_BEHIND_FEW)
		atomic_store_explicit(&v->store->tail_walked, true, memory_order_relaxed);
	return r;
}

/* ------------------------------------------------------- commit thread -- */

/* All from the first on that is behind, and below `end`. */
static int
gather(const struct wh_view *v, uint64_t end, struct wh_batch *out)
{
	struct wh_past past;
	struct wh_walk w;
	struct wh_key k;
	int r = wh_walk_begin(v, WH_TABLE_HISTORY, &w);

	if (r < 0)
		return r;
	wh_key_order(&k, v->meta.history_behind);
	for (r = wh_walk_from(&w, &k); r == 0 && wh_walk_order(&w) < end;
	     r = wh_walk_next(&w)) {
		if (!decode_walk(&w, &past))
			continue;
		wh_index_by_lane(&k, past.lane, past.end);
		wh_batch_add(out, &k, 0, 0);
	}
	wh_walk_end(&w);
	return r == WH_ABSENT ? 0 : r;
}

int
wh_history_catch_up(struct wh_txn *t, uint64_t behind, size_t max)
{
	struct wh_batch batch = {.table = WH_TABLE_HISTORY_INDEX};
	struct wh_meta *m = &t->view.meta;
	uint64_t count = wh_history_behind(m);

	if (t->fault || count <= behind)
		return t->fault;
	uint64_t end = m->history_behind + (count < max ? count : max);
	int r = wh_txn_fail(t, gather(&t->view, end, &batch));

	if (r == 0)
		r = wh_batch_put(t, &batch);
	wh_batch_fini(&batch);
	if (r == 0)
		m->history_behind = end <= m->history_head ? end : 0;
	return r;
}

int
wh_history_join(struct wh_txn *t, uint64_t end)
{
	struct wh_meta *m = &t->view.meta;

	if (m->history_behind == 0)
		m->history_behind = end;
	if (wh_history_behind(m) <= WH_HISTORY_BEHIND_MAX)
		return 0;
	return wh_history_catch_up(t, 0, WH_CATCH_UP_MOST); /* there is no quiet time */
}
