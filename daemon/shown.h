/* SPDX-License-Identifier: MIT */
/*
 * What a list or a look leaves out of a webhook. The upstream documents that it
 * shows six members; a list may be a summary, and some upstreams leave out what
 * is empty. Taken for empty, what is only not shown would be wiped out by the
 * next update. Any thread.
 */
#pragma once

#include "proto/record.h"

/* Which documented members a body holds, of whatever type: a bit each. 0 if it cannot be read.
 */
uint32_t wh_shown_members(struct wh_str body);
/*
 * Puts into *body the documented members that it lacks. at_times: those that
 * such lists, or looks, were seen to show; what the body shows is added. One of
 * them is empty where it lacks, unless the body lacks a member that never is
 * empty, and so is a summary. Any other is as in known (may be empty), or stays
 * out. *body is then in room, or as it was. 0 or a fault.
 */
WH_MUST_USE int wh_shown_fill(struct wh_buf *room, struct wh_str *body, struct wh_str known,
			      uint64_t *at_times);
/* What may be empty, and is not in this webhook: a bit each. 0 if it cannot be read. */
uint32_t wh_shown_filled(struct wh_str body);
/* Of those the ones that another body, which shows these members, lacks: emptied, or only not
 * shown? None if it lacks a member that never is empty, too. */
uint32_t wh_shown_doubtful(uint32_t shown, uint32_t filled);
