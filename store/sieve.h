/* SPDX-License-Identifier: MIT */
/*
 * A Bloom filter over the forms and groups in the index of operations, in
 * memory: which of them surely have no index row.
 *
 * Each create looks for others of its form and its groups, and nearly always
 * there are none. In a long queue each of these searches ends on a page that
 * nobody has looked at for a while; the filter answers without one. Nothing is
 * ever taken out of it, so it tells too much rather than too little; it is made
 * anew when more was put in than it was made for, from the index: 0.2 us an
 * operation, within the transaction that asks. While few operations have index
 * rows there is none: their index is small.
 *
 * In a transaction only; a view has the index. Commit thread. Internal to store/.
 */
#pragma once

#include "store/key.h"
#include "store/store.h"

/* False if no index row begins as this key of a form or a group does, but for its seq and
 * whether it is in hand. */
bool wh_sieve_may_have(const struct wh_view *v, const struct wh_key *k);
/* The index row is being put; keys of other kinds are passed over. */
void wh_sieve_add(struct wh_store *s, const struct wh_key *k);
/* Operations ended: gives the memory back when few are left. */
void wh_sieve_follow(const struct wh_view *v);
/* What a transaction that comes to nothing has made lacks what that has removed. */
void wh_sieve_keep(struct wh_store *s);
void wh_sieve_forget(struct wh_store *s);
void wh_sieve_free(struct wh_store *s);
