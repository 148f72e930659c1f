/* SPDX-License-Identifier: MIT */
/* The upstream's rows and their versions. How they are shown is in render.c. */
#include "tests/sim/world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const struct way_info {
	const char *subject, *name;
	unsigned weight, variation;
} way_infos[SIM_WAY_COUNT] = {
#define SIM_WAY(subject, name, weight, variation) {#subject, #name, weight, variation},
#include "tests/sim/ways.def"
#undef SIM_WAY
};

const char *
sim_way_str(enum sim_way way)
{
	return way_infos[way].name;
}

const char *
sim_way_subject(enum sim_way way)
{
	return way_infos[way].subject;
}

unsigned
sim_way_variation(enum sim_way way)
{
	return way_infos[way].variation;
}

void
sim_world_fini(struct sim_world *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->rows[i].versions);
	free(w->rows);
	*w = (struct sim_world){0};
}

/* ------------------------------------------------------------------- ways --- */

static enum sim_way
draw_way(struct sim_dice *d, const char *subject)
{
	unsigned weights[SIM_WAY_COUNT];

	for (size_t i = 0; i < SIM_WAY_COUNT; i++)
		weights[i] =
			strcmp(way_infos[i].subject, subject) == 0 ? way_infos[i].weight : 0;
	return (enum sim_way)sim_dice_weighted(d, weights, SIM_WAY_COUNT);
}

void
sim_ways_draw(struct sim_ways *ways, struct sim_dice *d, int64_t lag_max)
{
	*ways = (struct sim_ways){
		.list = draw_way(d, "list"),
		.wrap = draw_way(d, "wrap"),
		.few = draw_way(d, "few"),
		.id_name = draw_way(d, "id_name"),
		.id_form = draw_way(d, "id_form"),
		.names = draw_way(d, "names"),
		.set = draw_way(d, "set"),
		.blank = draw_way(d, "blank"),
		.more = draw_way(d, "more"),
		.post = draw_way(d, "post"),
		.post_status = draw_way(d, "post_status"),
		.find = draw_way(d, "find"),
		.absent = draw_way(d, "absent"),
		.patch = draw_way(d, "patch"),
		.delete = draw_way(d, "delete"),
		.type = draw_way(d, "type"),
		.bom = draw_way(d, "bom"),
		.keep = draw_way(d, "keep"),
		.page = (unsigned)sim_dice_between(d, 1, 5),
		.lag = sim_dice_chance(d, 250) ? sim_dice_between(d, 1, lag_max) : 0,
	};
}

/* ------------------------------------------------------------------- rows --- */

static void
draw_whid(struct sim_world *w, struct sim_dice *d, char out[SIM_ID])
{
	uint64_t a = sim_dice_next(d), b = sim_dice_next(d), n = ++w->serial;

	if (w->ways.id_form == SIM_id_form_NUMBER)
		snprintf(out, SIM_ID, "%" PRIu64, 1000 + n * 7 + a % 7);
	else if (w->ways.id_form == SIM_id_form_TEXT)
		snprintf(out, SIM_ID, "wh %c&%" PRIu64 "/ä", (char)('a' + a % 26), n);
	else
		snprintf(out, SIM_ID, "%08x-%04x-4%03x-a%03x-%012" PRIx64, (unsigned)a,
			 (unsigned)(a >> 32 & 0xffff), (unsigned)(a >> 48 & 0xfff),
			 (unsigned)(b & 0xfff), b >> 16);
}

/* What the upstream keeps of what it was given. */
static void
keep(const struct sim_world *w, struct sim_doc *doc)
{
	char *at;

	if (w->ways.keep == SIM_keep_TIDY)
		sim_doc_tidy(doc);
	if (w->ways.keep != SIM_keep_REWRITE)
		return;
	at = strstr(doc->text[WH_F_WHCOMMENT], "soon");
	if (at)
		memcpy(at, "late", 4);
}

void
sim_world_write(struct sim_world *w, size_t row, struct sim_version v)
{
	struct sim_row *r = &w->rows[row];

	if (r->n == r->cap) {
		r->cap = r->cap ? r->cap * 2 : 4;
		r->versions = realloc(r->versions, r->cap * sizeof(*r->versions));
		wh_require(r->versions != NULL);
	}
	v.sent = v.doc;
	keep(w, &v.doc);
	r->versions[r->n++] = v;
}

size_t
sim_world_add(struct sim_world *w, struct sim_dice *d, const struct sim_version *first)
{
	if (w->n == w->cap) {
		w->cap = w->cap ? w->cap * 2 : 16;
		w->rows = realloc(w->rows, w->cap * sizeof(*w->rows));
		wh_require(w->rows != NULL);
	}
	w->rows[w->n] = (struct sim_row){
		.born_at = first->at,
		.born_by = first->by == SIM_BY_OTHERS ? 0 : first->transfer,
	};
	draw_whid(w, d, w->rows[w->n].whid);
	sim_world_write(w, w->n, *first);
	return w->n++;
}

size_t
sim_world_find(const struct sim_world *w, struct wh_str whid)
{
	char text[SIM_ID];

	if (whid.n >= SIM_ID)
		return SIZE_MAX;
	snprintf(text, sizeof(text), "%.*s", WH_STR_FMT(whid));
	for (size_t i = 0; i < w->n; i++)
		if (sim_text_same(w->rows[i].whid, text))
			return i;
	return SIZE_MAX;
}

const struct sim_version *
sim_row_now(const struct sim_row *r)
{
	return &r->versions[r->n - 1];
}

bool
sim_row_alive(const struct sim_row *r)
{
	return !sim_row_now(r)->gone;
}

size_t
sim_world_alive(const struct sim_world *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->n; i++)
		n += sim_row_alive(&w->rows[i]);
	return n;
}

size_t
sim_world_nth_alive(const struct sim_world *w, size_t nth)
{
	for (size_t i = 0; i < w->n; i++)
		if (sim_row_alive(&w->rows[i]) && nth-- == 0)
			return i;
	return SIZE_MAX;
}

const struct sim_doc *
sim_world_under(const struct sim_world *w, const char *method, const char *whid)
{
	static const struct sim_doc nothing;
	bool shows_all =
		w->ways.blank != SIM_blank_ABSENT && w->ways.set != SIM_set_ABSENT_IF_EMPTY;
	size_t row;

	if (shows_all || strcmp(method, "PATCH") != 0)
		return NULL;
	row = sim_world_find(w, wh_str_c(whid));
	return row == SIZE_MAX ? &nothing : &sim_row_now(&w->rows[row])->doc;
}
