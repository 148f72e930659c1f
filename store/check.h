/* SPDX-License-Identifier: MIT */
/*
 * The state of one check of the store, and the findings it passes on.
 *
 * A check walks each table on its own; what a row says about other tables is
 * looked up through a second view of the same snapshot, so that a damaged page
 * in one table does not end the walk of another. Internal to store/; one
 * thread, beside readers and the writer.
 */
#pragma once

#include "store/index.h"
#include "store/row.h"

struct wh_check {
	struct wh_store *s;
	wh_check_report *report;
	void *ctx;
	bool deep;  /* not that of a start */
	bool dirty; /* something was reported */
	bool cross; /* both views still show one snapshot */
	struct wh_view walk;
	struct wh_view look;
	const struct wh_meta *meta; /* NULL if the counters are damaged */
	unsigned told[WH_TABLE_END];
	bool cut[WH_TABLE_END];      /* a damaged page hid the rest of the table */
	uint64_t rows[WH_TABLE_END]; /* readable or not */
	struct wh_key previous_key;
	uint64_t previous; /* the last number of a table without gaps */
	uint64_t first;    /* its first one */
	bool has_log;      /* what the format says of the change log */
	uint64_t states[WH_OP_STATES];
	uint64_t op_bytes;
	uint64_t tail_moved;
};

/* Passes one finding on; key may be WH_STR_NULL. Bounded for each table. */
WH_PRINTF(4, 5)
void wh_check_tell(struct wh_check *c, enum wh_table table, struct wh_str key, const char *fmt,
		   ...);

/* A look-up in another table: 0, WH_ABSENT, or a negative value: cannot be told. */
WH_MUST_USE int wh_check_look(struct wh_check *c, enum wh_table table, const struct wh_key *key,
			      size_t min_prefix, struct wh_value *ret);

/* As wh_settled_of(). */
WH_MUST_USE int wh_check_look_settled(struct wh_check *c, struct wh_str id,
				      const struct wh_overlay *o, struct wh_row *ret);

/* The numbers of a table without gaps: these follow those before. */
void wh_check_follows(struct wh_check *c, enum wh_table table, uint64_t first, uint64_t last);

/* One row of a table, whose checksum was found right. */
typedef void wh_check_row(struct wh_check *c, const struct wh_walk *w,
			  const struct wh_value *value);

/* check_ops.c */
wh_check_row wh_check_op;
wh_check_row wh_check_op_index;
wh_check_row wh_check_past;
wh_check_row wh_check_past_index;
/* check_terms.c */
wh_check_row wh_check_confirmed;
wh_check_row wh_check_term;
/* The index rows of the row or overlay under the walk. */
void wh_check_terms(struct wh_check *c, const struct wh_walk *w);
/* check_rows.c */
wh_check_row wh_check_overlay;
wh_check_row wh_check_settled;
wh_check_row wh_check_alias;
wh_check_row wh_check_log;
/* What follows the last row. False if that cannot be told. */
bool wh_check_open_log(struct wh_check *c);
wh_check_row wh_check_request;
wh_check_row wh_check_request_index;
