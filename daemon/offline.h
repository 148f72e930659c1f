/* SPDX-License-Identifier: MIT */
/*
 * What whd does to a store that nobody serves: check it, put a copy in its
 * place, give it to another upstream. Each prints what it did and returns the
 * exit status of the process.
 */
#pragma once

#include "daemon/config.h"

int wh_offline_check(const struct wh_config *config);
int wh_offline_restore(const struct wh_config *config, const char *file);
int wh_offline_rebind(const struct wh_config *config);
