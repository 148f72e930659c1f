/* SPDX-License-Identifier: MIT */
/* Reading one webhook in a view, and serving it. */
#include "daemon/hook_pack.h"

#include "daemon/pump.h"

static void
from_row(const struct wh_row *row, struct wh_hook *ret)
{
	*ret = (struct wh_hook){
		.body = row->body,
		.revision = row->revision,
		.state = WH_HOOK_SYNCED,
	};
}

int
wh_hook_get(const struct wh_view *v, struct wh_str key, enum wh_hook_view view,
	    struct wh_buf *room, struct wh_hook *ret)
{
	struct wh_overlay o;
	struct wh_row row;
	int r = WH_ABSENT;

	if (view == WH_VIEW_EFFECTIVE && v->meta.overlays > 0)
		r = wh_overlays_get(v, key, room, &o);
	if (r < 0)
		return r;
	if (r == 0) {
		*ret = (struct wh_hook){
			.body = o.body,
			.revision = o.revision,
			.pending = o.pending,
			.state = (enum wh_webhook_state)o.state,
			.hidden = o.hidden,
			.tmp_id = o.tmp_id,
		};
		return 0;
	}
	r = wh_rows_get(v, key, &row);
	if (r == 0)
		from_row(&row, ret);
	return r;
}

/* A short key as it is encoded, for what is written with each row. */
#define KEY(head, text) WH_STR(head text)

static void
pack_age(struct wh_hook_age *age)
{
	struct wh_buf b = {
		.p = age->packed, .cap = sizeof(age->packed), .max = sizeof(age->packed)};

	wh_buf_str(&b, KEY("\xa9", "synced_at"));
	if (age->synced_at == 0)
		wh_pack_nil(&b);
	else
		wh_pack_int(&b, age->synced_at);
	wh_buf_str(&b, KEY("\xa6", "age_ms"));
	if (age->age_ms < 0)
		wh_pack_nil(&b);
	else
		wh_pack_int(&b, age->age_ms);
	wh_buf_str(&b, KEY("\xa5", "stale"));
	wh_pack_bool(&b, age->stale);
	wh_require(!b.fault);
	age->packed_n = b.n;
}

const struct wh_hook_age *
wh_hook_age(struct whd *d)
{
	struct wh_hook_age *last = &d->hook_age;
	struct wh_hook_age age = {
		.synced_at = (int64_t)d->view.meta.synced_at,
		.age_ms = wh_pump_age(d->pump),
		.stale = !wh_pump_synced(d->pump),
	};

	if (last->packed_n > 0 && last->age_ms == age.age_ms &&
	    last->synced_at == age.synced_at && last->stale == age.stale)
		return last;
	pack_age(&age);
	*last = age;
	return last;
}

/* The map of `_whd` with so many members, up to the value of the first. */
#define HEAD(map)                                                                              \
	KEY("\xa4", "_whd" map "\xa8"                                                          \
		    "revision")

static void
pack_state(struct wh_buf *out, const struct wh_hook *h)
{
	if (h->pending == 0 && h->state == WH_HOOK_SYNCED && h->tmp_id.n == 0) {
		wh_buf_str(out, KEY("\xa7", "pending\x00\xa5"
					    "state\xa6"
					    "synced"));
		return;
	}
	wh_buf_str(out, KEY("\xa7", "pending"));
	wh_pack_uint(out, h->pending);
	wh_buf_str(out, KEY("\xa5", "state"));
	wh_pack_c(out, wh_webhook_state_str(h->state));
	if (h->tmp_id.n)
		wh_pack_kv_str(out, "tmp_id", h->tmp_id);
}

void
wh_hook_pack(struct wh_buf *out, const struct wh_hook *h, const struct wh_hook_age *age)
{
	struct wh_str members;
	uint32_t n;

	if (wh_map_split(h->body, &n, &members)) {
		out->fault = WH_ECORRUPT;
		return;
	}
	wh_pack_map(out, (size_t)n + 1);
	wh_buf_str(out, members);
	wh_buf_str(out, h->tmp_id.n ? HEAD("\x87") : HEAD("\x86"));
	wh_pack_uint(out, h->revision);
	pack_state(out, h);
	wh_buf_str(out, wh_str(age->packed, age->packed_n));
}

struct wh_str
wh_hook_ageless(const struct wh_buf *out, size_t at, const struct wh_hook_age *age)
{
	return wh_str(out->p + at, out->n - at - age->packed_n);
}

void
wh_hook_repeat(struct wh_buf *out, struct wh_str ageless, const struct wh_hook_age *age)
{
	wh_buf_str(out, ageless);
	wh_buf_str(out, wh_str(age->packed, age->packed_n));
}
