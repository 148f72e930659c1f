/* SPDX-License-Identifier: MIT */
/*
 * The hash of a webhook's normal form: equal webhooks have equal forms. The
 * mark of a create is left out of it. Pure; any thread.
 */
#pragma once

#include "daemon/core/norm.h"
#include "proto/glance.h"

/* Of the six documented members. 0 or a fault. */
WH_MUST_USE int wh_form_of(const struct wh_glance *g, uint64_t ret[2]);
/* The same of an encoded webhook; an empty body has none of them. */
WH_MUST_USE int wh_form_of_body(struct wh_str body, uint64_t ret[2]);
/*
 * The same of all members but whcomment, as a number that is never 0: by this term a webhook is
 * found in the index, among the few that differ in their comments. The comment is what changes
 * most, and the index need not be written for that. 0 or a fault.
 */
WH_MUST_USE int wh_form_term(const struct wh_glance *g, uint64_t *ret);
