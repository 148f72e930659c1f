/* SPDX-License-Identifier: MIT */
/* Fills the rules that a transaction body gets, from the configuration and the state as they
 * are now. Loop thread. */
#pragma once

#include "daemon/rules.h"
#include "daemon/whd.h"

void wh_rules_now(struct whd *d, struct wh_rules *ret);
