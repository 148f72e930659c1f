/* SPDX-License-Identifier: MIT */
/*
 * Reading a fault rule from JSON.
 *
 * Called by fault.c only.  Pure: nothing is kept.
 */
#pragma once

#include "tests/whsim/fault.h"

/*
 * Reads a rule; `ret_spec` borrows `body` and `headers` from `given`.
 * Returns 0, or -EINVAL with a sentence in `ret_problem`.
 */
int wh_fault_form_read(json_t *given, struct wh_fault_spec *ret_spec,
		       struct wh_buf *ret_problem);

/* The parameters an action takes, separated by spaces. */
const char *wh_fault_params(enum wh_fault_action action);
