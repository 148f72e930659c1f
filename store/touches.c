/* SPDX-License-Identifier: MIT */
/*
 * The log of what a transaction did to confirmed rows. It lives in memory and
 * leaves with the commit; whoever remembers something about a row follows it.
 */
#include "store/store.h"

#define HEAD (2 * sizeof(uint64_t) + sizeof(uint16_t))

static void
add(struct wh_txn *t, struct wh_hash text, struct wh_str key)
{
	uint16_t n = (uint16_t)key.n;

	if (!t->touches)
		return;
	wh_buf_add(t->touches, &text.lo, sizeof(text.lo));
	wh_buf_add(t->touches, &text.hi, sizeof(text.hi));
	wh_buf_add(t->touches, &n, sizeof(n));
	wh_buf_str(t->touches, key);
}

void
wh_touch_row(struct wh_txn *t, struct wh_str key)
{
	add(t, (struct wh_hash){0, 0}, key);
}

void
wh_touch_learn(struct wh_txn *t, struct wh_str key, struct wh_hash text)
{
	if (text.lo || text.hi)
		add(t, text, key);
}

bool
wh_touches_next(struct wh_str *rest, struct wh_touch *ret)
{
	uint16_t n;

	if (rest->n < HEAD)
		return false;
	memcpy(&ret->text.lo, rest->p, sizeof(ret->text.lo));
	memcpy(&ret->text.hi, rest->p + sizeof(ret->text.lo), sizeof(ret->text.hi));
	memcpy(&n, rest->p + HEAD - sizeof(n), sizeof(n));
	wh_require(n <= rest->n - HEAD);
	ret->key = wh_str(rest->p + HEAD, n);
	*rest = wh_str(rest->p + HEAD + n, rest->n - HEAD - n);
	return true;
}
