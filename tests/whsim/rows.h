/* SPDX-License-Identifier: MIT */
/*
 * The rows: what the simulated API really holds.
 *
 * A row is kept as compact canonical JSON text (whid first, then the six
 * documented members, then all others), found by its id, which is compared
 * without case, and listed in the order of creation.  Belongs to the
 * simulator's state; every call needs its lock.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/whsim/switches.h"

enum { WH_ROWS_ID_SIZE = 64 };

struct wh_row {
	struct wh_row *hash_next;
	struct wh_row *prev;
	struct wh_row *next;
	uint64_t hash;
	char *id;
	char *text;
	size_t len;
	int64_t created_ms; /* monotonic; INT64_MIN = long ago */
};

struct wh_rows {
	struct wh_row **buckets;
	size_t bucket_count;
	size_t count;
	struct wh_row *first;
	struct wh_row *last;
	uint64_t numbered; /* ids drawn so far */
};

void wh_rows_init(struct wh_rows *rows);
void wh_rows_fini(struct wh_rows *rows);

/* Removes all rows and returns how many there were. */
size_t wh_rows_clear(struct wh_rows *rows);

/* Returns the row with this id, or NULL; it stays owned by `rows`. */
struct wh_row *wh_rows_get(const struct wh_rows *rows, const char *id);

/*
 * Adds a row; its id is the text member whid of `object`, which the caller
 * has made sure is there and new.  `object` is only read.
 */
struct wh_row *wh_rows_add(struct wh_rows *rows, const json_t *object);

/* As wh_rows_add, for a row that is canonical text already. */
struct wh_row *wh_rows_add_text(struct wh_rows *rows, const char *id, const char *text,
				size_t len);

/* Replaces what a row holds; its id stays. */
void wh_rows_put(struct wh_row *row, const json_t *object);

void wh_rows_del(struct wh_rows *rows, struct wh_row *row);

/*
 * Draws a new id, one that no row has; the same `seed` and the same history
 * give the same ids.
 */
void wh_rows_draw_id(struct wh_rows *rows, uint64_t seed, enum wh_id_type type,
		     char ret_id[WH_ROWS_ID_SIZE]);

/* Returns the row as a new JSON object. */
json_t *wh_rows_object(const struct wh_row *row);
