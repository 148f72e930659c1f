/* SPDX-License-Identifier: MIT */
/*
 * The creates that may or may not have happened (SENDING or UNKNOWN), as what
 * they want to be: while one is undecided, a new row that looks like it is
 * kept from readers, so that nobody sees the same webhook twice under two
 * names. Commit thread; lives for one transaction body.
 */
#include <stdlib.h>

#include "daemon/apply.h"

#include "daemon/core/marker.h"
#include "daemon/core/norm.h"
#include "daemon/doc.h"

#define UNDECIDED_MAX 4096u /* beyond, the rest waits for the next list */

struct wish {
	uint64_t mark;
	bool on_its_way;
	struct wh_doc sent;
};

struct wh_undecided {
	struct wish *wishes;
	size_t n, cap;
};

static struct wish *
grow(struct wh_undecided *u)
{
	if (u->n == u->cap) {
		size_t cap = u->cap ? u->cap * 2 : 4;
		struct wish *w = realloc(u->wishes, cap * sizeof(*w));

		if (!w)
			return NULL;
		u->wishes = w;
		u->cap = cap;
	}
	u->wishes[u->n] = (struct wish){0};
	return &u->wishes[u->n++];
}

static int
add(struct wh_undecided *u, const struct wh_view *v, uint64_t seq)
{
	struct wh_oprow row;
	struct wh_op op;
	int r = wh_ops_get(v, seq, &row);

	if (r == 0)
		r = wh_op_decode(&op, row.body);
	if (r || op.kind != WH_OP_CREATE)
		return r;

	struct wish *w = grow(u);

	if (!w)
		return WH_ENOMEM;
	w->mark = op.mark;
	w->on_its_way = op.state == WH_OP_SENDING;
	return wh_doc_open_json(&w->sent, op.request);
}

static int
add_state(struct wh_undecided *u, const struct wh_view *v, enum wh_op_state state)
{
	uint64_t seq = 0;
	int r = 0;

	while (r == 0 && u->n < UNDECIDED_MAX) {
		r = wh_ops_next_in_state(v, (uint8_t)state, seq, &seq);
		if (r == WH_ABSENT)
			return 0;
		if (r == 0)
			r = add(u, v, seq);
	}
	return r;
}

int
wh_undecided_load(struct wh_undecided **ret, const struct wh_view *v)
{
	struct wh_undecided *u = calloc(1, sizeof(*u));
	int r = u ? 0 : WH_ENOMEM;

	if (r == 0 && v->meta.ops_sending)
		r = add_state(u, v, WH_OP_SENDING);
	if (r == 0 && v->meta.ops_unknown)
		r = add_state(u, v, WH_OP_UNKNOWN);
	if (r) {
		wh_undecided_free(u);
		u = NULL;
	}
	*ret = u;
	return r;
}

static bool
wants(const struct wish *w, const struct wh_record *row)
{
	const struct wh_record *sent = &w->sent.record;
	enum wh_marker_match mark =
		wh_marker_match(sent->text[WH_F_WHCOMMENT], row->text[WH_F_WHCOMMENT]);

	if (mark == WH_MARKER_OTHER)
		return false;
	return mark == WH_MARKER_SAME || wh_norm_diff(row, sent) == 0 ||
	       wh_norm_near(row, sent);
}

bool
wh_undecided_wants(const struct wh_undecided *u, uint64_t list, struct wh_str body)
{
	struct wh_doc row = {0};
	bool wanted = false;

	if (u->n == 0 || wh_doc_open(&row, body))
		return false;
	for (size_t i = 0; i < u->n && !wanted; i++)
		wanted = list > u->wishes[i].mark && wants(&u->wishes[i], &row.record);
	wh_doc_close(&row);
	return wanted;
}

bool
wh_undecided_on_its_way(const struct wh_undecided *u, uint64_t list)
{
	for (size_t i = 0; i < u->n; i++)
		if (u->wishes[i].on_its_way && list > u->wishes[i].mark)
			return true;
	return false;
}

void
wh_undecided_free(struct wh_undecided *u)
{
	if (!u)
		return;
	for (size_t i = 0; i < u->n; i++)
		wh_doc_close(&u->wishes[i].sent);
	free(u->wishes);
	free(u);
}
