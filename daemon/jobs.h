/* SPDX-License-Identifier: MIT */
/*
 * Jobs in a row. Of whoever holds it; nothing is allocated.
 */
#pragma once

#include "daemon/job.h"

struct wh_jobs {
	struct wh_job *head, **tail;
};

static inline void
wh_jobs_init(struct wh_jobs *l)
{
	l->head = NULL;
	l->tail = &l->head;
}

static inline void
wh_jobs_add(struct wh_jobs *l, struct wh_job *j)
{
	j->next = NULL;
	*l->tail = j;
	l->tail = &j->next;
}

static inline void
wh_jobs_append(struct wh_jobs *l, struct wh_jobs *more)
{
	if (!more->head)
		return;
	*l->tail = more->head;
	l->tail = more->tail;
	wh_jobs_init(more);
}

/* Outcomes first, new changes last; within a class the order of arrival. */
void wh_jobs_sort(struct wh_jobs *batch);
