/* SPDX-License-Identifier: MIT */
/*
 * What an object that wraps a list says about the list: how many there are and
 * whether more follow. Pure; used by core/remote_list only.
 */
#pragma once

#include "proto/buf.h"

struct wh_page {
	int64_t total; /* all elements of all pages; -1 = not told */
	int64_t count; /* of this page or of all, servers differ; -1 = not told */
	bool more;     /* more follows, but there is no link to it */
	bool is_error; /* it is an error report: see complaint.h */
};

/*
 * Reads the JSON text around a list. The link to the next page is put into
 * next, which stays empty if there is none. 0, WH_EPROTO, WH_ELIMIT, WH_ENOMEM.
 */
WH_MUST_USE int wh_page_read(struct wh_str shell, struct wh_buf *next, struct wh_page *ret);
