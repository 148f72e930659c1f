/* SPDX-License-Identifier: MIT */
/*
 * The hash of a webhook's normal form: equal webhooks have equal forms, so an
 * identical one is found by one look-up instead of a scan. The mark of a create
 * is left out of it. Pure; any thread.
 */
#pragma once

#include "daemon/core/norm.h"

/* Of the six documented members of an encoded webhook. 0 or a fault. */
WH_MUST_USE int wh_form_of_body(struct wh_str body, uint64_t ret[2]);
