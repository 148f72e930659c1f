/* SPDX-License-Identifier: MIT */
/*
 * Rows that are kept from readers because they may be the result of a create
 * that is not decided come into view once nothing undecided wants them any
 * more: when an answer decides it, or a list does. Commit thread.
 */
#include "daemon/apply.h"

/* Keys, one after the other: length byte pairs and bytes. */
static void
add_key(struct wh_buf *keys, struct wh_str key)
{
	uint16_t n = (uint16_t)key.n;

	wh_buf_add(keys, &n, sizeof(n));
	wh_buf_str(keys, key);
}

static struct wh_str
next_key(const struct wh_buf *keys, size_t *at)
{
	uint16_t n;

	if (*at >= keys->n)
		return WH_STR_NULL;
	memcpy(&n, keys->p + *at, sizeof(n));

	struct wh_str key = wh_str(keys->p + *at + sizeof(n), n);

	*at += sizeof(n) + n;
	return key;
}

static bool
is_withheld(const struct wh_overlay *o)
{
	return o->hidden && o->pending == 0 && o->state == WH_HOOK_SYNCED;
}

/* Those that nothing wants; *ret_left counts the others. */
static int
find_free(const struct wh_view *v, const struct wh_undecided *u, struct wh_buf *ret_keys,
	  uint64_t *ret_left)
{
	struct wh_scan scan;
	struct wh_str key;
	struct wh_overlay o;
	struct wh_row row;
	int r = wh_scan_begin(v, WH_SCAN_OVERLAYS, WH_STR_NULL, &scan);

	if (r)
		return r;
	while (r == 0) {
		r = wh_scan_next(&scan, &key, NULL, &o);
		if (r == WH_ECORRUPT) {
			r = 0;
			continue;
		}
		if (r || !is_withheld(&o))
			continue;
		if (wh_rows_get(v, key, &row) == 0 &&
		    wh_undecided_wants(u, row.first_list, row.body))
			(*ret_left)++;
		else
			add_key(ret_keys, key);
	}
	wh_scan_end(&scan);
	return r == WH_STORE_END ? ret_keys->fault : r;
}

static int
release(struct wh_txn *t, const struct wh_rules *rules, struct wh_str key)
{
	struct wh_lane l;
	int r = wh_lane_open(&l, &t->view, rules, key);

	if (r == 0) {
		l.withheld = false;
		r = wh_lane_close(&l, t);
	}
	wh_lane_fini(&l);
	return r;
}

int
wh_withheld_release(struct wh_txn *t, const struct wh_rules *rules, uint64_t *ret_left)
{
	struct wh_buf keys = WH_BUF_NULL;
	struct wh_undecided *u;
	size_t at = 0;

	*ret_left = 0;
	int r = t->view.meta.overlays ? wh_undecided_load(&u, &t->view) : WH_ABSENT;

	if (r)
		return r < 0 ? r : 0;
	r = find_free(&t->view, u, &keys, ret_left);
	for (struct wh_str key = next_key(&keys, &at); r == 0 && key.n;
	     key = next_key(&keys, &at))
		r = release(t, rules, key);
	wh_undecided_free(u);
	wh_buf_fini(&keys);
	return r;
}
