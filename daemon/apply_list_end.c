/* SPDX-License-Identifier: MIT */
/*
 * The end of a list: only now, and only if all of it was seen, may rows that
 * it lacks be removed; operations of unknown outcome get their look; the stamp
 * says how fresh the copy is. Commit thread.
 */
#include "daemon/apply.h"

#include <stdlib.h>
#include <xxhash.h>

#include "daemon/core/plan.h"
#include "daemon/key_list.h"
#include "daemon/late.h"
#include "daemon/withheld.h"

#define TRIM_BUDGET 1000u

/* Keys of rows that the list lacks, one after the other. */
struct missing {
	struct wh_buf keys; /* key_list.h */
	uint64_t n, hash;
	uint64_t newer; /* not among them: confirmed after the list began */
};

static void
add_missing(struct missing *m, struct wh_str key)
{
	wh_key_list_add(&m->keys, key);
	m->n++;
	m->hash += XXH3_64bits(key.p, key.n); /* a sum: the order does not matter */
}

static struct wh_str
next_missing(const struct missing *m, size_t *at)
{
	return wh_key_list_next(wh_buf_view(&m->keys), at);
}

/* A create of ours may take a while to show in lists. */
static bool
in_grace(const struct wh_list_end *e, const struct wh_row *row)
{
	int64_t age = e->rules.now.wall.ms - row->confirmed_at;

	return row->claim && row->confirmed_at > 0 && age >= 0 && age < WH_CREATE_GRACE;
}

/* Damaged rows under ids that the upstream does not have: no list replaces them. */
static int
remove_damaged(struct wh_txn *t, const struct missing *damaged)
{
	size_t at = 0;
	struct wh_str key;
	int r = damaged->keys.fault;

	while (r == 0 && (key = next_missing(damaged, &at)).n) {
		r = wh_rows_del(t, key);
		r = r == WH_ABSENT ? 0 : r;
	}
	return r;
}

/* graced: those that it may lack for now. */
static int
find_missing(struct wh_list_end *e, struct wh_txn *t, struct missing *m, struct missing *graced)
{
	struct missing damaged = {0};
	struct wh_scan scan;
	struct wh_str key;
	struct wh_row row;
	int r = wh_seen_gather(e->seen);

	if (r == 0)
		r = wh_scan_begin(&t->view, WH_SCAN_ROWS, WH_STR_NULL, &scan);
	if (r)
		return r;
	while (r == 0) {
		r = wh_scan_next(&scan, &key, &row, NULL);
		if (r == WH_ECORRUPT && key.n) {
			e->counts.corrupt++;
			if (!wh_seen_has(e->seen, key))
				add_missing(&damaged, key);
			r = 0;
			continue;
		}
		if (r || wh_seen_has(e->seen, key))
			continue;
		if (row.confirm > e->fence)
			m->newer++;
		else
			add_missing(in_grace(e, &row) ? graced : m, key);
	}
	wh_scan_end(&scan);
	if (r == WH_STORE_END)
		r = remove_damaged(t, &damaged);
	wh_buf_fini(&damaged.keys);
	if (r)
		return r;
	return m->keys.fault ? m->keys.fault : graced->keys.fault;
}

/* By a delete of ours that may have been carried out, or by what a change was answered. */
static bool
may_be_gone(struct wh_lane *l)
{
	const struct wh_lane_op *head = wh_lane_head(l);

	if (!head || (head->op.state != WH_OP_SENDING && head->op.state != WH_OP_UNKNOWN))
		return false;
	return head->op.kind == WH_OP_DELETE || wh_op_is_absent(&head->op);
}

/* The list says nothing of these, so it must not count as news of them: they are touched. If
 * one of them has no reason to be gone the list is behind, and proves of none that it is. */
static int
touch_all(struct wh_list_end *e, struct wh_txn *t, const struct missing *graced)
{
	size_t at = 0;
	struct wh_str key;
	int r = 0;

	while (r == 0 && (key = next_missing(graced, &at)).n) {
		struct wh_lane l;

		r = wh_lane_open(&l, &t->view, &e->rules, key);
		if (r == 0) {
			e->behind |= !may_be_gone(&l);
			wh_lane_touch(&l, t);
			r = wh_lane_close(&l, t);
		}
		wh_lane_fini(&l);
	}
	return r;
}

/*
 * Its own look or outcome decides; or the reply to the create that made it is
 * still to come, which would bring it back.
 */
static bool
not_yet(struct wh_lane *l, const struct wh_undecided *u)
{
	const struct wh_lane_op *head = wh_lane_head(l);

	if (head && (head->op.state == WH_OP_SENDING || head->op.state == WH_OP_UNKNOWN))
		return true;
	return !l->row.claim && wh_undecided_on_its_way(u, l->row.first_list);
}

static int
remove_one(struct wh_list_end *e, struct wh_txn *t, const struct wh_undecided *u,
	   struct wh_str key)
{
	struct wh_lane l;
	int r = wh_lane_open(&l, &t->view, &e->rules, key);

	if (r == 0 && !not_yet(&l, u)) {
		wh_lane_drop_row(&l);
		e->counts.removed++;
		r = wh_lane_close(&l, t);
	}
	wh_lane_fini(&l);
	return r;
}

static int
remove_all(struct wh_list_end *e, struct wh_txn *t, const struct missing *m)
{
	struct wh_undecided *u;
	struct wh_str key;
	size_t at = 0;
	int r = wh_undecided_load(&u, &t->view);

	while (r == 0 && (key = next_missing(m, &at)).n)
		r = remove_one(e, t, u, key);
	wh_undecided_free(u);
	t->view.meta.accept_shrink = 0;
	return r;
}

static enum wh_shrink
judge_shrink(struct wh_list_end *e, const struct wh_txn *t, const struct missing *m,
	     const struct missing *graced)
{
	struct wh_shrink_in in = {
		.rows = t->view.meta.rows - graced->n - m->newer,
		.missing = m->n,
		.max_percent = e->rules.max_shrink,
		.missing_hash = m->hash ? m->hash : 1,
		.before_hash = e->suspect_before,
		.accepted = t->view.meta.accept_shrink != 0,
	};

	return wh_plan_shrink(&in);
}

/*
 * Nothing but this list has confirmed or removed anything since it began, and
 * it holds as many of the rows as there are: then it lacks none.
 */
static bool
lacks_none(const struct wh_list_end *e, const struct wh_txn *t)
{
	const struct wh_meta *m = &t->view.meta;
	uint64_t present = e->present + (e->last ? e->last->present : 0);
	uint64_t confirms = e->confirms + (e->last ? e->last->confirms : 0);

	return m->confirm == e->fence + confirms && m->rows == present;
}

static int
remove_missing(struct wh_list_end *e, struct wh_txn *t)
{
	struct missing m = {0}, graced = {0};
	int r = lacks_none(e, t) ? 0 : find_missing(e, t, &m, &graced);
	enum wh_shrink shrink = WH_SHRINK_FINE;

	if (r == 0 && m.n > 0)
		shrink = judge_shrink(e, t, &m, &graced);
	e->shrunk = shrink == WH_SHRINK_CONFIRMED;
	if (shrink == WH_SHRINK_SUSPECT) {
		e->suspect = m.hash ? m.hash : 1;
		e->suspect_missing = m.n;
	} else if (r == 0) {
		r = remove_all(e, t, &m);
	}
	if (r == 0)
		r = touch_all(e, t, &graced);
	wh_buf_fini(&m.keys);
	wh_buf_fini(&graced.keys);
	return r;
}

/* Updates and deletes of unknown outcome whose row the list lacks. */
static int
observe_absent(struct wh_list_end *e, struct wh_txn *t, uint64_t seq)
{
	struct wh_lane l;
	struct wh_lane_op *o;
	int r = wh_lane_open_op(&l, &t->view, &e->rules, seq, &o);

	if (r == 0 && o->op.kind != WH_OP_CREATE && wh_lane_head(&l) == o &&
	    !wh_seen_has(e->seen, l.key)) {
		struct wh_look look = {
			.list = e->list,
			.complete = wh_list_is_believed(e),
			.behind = e->behind,
		};

		r = wh_observe_lane(&l, t, &look);
		if (r == 0)
			r = wh_lane_close(&l, t);
	}
	wh_lane_fini(&l);
	return r == WH_ABSENT ? 0 : r;
}

static int
observe_all_absent(struct wh_list_end *e, struct wh_txn *t)
{
	uint64_t seq = 0;
	int r = wh_seen_gather(e->seen);

	while (r == 0) {
		r = wh_ops_next_in_state(&t->view, WH_OP_UNKNOWN, seq, &seq);
		if (r == WH_ABSENT)
			return 0;
		if (r == 0)
			r = observe_absent(e, t, seq);
	}
	return r;
}

static bool
rows_are_untold(const struct wh_list_end *e)
{
	return e->untold || (e->last && e->last->counts.added > 0);
}

/* Until a list was whole who follows is told to read all anew, as new rows got no events. */
static int
stamp(struct wh_list_end *e, struct wh_txn *t)
{
	struct wh_meta *m = &t->view.meta;
	bool first = m->synced_at == 0 && (wh_list_is_believed(e) || rows_are_untold(e));
	struct wh_event ev = {.kind = first ? "reset" : "sync"};

	if (e->list > m->list_last)
		m->list_last = e->list;
	if (wh_list_is_believed(e)) {
		m->list_complete = e->list;
		m->synced_at = (uint64_t)e->began_at;
		ev.note = "synced";
	} else {
		ev.note = e->suspect ? "suspect" : "incomplete";
	}
	e->revision = m->revision;
	if (!first && e->told && e->told_whole == e->complete && !e->suspect)
		return 0;
	return wh_event_add(t, &ev, e->rules.now.wall, &e->revision);
}

static int
trim(struct wh_list_end *e, struct wh_txn *t)
{
	int64_t now = e->rules.now.wall.ms;
	int r = e->complete ? wh_tombs_trim(t, e->fence + 1) : 0;

	if (r >= 0)
		r = wh_late_trim(t, &e->rules);
	if (r >= 0)
		r = wh_history_trim(t, e->rules.history_max_ops, now - e->rules.history_max_age,
				    TRIM_BUDGET);
	if (r >= 0)
		r = wh_requests_trim(t, now - WH_REQUEST_ID_KEPT, TRIM_BUDGET);
	return r < 0 ? r : 0;
}

int
wh_list_end_run(struct wh_job *job, struct wh_txn *t)
{
	struct wh_list_end *e = (struct wh_list_end *)job;
	int r = 0;

	e->counts = (struct wh_list_counts){0};
	e->suspect = e->suspect_missing = 0;
	e->shrunk = e->behind = false;
	e->duplicates = e->vanished = 0;
	if (e->last && e->last->job.fault)
		e->complete = false;

	if (e->complete)
		r = remove_missing(e, t);
	if (r == 0 && t->view.meta.ops_unknown)
		r = observe_all_absent(e, t);
	if (r == 0 && t->view.meta.ops_unknown)
		r = wh_observe_creates(t, e);
	if (r == 0)
		r = wh_withheld_release(t, &e->rules);
	if (r == 0)
		r = stamp(e, t);
	return r ? r : trim(e, t);
}
