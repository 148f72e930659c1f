/* SPDX-License-Identifier: MIT */
/*
 * Links to the next page of a list. Only one that leads to the same scheme,
 * host, port and path as the configured url is followed: anything else could
 * hand the subscription key to somebody else. HTTP thread.
 */
#pragma once

#include "proto/base.h"

/* True if a Link header, or several joined by commas, holds a link whose rel is next, among
 * other words or alone, or something that cannot be read and may be one. */
bool wh_http_has_next(struct wh_str link_header);
/* Does the head of a reply without a next page tell of another number of elements than came?
 * Content-Range and X-Total-Count; "" if there is none. 206 without the first is a part, too.
 */
bool wh_http_is_part(int status, const char *content_range, const char *total_count,
		     uint64_t elements);
/*
 * The absolute url of the next page, malloc'd, or NULL if there is none or it
 * leads elsewhere. body_link (may be empty) wins over the Link header.
 */
char *wh_http_next_page(const char *base_url, const char *current_url, struct wh_str body_link,
			struct wh_str link_header);
