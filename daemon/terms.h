/* SPDX-License-Identifier: MIT */
/*
 * By which terms a webhook is found: each documented text but the comment, and
 * each item of processes, hashed as it is; and a confirmed row by the form of
 * all of them (form.h), too. The store keeps the index, told by this what a
 * term is. Raise WH_TERMS_VERSION (store.h) with any change here.
 * Pure; any thread.
 */
#pragma once

#include "proto/glance.h"
#include "store/store.h"

/* The term of a value of a member; never 0. */
uint64_t wh_term(enum wh_field f, struct wh_str value);
/* All terms of a body: a wh_terms_of. An absent text is found as the empty one. */
void wh_terms_of_webhook(enum wh_scan_table table, struct wh_str body, struct wh_terms *ret);
