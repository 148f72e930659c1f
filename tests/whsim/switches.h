/* SPDX-License-Identifier: MIT */
/*
 * The switches that vary the simulated API.
 *
 * One struct, generated from switches.def: a member per switch.  It belongs
 * to the simulator's state and is read and written with its lock held.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/whsim/buf.h"
#include "tests/whsim/switch_values.h"

#define WH_VALUE_ID(id, text) id,
#define WH_SWITCH_ENUM(name, list, value, help) enum wh_##name{WH_##list(WH_VALUE_ID)};
#define WH_SWITCH_BOOL(name, value, help)
#define WH_SWITCH_INT(name, value, min, max, help)
#define WH_SWITCH_TEXT(name, value, longest, help)
#include "tests/whsim/switches.def"
#undef WH_SWITCH_ENUM
#undef WH_SWITCH_BOOL
#undef WH_SWITCH_INT
#undef WH_SWITCH_TEXT
#undef WH_VALUE_ID

#define WH_SWITCH_ENUM(name, list, value, help) enum wh_##name name;
#define WH_SWITCH_BOOL(name, value, help) bool name;
#define WH_SWITCH_INT(name, value, min, max, help) int64_t name;
#define WH_SWITCH_TEXT(name, value, longest, help) char name[(longest) + 1];
struct wh_switches {
#include "tests/whsim/switches.def"
};
#undef WH_SWITCH_ENUM
#undef WH_SWITCH_BOOL
#undef WH_SWITCH_INT
#undef WH_SWITCH_TEXT

/* Sets every switch to its default. */
void wh_switches_init(struct wh_switches *sw);

/*
 * Sets the switches given, all or none.  Returns 0, or -EINVAL with a
 * sentence in `ret_problem`; then nothing was changed.
 */
int wh_switches_set(struct wh_switches *sw, json_t *given, struct wh_buf *ret_problem);

/* Returns all switches and their values as a new flat object. */
json_t *wh_switches_print(const struct wh_switches *sw);

/* Returns a new array: name, default, legal values and help of each. */
json_t *wh_switches_describe(void);
