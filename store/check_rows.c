/* SPDX-License-Identifier: MIT */
/*
 * What the check asks of overlays and of those that are rows by now, of aliases, request ids
 * and the change log.
 *
 * Called by the check for each row whose checksum is right. Bodies are opaque
 * to the store, so nothing more can be asked of rows and tombs.
 */
#include <inttypes.h>

#include "store/check.h"
#include "store/tail.h"

static void
tell_of_op(struct wh_check *c, const struct wh_walk *w, uint64_t op, const char *what)
{
	wh_check_tell(c, w->table, wh_walk_key(w), "operation %" PRIu64 " %s", op, what);
}

/* Who waits for its index rows with an operation has one to wait with, and only such a one
 * shares its body with it. */
static void
expect_newest(struct wh_check *c, const struct wh_walk *w, const struct wh_overlay *o)
{
	struct wh_value value;
	struct wh_oprow op;
	struct wh_key k;

	if (!wh_tail_has(c->meta, o->newest)) {
		if (o->shared > 0)
			tell_of_op(c, w, o->newest, "has its body, but is none of the newest");
		return;
	}
	wh_key_order(&k, o->newest);
	int r = wh_check_look(c, WH_TABLE_OPS, &k, WH_OP_PREFIX, &value);

	if (r == 0)
		r = wh_oprow_decode(o->newest, &value, &op);
	if (r == WH_ABSENT || (r == 0 && !wh_str_eq(op.lane, wh_walk_key(w))))
		tell_of_op(c, w, o->newest, "is its newest, and none of its own");
	else if (r == 0 && !wh_overlay_fits(o, op.body))
		tell_of_op(c, w, o->newest, "is too short to have its body");
}

void
wh_check_overlay(struct wh_check *c, const struct wh_walk *w, const struct wh_value *value)
{
	struct wh_overlay o;
	struct wh_row row;

	if (wh_overlay_decode(value, &o) < 0) {
		wh_check_tell(c, w->table, wh_walk_key(w), "its fields make no sense");
		return;
	}
	if (c->meta && wh_check_look_settled(c, wh_walk_key(w), &o, &row) == WH_ABSENT)
		expect_newest(c, w, &o);
	wh_check_terms(c, w);
}

/* It leads to an overlay that knows its number, has all of its body, and lies over a row. */
void
wh_check_settled(struct wh_check *c, const struct wh_walk *w, const struct wh_value *value)
{
	struct wh_str key = wh_walk_key(w);
	struct wh_overlay o = {.newest = 0};
	struct wh_value found;
	struct wh_row row;
	struct wh_key k;

	wh_row_decode(value, &row);
	wh_key_id(&k, row.body);
	int r = wh_check_look(c, WH_TABLE_ROWS, &k, WH_ROW_PREFIX, &found);

	if (r == WH_ABSENT)
		wh_check_tell(c, w->table, key, "it leads to a row that is not there");
	r = wh_check_look(c, WH_TABLE_OVERLAYS, &k, WH_OVERLAY_PREFIX, &found);
	if (r < 0 || (r == 0 && wh_overlay_decode(&found, &o) < 0))
		return; /* told where the overlay is checked */
	if (r == WH_ABSENT || o.newest != wh_walk_order(w) || o.shared > 0)
		wh_check_tell(c, w->table, key, "it leads to no overlay that could be its own");
}

void
wh_check_log(struct wh_check *c, const struct wh_walk *w, const struct wh_value *value)
{
	struct wh_entries e = wh_entries_decode(value);
	uint64_t last = wh_walk_order(w);

	if (wh_entries_last(e) != last)
		wh_check_tell(c, w->table, wh_walk_key(w), "its fields make no sense");
	wh_check_follows(c, w->table, e.first, last);
}

bool
wh_check_open_log(struct wh_check *c)
{
	struct wh_entries e;
	int r = c->cross ? wh_entries_open(&c->look, &e) : WH_EBUSY;
	uint64_t last = r == 0 ? wh_entries_last(e) : 0;

	if (r)
		return r == WH_ABSENT; /* of a damaged one the check of meta tells */
	if (last == 0)
		wh_check_tell(c, WH_TABLE_LOG, WH_STR_NULL, "the newest entries make no sense");
	else
		wh_check_follows(c, WH_TABLE_LOG, e.first, last);
	return last > 0;
}

void
wh_check_alias(struct wh_check *c, const struct wh_walk *w, const struct wh_value *value)
{
	struct wh_str target = value->tail;
	struct wh_value next;
	struct wh_key k;

	if (!wh_lane_valid(target)) {
		wh_check_tell(c, w->table, wh_walk_key(w), "it leads to no possible id");
		return;
	}
	wh_key_id(&k, target);
	if (wh_check_look(c, WH_TABLE_ALIASES, &k, 0, &next) == 0)
		wh_check_tell(c, w->table, wh_walk_key(w), "it leads to another alias");
}

void
wh_check_request(struct wh_check *c, const struct wh_walk *w, const struct wh_value *value)
{
	struct wh_request row;
	struct wh_value index;
	struct wh_key k;

	wh_request_decode(value, &row);
	wh_index_by_age(&k, row.at, wh_walk_key(w));
	if (wh_check_look(c, WH_TABLE_REQUESTS_INDEX, &k, 0, &index) == WH_ABSENT)
		wh_check_tell(c, w->table, wh_walk_key(w), "it is not in the index by age");
}

void
wh_check_request_index(struct wh_check *c, const struct wh_walk *w,
		       const struct wh_value *value)
{
	struct wh_str key = wh_walk_key(w);
	struct wh_request row;
	struct wh_value found;
	struct wh_key k;

	(void)value;
	if (key.n <= WH_BY_AGE_HEAD || key.p[0] != WH_BY_AGE) {
		wh_check_tell(c, w->table, key, "the key is not one of an age");
		return;
	}
	wh_key_init(&k);
	wh_key_add(&k, wh_str(key.p + WH_BY_AGE_HEAD, key.n - WH_BY_AGE_HEAD));
	int r = wh_check_look(c, WH_TABLE_REQUESTS, &k, WH_REQUEST_PREFIX, &found);

	if (r == WH_ABSENT) {
		wh_check_tell(c, w->table, key, "it leads to a request that is not there");
		return;
	}
	if (r < 0)
		return;
	wh_request_decode(&found, &row);
	wh_index_by_age(&k, row.at, wh_str(key.p + WH_BY_AGE_HEAD, key.n - WH_BY_AGE_HEAD));
	if (!wh_str_eq(key, wh_key_view(&k)))
		wh_check_tell(c, w->table, key, "the request it leads to has another age");
}
