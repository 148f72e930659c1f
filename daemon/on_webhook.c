/* SPDX-License-Identifier: MIT */
/*
 * Handlers of webhook.get and webhook.list: row bytes go from the view to the
 * reply in one callback. Changes are in on_change.c. Loop thread.
 */
#include "daemon/core/norm.h"
#include "daemon/cursor.h"
#include "daemon/dispatch.h"
#include "daemon/hook_pack.h"
#include "daemon/hook_scan.h"
#include "daemon/lane.h"
#include "daemon/page.h"
#include "daemon/pump.h"

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

static bool
young_enough(struct wh_call *c, bool has, int64_t max_age, const struct wh_hook_age *age)
{
	if (!has || (age->age_ms >= 0 && age->age_ms <= max_age))
		return true;
	if (age->age_ms < 0)
		wh_call_fail(
			c, WH_ERR_NOT_SYNCED,
			"the first list has not arrived: wait with wait until=synced, or see "
			"status");
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
	if (age->age_ms < 0)
		wh_call_fail(
			c, WH_ERR_NOT_SYNCED,
			"the first list has not arrived: wait with wait until=synced, or see "
			"status");
	else
		wh_call_fail(c, WH_ERR_NOT_FOUND,
			     "no webhook has the id %.*s: list them with webhook.list",
			     WH_STR_FMT(wh_buf_view(&name)));
	wh_buf_fini(&name);
}

static void
answer_hook(struct wh_call *c, const struct wh_hook *h, const struct wh_hook_age *age,
	    struct wh_str whid)
{
	struct wh_buf *out;

	if (h->hidden && h->state == WH_HOOK_DELETING) {
		wh_call_fail(c, WH_ERR_DELETED,
			     "a delete of this webhook is queued: cancel it to get it back, or "
			     "read with view=confirmed");
		return;
	}
	if (h->hidden && (h->body.n == 0 || h->state != WH_HOOK_REJECTED)) {
		not_there(c, age, whid);
		return;
	}
	out = wh_call_result(c);
	wh_hook_pack(out, h, age);
}

void
on_webhook_get(struct wh_call *c, const struct wh_args_webhook_get *a)
{
	struct wh_hook_age age = wh_hook_age(c->d);
	enum wh_hook_view view;
	struct wh_hook hook;
	char room[WH_KEY_MAX];

	if (!parse_view(c, wh_has(a, webhook_get, view), a->view, &view) ||
	    !young_enough(c, wh_has(a, webhook_get, max_age), a->max_age, &age))
		return;

	struct wh_str key = wh_key_fold(wh_lane_resolve(&c->d->view, a->whid), room);
	int r = key.n ? wh_hook_get(&c->d->view, key, view, &hook) : WH_ABSENT;

	if (r == 0) {
		answer_hook(c, &hook, &age, a->whid);
	} else if (r == WH_ABSENT) {
		not_there(c, &age, a->whid);
	} else {
		c->d->counters.rows_corrupt++;
		wh_pump_row_damaged(c->d->pump);
		wh_call_fail(c, WH_ERR_CORRUPT,
			     "the stored row is damaged and is being fetched again: retry in a "
			     "moment");
	}
}

/* ------------------------------------------------------------------ list -- */

struct filter {
	struct wh_str text[WH_F_COUNT];
	uint32_t wanted; /* bit per text member that must match */
	bool has_process, has_pending, pending;
	struct wh_str process;
	uint64_t hash;
};

static void
want(struct filter *f, enum wh_field field, bool has, struct wh_str value)
{
	if (!has)
		return;
	f->text[field] = value;
	f->wanted |= 1u << field;
	f->hash = wh_cursor_filter(f->hash, wh_fields[field].name, value);
}

static void
read_filter(const struct wh_args_webhook_list *a, enum wh_hook_view view, struct filter *f)
{
	*f = (struct filter){0};
	f->hash = wh_cursor_filter(0, view == WH_VIEW_EFFECTIVE ? "e" : "c", WH_STR_NULL);
	want(f, WH_F_WHNAME, wh_has(a, webhook_list, whname), a->whname);
	want(f, WH_F_APPLICATION, wh_has(a, webhook_list, applicationId), a->applicationId);
	want(f, WH_F_MUNICIPALITY, wh_has(a, webhook_list, municipalityId), a->municipalityId);
	want(f, WH_F_CALLBACK, wh_has(a, webhook_list, callbackUrl), a->callbackUrl);
	if (wh_has(a, webhook_list, process)) {
		f->has_process = true;
		f->process = a->process;
		f->hash = wh_cursor_filter(f->hash, "process", a->process);
	}
	if (wh_has(a, webhook_list, pending)) {
		f->has_pending = true;
		f->pending = a->pending;
		f->hash = wh_cursor_filter(f->hash, a->pending ? "p" : "n", WH_STR_NULL);
	}
}

static bool
has_process(const struct wh_record *r, struct wh_str process)
{
	const msgpack_object *set = r->set[WH_F_PROCESSES];

	for (uint32_t i = 0; set && i < set->via.array.size; i++) {
		struct wh_str item;

		if (wh_obj_str(&set->via.array.ptr[i], &item) && wh_str_eq(item, process))
			return true;
	}
	return false;
}

static bool
matches(const struct filter *f, const struct wh_hook *h)
{
	struct wh_tree t;
	struct wh_record rec;
	bool ok = true;

	if (f->has_pending && (h->pending > 0) != f->pending)
		return false;
	if (f->wanted == 0 && !f->has_process)
		return true;
	if (wh_unpack(&t, h->body, NULL))
		return false;
	wh_record_view(&t.root, &rec);
	for (int i = 0; ok && i < WH_F_COUNT; i++)
		if (f->wanted & (1u << i))
			ok = wh_str_eq(rec.text[i], f->text[i]);
	if (ok && f->has_process)
		ok = has_process(&rec, f->process);
	wh_tree_fini(&t);
	return ok;
}

static void
pack_list_members(struct whd *d, struct wh_buf *out)
{
	struct wh_hook_age age = wh_hook_age(d);

	wh_pack_kv_uint(out, "revision", d->view.meta.revision);
	if (age.age_ms < 0) {
		wh_pack_kv_nil(out, "synced_at");
		wh_pack_kv_nil(out, "age_ms");
	} else {
		wh_pack_kv_int(out, "synced_at", age.synced_at);
		wh_pack_kv_int(out, "age_ms", age.age_ms);
	}
	wh_pack_kv_bool(out, "stale", age.stale);
}

static int
fill(struct wh_call *c, struct wh_page *page, const struct filter *f, enum wh_hook_view view,
     struct wh_str after)
{
	struct wh_hook_age age = wh_hook_age(c->d);
	struct wh_hook_scan scan;
	struct wh_str key;
	struct wh_hook hook;
	int r = wh_hook_scan_begin(&c->d->view, view, after, &scan);

	while (r == 0 && wh_page_room(page)) {
		r = wh_hook_scan_next(&scan, &key, &hook);
		if (r == WH_ECORRUPT) {
			c->d->counters.rows_corrupt++;
			wh_pump_row_damaged(c->d->pump);
			r = 0;
			continue;
		}
		if (r == 0 && !hook.hidden && hook.body.n && matches(f, &hook))
			wh_hook_pack(wh_page_item(page, key), &hook, &age);
	}
	/* A full page has a successor only if something that matches follows. */
	bool more = false;

	while (r == 0 && !more) {
		r = wh_hook_scan_next(&scan, &key, &hook);
		if (r == WH_ECORRUPT)
			r = 0;
		else if (r == 0)
			more = !hook.hidden && hook.body.n && matches(f, &hook);
	}
	wh_page_more(page, more);
	wh_hook_scan_end(&scan);
	return r == WH_STORE_END ? 0 : r;
}

void
on_webhook_list(struct wh_call *c, const struct wh_args_webhook_list *a)
{
	static const struct wh_page_members members = {4, pack_list_members};
	struct wh_hook_age age = wh_hook_age(c->d);
	enum wh_hook_view view;
	struct filter f;
	struct wh_page page;
	struct wh_str after = WH_STR_NULL;

	if (!parse_view(c, wh_has(a, webhook_list, view), a->view, &view) ||
	    !young_enough(c, wh_has(a, webhook_list, max_age), a->max_age, &age))
		return;
	read_filter(a, view, &f);
	if (!wh_page_begin(&page, c, wh_has(a, webhook_list, limit), a->limit, f.hash))
		return;
	if (wh_has(a, webhook_list, cursor) && !wh_cursor_read(a->cursor, f.hash, &after)) {
		wh_call_fail(c, WH_ERR_INVALID_PARAM,
			     "cursor belongs to another question: repeat the same filters and "
			     "view, or start anew");
		return;
	}

	int r = fill(c, &page, &f, view, after);

	if (r)
		wh_call_fail(c, WH_ERR_INTERNAL, "webhooks could not be read: %s",
			     wh_fault_str(r));
	else
		wh_page_end(&page, &members);
	wh_page_fini(&page);
}
