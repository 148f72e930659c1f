/* SPDX-License-Identifier: MIT */
/* Operations as callers see them, wherever they are kept. Loop thread only. */
#pragma once

#include "daemon/core/op.h"
#include "daemon/whd.h"

struct wh_call;

/* Answers that op is not the text of an id. */
void wh_op_refuse_id(struct wh_call *c);
/* Finds an operation by its text id in the queue or the history and appends its map; 0,
 * WH_ABSENT, WH_EINVAL (not an id) or a fault. full: with its story. */
WH_MUST_USE int wh_op_find_pack(struct whd *d, struct wh_str op_text, bool full,
				struct wh_buf *out);
