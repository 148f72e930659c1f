/* SPDX-License-Identifier: MIT */
/*
 * Looking for twins. The term leads to rows that are the same but for their
 * comments, so that each has to be looked at. A row is never passed over that
 * the index lacks: where it is not whole, all rows are read.
 */
#include "daemon/twin.h"

#include "daemon/form.h"

struct looking {
	const struct wh_view *v;
	uint64_t form[2];
	wh_twin_fits *fits;
	void *ctx;
	struct wh_twin *twin;
};

/* 0: the row that was read is it. WH_ABSENT: it is another one. */
static int
judge(struct looking *x)
{
	const struct wh_twin *is = x->twin;
	uint64_t form[2];
	int r = wh_form_of_body(is->row.body, form);

	if (r)
		return r == WH_ENOMEM ? r : WH_ABSENT;
	if (memcmp(form, x->form, sizeof(form)) != 0)
		return WH_ABSENT;
	return !x->fits || x->fits(x->ctx, is->whid, &is->row) ? 0 : WH_ABSENT;
}

/* WH_ECORRUPT: the index does not tell of all. */
static int
by_term(struct looking *x, uint64_t term)
{
	struct wh_term_scan s;
	int r = wh_terms_begin(x->v, WH_SCAN_ROWS, term, WH_STR_NULL, &s);

	if (r)
		return r;
	for (;;) {
		r = wh_terms_next(&s, &x->twin->whid);
		if (r)
			break;
		r = wh_rows_get(x->v, x->twin->whid, &x->twin->row);
		if (r == 0)
			r = judge(x);
		if (r != WH_ABSENT && r != WH_ECORRUPT)
			break;
	}
	wh_terms_end(&s);
	return r == WH_STORE_END ? WH_ABSENT : r;
}

static int
by_reading_all(struct looking *x)
{
	struct wh_scan s;
	int r = wh_scan_begin(x->v, WH_SCAN_ROWS, WH_STR_NULL, &s);

	if (r)
		return r;
	for (;;) {
		r = wh_scan_next(&s, &x->twin->whid, &x->twin->row, NULL);
		if (r == 0)
			r = judge(x);
		if (r != WH_ABSENT && (r != WH_ECORRUPT || x->twin->whid.n == 0))
			break; /* one damaged row is passed over, all behind it are not */
	}
	wh_scan_end(&s);
	return r == WH_STORE_END ? WH_ABSENT : r;
}

int
wh_twin_find(const struct wh_view *v, struct wh_str like, wh_twin_fits *fits, void *ctx,
	     struct wh_twin *ret)
{
	struct looking x = {.v = v, .fits = fits, .ctx = ctx, .twin = ret};
	struct wh_glance g = {0};
	uint64_t term;
	int r = wh_form_of_body(like, x.form);

	if (r == 0 && like.n)
		r = wh_glance(like, &g);
	if (r == 0)
		r = wh_form_term(&g, &term);
	if (r)
		return r;
	r = v->meta.terms == WH_TERMS_VERSION ? by_term(&x, term) : WH_ECORRUPT;
	return r == WH_ECORRUPT ? by_reading_all(&x) : r;
}

uint64_t
wh_named_from(const struct wh_view *v, struct wh_str whid)
{
	uint64_t oldest;
	size_t n = 0;

	return wh_ops_lane(v, whid, &oldest, 1, &n) == 0 && n > 0 ? oldest : UINT64_MAX;
}
