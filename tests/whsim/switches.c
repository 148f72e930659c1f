/* SPDX-License-Identifier: MIT */
/*
 * The switches that vary the simulated API: see switches.h.
 *
 * Owns the table that is generated from switches.def.  Called by the control
 * verbs with the simulator's lock held.  It never acts on a switch; the files
 * that answer requests read them.
 */
#include "tests/whsim/switches.h"

#include <stddef.h>

#include "tests/whsim/form.h"

#define WH_VALUE_TEXT(id, text) text,
#define WH_SWITCH_ENUM(name, list, value, help)                                                \
	static const char *const name##_values[] = {WH_##list(WH_VALUE_TEXT) NULL};            \
	_Static_assert(sizeof(enum wh_##name) == sizeof(unsigned),                             \
		       "the form writes an enum as an unsigned");
#define WH_SWITCH_BOOL(name, value, help)
#define WH_SWITCH_INT(name, value, min, max, help)
#define WH_SWITCH_TEXT(name, value, longest, help)
#include "tests/whsim/switches.def"
#undef WH_SWITCH_ENUM
#undef WH_SWITCH_BOOL
#undef WH_SWITCH_INT
#undef WH_SWITCH_TEXT

#define WH_AT(name) offsetof(struct wh_switches, name)
#define WH_SWITCH_ENUM(name, list, value, help)                                                \
	{#name, FIELD_ENUM, WH_AT(name), 0, 0, name##_values, help},
#define WH_SWITCH_BOOL(name, value, help) {#name, FIELD_BOOL, WH_AT(name), 0, 1, NULL, help},
#define WH_SWITCH_INT(name, value, min, max, help)                                             \
	{#name, FIELD_INT, WH_AT(name), min, max, NULL, help},
#define WH_SWITCH_TEXT(name, value, longest, help)                                             \
	{#name, FIELD_TEXT, WH_AT(name), 1, longest, NULL, help},
static const struct wh_field switch_fields[] = {
#include "tests/whsim/switches.def"
};
#undef WH_SWITCH_ENUM
#undef WH_SWITCH_BOOL
#undef WH_SWITCH_INT
#undef WH_SWITCH_TEXT

static const struct wh_form switch_form = {
	.what = "switch",
	.fields = switch_fields,
	.count = sizeof(switch_fields) / sizeof(switch_fields[0]),
};

#define WH_SWITCH_ENUM(name, list, value, help) .name = value,
#define WH_SWITCH_BOOL(name, value, help) .name = value,
#define WH_SWITCH_INT(name, value, min, max, help) .name = value,
#define WH_SWITCH_TEXT(name, value, longest, help) .name = value,
static const struct wh_switches switch_defaults = {
#include "tests/whsim/switches.def"
};

void
wh_switches_init(struct wh_switches *sw)
{
	*sw = switch_defaults;
}

int
wh_switches_set(struct wh_switches *sw, json_t *given, struct wh_buf *ret_problem)
{
	struct wh_switches wanted = *sw;
	int r = wh_form_read(&switch_form, given, &wanted, ret_problem);

	if (r)
		return r;
	*sw = wanted;
	return 0;
}

json_t *
wh_switches_print(const struct wh_switches *sw)
{
	return wh_form_print(&switch_form, sw);
}

json_t *
wh_switches_describe(void)
{
	return wh_form_describe(&switch_form, &switch_defaults);
}
