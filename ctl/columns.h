/* SPDX-License-Identifier: MIT */
/*
 * What of a result is shown: columns of lists, and members found by path.
 * Pure lookups over columns.def.
 */
#pragma once

#include "proto/command.h"
#include "proto/nearest.h"

#define WH_TURNS 5 /* of columns.def */

enum wh_column_kind {
	WH_COLUMN_PLAIN,
	WH_COLUMN_STATE,
	WH_COLUMN_RIGHT,
};

struct wh_column {
	struct wh_str path;
	const char *heading; /* NULL = made from the path */
	enum wh_column_kind kind;
	unsigned width; /* at least */
	unsigned turn;  /* when it gives way on a narrow terminal; 0 = never */
	size_t room;    /* what it was given there; 0 = all it wants */
};

/* How the results of one shape are shown. columns is the caller's to free. */
struct wh_columns {
	struct wh_column *columns;
	size_t n;
};

/* The columns of a shape, or those named in chosen ("a,b") if that is not NULL. */
struct wh_columns wh_columns_of(enum wh_result_shape shape, const char *chosen);
void wh_columns_fini(struct wh_columns *c);
/* True if the results of a shape document this member, or the one it is in. */
bool wh_columns_document(enum wh_result_shape shape, struct wh_str path);
/* Offers the documented members of a shape as what may have been meant. */
void wh_columns_offer(enum wh_result_shape shape, struct wh_nearest *nearest);
/* The member that names an item of this shape in -o ids; NULL if none does. */
const char *wh_columns_id(enum wh_result_shape shape);
/* The member at path, also through lists ("processes.0"), or NULL. */
const msgpack_object *wh_member(const msgpack_object *o, struct wh_str path);
