/* SPDX-License-Identifier: MIT */
/*
 * One value as text: for people (times in local time, durations in words) or
 * for lines read by programs (as they are). All text passes wh_escape.
 */
#pragma once

#include "ctl/escape.h"
#include "proto/pack.h"

enum wh_render_mode {
	WH_RENDER_HUMAN, /* cells of tables */
	WH_RENDER_PLAIN, /* one line, nothing translated */
	WH_RENDER_TSV,   /* the same, and reversible */
};

/*
 * Appends v; path is its name, from whose end (_at, _ms) follows what a number
 * means. Lists of plain values are joined by commas, deeper values become
 * JSON, nil and absent (NULL) nothing.
 */
void wh_render(struct wh_buf *out, const msgpack_object *v, struct wh_str path,
	       enum wh_render_mode mode);
/* "350ms", "12s", "5min 3s", "2h 10min", "3d 4h". */
void wh_render_duration(struct wh_buf *out, int64_t ms);
/* "512 B", "1.5 MiB". */
void wh_render_size(struct wh_buf *out, uint64_t bytes);

/*
 * Calls fn with the path and value of each member of a map, deeper ones with
 * dots; lists of plain values count as one value, other lists by number.
 */
typedef void wh_member_fn(struct wh_str path, const msgpack_object *v, void *arg);
void wh_flatten(const msgpack_object *map, wh_member_fn *fn, void *arg);
