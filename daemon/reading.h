/* SPDX-License-Identifier: MIT */
/*
 * The body of a GET on its way in: a list, whose rows leave in chunks, or one
 * webhook, which is kept. Everything from the first byte to the findings in
 * the result, but how bytes and pages come. HTTP thread.
 */
#pragma once

#include "daemon/http.h"

struct wh_reading {
	struct wh_http_result *result; /* borrowed */
	struct wh_list_reader *reader;
	struct wh_chunk *chunk;
	size_t chunk_rows; /* a chunk is handed on at so many; 0 = when it is full */
	bool (*hand_chunk)(void *ctx,
			   struct wh_chunk *c); /* takes it over; false = no memory */
	void *ctx;
	struct wh_str key; /* FIND: folded id, in key_room */
	char key_room[WH_KEY_MAX];
};

/*
 * Begins to read what result->kind says. A list takes the news, which are emptied, into
 * result->seen.known; FIND looks for whid. hand_chunk, ctx and chunk_rows are set before.
 */
void wh_reading_begin(struct wh_reading *g, struct wh_http_result *result,
		      const struct wh_list_limits *lim, struct wh_str whid,
		      struct wh_known_items *news);
/* Bytes of the page. 0 or WH_ENOMEM. */
WH_MUST_USE int wh_reading_feed(struct wh_reading *g, struct wh_str bytes);
/* The page has ended, whole or cut. Then the summary tells of a next page. 0 or WH_ENOMEM. */
WH_MUST_USE int wh_reading_end_page(struct wh_reading *g, bool whole,
				    struct wh_list_summary *ret);
void wh_reading_next_page(struct wh_reading *g);
/* All has come that will: completes the findings, of which the last chunk is a part, so that it
 * is stored in one go with the end of the list, and what was spilled, which is sorted. */
void wh_reading_end(struct wh_reading *g);
/* Says why the result is not complete; the first reason stays. */
void wh_reading_doubt(struct wh_reading *g, const char *why);
void wh_reading_fini(struct wh_reading *g); /* whatever became of it; a second time is fine */
