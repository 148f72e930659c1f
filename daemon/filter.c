/* SPDX-License-Identifier: MIT */
/* Filters of webhook.list. */
#include "daemon/filter.h"

#include "daemon/cursor.h"
#include "daemon/index.h"
#include "daemon/terms.h"

#define COUNTED_MAX 256u /* a member that more share is as good as any such */

static void
want(struct wh_filter *f, enum wh_field field, bool has, struct wh_str value)
{
	if (!has)
		return;
	f->value[field] = value;
	f->wanted |= 1u << field;
	f->hash = wh_cursor_filter(f->hash, wh_fields[field].name, value);
}

void
wh_filter_read(struct wh_filter *f, const struct wh_args_webhook_list *a,
	       enum wh_hook_view view)
{
	*f = (struct wh_filter){0};
	f->hash = wh_cursor_filter(0, view == WH_VIEW_EFFECTIVE ? "e" : "c", WH_STR_NULL);
	want(f, WH_F_WHNAME, wh_has(a, webhook_list, whname), a->whname);
	want(f, WH_F_APPLICATION, wh_has(a, webhook_list, applicationId), a->applicationId);
	want(f, WH_F_MUNICIPALITY, wh_has(a, webhook_list, municipalityId), a->municipalityId);
	want(f, WH_F_CALLBACK, wh_has(a, webhook_list, callbackUrl), a->callbackUrl);
	want(f, WH_F_PROCESSES, wh_has(a, webhook_list, process), a->process);
	if (!wh_has(a, webhook_list, pending))
		return;
	f->has_pending = true;
	f->pending = a->pending;
	f->hash = wh_cursor_filter(f->hash, a->pending ? "p" : "n", WH_STR_NULL);
}

/* ------------------------------------------------------------- matching -- */

static bool
holds(struct wh_items items, struct wh_str value)
{
	struct wh_str item;

	while (wh_items_next(&items, &item))
		if (wh_str_eq(item, value))
			return true;
	return false;
}

bool
wh_filter_matches(const struct wh_filter *f, const struct wh_hook *h)
{
	struct wh_glance g;

	if (f->has_pending && (h->pending > 0) != f->pending)
		return false;
	if (f->wanted == 0)
		return true;
	if (wh_glance(h->body, &g))
		return false;
	for (int i = 0; i < WH_F_COUNT; i++)
		if ((f->wanted >> i & 1u) &&
		    !(wh_fields[i].type == WH_FT_SET ? holds(g.set[i], f->value[i])
						     : wh_str_eq(g.text[i], f->value[i])))
			return false;
	return true;
}

/* ------------------------------------------------------------- narrowing -- */

/* How many webhooks have the term from here on, up to a bound. */
static unsigned
count(const struct wh_view *v, const struct wh_hook_range *range, uint64_t term)
{
	struct wh_term_scan s;
	struct wh_str id;
	unsigned n = 0;

	if (wh_terms_begin(v, WH_SCAN_ROWS, term, range->after, &s))
		return COUNTED_MAX;
	while (n < COUNTED_MAX && wh_terms_next(&s, &id) == 0)
		n++;
	wh_terms_end(&s);
	return n;
}

void
wh_filter_narrow(const struct wh_filter *f, const struct whd *d, struct wh_hook_range *range)
{
	/* From what few share to what many share, as a rule. */
	static const enum wh_field order[] = {WH_F_CALLBACK, WH_F_WHNAME, WH_F_PROCESSES,
					      WH_F_APPLICATION, WH_F_MUNICIPALITY};
	bool only_one = (f->wanted & (f->wanted - 1)) == 0;
	unsigned least = UINT32_MAX;

	range->pending = f->has_pending && f->pending && range->view == WH_VIEW_EFFECTIVE;
	range->none = f->has_pending && f->pending && range->view == WH_VIEW_CONFIRMED;
	for (size_t i = 0; wh_index_usable(d) && i < wh_array_len(order); i++) {
		uint64_t term = wh_term(order[i], f->value[order[i]]);
		unsigned n = 0;

		if (!(f->wanted >> order[i] & 1u))
			continue;
		if (!only_one)
			n = count(&d->view, range, term);
		if (n < least) {
			least = n;
			range->term = term;
		}
	}
}
