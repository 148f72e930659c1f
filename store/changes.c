/* SPDX-License-Identifier: MIT */
/*
 * The change log: one entry a revision, the newest `keep` of them.
 *
 * Appended to by transaction bodies on the commit thread, read by whoever
 * follows the log, with a view. Revisions have no gaps between
 * meta.change_tail and meta.revision.
 */
#include "store/row.h"

static int
first_revision(const struct wh_view *v, uint64_t *ret)
{
	struct wh_walk w;
	int r = wh_walk_begin(v, WH_TABLE_CHANGES, &w);

	if (r < 0)
		return r;
	r = wh_walk_first(&w);
	if (r == 0)
		*ret = wh_walk_order(&w);
	wh_walk_end(&w);
	return r;
}

/*
 * Drops the entry at the tail. The next tail is looked up, not counted, since
 * a restored store goes on at a far higher revision.
 */
static int
drop_tail(struct wh_txn *t)
{
	struct wh_meta *m = &t->view.meta;
	struct wh_key k;
	uint64_t tail = 0;

	wh_key_order(&k, m->change_tail);
	int r = wh_table_drop(t, WH_TABLE_CHANGES, &k);

	if (r < 0)
		return r;
	r = first_revision(&t->view, &tail);
	if (r < 0)
		return wh_txn_fail(t, r);
	m->change_tail = r == 0 ? tail : 0;
	return 0;
}

int
wh_changes_add(struct wh_txn *t, struct wh_str body, uint64_t keep, uint64_t *ret_revision)
{
	struct wh_meta *m = &t->view.meta;
	struct wh_draft d;
	struct wh_key k;

	wh_key_order(&k, m->revision + 1);
	wh_draft_init(&d);
	d.tail[0] = body;
	int r = wh_table_append(t, WH_TABLE_CHANGES, &k, &d);

	if (r < 0)
		return r;
	m->revision++;
	if (m->change_tail == 0)
		m->change_tail = m->revision;
	while (r == 0 && m->change_tail != 0 && m->revision - m->change_tail >= keep)
		r = drop_tail(t);
	if (r == 0)
		*ret_revision = m->revision;
	return r;
}

int
wh_changes_jump(struct wh_txn *t, uint64_t ahead)
{
	struct wh_meta *m = &t->view.meta;
	int r = wh_table_clear(t, WH_TABLE_CHANGES);

	if (r < 0)
		return r;
	m->change_tail = 0;
	m->revision += ahead;
	return 0;
}

int
wh_changes_next(const struct wh_view *v, uint64_t after, uint64_t *ret_revision,
		struct wh_str *ret_body)
{
	struct wh_value value;
	struct wh_key k;
	struct wh_walk w;

	wh_key_order(&k, after);
	int r = wh_walk_begin(v, WH_TABLE_CHANGES, &w);

	if (r < 0)
		return r;
	r = wh_walk_after(&w, &k);
	if (r == 0) {
		*ret_revision = wh_walk_order(&w);
		r = wh_walk_value(&w, 0, &value);
	}
	if (r == 0)
		*ret_body = value.tail;
	wh_walk_end(&w);
	return r;
}
