/* SPDX-License-Identifier: MIT */
/*
 * "Did you mean": the name nearest to a misspelt one, for methods, parameters,
 * members, configuration keys and verbs. Bounded whatever the text; pure.
 */
#pragma once

#include "proto/base.h"

struct wh_nearest {
	struct wh_str wanted;
	const char *name;  /* the best offer so far, NULL if none is near */
	unsigned distance; /* of the best offer; what is farther is not near */
};

struct wh_nearest wh_nearest_begin(struct wh_str wanted);
/* Considers one name; it is kept by pointer if it is the nearest so far. */
void wh_nearest_offer(struct wh_nearest *nearest, const char *name);
/* Damerau-Levenshtein distance (neighbours swapped count one), at most `cap`.
 * Texts over 64 bytes are `cap` apart unless they are equal. */
unsigned wh_edit_distance(struct wh_str a, struct wh_str b, unsigned cap);
