/* SPDX-License-Identifier: MIT */
/*
 * Is this text an address that may be called? Parsed by libcurl's own URL
 * code, so that what is accepted here is what is connected to later. Used for
 * the upstream's address and for callbackUrl. Pure; any thread.
 */
#pragma once

#include "proto/buf.h"

#define WH_URL_MAX 2048

struct wh_url {
	bool https;    /* else http */
	bool loopback; /* the host is localhost, 127.0.0.0/8 or ::1 */
	bool query;    /* has a query part */
};

/*
 * 0 if url is an absolute http or https address with a host, without user
 * name, fragment, control bytes and spaces. WH_EINVAL with a phrase in `why`
 * that goes on after the name of the thing ("must begin with https://").
 */
WH_MUST_USE int wh_url_check(struct wh_str url, struct wh_url *ret, struct wh_buf *why);

/*
 * The address of the API's one resource, from the configured address: given
 * as it is, or without its last part, which is then added. A query part stays
 * at the end. malloc'd; the caller frees it.
 */
char *wh_url_resource(struct wh_str url);
