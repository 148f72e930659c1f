/* SPDX-License-Identifier: MIT */
/* The filter: two bits for each key, in a table that is a power of 2 long. Both are in one
 * cache line: a search is mostly the time that memory takes. */
#include "store/sieve.h"

#include <stdlib.h>
#include <xxhash.h>

#include "store/row.h"
#include "store/table.h"

#define FROM ((uint64_t)4096)      /* with so many in the index it pays */
#define BITS_A_KEY ((uint64_t)8)   /* of those it is made for */
#define ROOM_LEAST ((uint64_t)256) /* keys */
#define ROOM_MOST ((uint64_t)1 << 24)
#define LINE ((size_t)512) /* bits of a cache line */
#define KEYS_AN_OP (1 + WH_OP_GROUPS)

struct wh_sieve {
	uint64_t put, room; /* keys that are in, and may be */
	bool kept;          /* the transaction that made it is on disk */
	bool blind;         /* the index could not be read: it tells nothing */
	uint64_t mask;      /* bits but one */
	_Alignas(LINE / 8) uint64_t bits[];
};

/* --------------------------------------------------------------------- bits -- */

/* The part of the key that all of the form or the group have. 0: it is of another kind. */
static size_t
head_of(const uint8_t *key)
{
	return key[0] == WH_BY_FORM    ? WH_BY_FORM_HEAD
	       : key[0] == WH_BY_GROUP ? WH_BY_GROUP_HEAD
				       : 0;
}

static uint64_t
bit_of(uint64_t at)
{
	return (uint64_t)1 << at % 64;
}

static uint64_t
beside(uint64_t a, uint64_t hash)
{
	return (a & ~(uint64_t)(LINE - 1)) | (hash >> 40 & (LINE - 1));
}

static bool
has(const struct wh_sieve *x, uint64_t hash)
{
	uint64_t a = hash & x->mask, b = beside(a, hash);

	return (x->bits[a / 64] & bit_of(a)) && (x->bits[b / 64] & bit_of(b));
}

static void
put(struct wh_sieve *x, uint64_t hash)
{
	uint64_t a = hash & x->mask, b = beside(a, hash);

	x->put += !has(x, hash);
	x->bits[a / 64] |= bit_of(a);
	x->bits[b / 64] |= bit_of(b);
}

/* ------------------------------------------------------------------- making -- */

static uint64_t
ops_of(const struct wh_meta *m)
{
	uint64_t n = 0;

	for (uint8_t state = 0; state < WH_OP_STATES; state++)
		n += wh_meta_ops(m, state);
	return n;
}

/* Operations with index rows; fewer than there are, if some of the tail ended. */
static uint64_t
indexed(const struct wh_meta *m)
{
	uint64_t all = ops_of(m), behind = wh_ops_behind(m);

	return all > behind ? all - behind : 0;
}

/* As much again comes in before it is made anew; with very many it tells less. NULL without
 * memory. */
static struct wh_sieve *
make(uint64_t keys)
{
	uint64_t room = ROOM_LEAST;

	while (room < ROOM_MOST && room / 2 < keys)
		room *= 2;
	size_t size = sizeof(struct wh_sieve) + room * BITS_A_KEY / 8;
	struct wh_sieve *x = aligned_alloc(LINE / 8, size);

	if (!x)
		return NULL;
	memset(x, 0, size);
	x->room = room;
	x->mask = room * BITS_A_KEY - 1;
	return x;
}

/* Where the first key behind forms and groups lies; NULL: they come last. 0 or a fault. */
static int
find_end(const struct wh_view *v, const char **ret)
{
	struct wh_key behind;
	struct wh_walk w;
	int r = wh_walk_begin(v, WH_TABLE_OPS_INDEX, &w);

	*ret = NULL;
	if (r < 0)
		return r;
	wh_key_init(&behind);
	wh_key_num(&behind, WH_BY_GROUP + 1, 1);
	r = wh_walk_from(&w, &behind);
	if (r == 0)
		*ret = wh_walk_key(&w).p;
	wh_walk_end(&w);
	return r < 0 ? r : 0;
}

/* A key of another kind in their midst is damaged: what lies behind it is not to be left out.
 */
static int
put_until(struct wh_walk *w, const char *end, struct wh_sieve *x)
{
	struct wh_key from;

	wh_key_init(&from);
	wh_key_num(&from, WH_BY_FORM, 1);
	int r = wh_walk_from(w, &from);

	while (r == 0 && wh_walk_key(w).p != end) {
		const struct wh_str key = wh_walk_key(w);
		size_t head = key.n > 0 ? head_of((const uint8_t *)key.p) : 0;

		if (head == 0 || head > key.n)
			return WH_ECORRUPT;
		put(x, XXH3_64bits(key.p, head));
		r = wh_walk_next(w);
	}
	return r < 0 ? r : 0;
}

/* Forms and groups lie together. 0 or a fault. */
static int
read_index(const struct wh_view *v, struct wh_sieve *x)
{
	struct wh_walk w;
	const char *end;
	int r = find_end(v, &end);

	if (r == 0)
		r = wh_walk_begin(v, WH_TABLE_OPS_INDEX, &w);
	if (r < 0)
		return r;
	r = put_until(&w, end, x);
	wh_walk_end(&w);
	return r;
}

static bool
is_full(const struct wh_sieve *x)
{
	return x->put > x->room && x->room < ROOM_MOST;
}

static struct wh_sieve *
made(const struct wh_view *v)
{
	struct wh_store *s = v->store;

	if (s->sieve && !is_full(s->sieve))
		return s->sieve;
	wh_sieve_free(s);
	s->sieve = make(KEYS_AN_OP * ops_of(&v->meta));
	if (s->sieve)
		s->sieve->blind = read_index(v, s->sieve) < 0;
	return s->sieve;
}

/* -------------------------------------------------------------------- using -- */

bool
wh_sieve_may_have(const struct wh_view *v, const struct wh_key *k)
{
	uint64_t from = v->store->sieve_from ? v->store->sieve_from : FROM;

	if (!v->writing || k->bad || indexed(&v->meta) < from)
		return true;
	const struct wh_sieve *x = made(v);

	return !x || x->blind || has(x, XXH3_64bits(k->b, head_of(k->b)));
}

void
wh_sieve_add(struct wh_store *s, const struct wh_key *k)
{
	size_t head = s->sieve && !k->bad ? head_of(k->b) : 0;

	if (head > 0)
		put(s->sieve, XXH3_64bits(k->b, head));
}

void
wh_sieve_follow(const struct wh_view *v)
{
	uint64_t from = v->store->sieve_from ? v->store->sieve_from : FROM;

	if (v->store->sieve && indexed(&v->meta) < from / 2)
		wh_sieve_free(v->store);
}

void
wh_sieve_keep(struct wh_store *s)
{
	if (s->sieve)
		s->sieve->kept = true;
}

void
wh_sieve_forget(struct wh_store *s)
{
	if (s->sieve && !s->sieve->kept)
		wh_sieve_free(s);
}

void
wh_sieve_free(struct wh_store *s)
{
	free(s->sieve);
	s->sieve = NULL;
}
