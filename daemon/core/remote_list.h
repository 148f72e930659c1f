/* SPDX-License-Identifier: MIT */
/*
 * The list of the upstream, read while it streams in: a splitter cuts the
 * array into elements, whatever wraps it, without holding more than one
 * element; each is parsed strictly and turned into a stored webhook. What is
 * known from the list before is passed over.
 *
 * Shapes taken: a bare array; an object holding an array of objects under any
 * member that is not `processes`; one bare webhook object; null; nothing.
 * A byte order mark is passed over. Anything doubtful makes the list
 * incomplete, never wrong: an element that cannot be read or is over-long, a
 * cut body, trailing bytes, a total that does not fit, a next page that is not
 * followed.
 *
 * Pure: no I/O, no clock. Used by the HTTP thread; one reader per list.
 */
#pragma once

#include "daemon/core/known.h"
#include "daemon/core/remote.h"

struct wh_list_reader;

struct wh_list_limits {
	size_t element;      /* bytes of one element, [limits] element */
	uint32_t json_depth; /* [limits] json_depth */
};

/* One element that was read. All borrow until the callback returns. */
struct wh_list_row {
	struct wh_str whid, body;
	struct wh_hash text; /* of the element, if something is known (wh_list_reader_use) */
};
typedef int wh_list_on_row(void *ctx, const struct wh_list_row *row);

struct wh_list_reader *wh_list_reader_new(const struct wh_list_limits *lim,
					  wh_list_on_row *on_row, void *ctx);
/* Elements whose text is known are ticked there and not handed on. Borrowed until the reader is
 * freed; to be called before the first byte. */
void wh_list_reader_use(struct wh_list_reader *r, struct wh_known *known);
struct wh_list_reader *wh_list_reader_free(struct wh_list_reader *r);
/* Starts the next page: keeps counts, forgets the parser's state. */
void wh_list_reader_next_page(struct wh_list_reader *r);
/* Feeds bytes of the current page. 0, the callback's fault, or WH_ENOMEM. Bad content is not a
 * fault: it is counted and the list is incomplete. */
WH_MUST_USE int wh_list_reader_feed(struct wh_list_reader *r, struct wh_str bytes);
/* The page's body has ended (whole) or was cut. */
WH_MUST_USE int wh_list_reader_end_page(struct wh_list_reader *r, bool whole);

struct wh_list_summary {
	bool usable;       /* was it a list at all (else: HTML, garbage, an error object) */
	bool complete;     /* all seen and believed, if the page is the last and has no next */
	uint64_t elements; /* array elements seen */
	uint64_t rows;     /* handed to on_row, or ticked */
	uint64_t unreadable;
	struct wh_str
		next;  /* link to the next page found in the body, "" = none; reader's memory */
	char why[160]; /* first reason for not complete, a sentence */
};
void wh_list_reader_summary(const struct wh_list_reader *r, struct wh_list_summary *ret);
