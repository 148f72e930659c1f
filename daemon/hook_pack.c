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
	    struct wh_hook *ret)
{
	struct wh_overlay o;
	struct wh_row row;
	int r = WH_ABSENT;

	if (view == WH_VIEW_EFFECTIVE && v->meta.overlays > 0)
		r = wh_overlays_get(v, key, &o);
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

struct wh_hook_age
wh_hook_age(struct whd *d)
{
	return (struct wh_hook_age){
		.synced_at = (int64_t)d->view.meta.synced_at,
		.age_ms = wh_pump_age(d->pump),
		.stale = !wh_pump_synced(d->pump),
	};
}

static void
pack_age(struct wh_buf *out, const struct wh_hook_age *age)
{
	if (age->age_ms < 0) {
		wh_pack_kv_nil(out, "synced_at");
		wh_pack_kv_nil(out, "age_ms");
	} else {
		wh_pack_kv_int(out, "synced_at", age->synced_at);
		wh_pack_kv_int(out, "age_ms", age->age_ms);
	}
	wh_pack_kv_bool(out, "stale", age->stale);
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
	wh_pack_c(out, "_whd");
	wh_pack_map(out, h->tmp_id.n ? 7 : 6);
	wh_pack_kv_uint(out, "revision", h->revision);
	wh_pack_kv_uint(out, "pending", h->pending);
	wh_pack_kv_c(out, "state", wh_webhook_state_str(h->state));
	if (h->tmp_id.n)
		wh_pack_kv_str(out, "tmp_id", h->tmp_id);
	pack_age(out, age);
}
