/* SPDX-License-Identifier: MIT */
/*
 * A webhook as it is served: the stored bytes with the member `_whd` appended.
 * Nothing is decoded. Loop thread.
 */
#pragma once

#include "daemon/core/op.h"
#include "daemon/whd.h"

/* A webhook in one of its views. Text borrows from the view, or from the room it was given. */
struct wh_hook {
	struct wh_str body;
	uint64_t revision;
	uint32_t pending;
	enum wh_webhook_state state;
	bool hidden;
	struct wh_str tmp_id;
};

enum wh_hook_view { WH_VIEW_EFFECTIVE, WH_VIEW_CONFIRMED };

/* 0, WH_ABSENT, or a fault (WH_ECORRUPT: the row is damaged). key is folded; room is for a body
 * that has to be put together. */
WH_MUST_USE int wh_hook_get(const struct wh_view *v, struct wh_str key, enum wh_hook_view view,
			    struct wh_buf *room, struct wh_hook *ret);

/* Borrowed until the next call; it is packed once a ms. */
const struct wh_hook_age *wh_hook_age(struct whd *d);
void wh_hook_pack(struct wh_buf *out, const struct wh_hook *h, const struct wh_hook_age *age);
/* What was packed from out->p + at, without its age, and the same put out again. */
struct wh_str wh_hook_ageless(const struct wh_buf *out, size_t at,
			      const struct wh_hook_age *age);
void wh_hook_repeat(struct wh_buf *out, struct wh_str ageless, const struct wh_hook_age *age);
