/* SPDX-License-Identifier: MIT */
/*
 * Elements in arrays side by side, found by an open-addressed table over the
 * hash of their text. Elements die in place, so that an index stays good for
 * a whole list; room is won back when an update finds many dead ones. There is
 * no index by webhook: updates come once a list and pass over all elements.
 */
#include "daemon/core/known_own.h"

#include <stdlib.h>
#include <xxhash.h>

#define ELEMENTS_MAX (1u << 30)
#define ITEMS_MAX (1u << 22) /* gathered for one update: 128 MiB */
#define DEAD_MIN 1024u       /* fewer are not worth a clean-up */

struct wh_known *
wh_known_new(uint64_t seed)
{
	struct wh_known *k = calloc(1, sizeof(*k));

	if (k)
		k->seed = seed;
	return k;
}

static void
forget_all(struct wh_known *k)
{
	uint64_t seed = k->seed;

	free(k->text);
	free(k->key);
	free(k->opens);
	free(k->ticks);
	free(k->slots);
	wh_known_record_fini(&k->was);
	wh_known_record_fini(&k->now);
	*k = (struct wh_known){.seed = seed};
}

struct wh_known *
wh_known_free(struct wh_known *k)
{
	if (k) {
		forget_all(k);
		free(k);
	}
	return NULL;
}

struct wh_hash
wh_known_hash(uint64_t seed, struct wh_str bytes)
{
	XXH128_hash_t h = XXH3_128bits_withSeed(bytes.p, bytes.n, seed);

	return (struct wh_hash){h.low64, h.high64};
}

uint64_t
wh_known_seed(const struct wh_known *k)
{
	return k->seed;
}

size_t
wh_known_count(const struct wh_known *k)
{
	return k->n - k->dead;
}

/* -------------------------------------------------------------------- items -- */

static bool
same(struct wh_hash a, struct wh_hash b)
{
	return a.lo == b.lo && a.hi == b.hi;
}

static bool
grow(void *array, size_t cap, size_t size)
{
	void **at = array;
	void *more = realloc(*at, cap * size);

	if (more)
		*at = more;
	return more != NULL;
}

void
wh_known_items_add(struct wh_known_items *i, struct wh_known_item item)
{
	size_t cap = i->cap ? i->cap * 2 : 64;

	/* A row is written, and right behind that its text is told. */
	if (i->n > 0 && same(i->items[i->n - 1].key, item.key)) {
		i->items[i->n - 1] = item;
		return;
	}
	if (i->n == i->cap) {
		if (i->n >= ITEMS_MAX || !grow(&i->items, cap, sizeof(*i->items))) {
			i->forget_all = true;
			i->n = 0;
			return; /* its webhook is forgotten with all others */
		}
		i->cap = cap;
	}
	i->items[i->n++] = item;
}

void
wh_known_items_fini(struct wh_known_items *i)
{
	free(i->items);
	*i = (struct wh_known_items){0};
}

/* ---------------------------------------------------------------- the table -- */

static void
fill_slot(struct wh_known *k, uint32_t at)
{
	uint32_t i = (uint32_t)k->text[at].lo & (k->n_slots - 1);

	while (k->slots[i])
		i = (i + 1) & (k->n_slots - 1);
	k->slots[i] = at + 1;
}

/* At most half of the slots are taken, so that each search ends soon. */
static bool
make_slots(struct wh_known *k, uint32_t elements)
{
	uint32_t n = 64;

	while (n / 2 < elements)
		n *= 2;
	uint32_t *slots = calloc(n, sizeof(*slots));

	if (!slots)
		return false;
	free(k->slots);
	k->slots = slots;
	k->n_slots = n;
	for (uint32_t at = 0; at < k->n; at++)
		if (!wh_known_is_dead(k, at))
			fill_slot(k, at);
	return true;
}

uint32_t
wh_known_find(const struct wh_known *k, struct wh_hash text)
{
	if (k->n_slots == 0)
		return WH_KNOWN_NONE;
	for (uint32_t i = (uint32_t)text.lo;; i++) {
		uint32_t slot = k->slots[i & (k->n_slots - 1)];

		if (slot == 0)
			return WH_KNOWN_NONE;
		if (same(k->text[slot - 1], text))
			return slot - 1;
	}
}

/* ------------------------------------------------------------------- update -- */

static bool
reserve(struct wh_known *k, uint64_t more)
{
	uint64_t need = k->n + more, cap = k->cap ? k->cap : 64;

	if (need > ELEMENTS_MAX)
		return false;
	while (cap < need)
		cap += cap / 4;
	if (cap > k->cap) {
		if (!grow(&k->text, cap, sizeof(*k->text)) ||
		    !grow(&k->key, cap, sizeof(*k->key)) ||
		    !grow(&k->opens, cap, sizeof(*k->opens)) ||
		    !grow(&k->ticks, cap / 64 + 1, sizeof(*k->ticks)))
			return false;
		k->cap = (uint32_t)cap;
	}
	return need <= k->n_slots / 2 || make_slots(k, (uint32_t)need);
}

static void
clean_up(struct wh_known *k)
{
	uint32_t to = 0;

	for (uint32_t at = 0; at < k->n; at++) {
		if (wh_known_is_dead(k, at))
			continue;
		k->text[to] = k->text[at];
		k->key[to] = k->key[at];
		k->opens[to++] = WH_KNOWN_NONE;
	}
	k->n = to;
	k->dead = 0;
	wh_known_blocks_reset(k);
	memset(k->slots, 0, k->n_slots * sizeof(*k->slots));
	for (uint32_t at = 0; at < k->n; at++)
		fill_slot(k, at);
}

/* By webhook, the last word first. */
static int
compare_items(const void *a, const void *b)
{
	const struct wh_known_item *const *x = a, *const *y = b;
	int c = wh_hash_cmp((*x)->key, (*y)->key);

	return c ? c : (*x < *y) - (*x > *y);
}

static int
compare_key_to_item(const void *key, const void *item)
{
	const struct wh_known_item *const *i = item;

	return wh_hash_cmp(*(const struct wh_hash *)key, (*i)->key);
}

static int
compare_places(const void *a, const void *b)
{
	const struct wh_known_item *const *x = a, *const *y = b;

	return (*x > *y) - (*x < *y);
}

/* Leaves the last word on each webhook, in order of their hashes. */
static size_t
last_words(const struct wh_known_item **sorted, const struct wh_known_item *items, size_t n)
{
	size_t left = 0;

	for (size_t i = 0; i < n; i++)
		sorted[i] = &items[i];
	qsort(sorted, n, sizeof(*sorted), compare_items);
	for (size_t i = 0; i < n; i++)
		if (left == 0 || wh_hash_cmp(sorted[left - 1]->key, sorted[i]->key) != 0)
			sorted[left++] = sorted[i];
	return left;
}

static void
forget_each(struct wh_known *k, const struct wh_known_item **sorted, size_t n)
{
	for (uint32_t at = 0; at < k->n; at++) {
		if (wh_known_is_dead(k, at) ||
		    !bsearch(&k->key[at], sorted, n, sizeof(*sorted), compare_key_to_item))
			continue;
		k->text[at] = (struct wh_hash){0, 0};
		k->dead++;
	}
}

static void
learn(struct wh_known *k, const struct wh_known_item *item)
{
	uint32_t at = k->n;

	if ((item->text.lo == 0 && item->text.hi == 0) ||
	    wh_known_find(k, item->text) != WH_KNOWN_NONE)
		return;
	k->text[at] = item->text;
	k->key[at] = item->key;
	k->opens[at] = WH_KNOWN_NONE;
	k->n++;
	fill_slot(k, at);
}

void
wh_known_update(struct wh_known *k, const struct wh_known_items *items)
{
	const struct wh_known_item **sorted;
	size_t left;

	if (items->forget_all)
		forget_all(k);
	if (items->n == 0)
		return;
	sorted = calloc(items->n, sizeof(const struct wh_known_item *));
	if (!sorted || !reserve(k, items->n)) {
		free(sorted);
		forget_all(k);
		return;
	}
	left = last_words(sorted, items->items, items->n);
	forget_each(k, sorted, left);
	if (k->dead > DEAD_MIN && k->dead > k->n / 4)
		clean_up(k);
	/* In the order in which they came, which is the list's. */
	qsort(sorted, left, sizeof(*sorted), compare_places);
	for (size_t i = 0; i < left; i++)
		learn(k, sorted[i]);
	free(sorted);
}

/* -------------------------------------------------------------------- ticks -- */

void
wh_known_begin(struct wh_known *k)
{
	if (k->n)
		memset(k->ticks, 0, (k->n / 64 + 1) * sizeof(*k->ticks));
	k->ticked = 0;
	wh_known_block_drop(k);
	k->now.n_blocks = k->now.n_order = 0;
}

bool
wh_known_tick(struct wh_known *k, uint32_t at)
{
	if (wh_known_is_ticked(k, at))
		return false;
	k->ticks[at / 64] |= UINT64_C(1) << (at % 64);
	k->ticked++;
	return true;
}

size_t
wh_known_ticked(const struct wh_known *k)
{
	return k->ticked;
}

bool
wh_known_next_ticked(const struct wh_known *k, uint32_t *at, struct wh_hash *ret_key)
{
	while (*at < k->n && !wh_known_is_ticked(k, *at))
		++*at;
	if (*at >= k->n)
		return false;
	*ret_key = k->key[(*at)++];
	return true;
}
