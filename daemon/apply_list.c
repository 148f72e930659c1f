/* SPDX-License-Identifier: MIT */
/*
 * A list of the upstream meets the store, row by row, while it streams in:
 * only what differs is written, and nothing that was confirmed after the
 * list's request began (the fence), nor a lane with a request on its way.
 * The end of a list is in apply_list_end.c. Commit thread.
 */
#include "daemon/apply.h"

#include "daemon/core/norm.h"
#include "daemon/doc.h"
#include "daemon/shown.h"
#include "daemon/twin.h"

struct rows {
	struct wh_list_rows *job;
	struct wh_txn *t;
	struct wh_undecided *undecided;
	/* the element that is looked at */
	struct wh_hash text;
	struct wh_buf whole; /* if the list leaves out members: as it is taken */
	bool differs;        /* from its row, as is known already */
};

/* Does the row say what the element says? Where not, its members are counted. */
static int
same_value(struct rows *x, struct wh_str row, struct wh_str element, bool *ret)
{
	const struct wh_list_rows *j = x->job;
	struct wh_doc was = {0}, now = {0};

	*ret = !x->differs && wh_str_eq(row, element);
	if (*ret || x->differs)
		return 0;

	int r = wh_doc_open(&was, row);

	if (r == 0)
		r = wh_doc_open(&now, element);
	if (r == 0)
		*ret = wh_norm_same_row(&was.tree.root, &now.tree.root, j->ignore, j->n_ignore);
	if (r == 0 && !*ret) {
		x->differs = true;
		wh_churn_compare(&x->job->churn, &was.tree.root, &now.tree.root, j->ignore,
				 j->n_ignore);
	}
	wh_doc_close(&was);
	wh_doc_close(&now);
	return r;
}

/* Since when the list vouches for the row. Our own creates keep their time: the grace in which
 * lists may lack them counts from it. */
static int64_t
read_at(const struct rows *x, const struct wh_lane *l)
{
	return l->row.claim ? 0 : x->job->began_at;
}

/* True if a request of this lane may be on its way, so that the list may be older than it. */
static bool
in_flight(struct wh_lane *l)
{
	const struct wh_lane_op *head = wh_lane_head(l);

	return head && head->op.state == WH_OP_SENDING;
}

static bool
unknown(struct wh_lane *l)
{
	const struct wh_lane_op *head = wh_lane_head(l);

	return head && head->op.state == WH_OP_UNKNOWN && head->op.kind != WH_OP_CREATE;
}

/* A wh_twin_fits: made by a create of ours. */
static bool
is_claimed(void *ctx, struct wh_str whid, const struct wh_row *row)
{
	(void)ctx;
	(void)whid;
	return row->claim != 0;
}

/* Is there a webhook like it that a create of ours made? Then that may have been executed
 * twice. */
static int
count_twin(struct rows *x, struct wh_str body)
{
	struct wh_twin twin;
	int r = wh_twin_find(&x->t->view, body, is_claimed, NULL, &twin);

	x->job->counts.twins += r == 0;
	return r < 0 && r != WH_ECORRUPT ? r : 0;
}

/* The row says what the element says: the next list need not look at it. */
static void
agree(struct rows *x, struct wh_str key)
{
	wh_touch_learn(x->t, key, x->text);
}

static int
change_lane(struct rows *x, struct wh_lane *l, struct wh_str body)
{
	bool same = false;
	int r = l->has_row ? same_value(x, l->row.body, body, &same) : 0;

	if (r)
		return r;
	if (same) {
		x->job->counts.unchanged++;
		agree(x, l->key);
		return l->mend ? wh_lane_close(l, x->t) : 0;
	}
	if (l->has_row)
		x->job->counts.changed++;
	else
		x->job->counts.added++;
	l->quiet = x->job->first_load && !l->has_row && l->n_ops == 0;
	bool added = !l->has_row;

	wh_lane_set_row(l, x->t, body, read_at(x, l));
	if (added) {
		l->row.first_list = x->job->list;
		l->withheld = wh_undecided_wants(x->undecided, x->job->list, body);
	}
	x->job->counts.withheld += added && l->withheld;
	if (added && !l->withheld && !x->job->first_load)
		r = count_twin(x, body);
	if (r == 0)
		r = wh_lane_close(l, x->t);
	if (r == 0)
		agree(x, l->key);
	return r;
}

static int
through_lane(struct rows *x, struct wh_str key, struct wh_str body)
{
	struct wh_lane l;
	int r = wh_lane_open(&l, &x->t->view, &x->job->rules, key);

	if (r == 0 && unknown(&l)) {
		struct wh_look look = {
			.list = x->job->list,
			.present = true,
			.body = body,
			.read_at = read_at(x, &l),
		};

		r = wh_observe_lane(&l, x->t, &look);
		if (r == 0)
			r = wh_lane_close(&l, x->t);
	} else if (r == 0 && !in_flight(&l)) {
		r = change_lane(x, &l, body);
	}
	x->job->present += r == 0 && l.has_row;
	wh_lane_fini(&l);
	return r;
}

static int
fenced(const struct rows *x, struct wh_str key, bool *ret)
{
	uint64_t confirm = 0;
	int r = x->t->view.meta.tombs ? wh_tombs_get(&x->t->view, key, &confirm) : WH_ABSENT;

	*ret = r == 0 && confirm > x->job->fence;
	return r < 0 ? r : 0;
}

/* A damaged row is replaced by what the upstream says. */
static int
replace_damaged(struct rows *x, struct wh_str key, struct wh_str body)
{
	int r = wh_rows_del(x->t, key);

	x->job->counts.corrupt++;
	return r < 0 ? r : through_lane(x, key, body);
}

static int
whole(struct rows *x, struct wh_str known, struct wh_str *body)
{
	return wh_shown_fill(&x->whole, body, known, &x->t->view.meta.list_shows);
}

/* Those of all its rows, so that it does not matter which comes first. */
static void
learn_what_is_shown(struct rows *x)
{
	const struct wh_chunk *c = x->job->chunk;
	uint64_t *shows = &x->t->view.meta.list_shows;

	for (size_t i = 0; i < c->n && *shows != WH_RECORD_ALL; i++)
		*shows |= wh_shown_members(wh_chunk_body(c, i));
}

static int
one_row(struct rows *x, struct wh_str whid, struct wh_str body)
{
	char room[WH_KEY_MAX];
	struct wh_str key = wh_key_fold(whid, room);
	struct wh_row row;
	bool skip = false;
	int r = wh_rows_get(&x->t->view, key, &row);

	if (r < 0 && r != WH_ECORRUPT)
		return r;
	if (r || !wh_str_eq(row.body, body)) {
		int fault = whole(x, r == 0 ? row.body : WH_STR_NULL, &body);

		if (fault)
			return fault;
	}
	if (r == WH_ECORRUPT)
		return replace_damaged(x, key, body);
	if (r == WH_ABSENT) {
		r = fenced(x, key, &skip);
		return r || skip ? r : through_lane(x, key, body);
	}
	if (row.confirm > x->job->fence) {
		x->job->counts.unchanged++;
		x->job->present++;
		return 0;
	}
	if (x->t->view.meta.overlays == 0) {
		bool same = false;

		r = same_value(x, row.body, body, &same);
		if (r == 0 && same) {
			x->job->counts.unchanged++;
			x->job->present++;
			agree(x, key);
		}
		if (r || same)
			return r;
	}
	return through_lane(x, key, body);
}

int
wh_list_rows_run(struct wh_job *job, struct wh_txn *t)
{
	struct wh_list_rows *j = (struct wh_list_rows *)job;
	struct rows x = {.job = j, .t = t};
	uint64_t confirm = t->view.meta.confirm;

	j->counts = (struct wh_list_counts){0};
	j->present = 0;
	j->churn = (struct wh_churn_tally){0};
	if (j->rules.rows_full)
		return WH_EFULL;

	int r = wh_undecided_load(&x.undecided, &t->view);

	learn_what_is_shown(&x);
	for (size_t i = 0; r == 0 && i < j->chunk->n; i++) {
		x.text = wh_chunk_text(j->chunk, i);
		x.differs = false;
		r = one_row(&x, wh_chunk_whid(j->chunk, i), wh_chunk_body(j->chunk, i));
	}
	j->confirms = t->view.meta.confirm - confirm;
	if (r == 0 && j->list > t->view.meta.list_last)
		t->view.meta.list_last = j->list;
	wh_undecided_free(x.undecided);
	wh_buf_fini(&x.whole);
	return r;
}
