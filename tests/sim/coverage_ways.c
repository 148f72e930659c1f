/* SPDX-License-Identifier: MIT */
/* Which of its ways the upstream has shown: counted where whd is told, and only if it shows. */
#include "tests/sim/sim.h"

static void
see(struct sim *s, enum sim_way way)
{
	sim_cover_way(s->coverage, way);
}

/* What stands in a row, however it came. */
static void
see_row(struct sim *s, const struct sim_row *r)
{
	const struct sim_ways *w = &s->world.ways;
	const struct sim_doc *d = &sim_row_now(r)->doc;
	bool if_empty = w->set == SIM_set_NULL_IF_EMPTY || w->set == SIM_set_ABSENT_IF_EMPTY;

	see(s, w->id_name);
	see(s, w->id_form);
	see(s, w->names);
	see(s, w->more);
	if (!if_empty || d->n_items == 0)
		see(s, w->set);
	for (unsigned f = 0; f < WH_F_COUNT; f++)
		if (f != SIM_SET && d->text[f][0] == '\0')
			see(s, w->blank);
}

static void
see_list(struct sim *s, const struct sim_transfer *t)
{
	const struct sim_ways *w = &s->world.ways;
	bool pages = t->n_shown > w->page, header = w->list == SIM_list_PAGED_HEADER;
	bool paged = w->list == SIM_list_PAGED_BODY || w->list == SIM_list_PAGED_ODATA;

	see(s, w->bom);
	if (t->n_shown <= 1)
		see(s, w->few);
	if (t->n_shown <= 1)
		return;
	if ((!paged && !header) || pages)
		see(s, w->list);
	if (w->list != SIM_list_BARE && !header)
		see(s, w->wrap);
	for (size_t i = 0; i < t->n_shown; i++)
		see_row(s, &s->world.rows[t->shown[i]]);
}

static void
see_find(struct sim *s, const struct sim_transfer *t)
{
	const struct sim_ways *w = &s->world.ways;
	size_t row = sim_world_find(&s->world, wh_str_c(t->whid));

	see(s, w->find);
	if (row == SIZE_MAX || !sim_row_alive(&s->world.rows[row]))
		see(s, w->absent);
}

static void
see_change(struct sim *s, const struct sim_transfer *t)
{
	const struct sim_ways *w = &s->world.ways;

	see(s, w->type);
	if (t->executed == SIM_NEVER)
		return;
	see(s, w->keep);
	if (strcmp(t->method, "PATCH") == 0) {
		see(s, w->patch);
	} else if (strcmp(t->method, "DELETE") == 0) {
		see(s, w->delete);
	} else {
		see(s, w->post);
		if (w->post != SIM_post_EMPTY)
			see(s, w->post_status);
	}
}

void
sim_cover_reply(struct sim *s, const struct sim_transfer *t)
{
	if (t->fault != SIM_FAULT_NONE)
		return;
	switch (t->kind) {
	case WH_HTTP_LIST:
		see_list(s, t);
		break;
	case WH_HTTP_FIND:
		see_find(s, t);
		break;
	case WH_HTTP_SEND:
		see_change(s, t);
		break;
	case WH_HTTP_PROBE: /* a person's look at the gateway: nothing depends on it */
		break;
	}
}
