/* SPDX-License-Identifier: MIT */
/* The keys of the tail of the queue, in memory. */
#include "store/tail_keys.h"

/* Not all keys are hashes. */
static uint32_t
tag_of(uint64_t key)
{
	return key ? (uint32_t)((key * 0x9e3779b97f4a7c15u) >> 32) | 1u : 0;
}

static size_t
bucket_of(uint32_t tag)
{
	return tag >> (32 - WH_TAIL_BUCKET_BITS);
}

static uint32_t
bit_of(uint32_t tag)
{
	return UINT32_C(1) << (tag >> 1) % 32; /* its lowest bit is always set */
}

static const struct wh_tail_link *
link_at(const struct wh_tail_keys *t, size_t kind, uint32_t at)
{
	return &t->link[kind][at % WH_TAIL_MAX];
}

/* The first place whose seq is not below `seq`. */
static uint32_t
place_of(const struct wh_tail_keys *t, uint64_t seq)
{
	uint32_t low = t->start, high = t->end;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (wh_tail_keys_seq(t, mid) < seq)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool
is_empty(const struct wh_tail_keys *t, uint32_t at)
{
	return !t->place[at % WH_TAIL_MAX].here;
}

static uint32_t
any_from(const struct wh_tail_keys *t, uint32_t at)
{
	while (at < t->end && is_empty(t, at))
		at++;
	return at < t->end ? at : WH_TAIL_NOWHERE;
}

/* From `next` on along its chain. */
static uint32_t
same_tag(const struct wh_tail_keys *t, size_t kind, uint32_t tag, uint32_t next)
{
	while (next > 0 && link_at(t, kind, next - 1)->tag != tag)
		next = link_at(t, kind, next - 1)->next;
	return next > 0 ? next - 1 : WH_TAIL_NOWHERE;
}

uint32_t
wh_tail_keys_first(const struct wh_tail_keys *t, enum wh_tail_key kind, uint64_t key,
		   uint64_t from)
{
	if (kind == WH_TAIL_ANY)
		return any_from(t, place_of(t, from));
	uint32_t tag = tag_of(key);
	const struct wh_tail_chain *c = &t->chain[kind][bucket_of(tag)];

	if (!(c->tags & bit_of(tag)))
		return WH_TAIL_NOWHERE;
	uint32_t at = same_tag(t, kind, tag, c->first);

	while (at != WH_TAIL_NOWHERE && wh_tail_keys_seq(t, at) < from)
		at = wh_tail_keys_next(t, kind, key, at);
	return at;
}

uint32_t
wh_tail_keys_next(const struct wh_tail_keys *t, enum wh_tail_key kind, uint64_t key,
		  uint32_t at)
{
	if (kind == WH_TAIL_ANY)
		return any_from(t, at + 1);
	return same_tag(t, kind, tag_of(key), link_at(t, kind, at)->next);
}

/* ---------------------------------------------------------------- chains -- */

/* Behind all that are before it: as a rule it comes last. */
static void
add_link(struct wh_tail_keys *t, size_t kind, uint32_t at)
{
	struct wh_tail_link *it = &t->link[kind][at % WH_TAIL_MAX];
	struct wh_tail_chain *c = &t->chain[kind][bucket_of(it->tag)];
	uint32_t *to = &c->first;

	if (c->last > 0 && c->last <= at)
		to = &t->link[kind][(c->last - 1) % WH_TAIL_MAX].next;
	while (*to > 0 && *to <= at)
		to = &t->link[kind][(*to - 1) % WH_TAIL_MAX].next;
	it->next = *to;
	*to = at + 1;
	c->tags |= bit_of(it->tag);
	if (it->next == 0)
		c->last = at + 1;
}

static void
remove_link(struct wh_tail_keys *t, size_t kind, uint32_t at)
{
	const struct wh_tail_link *it = link_at(t, kind, at);
	struct wh_tail_chain *c = &t->chain[kind][bucket_of(it->tag)];
	uint32_t *to = &c->first, before = 0;

	while (*to != at + 1) {
		before = *to;
		to = &t->link[kind][(before - 1) % WH_TAIL_MAX].next;
	}
	*to = it->next;
	if (c->last == at + 1)
		c->last = before;
	if (c->first == 0)
		c->tags = 0;
}

static void
set_tag(struct wh_tail_keys *t, size_t kind, uint32_t at, uint32_t tag)
{
	struct wh_tail_link *it = &t->link[kind][at % WH_TAIL_MAX];

	if (it->tag == tag)
		return;
	if (it->tag)
		remove_link(t, kind, at);
	it->tag = tag;
	if (tag)
		add_link(t, kind, at);
}

bool
wh_tail_keys_put(struct wh_tail_keys *t, uint64_t seq, const uint64_t key[WH_TAIL_KEYS])
{
	uint32_t at = place_of(t, seq);

	if (at == t->end) {
		if (wh_tail_keys_length(t) == WH_TAIL_MAX || at == WH_TAIL_NOWHERE - 1)
			return false;
		t->end++;
	} else if (wh_tail_keys_seq(t, at) != seq) {
		return false;
	}
	t->place[at % WH_TAIL_MAX] = (struct wh_tail_place){.seq = seq, .here = true};
	for (size_t kind = 0; kind < WH_TAIL_KEYS; kind++)
		set_tag(t, kind, at, tag_of(key[kind]));
	return true;
}

static void
leave_place(struct wh_tail_keys *t, uint32_t at)
{
	for (size_t kind = 0; kind < WH_TAIL_KEYS; kind++)
		set_tag(t, kind, at, 0);
	t->place[at % WH_TAIL_MAX].here = false;
	while (t->start < t->end && is_empty(t, t->start))
		t->start++;
}

void
wh_tail_keys_del(struct wh_tail_keys *t, uint64_t seq)
{
	uint32_t at = place_of(t, seq);

	if (at < t->end && wh_tail_keys_seq(t, at) == seq)
		leave_place(t, at);
}

void
wh_tail_keys_drop_before(struct wh_tail_keys *t, uint64_t seq)
{
	while (t->start < t->end && wh_tail_keys_seq(t, t->start) < seq)
		leave_place(t, t->start); /* and start moves on */
}

void
wh_tail_keys_clear(struct wh_tail_keys *t)
{
	wh_tail_keys_drop_before(t, UINT64_MAX);
	t->start = t->end = 0;
}
