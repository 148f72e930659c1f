/* SPDX-License-Identifier: MIT */
/* Chains by number: numbers come one after another, so that chains are short. */
#include "daemon/pump_flights.h"

#define NONE UINT16_MAX

_Static_assert(FLIGHTS_MAX < NONE, "an index fits into a link");

static uint16_t *
chain_of(struct flights *s, uint64_t seq)
{
	return &s->chain[seq % FLIGHT_CHAINS];
}

/* What leads to it. */
static uint16_t *
link_to(struct flights *s, uint16_t i)
{
	uint16_t *link = chain_of(s, s->at[i].seq);

	while (*link != i)
		link = &s->at[*link].next;
	return link;
}

static void
count_in(struct flights *s, const struct flight *f)
{
	s->in[f->phase]++;
	s->bytes += wh_flight_is_busy(f->phase) ? f->bytes : 0;
}

static void
count_out(struct flights *s, const struct flight *f)
{
	s->in[f->phase]--;
	s->bytes -= wh_flight_is_busy(f->phase) ? f->bytes : 0;
}

void
wh_flights_init(struct flights *s)
{
	s->n = 0;
	s->bytes = 0;
	for (size_t i = 0; i < FLIGHT_PHASES; i++)
		s->in[i] = 0;
	for (size_t i = 0; i < FLIGHT_CHAINS; i++)
		s->chain[i] = NONE;
}

struct flight *
wh_flights_find(struct flights *s, uint64_t seq)
{
	for (uint16_t i = *chain_of(s, seq); i != NONE; i = s->at[i].next)
		if (s->at[i].seq == seq)
			return &s->at[i];
	return NULL;
}

void
wh_flights_add(struct flights *s, const struct flight *f)
{
	wh_require(s->n < FLIGHTS_MAX && !wh_flights_find(s, f->seq));
	uint16_t i = (uint16_t)s->n++, *chain = chain_of(s, f->seq);

	s->at[i] = *f;
	s->at[i].next = *chain;
	*chain = i;
	count_in(s, f);
}

void
wh_flights_turn(struct flights *s, struct flight *f, enum flight_phase phase)
{
	count_out(s, f);
	f->phase = phase;
	count_in(s, f);
}

/* The last one takes its place. */
void
wh_flights_drop(struct flights *s, struct flight *f)
{
	uint16_t i = (uint16_t)(f - s->at), last = (uint16_t)(s->n - 1);

	count_out(s, f);
	*link_to(s, i) = f->next;
	if (i != last) {
		*link_to(s, last) = i;
		s->at[i] = s->at[last];
	}
	s->n--;
}
