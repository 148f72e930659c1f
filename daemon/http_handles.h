/* SPDX-License-Identifier: MIT */
/*
 * libcurl's handles, used again for changes: making and tearing down one costs
 * more than a request over a kept connection. Only a handle whose last transfer
 * was a plain success is kept, and it is reset to what a new one is; what stays
 * of it is nothing that a request shows (its cache of TLS sessions). HTTP
 * thread.
 */
#pragma once

#include <curl/curl.h>

#include "proto/base.h"

#define WH_HANDLES_MAX 64u /* [queue] concurrency is at most 64 */

struct wh_handles {
	CURLM *multi; /* that they run in */
	CURL *spare[WH_HANDLES_MAX];
	size_t n;
};

/* As new; NULL if memory is out. */
CURL *wh_handles_take(struct wh_handles *h);
/* Takes it out of the multi handle. NULL is fine. */
void wh_handles_give(struct wh_handles *h, CURL *e, bool keep);
void wh_handles_fini(struct wh_handles *h);
