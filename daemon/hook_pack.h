/* SPDX-License-Identifier: MIT */
/*
 * A webhook as it is served: the stored bytes with the member `_whd` appended.
 * Nothing is decoded. Loop thread.
 */
#pragma once

#include "daemon/core/op.h"
#include "daemon/whd.h"

/* A webhook in one of its views. Text borrows from the view. */
struct wh_hook {
	struct wh_str body;
	uint64_t revision;
	uint32_t pending;
	enum wh_webhook_state state;
	bool hidden;
	struct wh_str tmp_id;
};

enum wh_hook_view { WH_VIEW_EFFECTIVE, WH_VIEW_CONFIRMED };

/* 0, WH_ABSENT, or a fault (WH_ECORRUPT: the row is damaged). key is folded. */
WH_MUST_USE int wh_hook_get(const struct wh_view *v, struct wh_str key, enum wh_hook_view view,
			    struct wh_hook *ret);
/* Age of the copy and whether it is stale, taken once a call. */
struct wh_hook_age {
	int64_t synced_at; /* wall ms, 0 = never */
	int64_t age_ms;    /* -1 = never synced */
	bool stale;
	char packed[64]; /* the members of `_whd` that say so */
	size_t packed_n;
};
struct wh_hook_age wh_hook_age(struct whd *d);
void wh_hook_pack(struct wh_buf *out, const struct wh_hook *h, const struct wh_hook_age *age);
