/* SPDX-License-Identifier: MIT */
/*
 * The layout that all stored values share (store/FORMAT.md):
 *
 *   version u8 | checksum u64 | prefix length u8 | prefix | tail
 *
 * The prefix holds the fixed-width fields of a table. A newer version may
 * append fields to it; an older one reads those it knows and skips the rest.
 * The tail holds what has no fixed width. The checksum covers the table, the
 * key and everything behind it. Internal to store/; any thread.
 */
#pragma once

#include <lmdb.h>

#include "proto/base.h"
#include "proto/buf.h"
#include "store/bytes.h"
#include "store/key.h"

#define WH_VALUE_VERSION 1
#define WH_VALUE_HEAD 10
#define WH_VALUE_MAX ((size_t)32 << 20) /* no honest value is longer */

enum wh_table {
#define WH_TABLE(id, number, name) WH_TABLE_##id = (number),
#include "store/tables.def"
#undef WH_TABLE
	WH_TABLE_END
};

/* A value read: borrows LMDB's page. */
struct wh_value {
	const uint8_t *prefix;
	size_t prefix_n;
	struct wh_str tail;
	size_t size; /* bytes of the whole value */
};

/* A value to be written. The tail parts are borrowed until it is put. */
struct wh_draft {
	size_t n;
	uint8_t prefix[64];
	struct wh_str tail[2];
};

/*
 * Checks the value and splits it. `min_prefix` is the prefix length of the
 * first format; a shorter one is damage. 0 or WH_ECORRUPT, then only
 * ret->size is set.
 */
WH_MUST_USE int wh_value_open(enum wh_table table, const MDB_val *key, const MDB_val *data,
			      size_t min_prefix, struct wh_value *ret);

/* The same, but the checksum is not looked at. */
WH_MUST_USE int wh_value_peek(const MDB_val *data, size_t min_prefix, struct wh_value *ret);
/* The part of the key in the checksums of a table. */
uint64_t wh_value_key_sum(enum wh_table table, struct wh_str key);
/* As wh_value_open(), for who has that part already and knows that the key is sane. */
WH_MUST_USE int wh_value_open_under(uint64_t key_sum, const MDB_val *data, size_t min_prefix,
				    struct wh_value *ret);

/* Builds the stored bytes of a draft in `out`, which is reset first. */
WH_MUST_USE int wh_value_build(enum wh_table table, const struct wh_key *key,
			       const struct wh_draft *d, struct wh_buf *out);

static inline void
wh_draft_init(struct wh_draft *d)
{
	d->n = 0;
	d->tail[0] = WH_STR_NULL;
	d->tail[1] = WH_STR_NULL;
}

static inline void
wh_draft_num(struct wh_draft *d, uint64_t v, size_t width)
{
	wh_require(d->n + width <= sizeof(d->prefix));
	wh_be_put(d->prefix + d->n, v, width);
	d->n += width;
}

static inline void
wh_draft_time(struct wh_draft *d, int64_t ms)
{
	wh_draft_num(d, wh_be_from_time(ms), 8);
}

static inline void
wh_draft_bytes(struct wh_draft *d, const uint8_t *p, size_t n)
{
	wh_require(d->n + n <= sizeof(d->prefix));
	memcpy(d->prefix + d->n, p, n);
	d->n += n;
}

/* Splits the first n bytes off the tail. WH_ECORRUPT if it is shorter. */
WH_MUST_USE static inline int
wh_value_split(const struct wh_value *v, size_t n, struct wh_str *ret_head,
	       struct wh_str *ret_rest)
{
	if (n > v->tail.n)
		return WH_ECORRUPT;
	*ret_head = wh_str(v->tail.p, n);
	*ret_rest = wh_str(v->tail.p + n, v->tail.n - n);
	return 0;
}
