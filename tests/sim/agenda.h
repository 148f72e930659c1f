/* SPDX-License-Identifier: MIT */
/*
 * What will happen when, in virtual time: an ordered queue of events. Two at
 * the same millisecond happen in the order in which they were entered. An event
 * names what it is about by number, never by pointer, so that it may find
 * nothing there. Events of the simulated process carry its epoch and die with
 * it; those of the world carry 0.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim;
typedef void sim_fn(struct sim *s, uint64_t arg);

struct sim_event {
	int64_t at; /* virtual monotonic ms */
	uint64_t order;
	sim_fn *fn;
	uint64_t arg;
	uint64_t epoch; /* 0 = the world's */
};

struct sim_agenda {
	struct sim_event *heap;
	size_t n, cap;
	uint64_t orders;
};

void sim_agenda_fini(struct sim_agenda *a);
/* Puts an event in; its order is drawn here. */
void sim_agenda_put(struct sim_agenda *a, struct sim_event e);
/* Takes the first one out; false if there is none. */
bool sim_agenda_take(struct sim_agenda *a, struct sim_event *ret);
