/* SPDX-License-Identifier: MIT */
/*
 * What a create wants, as the numbers by which it is found among the creates
 * that wait: its form, and the groups of those that share callbackUrl or
 * whname with it. They are made from its members once, and go along with it.
 * Pure; any thread.
 */
#pragma once

#include "store/store.h"

struct wh_wish {
	struct wh_str of;             /* the encoded members it was made from; borrows */
	uint64_t form[2];             /* form.h */
	uint64_t group[WH_OP_GROUPS]; /* by callbackUrl, by whname */
};

/* 0 or a fault. */
WH_MUST_USE int wh_wish_of(struct wh_str members, struct wh_wish *ret);

/* The same for one that may be there already: it is kept if it was made from these very bytes,
 * and made anew if they were replaced. */
WH_MUST_USE int wh_wish_keep(struct wh_str members, struct wh_wish *inout);
