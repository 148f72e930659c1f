/* SPDX-License-Identifier: MIT */
/*
 * A ring of answers and a table that leads to them.
 *
 * Places count on for ever: an answer is there if its place is neither before
 * the snapshot's first nor a whole ring ago. So forgetting all, and writing over
 * the oldest, take nothing out of the table. The words are compared: a chance
 * match of the hash finds nothing.
 */
#include "daemon/recall.h"

#include <stdlib.h>

#define XXH_INLINE_ALL /* a call for each question */
#include <xxhash.h>

#define WAYS 4u /* slots of a bucket: one line of the processor's cache */
#define SLOTS 4096u
#define LONGEST 32768u
#define FEW 65536u /* bytes, that are kept before any was asked for again */
#define RARELY 64u /* of so many offers one is kept while none is */
#define ALIGNED 8u

struct slot {
	uint64_t place;
	uint64_t hash;
};

struct entry {
	uint32_t words_n, answer_n;
	char bytes[];
};

struct wh_recall {
	uint64_t snapshot;
	uint64_t first, next; /* places; what is kept lies between */
	unsigned offers;
	bool found; /* something, since the last one was kept */
	char *ring; /* NULL until one is kept */
	struct slot slots[SLOTS];
};

struct wh_recall *
wh_recall_new(void)
{
	struct wh_recall *r = wh_xcalloc(1, sizeof(*r));

	r->first = r->next = WH_RECALL_ROOM;
	return r;
}

struct wh_recall *
wh_recall_free(struct wh_recall *r)
{
	if (r)
		free(r->ring);
	free(r);
	return NULL;
}

/* The next snapshot begins at the beginning of the ring, so that a short one touches little. */
static void
turn_to(struct wh_recall *r, uint64_t snapshot)
{
	if (r->snapshot == snapshot)
		return;
	r->snapshot = snapshot;
	r->next = (r->next + WH_RECALL_ROOM - 1) / WH_RECALL_ROOM * WH_RECALL_ROOM;
	r->first = r->next;
}

static bool
is_there(const struct wh_recall *r, const struct slot *slot)
{
	return slot->place >= r->first && slot->place + WH_RECALL_ROOM >= r->next;
}

static struct slot *
bucket_of(struct wh_recall *r, uint64_t hash)
{
	return &r->slots[hash % SLOTS & ~(uint64_t)(WAYS - 1)];
}

static struct entry *
entry_at(const struct wh_recall *r, uint64_t place)
{
	return (struct entry *)(void *)(r->ring + place % WH_RECALL_ROOM);
}

bool
wh_recall_find(struct wh_recall *r, uint64_t snapshot, struct wh_str words,
	       struct wh_str *ret_answer)
{
	turn_to(r, snapshot);
	if (r->first == r->next)
		return false;
	uint64_t hash = XXH3_64bits(words.p, words.n);
	const struct slot *bucket = bucket_of(r, hash);

	for (size_t i = 0; i < WAYS; i++) {
		if (bucket[i].hash != hash || !is_there(r, &bucket[i]))
			continue;
		const struct entry *e = entry_at(r, bucket[i].place);

		if (!wh_str_eq(wh_str(e->bytes, e->words_n), words))
			continue;
		*ret_answer = wh_str(e->bytes + e->words_n, e->answer_n);
		r->found = true;
		return true;
	}
	return false;
}

/* A place of so many bytes in one piece; writes over the oldest. */
static uint64_t
take_place(struct wh_recall *r, size_t size)
{
	uint64_t place = r->next;
	size_t to_end = WH_RECALL_ROOM - place % WH_RECALL_ROOM;

	if (size > to_end)
		place += to_end;
	r->next = place + size;
	return place;
}

/* One that is free, or else leads to the oldest. */
static struct slot *
slot_for(struct wh_recall *r, uint64_t hash)
{
	struct slot *bucket = bucket_of(r, hash), *oldest = bucket;

	for (size_t i = 1; i < WAYS; i++)
		if (bucket[i].place < oldest->place)
			oldest = &bucket[i];
	return oldest;
}

/* Where more is asked for than there is room, few are found again, and each that is kept is
 * written in vain. */
static bool
is_worth_it(struct wh_recall *r)
{
	if (++r->offers % WH_RECALL_OFFERS != 0)
		return false;
	return r->found || r->next - r->first < FEW || r->offers % RARELY == 0;
}

void
wh_recall_offer(struct wh_recall *r, uint64_t snapshot, struct wh_str words,
		struct wh_str answer)
{
	size_t size = sizeof(struct entry) + words.n + answer.n;

	turn_to(r, snapshot);
	if (!is_worth_it(r) || size > LONGEST)
		return;
	if (!r->ring)
		r->ring = malloc(WH_RECALL_ROOM);
	if (!r->ring)
		return;
	uint64_t hash = XXH3_64bits(words.p, words.n);
	uint64_t place = take_place(r, (size + ALIGNED - 1) / ALIGNED * ALIGNED);
	struct entry *e = entry_at(r, place);

	e->words_n = (uint32_t)words.n;
	e->answer_n = (uint32_t)answer.n;
	r->found = false;
	memcpy(e->bytes, words.p, words.n);
	memcpy(e->bytes + words.n, answer.p, answer.n);
	*slot_for(r, hash) = (struct slot){.place = place, .hash = hash};
}
