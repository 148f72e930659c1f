/* SPDX-License-Identifier: MIT */
/*
 * A webhook as a MessagePack map: the six documented members, `whid`, and
 * whatever else the upstream holds, kept value for value. This file knows the
 * six; nobody else spells their names.
 *
 * Pure; any thread. Text borrows from the tree or bytes it was read from.
 */
#pragma once

#include "proto/pack.h"

enum wh_field {
#define WH_FIELD(id, name, type, max, option, help) WH_F_##id,
#include "proto/fields.def"
#undef WH_FIELD
	WH_F_COUNT
};

enum wh_field_type { WH_FT_TEXT, WH_FT_NAME, WH_FT_URL, WH_FT_SET };

struct wh_field_info {
	const char *name;
	enum wh_field_type type;
	size_t max; /* bytes of a text, or of one item of a set */
	const char *option;
	const char *help;
};

extern const struct wh_field_info wh_fields[WH_F_COUNT];

#define WH_SET_MAX 256  /* items in a set */
#define WH_WHID_MAX 256 /* bytes of a webhook id */

/* The documented members of one webhook or of one change; absent = not set.
 * SET values are msgpack arrays in *set. */
struct wh_record {
	uint32_t seen;                         /* bit per wh_field that is present */
	struct wh_str text[WH_F_COUNT];        /* all but SET fields */
	const msgpack_object *set[WH_F_COUNT]; /* SET fields only, an array of text or NULL */
	const msgpack_object *odd[WH_F_COUNT]; /* the value of a member that is there, but of
						  another type; it is not in seen */
};

static inline bool
wh_record_has(const struct wh_record *r, enum wh_field f)
{
	return (r->seen >> f) & 1u;
}

#define WH_RECORD_ALL ((1u << WH_F_COUNT) - 1u)

/* Index of a documented member by its exact name; WH_F_COUNT if none. */
enum wh_field wh_field_by_name(struct wh_str name);
/* True if s may be a webhook id: 1..256 B, valid UTF-8, no control bytes. */
bool wh_whid_valid(struct wh_str s);

/*
 * Reads the documented members out of a map; members of other names are passed
 * over. One of another type than documented counts as absent, but is kept in
 * odd: what is sent back to the upstream must not destroy it.
 */
void wh_record_view(const msgpack_object *map, struct wh_record *ret);
/*
 * Checks each present member as a caller's input: type, UTF-8, length, no
 * control bytes, set size and uniqueness. 0, or WH_EINVAL with a full sentence
 * naming the member in why. The url's form is checked by the caller of this
 * (it takes libcurl); this checks its length and bytes only.
 */
WH_MUST_USE int wh_record_validate(const msgpack_object *map, struct wh_buf *why);

/*
 * Checks that map is a map of documented members only, as a caller's change
 * must be. 0, or WH_EINVAL with a sentence naming the unknown one and the
 * nearest name in why.
 */
WH_MUST_USE int wh_record_check_names(const msgpack_object *map, struct wh_buf *why);

/* Appends the present documented members as one map, those in odd included. */
void wh_record_pack(struct wh_buf *b, const struct wh_record *r);
/*
 * Appends base with the members of change put over it: members of base that
 * change lacks stay, unknown ones included; `whid` becomes whid if that is not
 * empty. base may be NULL. Member order: whid, the six, the rest as in base.
 */
void wh_record_patch(struct wh_buf *b, const msgpack_object *base,
		     const struct wh_record *change, struct wh_str whid);
