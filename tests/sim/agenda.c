/* SPDX-License-Identifier: MIT */
/* A binary heap of events, ordered by time and order of entry. */
#include "tests/sim/agenda.h"

#include <stdlib.h>

#include "proto/base.h"

static bool
before(const struct sim_event *a, const struct sim_event *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void
swap(struct sim_event *a, struct sim_event *b)
{
	struct sim_event t = *a;

	*a = *b;
	*b = t;
}

void
sim_agenda_fini(struct sim_agenda *a)
{
	free(a->heap);
	*a = (struct sim_agenda){0};
}

void
sim_agenda_put(struct sim_agenda *a, struct sim_event e)
{
	if (a->n == a->cap) {
		a->cap = a->cap ? a->cap * 2 : 64;
		a->heap = realloc(a->heap, a->cap * sizeof(*a->heap));
		wh_require(a->heap != NULL);
	}
	e.order = ++a->orders;
	a->heap[a->n] = e;
	for (size_t i = a->n++; i > 0; i = (i - 1) / 2) {
		if (!before(&a->heap[i], &a->heap[(i - 1) / 2]))
			break;
		swap(&a->heap[i], &a->heap[(i - 1) / 2]);
	}
}

static void
sink(struct sim_agenda *a)
{
	size_t i = 0;

	for (;;) {
		size_t least = i;

		for (size_t c = 2 * i + 1; c <= 2 * i + 2 && c < a->n; c++)
			if (before(&a->heap[c], &a->heap[least]))
				least = c;
		if (least == i)
			return;
		swap(&a->heap[i], &a->heap[least]);
		i = least;
	}
}

bool
sim_agenda_take(struct sim_agenda *a, struct sim_event *ret)
{
	if (a->n == 0)
		return false;
	*ret = a->heap[0];
	a->heap[0] = a->heap[--a->n];
	sink(a);
	return true;
}
