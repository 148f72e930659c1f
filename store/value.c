/* SPDX-License-Identifier: MIT */
/*
 * Checksum, encoding and checking of stored values.
 *
 * Called for every row read and written; on any thread. Reading allocates
 * nothing. The checksum is the hash of what follows it, mixed with a hash of
 * the key that is seeded by table and version: a value that was moved to
 * another key or table does not match either.
 */
#define XXH_INLINE_ALL /* a call for each row, and twice */
#include <xxhash.h>

#include "store/value.h"

#define SUM_AT 1
#define REST_AT 9 /* what the checksum covers begins here */

uint64_t
wh_value_key_sum(enum wh_table table, struct wh_str key)
{
	return XXH3_64bits_withSeed(key.p, key.n, (uint64_t)table << 8 | WH_VALUE_VERSION);
}

static uint64_t
rest_sum(const uint8_t *value, size_t n)
{
	return XXH3_64bits(value + REST_AT, n - REST_AT);
}

int
wh_value_peek(const MDB_val *data, size_t min_prefix, struct wh_value *ret)
{
	const uint8_t *p = data->mv_data;
	size_t n = data->mv_size;

	*ret = (struct wh_value){.size = n};
	/* A damaged page can claim any length: look at no byte beyond a sane one. */
	if (n < WH_VALUE_HEAD || n > WH_VALUE_MAX || p[0] != WH_VALUE_VERSION)
		return WH_ECORRUPT;
	size_t prefix_n = p[REST_AT];

	if (prefix_n < min_prefix || prefix_n > n - WH_VALUE_HEAD)
		return WH_ECORRUPT;
	*ret = (struct wh_value){
		.prefix = p + WH_VALUE_HEAD,
		.prefix_n = prefix_n,
		.tail = wh_str((const char *)p + WH_VALUE_HEAD + prefix_n,
			       n - WH_VALUE_HEAD - prefix_n),
		.size = n,
	};
	return 0;
}

int
wh_value_open_under(uint64_t key_sum, const MDB_val *data, size_t min_prefix,
		    struct wh_value *ret)
{
	const uint8_t *p = data->mv_data;
	int r = wh_value_peek(data, min_prefix, ret);

	if (r || wh_be_get(p + SUM_AT, 8) == (key_sum ^ rest_sum(p, data->mv_size)))
		return r;
	*ret = (struct wh_value){.size = data->mv_size};
	return WH_ECORRUPT;
}

int
wh_value_open(enum wh_table table, const MDB_val *key, const MDB_val *data, size_t min_prefix,
	      struct wh_value *ret)
{
	*ret = (struct wh_value){.size = data->mv_size};
	if (key->mv_size > WH_KEY_ROOM)
		return WH_ECORRUPT;
	uint64_t sum = wh_value_key_sum(table, wh_str(key->mv_data, key->mv_size));

	return wh_value_open_under(sum, data, min_prefix, ret);
}

int
wh_value_build(enum wh_table table, const struct wh_key *key, const struct wh_draft *d,
	       struct wh_buf *out)
{
	const uint8_t head[WH_VALUE_HEAD] = {[0] = WH_VALUE_VERSION, [REST_AT] = (uint8_t)d->n};

	wh_buf_reset(out);
	wh_buf_add(out, head, sizeof(head));
	wh_buf_add(out, d->prefix, d->n);
	wh_buf_str(out, d->tail[0]);
	wh_buf_str(out, d->tail[1]);
	if (out->fault)
		return out->fault;
	uint8_t *p = (uint8_t *)out->p;
	uint64_t sum = wh_value_key_sum(table, wh_key_view(key)) ^ rest_sum(p, out->n);

	wh_be_put(p + SUM_AT, sum, 8);
	return 0;
}
