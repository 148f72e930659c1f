/* SPDX-License-Identifier: MIT */
/*
 * Handlers of webhook.get and webhook.list: row bytes go from the view to the
 * reply in one callback. Changes are in on_change.c. Loop thread.
 */
#include "daemon/cursor.h"
#include "daemon/dispatch.h"
#include "daemon/filter.h"
#include "daemon/index.h"
#include "daemon/lane.h"
#include "daemon/page.h"
#include "daemon/pump.h"
#include "daemon/recall.h"

#define LOOKS_MAX 8192u /* webhooks looked at for one page: some milliseconds */

static bool
parse_view(struct wh_call *c, bool has, struct wh_str name, enum wh_hook_view *ret)
{
	*ret = WH_VIEW_EFFECTIVE;
	if (!has || wh_str_is(name, "effective"))
		return true;
	*ret = WH_VIEW_CONFIRMED;
	if (wh_str_is(name, "confirmed"))
		return true;
	wh_call_fail(c, WH_ERR_INVALID_PARAM, "view is neither effective nor confirmed");
	return false;
}

static void
fail_not_synced(struct wh_call *c)
{
	wh_call_fail(c, WH_ERR_NOT_SYNCED,
		     "the first list has not arrived: wait with wait until=synced, or see "
		     "status");
}

static bool
young_enough(struct wh_call *c, bool has, int64_t max_age, const struct wh_hook_age *age)
{
	if (!has || (age->age_ms >= 0 && age->age_ms <= max_age))
		return true;
	if (age->synced_at == 0)
		fail_not_synced(c);
	else if (age->age_ms < 0)
		wh_call_fail(c, WH_ERR_STALE,
			     "how old the copy is nobody knows, for the clock is behind its "
			     "synced_at: call sync.now, leave out max_age, or see status");
	else
		wh_call_fail(
			c, WH_ERR_STALE,
			"the copy is %lld ms old, older than max_age: call sync.now, raise "
			"max_age, or see status",
			(long long)age->age_ms);
	return false;
}

/* ------------------------------------------------------------------- get -- */

static void
not_there(struct wh_call *c, const struct wh_hook_age *age, struct wh_str whid)
{
	struct wh_buf name = WH_BUF_NULL;

	wh_buf_printable(&name, whid, WH_WHID_MAX);
	if (age->synced_at == 0)
		fail_not_synced(c);
	else
		wh_call_fail(c, WH_ERR_NOT_FOUND,
			     "no webhook has the id %.*s: list them with webhook.list",
			     WH_STR_FMT(wh_buf_view(&name)));
	wh_buf_fini(&name);
}

/* Asked for what does not depend on the time: but for its age the answer is the same until the
 * next commit. */
static bool
is_plain(const struct wh_args_webhook_get *a)
{
	return !wh_has(a, webhook_get, view) && !wh_has(a, webhook_get, max_age);
}

static bool
answer_again(struct wh_call *c, struct wh_str key, const struct wh_hook_age *age)
{
	struct wh_str hook;

	if (!wh_recall_find(c->d->recall, c->d->view.renewals, key, &hook))
		return false;
	c->d->counters.calls_recalled++;
	wh_hook_repeat(wh_call_result(c), hook, age);
	return true;
}

static void
fail_deleted(struct wh_call *c, const struct wh_hook *h)
{
	const char *first = h->state == WH_HOOK_CONFLICT
				    ? " and in conflict: resolve that with queue.resolve, or"
				    : ":";

	wh_call_fail(c, WH_ERR_DELETED,
		     "a delete of this webhook is queued%s cancel it to get it back, or read "
		     "with view=confirmed",
		     first);
}

/* What a webhook.get is about: the webhook, by the key of its row, and what depends on the
 * time. */
struct asked {
	struct wh_call *c;
	const struct wh_args_webhook_get *a;
	const struct wh_hook_age *age;
	struct wh_str key; /* empty: no webhook can have such an id */
};

static void
answer_hook(const struct asked *q, const struct wh_hook *h)
{
	struct wh_call *c = q->c;
	struct wh_buf *out;
	size_t at;

	if (h->hidden && h->pending > 0) {
		fail_deleted(c, h);
		return;
	}
	if (h->hidden && (h->body.n == 0 || h->state != WH_HOOK_REJECTED)) {
		not_there(c, q->age, q->a->whid);
		return;
	}
	out = wh_call_result(c);
	at = out->n;
	wh_hook_pack(out, h, q->age);
	if (is_plain(q->a) && !out->fault)
		wh_recall_offer(c->d->recall, c->d->view.renewals, q->key,
				wh_hook_ageless(out, at, q->age));
}

static void
answer_from_store(const struct asked *q, enum wh_hook_view view)
{
	struct whd *d = q->c->d;
	struct wh_buf body = WH_BUF_NULL;
	struct wh_hook hook;
	int r = q->key.n ? wh_hook_get(&d->view, q->key, view, &body, &hook) : WH_ABSENT;

	if (r == 0) {
		answer_hook(q, &hook);
	} else if (r == WH_ABSENT) {
		not_there(q->c, q->age, q->a->whid);
	} else {
		d->counters.rows_corrupt++;
		wh_pump_row_damaged(d->pump);
		wh_call_fail(q->c, WH_ERR_CORRUPT,
			     "the stored row is damaged and is being fetched again: retry in a "
			     "moment");
	}
	wh_buf_fini(&body);
}

void
on_webhook_get(struct wh_call *c, const struct wh_args_webhook_get *a)
{
	const struct wh_view *v = &c->d->view;
	enum wh_hook_view view;
	char room[WH_KEY_MAX];
	const struct asked q = {
		.c = c,
		.a = a,
		.age = wh_hook_age(c->d),
		.key = wh_key_fold(wh_lane_resolve(v, a->whid), room),
	};

	wh_rows_expect(v, q.key);
	if (is_plain(a) && answer_again(c, q.key, q.age))
		return;
	if (parse_view(c, wh_has(a, webhook_get, view), a->view, &view) &&
	    young_enough(c, wh_has(a, webhook_get, max_age), a->max_age, q.age))
		answer_from_store(&q, view);
}

/* ------------------------------------------------------------------ list -- */

static void
pack_list_members(struct whd *d, struct wh_buf *out)
{
	const struct wh_hook_age *age = wh_hook_age(d);

	wh_pack_kv_uint(out, "revision", d->view.meta.revision);
	wh_buf_str(out, wh_str(age->packed, age->packed_n));
}

/* What one page is filled from, and how far it got. */
struct filling {
	struct wh_call *c;
	struct wh_page *page;
	const struct wh_filter *filter;
	const struct wh_hook_age *age;
	unsigned looked;
	uint64_t beyond; /* damaged ones behind the last item that has room */
};

/* Takes one webhook in, or only sees whether there is one more. False: enough. */
static bool
take(struct filling *f, struct wh_str key, const struct wh_hook *hook)
{
	if (hook->hidden || hook->body.n == 0 || !wh_filter_matches(f->filter, hook))
		return true;
	if (!wh_page_room(f->page)) {
		f->page->damaged -= f->beyond; /* the next page comes by them again */
		wh_page_more(f->page, true);
		return false;
	}
	wh_hook_pack(wh_page_item(f->page, key), hook, f->age);
	return wh_page_keep(f->page);
}

/* A full page has a successor only if something that matches follows. What takes too long to
 * find is left to the next page, so that nobody else waits for it. */
static int
fill_from(struct filling *f, struct wh_hook_scan *scan)
{
	struct wh_str key = WH_STR_NULL;
	struct wh_hook hook;
	bool more = true;
	int r = 0;

	while (r == 0 && more) {
		if (f->looked++ == LOOKS_MAX) {
			wh_page_cut(f->page, key);
			break;
		}
		r = wh_hook_scan_next(scan, &key, &hook);
		if (r == 0) {
			more = take(f, key, &hook);
		} else if (r == WH_ECORRUPT) {
			f->c->d->counters.rows_corrupt++;
			wh_pump_row_damaged(f->c->d->pump);
			f->page->damaged++;
			f->beyond += !wh_page_room(f->page);
			r = 0;
		}
	}
	return r == WH_STORE_END ? 0 : r;
}

static int
fill(struct filling *f, struct wh_hook_range *range)
{
	struct wh_hook_scan scan;
	int r = range->none ? WH_STORE_END : wh_hook_scan_begin(&f->c->d->view, range, &scan);

	if (r == WH_STORE_END)
		return 0;
	if (r)
		return r;
	r = fill_from(f, &scan);
	wh_hook_scan_end(&scan);
	if (!scan.index_damaged)
		return r;
	wh_index_damaged(f->c->d);
	range->term = 0;
	f->looked = 0;
	f->beyond = 0;
	wh_page_reset(f->page);
	return fill(f, range);
}

void
on_webhook_list(struct wh_call *c, const struct wh_args_webhook_list *a)
{
	static const struct wh_page_members members = {4, pack_list_members};
	const struct wh_hook_age *age = wh_hook_age(c->d);
	struct wh_filter f;
	struct wh_page page;
	struct wh_hook_range range = {0};

	if (!parse_view(c, wh_has(a, webhook_list, view), a->view, &range.view) ||
	    !young_enough(c, wh_has(a, webhook_list, max_age), a->max_age, age))
		return;
	wh_filter_read(&f, a, range.view);
	if (!wh_page_begin(&page, c, wh_has(a, webhook_list, limit), a->limit, f.hash))
		return;
	if (wh_has(a, webhook_list, cursor) &&
	    !wh_cursor_read(a->cursor, f.hash, &range.after)) {
		wh_call_fail(c, WH_ERR_INVALID_PARAM,
			     "cursor belongs to another question: repeat the same filters and "
			     "view, or start anew");
		return;
	}

	wh_filter_narrow(&f, c->d, &range);

	int r = fill(&(struct filling){.c = c, .page = &page, .filter = &f, .age = age},
		     &range);

	if (r)
		wh_call_fail(c, WH_ERR_INTERNAL, "webhooks could not be read: %s",
			     wh_fault_str(r));
	else
		wh_page_end(&page, &members);
	wh_page_fini(&page);
}
