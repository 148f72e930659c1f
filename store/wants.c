/* SPDX-License-Identifier: MIT */
/*
 * Finding a create that has not ended by a hash of what it contains.
 *
 * Written by the transaction bodies together with the operation, read when
 * another create comes. What is hashed, and how, is the caller's affair; the
 * entry of a hash belongs to whoever wrote it last.
 */
#include "store/row.h"

static void
form_key(struct wh_key *k, const uint64_t form[2])
{
	wh_key_init(k);
	wh_key_num(k, form[0], 8);
	wh_key_num(k, form[1], 8);
}

int
wh_wants_get(const struct wh_view *v, const uint64_t form[2], uint64_t *ret_seq)
{
	struct wh_value value;
	struct wh_key k;

	form_key(&k, form);
	int r = wh_table_get(v, WH_TABLE_WANTS, &k, WH_WANT_PREFIX, &value);

	if (r == 0)
		*ret_seq = wh_be_get(value.prefix, 8);
	return r;
}

int
wh_wants_put(struct wh_txn *t, const uint64_t form[2], uint64_t seq)
{
	struct wh_draft d;
	struct wh_key k;

	form_key(&k, form);
	wh_draft_init(&d);
	wh_draft_num(&d, seq, 8);
	return wh_table_put(t, WH_TABLE_WANTS, &k, &d, NULL);
}

int
wh_wants_del(struct wh_txn *t, const uint64_t form[2], uint64_t seq)
{
	uint64_t owner = 0;
	struct wh_key k;
	int r = wh_wants_get(&t->view, form, &owner);

	if (r == WH_ABSENT || (r == 0 && owner != seq))
		return WH_ABSENT;
	form_key(&k, form);
	return wh_table_del(t, WH_TABLE_WANTS, &k); /* a damaged one is nobody's */
}
