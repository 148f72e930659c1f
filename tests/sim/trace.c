/* SPDX-License-Identifier: MIT */
/*
 * The trace: one line an event, with virtual time, who, what. It is printed
 * only when a seed is replayed; a run of many seeds pays nothing for it.
 */
#include <inttypes.h>
#include <stdio.h>

#include "tests/sim/sim.h"

static void
print_line(struct sim *s, const char *who, const char *text)
{
	int64_t ms = s->mono - SIM_MONO_BEGIN;

	printf("%7" PRId64 ".%03" PRId64 " %-9s %s\n", ms / 1000, ms % 1000, who, text);
}

void
sim_mix(struct sim *s, uint64_t fact)
{
	s->hash = (s->hash ^ fact) * UINT64_C(0x100000001b3);
	s->hash ^= s->hash >> 29;
}

void
sim_say(struct sim *s, const char *who, const char *fmt, ...)
{
	char text[1500];
	va_list ap;

	if (!s->trace)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	print_line(s, who, text);
}

void
sim_fail(struct sim *s, const char *fmt, ...)
{
	va_list ap;

	if (s->failed)
		return;
	s->failed = true;
	va_start(ap, fmt);
	vsnprintf(s->why, sizeof(s->why), fmt, ap);
	va_end(ap);
	if (s->trace)
		print_line(s, "BROKEN", s->why);
}
