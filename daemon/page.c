/* SPDX-License-Identifier: MIT */
/* Pages of list replies, within 1 MiB whatever the limit is. */
#include "daemon/page.h"

#include "daemon/cursor.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 1000
#define ENVELOPE 4096u /* room for the head, the cursor and further members */

bool
wh_page_begin(struct wh_page *p, struct wh_call *c, bool has_limit, int64_t limit,
	      uint64_t filter)
{
	*p = (struct wh_page){
		.limit = LIMIT_DEFAULT,
		.filter = filter,
	};
	if (!has_limit)
		return true;
	if (limit < 1 || limit > LIMIT_MAX) {
		wh_call_fail(c, WH_ERR_INVALID_PARAM, "limit is %lld: give 1 to %d",
			     (long long)limit, LIMIT_MAX);
		return false;
	}
	p->limit = (uint32_t)limit;
	return true;
}

bool
wh_page_room(const struct wh_page *p)
{
	size_t mean = p->n ? p->items.n / p->n : 0;

	return p->n < p->limit && p->items.n + 2 * mean + ENVELOPE < WH_REPLY_MAX * 3 / 4;
}

struct wh_buf *
wh_page_item(struct wh_page *p, struct wh_str key)
{
	p->item_at = p->items.n;
	p->n++;
	wh_buf_reset(&p->last);
	wh_buf_str(&p->last, key);
	return &p->items;
}

void
wh_page_more(struct wh_page *p, bool more)
{
	p->more = more;
}

void
wh_page_end(struct wh_page *p, struct wh_call *c, const struct wh_page_members *members)
{
	struct wh_buf *out = wh_call_result(c), cursor = WH_BUF_NULL;

	wh_pack_map(out, 1 + (size_t)p->more + (members ? members->n : 0));
	wh_pack_c(out, "items");
	wh_pack_array(out, p->n);
	wh_buf_str(out, wh_buf_view(&p->items));
	if (p->more) {
		wh_cursor_make(&cursor, p->filter, wh_buf_view(&p->last));
		wh_pack_kv_str(out, "cursor", wh_buf_view(&cursor));
		wh_buf_fini(&cursor);
	}
	if (members)
		members->pack(c->d, out);
}

void
wh_page_fini(struct wh_page *p)
{
	wh_buf_fini(&p->items);
	wh_buf_fini(&p->last);
}
