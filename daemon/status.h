/* SPDX-License-Identifier: MIT */
/* The truth about whd in one map, and its numbers as OpenMetrics text. Loop thread only. */
#pragma once

#include "daemon/whd.h"

/* The map of the method `status`. */
void wh_status_pack(struct whd *d, struct wh_buf *out);
/* Store space, sampled at most once a second. */
const struct wh_store_space *wh_status_space(struct whd *d);
