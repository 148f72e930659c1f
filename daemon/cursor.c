/* SPDX-License-Identifier: MIT */
/* A cursor is 16 hexadecimal digits of the filter's hash, a colon and the key. */
#include "daemon/cursor.h"

#include "store/store.h"

#include <stdio.h>
#include <xxhash.h>

void
wh_cursor_make(struct wh_buf *out, uint64_t filter, struct wh_str key)
{
	wh_buf_printf(out, "%016llx:", (unsigned long long)filter);
	wh_buf_str(out, key);
}

bool
wh_cursor_read(struct wh_str text, uint64_t filter, struct wh_str *ret_key)
{
	char want[18];

	snprintf(want, sizeof(want), "%016llx:", (unsigned long long)filter);
	if (text.n < 17 || memcmp(text.p, want, 17) != 0)
		return false;
	*ret_key = wh_str(text.p + 17, text.n - 17);
	return ret_key->n <= WH_KEY_MAX;
}

uint64_t
wh_cursor_filter(uint64_t hash, const char *name, struct wh_str value)
{
	hash = XXH64(name, strlen(name) + 1, hash);
	return XXH64(value.p ? value.p : "", value.n, hash);
}
