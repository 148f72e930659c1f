/* SPDX-License-Identifier: MIT */
/*
 * The filters of webhook.list: what was asked for, whether a webhook matches,
 * and the shortest range of webhooks to look at for it. Loop thread.
 */
#pragma once

#include "daemon/dispatch.h"
#include "daemon/hook_scan.h"
#include "proto/record.h"

struct wh_filter {
	struct wh_str value[WH_F_COUNT]; /* of a set: an item it holds */
	uint32_t wanted;                 /* bit per member that must match */
	bool has_pending, pending;
	uint64_t hash; /* binds a cursor to the question */
};

void wh_filter_read(struct wh_filter *f, const struct wh_args_webhook_list *a,
		    enum wh_hook_view view);
/* Exactly, and all of them. */
bool wh_filter_matches(const struct wh_filter *f, const struct wh_hook *h);
/* Chooses the index rows of the member that the fewest webhooks share. The range's view and
 * after are set. */
void wh_filter_narrow(const struct wh_filter *f, const struct whd *d,
		      struct wh_hook_range *range);
