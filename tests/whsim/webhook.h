/* SPDX-License-Identifier: MIT */
/*
 * What a webhook configuration is to the simulated API.
 *
 * Names the documented members, checks what a request brings, and composes
 * the canonical object that is stored.  Works on JSON values only; holds no
 * state; callers hold the simulator's lock because of the switches.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "tests/whsim/switches.h"

/* The six documented members, in the documented order; ends with NULL. */
extern const char *const wh_webhook_members[];

/* True for one of the six. */
bool wh_webhook_is_documented(const char *member);

/*
 * Checks a request body.  Returns NULL if it may be stored, else a new object
 * member -> array of sentences, as web frameworks answer.
 */
json_t *wh_webhook_check(json_t *body, const struct wh_switches *sw);

/*
 * Returns a new canonical object with the id `id`: the six members of `body`,
 * normalised; for one that is missing, that of `old` if the switches say
 * merge, else an empty value; then the other members.  `old` is NULL for a
 * new row.
 */
json_t *wh_webhook_compose(const char *id, json_t *old, json_t *body,
			   const struct wh_switches *sw);

/*
 * Returns a new canonical object of whatever `object` holds; missing
 * documented members become empty.  No checks: this is for rows that another
 * person is pretended to have made.
 */
json_t *wh_webhook_canonical(const char *id, json_t *object);

/* Adds undocumented members of many types, as a server may. */
void wh_webhook_add_unknown(json_t *object, size_t number);
