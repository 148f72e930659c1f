/* SPDX-License-Identifier: MIT */
/* From bytes of a reply to rows, chunk by chunk. */
#include "daemon/reading.h"

#include <stdio.h>

#include "store/store.h"

void
wh_reading_doubt(struct wh_reading *g, const char *why)
{
	struct wh_http_result *r = g->result;

	r->complete = false;
	if (r->why[0] == '\0')
		snprintf(r->why, sizeof(r->why), "%s", why);
}

/* -------------------------------------------------------------------- rows -- */

static int
keep_found(struct wh_reading *g, struct wh_str key, struct wh_str body)
{
	struct wh_http_result *r = g->result;

	if (r->found || !wh_str_eq(key, g->key))
		return 0;
	wh_buf_str(&r->row, body);
	r->found = true;
	return r->row.fault;
}

static bool
is_full(const struct wh_reading *g)
{
	return g->chunk_rows ? g->chunk->n >= g->chunk_rows : wh_chunk_full(g->chunk);
}

/* Rows are spilled as long as that goes well. */
static int
hand_on(struct wh_reading *g)
{
	if (wh_spill_add(g->result->spill, g->chunk)) {
		g->chunk = wh_chunk_free(g->chunk);
		return 0;
	}
	return g->hand_chunk(g->ctx, wh_steal(&g->chunk)) ? 0 : WH_ENOMEM;
}

static int
on_row(void *ctx, const struct wh_list_row *row)
{
	struct wh_reading *g = ctx;
	char room[WH_KEY_MAX];
	struct wh_str key = wh_key_fold(row->whid, room);

	if (g->result->kind == WH_HTTP_FIND)
		return keep_found(g, key, row->body);
	if (g->result->kind == WH_HTTP_PROBE)
		return 0;
	if (!g->chunk)
		g->chunk = wh_chunk_new(g->result->tag);
	if (!g->chunk || wh_chunk_add(g->chunk, row->whid, row->body, row->text) ||
	    wh_seen_add(&g->result->seen, key))
		return WH_ENOMEM;
	return is_full(g) ? hand_on(g) : 0;
}

/* -------------------------------------------------------------------- steps -- */

void
wh_reading_begin(struct wh_reading *g, struct wh_http_result *result,
		 const struct wh_list_limits *lim, struct wh_str whid,
		 struct wh_known_items *news)
{
	struct wh_known *known = result->seen.known;

	g->result = result;
	g->key = wh_key_fold(whid, g->key_room);
	g->reader = wh_list_reader_new(lim, on_row, g);
	if (result->kind != WH_HTTP_LIST)
		return;
	wh_known_update(known, news);
	wh_known_items_fini(news);
	wh_known_begin(known);
	wh_list_reader_use(g->reader, known);
}

int
wh_reading_feed(struct wh_reading *g, struct wh_str bytes)
{
	return wh_list_reader_feed(g->reader, bytes);
}

int
wh_reading_end_page(struct wh_reading *g, bool whole, struct wh_list_summary *ret)
{
	struct wh_http_result *r = g->result;
	int fault = wh_list_reader_end_page(g->reader, whole);

	wh_list_reader_summary(g->reader, ret);
	r->usable = ret->usable;
	r->complete = ret->complete;
	r->elements = ret->elements;
	r->unreadable = ret->unreadable;
	snprintf(r->why, sizeof(r->why), "%s", ret->why);
	return fault;
}

void
wh_reading_next_page(struct wh_reading *g)
{
	wh_list_reader_next_page(g->reader);
}

/* The last chunk is put in its place among the others. */
static void
end_spill(struct wh_reading *g)
{
	struct wh_http_result *r = g->result;
	bool spilled = wh_spill_count(r->spill) > 0;

	if (g->chunk && spilled && wh_spill_add(r->spill, g->chunk))
		g->chunk = wh_chunk_free(g->chunk);
	r->spill = wh_spill_sort(r->spill);
	if (spilled && !r->spill)
		wh_reading_doubt(g, "what came of it cannot be read again");
}

void
wh_reading_end(struct wh_reading *g)
{
	struct wh_http_result *r = g->result;

	end_spill(g);
	r->last_chunk = wh_steal(&g->chunk);
	if (r->kind != WH_HTTP_LIST)
		return;
	r->known = wh_known_ticked(r->seen.known);
	wh_seen_close(&r->seen);
	if (r->seen.duplicates)
		wh_reading_doubt(g, "the list holds the same id twice");
	wh_known_end(r->seen.known, r->complete);
}

void
wh_reading_fini(struct wh_reading *g)
{
	g->reader = wh_list_reader_free(g->reader);
	g->chunk = wh_chunk_free(g->chunk);
}
