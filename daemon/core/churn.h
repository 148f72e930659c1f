/* SPDX-License-Identifier: MIT */
/*
 * Members that change all the time, such as a time of the reply: they make
 * every list look like news of everything. A member that differs in more than
 * a fifth of the webhooks in three lists running is named to people, who may
 * put it into [sync] ignore_members.
 *
 * Pure. At most WH_CHURN_NAMES members are followed, the first that come.
 */
#pragma once

#include "proto/pack.h"

#define WH_CHURN_NAMES 16u
#define WH_CHURN_NAME_MAX 64u /* longer names are not followed */

/* In how many webhooks each member differed: of a part of a list, or of a whole one. */
struct wh_churn_tally {
	struct wh_churn_count {
		char name[WH_CHURN_NAME_MAX];
		uint64_t n;
	} count[WH_CHURN_NAMES];
	size_t n;
};

/* The members that now has otherwise than was, or was has not, count one more, but for those
 * that are ignored. */
void wh_churn_compare(struct wh_churn_tally *t, const msgpack_object *was,
		      const msgpack_object *now, const struct wh_str *ignore, size_t n_ignore);
void wh_churn_add(struct wh_churn_tally *to, const struct wh_churn_tally *from);

/* What is remembered from list to list. */
struct wh_churn {
	struct wh_churn_member {
		char name[WH_CHURN_NAME_MAX];
		unsigned lists; /* running */
	} member[WH_CHURN_NAMES];
	size_t n;
};

/* A whole list of so many webhooks has ended. True if it made a member one that changes all the
 * time. */
bool wh_churn_list(struct wh_churn *c, const struct wh_churn_tally *t, uint64_t webhooks);
/* Does this member (of c->member) change all the time? */
bool wh_churn_is_restless(const struct wh_churn_member *m);
