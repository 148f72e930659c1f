/* SPDX-License-Identifier: MIT */
/*
 * The table of shortcuts: buckets of eight slots, two cache lines each, found
 * by the part that the key has in the checksum of its row.
 *
 * Called for each get of the loop. Nothing is taken out one by one: a slot tells
 * the turn it was made in, and is free once the view was renewed. A slot that
 * matches by chance is found out by the checksum, and the key is searched for.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "store/shortcut.h"

#define LINE 64u                     /* bytes, of the processor's cache */
#define LARGE_PAGE ((size_t)2 << 20) /* bytes */
#define WAYS 8u
#define SLOTS_LEAST ((size_t)1 << 8)
#define SLOTS_MOST ((size_t)1 << 18)

struct slot {
	const void *data;
	uint32_t mark;
	uint16_t size; /* longer rows are searched for each time */
	uint16_t turn; /* 0: free */
};

struct wh_shortcuts {
	struct slot *slots; /* NULL until the first row is read */
	size_t n;           /* a power of two */
	size_t wanted;      /* as many there should be */
	uint16_t turn;
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

/*
 * Room for half as many again at least: then few buckets are full, whose rows would be searched
 * for each time. Once the turns have all been used the table is emptied, so that none comes
 * again.
 */
void
wh_shortcuts_forget(struct wh_shortcuts *s, uint64_t rows)
{
	size_t wanted = SLOTS_LEAST;

	while (wanted < rows + rows / 2 && wanted < SLOTS_MOST)
		wanted *= 2;
	s->wanted = wanted;
	if (++s->turn == 0) {
		s->turn = 1;
		empty(s);
	}
}

/* Which slot is looked at next is chance: in large pages the processor need not look for its
 * page as well, which takes it as long as the slot. */
static struct slot *
slots_new(size_t n)
{
	size_t size = n * sizeof(struct slot);
	bool large = size >= LARGE_PAGE;
	struct slot *slots = aligned_alloc(large ? LARGE_PAGE : LINE, size);

	if (slots && large)
		(void)madvise(slots, size, MADV_HUGEPAGE); /* slower without, nothing else */
	if (slots)
		memset(slots, 0, size);
	return slots;
}

static bool
has_slots(struct wh_shortcuts *s)
{
	if (s->n >= s->wanted)
		return true;
	struct slot *slots = slots_new(s->wanted);

	if (!slots)
		return s->n > 0;
	empty(s);
	s->slots = slots;
	s->n = s->wanted;
	return true;
}

/* The way-th slot of the bucket: its line that half of the keys begin with comes first. */
static struct slot *
slot_of(const struct wh_shortcuts *s, uint64_t hash, size_t way)
{
	size_t first = hash & (s->n - 1) & ~(size_t)(WAYS / 2 - 1);

	return &s->slots[first ^ way];
}

static void
remember(struct wh_shortcuts *s, uint64_t hash, const struct wh_value *value)
{
	struct slot *slot = slot_of(s, hash, hash >> 61);

	if (value->size > UINT16_MAX)
		return;
	for (size_t i = 0; i < WAYS; i++) {
		struct slot *other = slot_of(s, hash, i);

		if (other->turn == s->turn)
			continue;
		slot = other;
		break;
	}
	*slot = (struct slot){
		.data = value->prefix - WH_VALUE_HEAD,
		.mark = (uint32_t)(hash >> 32),
		.size = (uint16_t)value->size,
		.turn = s->turn,
	};
}

static bool
follow(const struct slot *slot, uint64_t hash, size_t min_prefix, struct wh_value *ret)
{
	MDB_val data = {slot->size, (void *)(uintptr_t)slot->data};

	for (size_t at = 0; at < slot->size; at += LINE)
		__builtin_prefetch((const char *)slot->data + at);
	return wh_value_open_under(hash, &data, min_prefix, ret) == 0;
}

int
wh_shortcuts_get(const struct wh_view *v, const struct wh_key *key, size_t min_prefix,
		 struct wh_value *ret)
{
	struct wh_shortcuts *s = v->shortcuts;

	if (key->bad || !has_slots(s))
		return wh_table_get(v, WH_TABLE_ROWS, key, min_prefix, ret);
	uint64_t hash = wh_value_key_sum(WH_TABLE_ROWS, wh_key_view(key));

	for (size_t i = 0; i < WAYS; i++) {
		const struct slot *slot = slot_of(s, hash, i);

		if (slot->turn == s->turn && slot->mark == (uint32_t)(hash >> 32) &&
		    follow(slot, hash, min_prefix, ret))
			return 0;
	}
	int r = wh_table_get(v, WH_TABLE_ROWS, key, min_prefix, ret);

	if (r == 0)
		remember(s, hash, ret);
	return r;
}

void
wh_rows_expect(const struct wh_view *v, struct wh_str whid)
{
	const struct wh_shortcuts *s = v->shortcuts;

	if (s && s->n > 0)
		__builtin_prefetch(slot_of(s, wh_value_key_sum(WH_TABLE_ROWS, whid), 0));
}
