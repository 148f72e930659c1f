/* SPDX-License-Identifier: MIT */
/*
 * A msgpack array of text read as a set: sorted once, so that sets as large as
 * the upstream cares to send are compared and merged in n log n. Items that
 * are not text are passed over, of equal ones the first counts.
 *
 * Used by norm and merge only. Pure; any thread. Text borrows from the array.
 */
#pragma once

#include "proto/pack.h"

enum wh_set_form {
	WH_SET_EXACT,  /* items are equal if their bytes are */
	WH_SET_NORMAL, /* trimmed, GUIDs in any case */
};

struct wh_set_item {
	struct wh_str text; /* as it stands in the array */
	uint32_t at;        /* index of its first occurrence in the array */
};

struct wh_set {
	struct wh_set_item *items; /* sorted, without duplicates; owned */
	size_t n;
	enum wh_set_form form;
};

#define WH_SET_NULL ((struct wh_set){0})

/* array may be NULL or no array: the empty set. 0 or WH_ENOMEM. */
WH_MUST_USE int wh_set_init(struct wh_set *ret, const msgpack_object *array,
			    enum wh_set_form form);
void wh_set_fini(struct wh_set *s);
bool wh_set_has(const struct wh_set *s, struct wh_str text);
/* True if the text at index `at` of the array that s was read from is its first occurrence. */
bool wh_set_is_first(const struct wh_set *s, struct wh_str text, uint32_t at);
/* Takes the items of `other` out of s. */
void wh_set_subtract(struct wh_set *s, const struct wh_set *other);
/* Both of the same form. */
bool wh_set_eq(const struct wh_set *a, const struct wh_set *b);

/* Order of two texts by their normal form; 0 = equal. Whitespace around is ignored, and case
 * if the text is a GUID. */
int wh_set_text_cmp(struct wh_str a, struct wh_str b);
struct wh_str wh_set_trim(struct wh_str s);
