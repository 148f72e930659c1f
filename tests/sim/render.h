/* SPDX-License-Identifier: MIT */
/* The upstream's rows as JSON text, in this seed's way. */
#pragma once

#include "proto/buf.h"
#include "tests/sim/world.h"

/* One row as it is or was. */
void sim_render_row(const struct sim_world *w, struct wh_buf *out, size_t row,
		    const struct sim_version *v, bool in_list);

/* What a list shows and how. */
struct sim_shown {
	size_t *rows; /* indices, in order */
	size_t n;
	size_t total; /* of all pages */
	bool first;   /* page */
	size_t next;  /* row behind the last one if another page follows; 0 = none */
};
/* Appends a page of the list; in the ways PAGED_HEADER the link goes into `link`. */
void sim_render_page(const struct sim_world *w, struct wh_buf *out, const struct sim_shown *s,
		     struct wh_buf *link);
/* The next page's address, which only the model reads again. */
size_t sim_render_page_of(struct wh_str link);
