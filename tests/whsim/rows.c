/* SPDX-License-Identifier: MIT */
/*
 * The rows, what the simulated API really holds: see rows.h.
 *
 * A chained hash table that doubles, and a list in the order of creation.
 * Called by the API, the control verbs and the seeding, with the simulator's
 * lock held.  It never looks into a row but for its whid.
 */
#include "tests/whsim/rows.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/whsim/buf.h"
#include "tests/whsim/ident.h"
#include "tests/whsim/mem.h"

enum { ROWS_FIRST_BUCKETS = 64 };

/* FNV-1a over the lower-case form, since GUIDs are compared without case. */
static uint64_t
rows_hash(const char *id)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *id; id++) {
		hash ^= (uint64_t)tolower((unsigned char)*id);
		hash *= UINT64_C(0x100000001b3);
	}
	return hash;
}

static struct wh_row **
rows_bucket(const struct wh_rows *rows, uint64_t hash)
{
	return &rows->buckets[hash & (rows->bucket_count - 1)];
}

static void
rows_link_hash(struct wh_rows *rows, struct wh_row *row)
{
	struct wh_row **bucket = rows_bucket(rows, row->hash);

	row->hash_next = *bucket;
	*bucket = row;
}

static void
rows_make_buckets(struct wh_rows *rows, size_t count)
{
	free(rows->buckets);
	rows->buckets = wh_mem_new(count * sizeof(*rows->buckets));
	rows->bucket_count = count;
	for (struct wh_row *row = rows->first; row; row = row->next)
		rows_link_hash(rows, row);
}

void
wh_rows_init(struct wh_rows *rows)
{
	*rows = (struct wh_rows){0};
	rows_make_buckets(rows, ROWS_FIRST_BUCKETS);
}

void
wh_rows_fini(struct wh_rows *rows)
{
	wh_rows_clear(rows);
	free(rows->buckets);
	*rows = (struct wh_rows){0};
}

static void
row_free(struct wh_row *row)
{
	free(row->id);
	free(row->text);
	free(row);
}

size_t
wh_rows_clear(struct wh_rows *rows)
{
	size_t count = rows->count;

	while (rows->first) {
		struct wh_row *row = rows->first;

		rows->first = row->next;
		row_free(row);
	}
	rows->last = NULL;
	rows->count = 0;
	rows_make_buckets(rows, ROWS_FIRST_BUCKETS);
	return count;
}

struct wh_row *
wh_rows_get(const struct wh_rows *rows, const char *id)
{
	uint64_t hash = rows_hash(id);
	struct wh_row *row = *rows_bucket(rows, hash);

	while (row && (row->hash != hash || strcasecmp(row->id, id) != 0))
		row = row->hash_next;
	return row;
}

void
wh_rows_put(struct wh_row *row, const json_t *object)
{
	struct wh_buf text = {0};

	wh_buf_json(&text, object, JSON_COMPACT);
	free(row->text);
	row->text = text.data;
	row->len = text.len;
}

static void
rows_link_last(struct wh_rows *rows, struct wh_row *row)
{
	row->prev = rows->last;
	if (rows->last)
		rows->last->next = row;
	else
		rows->first = row;
	rows->last = row;
}

/* Makes a row that holds nothing yet. */
static struct wh_row *
rows_new(struct wh_rows *rows, const char *id)
{
	struct wh_row *row = wh_mem_new(sizeof(*row));

	if (rows->count >= rows->bucket_count)
		rows_make_buckets(rows, rows->bucket_count * 2);
	row->id = wh_mem_text(id);
	row->created_ms = INT64_MIN;
	row->hash = rows_hash(id);
	rows_link_hash(rows, row);
	rows_link_last(rows, row);
	rows->count++;
	return row;
}

struct wh_row *
wh_rows_add(struct wh_rows *rows, const json_t *object)
{
	const char *id = json_string_value(json_object_get(object, "whid"));
	struct wh_row *row = rows_new(rows, id);

	wh_rows_put(row, object);
	return row;
}

struct wh_row *
wh_rows_add_text(struct wh_rows *rows, const char *id, const char *text, size_t len)
{
	struct wh_row *row = rows_new(rows, id);

	row->text = wh_mem_copy(text, len);
	row->len = len;
	return row;
}

void
wh_rows_del(struct wh_rows *rows, struct wh_row *row)
{
	struct wh_row **at = rows_bucket(rows, row->hash);

	while (*at != row)
		at = &(*at)->hash_next;
	*at = row->hash_next;

	if (row->prev)
		row->prev->next = row->next;
	else
		rows->first = row->next;
	if (row->next)
		row->next->prev = row->prev;
	else
		rows->last = row->prev;
	rows->count--;
	row_free(row);
}

static void
id_write(uint64_t seed, uint64_t number, enum wh_id_type type, char *ret_id)
{
	switch (type) {
	case ID_TYPE_STRING:
		snprintf(ret_id, WH_ROWS_ID_SIZE, "wh-%08" PRIu64, number);
		return;
	case ID_TYPE_NUMBER:
		snprintf(ret_id, WH_ROWS_ID_SIZE, "%" PRIu64, 1000 + number);
		return;
	case ID_TYPE_GUID:
	case ID_TYPE_GUID_UPPER:
		wh_ident_guid(seed, number, ret_id);
		return;
	}
}

void
wh_rows_draw_id(struct wh_rows *rows, uint64_t seed, enum wh_id_type type,
		char ret_id[WH_ROWS_ID_SIZE])
{
	do {
		id_write(seed, ++rows->numbered, type, ret_id);
	} while (wh_rows_get(rows, ret_id));
}

json_t *
wh_rows_object(const struct wh_row *row)
{
	return json_loadb(row->text, row->len, 0, NULL);
}
