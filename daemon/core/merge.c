/* SPDX-License-Identifier: MIT */
/*
 * Three-way merge, member by member, all comparisons in normal form:
 *
 *   mine = theirs                 nothing to send for it
 *   theirs = base                 mine
 *   mine = base                   theirs; mine if local wins: it was asked for
 *   all three differ              overlap: the policy decides
 *
 * `processes` is merged item by item: what mine added to base is added to
 * theirs, what mine removed is removed. Such a merge never overlaps: of an
 * item that base holds each side can only keep or drop it, of one that base
 * lacks each side can only add it or not, so no item is added by one side and
 * removed by the other. Only the policy `manual` asks a person about it.
 *
 * Called by the transactions that check and send; pure.
 */
#include "daemon/core/merge.h"
#include "daemon/core/norm.h"
#include "daemon/core/set.h"

static const msgpack_object empty_array = {.type = MSGPACK_OBJECT_ARRAY};

/* ----------------------------------------------------------------- sets -- */

/* The items of `array` that are neither repeated nor in `without` or `nor`, in their order. */
static size_t
add_items(struct wh_buf *out, const msgpack_object *array, const struct wh_set *self,
	  const struct wh_set *without, const struct wh_set *nor)
{
	size_t added = 0;

	if (!array || array->type != MSGPACK_OBJECT_ARRAY)
		return 0;
	for (uint32_t i = 0; i < array->via.array.size; i++) {
		struct wh_str text;

		if (!wh_obj_str(&array->via.array.ptr[i], &text))
			continue;
		if (!wh_set_is_first(self, text, i))
			continue;
		if (wh_set_has(without, text) || wh_set_has(nor, text))
			continue;
		wh_pack_str(out, text);
		added++;
	}
	return added;
}

/* (from + add) - remove */
void
wh_set_apply(struct wh_buf *out, const msgpack_object *from, const msgpack_object *add,
	     const msgpack_object *remove)
{
	WH_CLEANUP(wh_set_fini) struct wh_set has = WH_SET_NULL;
	WH_CLEANUP(wh_set_fini) struct wh_set plus = WH_SET_NULL;
	WH_CLEANUP(wh_set_fini) struct wh_set minus = WH_SET_NULL;

	if (wh_set_init(&has, from, WH_SET_NORMAL) || wh_set_init(&plus, add, WH_SET_NORMAL) ||
	    wh_set_init(&minus, remove, WH_SET_NORMAL)) {
		out->fault = WH_ENOMEM;
		return;
	}

	size_t place = wh_pack_open_array(out);
	size_t n = add_items(out, from, &has, &minus, &minus);

	n += add_items(out, add, &plus, &has, &minus);
	wh_pack_close_array(out, place, n);
}

/* -------------------------------------------------------------- members -- */

struct sides {
	const struct wh_record *base, *mine, *theirs;
};

/* One set of the three sides, read once. */
struct set_sides {
	struct wh_set base, mine, theirs;
};

static const msgpack_object *
set_of(const struct wh_record *r, enum wh_field f)
{
	return wh_record_has(r, f) ? r->set[f] : NULL;
}

static int
set_sides_init(struct set_sides *ret, const struct sides *s, enum wh_field f)
{
	int r = wh_set_init(&ret->base, set_of(s->base, f), WH_SET_NORMAL);

	if (!r)
		r = wh_set_init(&ret->mine, set_of(s->mine, f), WH_SET_NORMAL);
	if (!r)
		r = wh_set_init(&ret->theirs, set_of(s->theirs, f), WH_SET_NORMAL);
	return r;
}

static void
set_sides_fini(struct set_sides *s)
{
	wh_set_fini(&s->base);
	wh_set_fini(&s->mine);
	wh_set_fini(&s->theirs);
}

/* An item that mine added and theirs lacks, or that mine dropped and theirs holds. */
static bool
set_changes_theirs(const struct set_sides *s)
{
	for (size_t i = 0; i < s->mine.n; i++) {
		struct wh_str item = s->mine.items[i].text;

		if (!wh_set_has(&s->base, item) && !wh_set_has(&s->theirs, item))
			return true;
	}
	for (size_t i = 0; i < s->base.n; i++) {
		struct wh_str item = s->base.items[i].text;

		if (!wh_set_has(&s->mine, item) && wh_set_has(&s->theirs, item))
			return true;
	}
	return false;
}

/* What became of the members that mine sets; a bit per member. */
struct tally {
	bool differs;     /* theirs lacks something of mine */
	uint32_t send;    /* mine goes out */
	uint32_t overlap; /* both changed it, to different values */
	uint32_t left;    /* theirs stays: mine is as base */
};

static int
tally_set(const struct sides *s, enum wh_field f, struct tally *t)
{
	WH_CLEANUP(set_sides_fini) struct set_sides sets = {0};
	int r = set_sides_init(&sets, s, f);

	if (r)
		return r;
	if (set_changes_theirs(&sets))
		t->send |= 1u << f;
	return 0;
}

/* Not even as something that cannot be read. */
static bool
lacks(const struct wh_record *r, enum wh_field f)
{
	return !wh_record_has(r, f) && !r->odd[f];
}

static int
tally_member(const struct sides *s, enum wh_field f, struct tally *t)
{
	if (lacks(s->theirs, f) && lacks(s->base, f)) { /* what it is there nobody knows */
		t->differs = true;
		t->send |= 1u << f;
		return 0;
	}
	if (wh_norm_field_eq(f, s->mine, s->theirs))
		return 0;
	t->differs = true;
	if (wh_fields[f].type == WH_FT_SET)
		return tally_set(s, f, t);
	if (wh_norm_field_eq(f, s->theirs, s->base))
		t->send |= 1u << f;
	else if (wh_norm_field_eq(f, s->mine, s->base))
		t->left |= 1u << f;
	else
		t->overlap |= 1u << f;
	return 0;
}

static int
tally_all(const struct sides *s, struct tally *ret)
{
	*ret = (struct tally){0};
	for (unsigned f = 0; f < WH_F_COUNT; f++) {
		if (!wh_record_has(s->mine, (enum wh_field)f))
			continue;
		int r = tally_member(s, (enum wh_field)f, ret);
		if (r)
			return r;
	}
	return 0;
}

/* ------------------------------------------------------------- decision -- */

static enum wh_merge_verdict
decide(const struct sides *s, enum wh_policy policy, struct tally *t)
{
	if (!t->differs)
		return WH_MERGE_NOOP;
	switch (policy) {
	case WH_POLICY_MERGE:
		if (t->overlap)
			return WH_MERGE_CONFLICT;
		break;
	case WH_POLICY_LOCAL_WINS:
		t->send |= t->overlap | t->left;
		break;
	case WH_POLICY_REMOTE_WINS:
		if (t->overlap && !t->send)
			return WH_MERGE_DISCARD;
		break;
	case WH_POLICY_MANUAL:
		if (wh_norm_diff(s->base, s->theirs))
			return WH_MERGE_CONFLICT;
		break;
	}
	return t->send ? WH_MERGE_SEND : WH_MERGE_NOOP;
}

/* theirs without what mine dropped, then what mine added. */
static int
pack_merged_set(struct wh_buf *out, const struct sides *s, enum wh_field f)
{
	WH_CLEANUP(set_sides_fini) struct set_sides sets = {0};
	WH_CLEANUP(wh_set_fini) struct wh_set dropped = WH_SET_NULL;
	int r = set_sides_init(&sets, s, f);

	if (!r)
		r = wh_set_init(&dropped, set_of(s->base, f), WH_SET_NORMAL);
	if (r)
		return r;
	wh_set_subtract(&dropped, &sets.mine);

	size_t place = wh_pack_open_array(out);
	size_t n = add_items(out, set_of(s->theirs, f), &sets.theirs, &dropped, &dropped);

	n += add_items(out, set_of(s->mine, f), &sets.mine, &sets.base, &sets.theirs);
	wh_pack_close_array(out, place, n);
	return 0;
}

/* What neither side holds stays out: to send it as empty would wipe what the upstream has. */
static int
pack_document(struct wh_buf *out, const struct sides *s, uint32_t send)
{
	size_t place = wh_pack_open_map(out), n = 0;
	int r = 0;

	for (unsigned i = 0; i < WH_F_COUNT && !r; i++) {
		enum wh_field f = (enum wh_field)i;
		const struct wh_record *from = send >> f & 1u ? s->mine : s->theirs;

		if (lacks(from, f))
			continue;
		n++;
		wh_pack_c(out, wh_fields[f].name);
		if (from->odd[f]) /* what we cannot read goes back as it came */
			wh_pack_object(out, from->odd[f]);
		else if (wh_fields[f].type != WH_FT_SET)
			wh_pack_str(out, from->text[f]);
		else if (from == s->mine)
			r = pack_merged_set(out, s, f);
		else
			wh_set_apply(out, set_of(from, f), NULL, NULL);
	}
	wh_pack_close_map(out, place, n);
	return r ? r : out->fault;
}

int
wh_merge(const struct wh_record *base, const struct wh_record *mine,
	 const struct wh_record *theirs, enum wh_policy policy, struct wh_merged *ret)
{
	struct sides sides = {base, mine, theirs};
	struct tally tally;
	int r = tally_all(&sides, &tally);

	if (r)
		return r;
	ret->overlap = tally.overlap;
	ret->verdict = decide(&sides, policy, &tally);
	if (ret->verdict != WH_MERGE_SEND)
		return 0;
	return pack_document(&ret->doc, &sides, tally.send);
}

void
wh_merge_rebase(struct wh_buf *ret_base, const msgpack_object *base,
		const struct wh_record *predecessor, const struct wh_record *result)
{
	struct wh_record change = {.seen = predecessor->seen & WH_RECORD_ALL};

	for (unsigned i = 0; i < WH_F_COUNT; i++) {
		enum wh_field f = (enum wh_field)i;

		if (!wh_record_has(&change, f))
			continue;
		if (wh_record_has(result, f))
			change.text[f] = result->text[f];
		if (wh_fields[f].type == WH_FT_SET)
			change.set[f] = set_of(result, f) ? set_of(result, f) : &empty_array;
	}
	wh_record_patch(ret_base, base, &change, WH_STR_NULL);
}
