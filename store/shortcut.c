/* SPDX-License-Identifier: MIT */
/*
 * The table of shortcuts: buckets of four slots, one cache line each, found by
 * a hash of the key.
 *
 * Called for each get of the loop. Nothing is taken out one by one: the mark of
 * a slot holds the turn it was made in, so that what was found before the view
 * was renewed matches nothing. A slot that matches by chance is found out by
 * the checksum, in which the key has its part, and the key is searched for.
 */
#include <stdlib.h>
#include <xxhash.h>

#include "store/shortcut.h"

#define WAYS 4u
#define SLOTS_LEAST ((size_t)1 << 8)
#define SLOTS_MOST ((size_t)1 << 18)
#define TURNS (UINT32_C(1) << 31) /* then the table is emptied, so that no mark comes again */
#define TURN_FACTOR UINT32_C(0x9e3779b1) /* odd: no two turns give one key the same mark */

struct slot {
	const void *data; /* NULL: free */
	uint32_t size;
	uint32_t mark;
};

struct wh_shortcuts {
	struct slot *slots; /* NULL until the first row is read */
	size_t n;           /* a power of two */
	size_t wanted;      /* as many there should be */
	uint32_t turn;
};

struct wh_shortcuts *
wh_shortcuts_new(void)
{
	struct wh_shortcuts *s = calloc(1, sizeof(*s));

	if (s)
		wh_shortcuts_forget(s, 0);
	return s;
}

static void
empty(struct wh_shortcuts *s)
{
	free(s->slots);
	s->slots = NULL;
	s->n = 0;
}

void
wh_shortcuts_free(struct wh_shortcuts *s)
{
	if (s)
		empty(s);
	free(s);
}

void
wh_shortcuts_forget(struct wh_shortcuts *s, uint64_t rows)
{
	size_t wanted = SLOTS_LEAST;

	while (wanted < rows + rows / 4 && wanted < SLOTS_MOST)
		wanted *= 2;
	s->wanted = wanted;
	if (++s->turn == TURNS) {
		s->turn = 0;
		empty(s);
	}
}

/* Lines of the cache are 64 bytes, a bucket is one. */
static bool
has_slots(struct wh_shortcuts *s)
{
	if (s->n >= s->wanted)
		return true;
	struct slot *slots =
		aligned_alloc(WAYS * sizeof(slots[0]), s->wanted * sizeof(slots[0]));

	if (!slots)
		return s->n > 0;
	memset(slots, 0, s->wanted * sizeof(slots[0]));
	empty(s);
	s->slots = slots;
	s->n = s->wanted;
	return true;
}

static void
remember(struct slot *bucket, uint64_t hash, uint32_t mark, const struct wh_value *value)
{
	struct slot *slot = &bucket[hash >> 62];

	for (size_t i = 0; i < WAYS; i++)
		if (!bucket[i].data || bucket[i].mark == mark)
			slot = &bucket[i];
	*slot = (struct slot){
		.data = value->prefix - WH_VALUE_HEAD,
		.size = (uint32_t)value->size,
		.mark = mark,
	};
}

static bool
open_slot(const struct slot *slot, const struct wh_key *key, size_t min_prefix,
	  struct wh_value *ret)
{
	MDB_val k = {key->n, (void *)(uintptr_t)key->b};
	MDB_val data = {slot->size, (void *)(uintptr_t)slot->data};

	return wh_value_open(WH_TABLE_ROWS, &k, &data, min_prefix, ret) == 0;
}

int
wh_shortcuts_get(const struct wh_view *v, const struct wh_key *key, size_t min_prefix,
		 struct wh_value *ret)
{
	struct wh_shortcuts *s = v->shortcuts;

	if (key->bad || !has_slots(s))
		return wh_table_get(v, WH_TABLE_ROWS, key, min_prefix, ret);
	uint64_t hash = XXH3_64bits(key->b, key->n);
	uint32_t mark = (uint32_t)(hash >> 32) + s->turn * TURN_FACTOR;
	struct slot *bucket = &s->slots[hash & (s->n - 1) & ~(uint64_t)(WAYS - 1)];

	for (size_t i = 0; i < WAYS; i++)
		if (bucket[i].data && bucket[i].mark == mark &&
		    open_slot(&bucket[i], key, min_prefix, ret))
			return 0;
	int r = wh_table_get(v, WH_TABLE_ROWS, key, min_prefix, ret);

	if (r == 0)
		remember(bucket, hash, mark, ret);
	return r;
}
