/* SPDX-License-Identifier: MIT */
/* Lists of keys. */
#include "daemon/key_list.h"

void
wh_key_list_add(struct wh_buf *list, struct wh_str key)
{
	uint16_t n = (uint16_t)key.n;

	wh_buf_add(list, &n, sizeof(n));
	wh_buf_str(list, key);
}

struct wh_str
wh_key_list_next(struct wh_str list, size_t *at)
{
	uint16_t n;

	if (list.n - *at < sizeof(n))
		return WH_STR_NULL;
	memcpy(&n, list.p + *at, sizeof(n));
	if (list.n - *at - sizeof(n) < n)
		return WH_STR_NULL;

	struct wh_str key = wh_str(list.p + *at + sizeof(n), n);

	*at += sizeof(n) + n;
	return key;
}
