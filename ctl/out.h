/* SPDX-License-Identifier: MIT */
/*
 * Results to standard output, in the format asked for. The verbs hand over
 * decoded objects and do not know the format; each format is one vtable.
 *
 * Standard output carries data only; notes and errors go elsewhere.
 */
#pragma once

#include <stdio.h>

#include "ctl/columns.h"

enum wh_format {
	WH_FORMAT_TABLE,
	WH_FORMAT_TSV,
	WH_FORMAT_JSON,
	WH_FORMAT_JSONL,
	WH_FORMAT_IDS,
	WH_FORMAT_VALUE,
	WH_FORMAT_NONE, /* --quiet */
};

struct wh_out;

struct wh_out_ops {
	void (*begin)(struct wh_out *o);
	void (*item)(struct wh_out *o, const msgpack_object *item);
	void (*end)(struct wh_out *o);
	void (*record)(struct wh_out *o, const msgpack_object *record);
	void (*text)(struct wh_out *o, struct wh_str text);
};

struct libscols_table;

struct wh_out {
	const struct wh_out_ops *ops;
	enum wh_format format;
	FILE *file;
	enum wh_result_shape shape;
	const char *chosen; /* --columns, NULL = the shape's own */
	const char *field;  /* value=FIELD */
	bool terminal;      /* file is one */
	bool color;
	bool header;
	bool live;    /* items come one by one over time: show each at once */
	bool missing; /* value=FIELD: the record had no such member */
	bool failed;  /* not all could be gathered or written */

	struct wh_columns columns;
	struct wh_buf buf;            /* scratch of a line; all of it for json */
	size_t items;                 /* handed over since begin */
	struct libscols_table *table; /* out_table.c */
	bool printed;                 /* a block of the table was printed */
};

extern const struct wh_out_ops wh_out_table, wh_out_lines, wh_out_json, wh_out_none;

/* Reads "json", "value=whid", ...: true and *o is set up, else false. */
bool wh_out_parse_format(struct wh_out *o, const char *text);
/* Items of a list: begin, any number of items, end. */
void wh_out_begin(struct wh_out *o, enum wh_result_shape shape);
void wh_out_item(struct wh_out *o, const msgpack_object *item);
void wh_out_end(struct wh_out *o);
/* Instead of end when the list broke off: a table shows what there is of it, a
 * JSON array is dropped, because half of one is none. */
void wh_out_break(struct wh_out *o);
/* One object that is not part of a list. */
void wh_out_record(struct wh_out *o, enum wh_result_shape shape, const msgpack_object *record);
/* A result that is text. */
void wh_out_text(struct wh_out *o, struct wh_str text);
/* Writes what is gathered in o->buf and empties it; nothing if it is not whole. */
void wh_out_flush(struct wh_out *o);
