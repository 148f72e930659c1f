/* SPDX-License-Identifier: MIT */
/*
 * systemd: readiness, status line, watchdog and passed sockets. Every call is
 * a no-op (or "none") when whd was not started by systemd or was built without
 * libsystemd. Loop thread only.
 */
#pragma once

#include "proto/base.h"

#define WH_SD_NONE 1 /* outcome: nothing was passed */

/* The one listening unix stream socket passed to us, checked. WH_EINVAL if what was passed is
 * not one. */
WH_MUST_USE int wh_sd_socket(int *ret_fd);
void wh_sd_ready(const char *status);
void wh_sd_reloading(void);
void wh_sd_stopping(void);
void wh_sd_status(const char *status);
void wh_sd_watchdog(void);
/* Watchdog interval in ms that whd must stay under, 0 = none. */
int64_t wh_sd_watchdog_ms(void);
/* True if stderr is connected to the journal. */
bool wh_sd_journal(void);
