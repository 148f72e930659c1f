/* SPDX-License-Identifier: MIT */
/*
 * When two webhooks mean the same although their bytes differ: the upstream
 * may trim text, lower the case of GUIDs, schemes and hosts, reorder a set and
 * treat null, absent and "" alike. Only used to compare, never to store.
 * Pure; any thread.
 */
#pragma once

#include "proto/record.h"

/* Normal form of one documented text member, appended to out. */
void wh_norm_text(struct wh_buf *out, enum wh_field f, struct wh_str value);
/* Equal in normal form; absent equals "" and the empty set. A value of another type than
 * documented equals only itself. */
bool wh_norm_field_eq(enum wh_field f, const struct wh_record *a, const struct wh_record *b);
/* Bit per documented member that differs in normal form. */
uint32_t wh_norm_diff(const struct wh_record *a, const struct wh_record *b);
/* Of the same application, municipality and processes: all that is left of a webhook whose name
 * and url the upstream has rewritten. */
bool wh_norm_kin(const struct wh_record *a, const struct wh_record *b);
/* Takes the documented members out of `want` that are equal to those of `have`. One that `have`
 * lacks is equal to none: nobody knows what it is. */
void wh_norm_keep_changes(struct wh_record *want, const struct wh_record *have);
/*
 * Near: not equal, but the same callbackUrl and applicationId+municipalityId, or the same
 * whname, in normal form: what a server that rewrites values may have made of a create.
 */
bool wh_norm_near(const struct wh_record *a, const struct wh_record *b);
/* 64-bit hash of the normal form of callbackUrl resp. whname, never 0: creates that share one
 * are kept apart. */
struct wh_create_keys {
	uint64_t url;
	uint64_t name;
};
struct wh_create_keys wh_norm_create_keys(struct wh_str url, struct wh_str name);
/*
 * Equal as stored objects: all members, documented or not, order ignored; members named in
 * `ignore` (may be NULL) are left out. Documented ones compare by value, not normal form; the
 * order of the items of a documented set is no part of its value. False if one is no map.
 */
bool wh_norm_same_row(const msgpack_object *a, const msgpack_object *b,
		      const struct wh_str *ignore, size_t n_ignore);
/* The same for the values of one member. */
bool wh_norm_same_member(struct wh_str name, const msgpack_object *a, const msgpack_object *b);
/* Is it one of the members that are left out? ignore may be NULL. */
bool wh_norm_is_ignored(struct wh_str name, const struct wh_str *ignore, size_t n_ignore);
