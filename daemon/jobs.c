/* SPDX-License-Identifier: MIT */
/* The order in which the jobs of a batch run. */
#include "daemon/jobs.h"

void
wh_jobs_sort(struct wh_jobs *batch)
{
	struct wh_jobs by[WH_JOB_CLASSES];
	struct wh_job *j = batch->head;

	for (int c = 0; c < WH_JOB_CLASSES; c++)
		wh_jobs_init(&by[c]);
	while (j) {
		struct wh_job *next = j->next;

		wh_jobs_add(&by[j->class], j);
		j = next;
	}
	wh_jobs_init(batch);
	for (int c = 0; c < WH_JOB_CLASSES; c++)
		wh_jobs_append(batch, &by[c]);
}
