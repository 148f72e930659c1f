/* SPDX-License-Identifier: MIT */
/*
 * Processes as a set that is changed over changes that may still fail.
 *
 * An operation holds the set as it is to be, and in its base the set that this
 * is seen against: what only the first has it adds, what only the second has it
 * takes out, and whatever else is in the set at the API stays. Commit thread
 * (dry run: loop), inside a lane.
 */
#pragma once

#include "daemon/apply.h"
#include "daemon/doc.h"

#define WH_SET_MEMBER (1u << WH_F_PROCESSES)

/* What somebody asks for. */
struct wh_set_asked {
	const msgpack_object *mine;         /* the set as it is to be */
	const msgpack_object *seen;         /* as readers see it */
	const msgpack_object *add, *remove; /* by name; both NULL: each of mine, and all else */
};

/*
 * The set for the base: what is asked for by name counts as added, or as taken
 * out, even if readers see it that way already, unless that is sure.
 */
WH_MUST_USE int wh_set_against(const struct wh_lane *l, const struct wh_set_asked *asked,
			       struct wh_doc *ret);
/* tail takes in `later`, and both change the set: puts their common base into tail, which still
 * has fields of its own. */
WH_MUST_USE int wh_set_join(struct wh_lane *l, struct wh_lane_op *tail,
			    const struct wh_op *later);
/* One before it is in effect. */
struct wh_set_made {
	const msgpack_object *wanted; /* the set as that one wanted it */
	const msgpack_object *made;   /* what the upstream says; may be what was before */
};
/* What o, which changes the set, adds and takes out is seen against that now. */
WH_MUST_USE int wh_set_rebase(struct wh_lane *l, struct wh_lane_op *o,
			      const struct wh_set_made *before);
/* Replaces the set in a body that the lane keeps. */
WH_MUST_USE int wh_lane_put_set(struct wh_lane *l, struct wh_str *body,
				const msgpack_object *set);
