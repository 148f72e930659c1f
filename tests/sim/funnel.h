/* SPDX-License-Identifier: MIT */
/*
 * The virtual funnel: what writer.c's thread does, as events. The bodies run
 * for real, in real transactions; a crash or a fault may strike at each edge.
 */
#pragma once

#include "tests/sim/host.h"

void sim_funnel_init(struct wh_writer *w, struct sim *s);
void sim_funnel_submit(struct wh_writer *w, struct wh_job *job);
/* Frees what was not completed, as a crash does. */
void sim_funnel_drop(struct wh_writer *w);
/* The short name of a body. */
const char *sim_job_str(const struct wh_job *job);
