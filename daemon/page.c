/* SPDX-License-Identifier: MIT */
/* Pages of list replies, within 1 MiB whatever the limit is. */
#include "daemon/page.h"

#include "daemon/cursor.h"

#define LIMIT_DEFAULT 100
#define LIMIT_MAX 1000
#define ARRAY_HEAD 3u  /* of up to 65,535 items */
#define ENVELOPE 4096u /* room for the head, the cursor and further members */

bool
wh_page_begin(struct wh_page *p, struct wh_call *c, bool has_limit, int64_t limit,
	      uint64_t filter)
{
	*p = (struct wh_page){
		.call = c,
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

static size_t
items_size(const struct wh_page *p)
{
	return p->out ? p->out->n - p->items_at : 0;
}

bool
wh_page_room(const struct wh_page *p)
{
	if (p->out && p->out->fault) /* the only one did not fit: that is the answer */
		return false;
	size_t size = items_size(p);
	size_t mean = p->n ? size / p->n : 0;

	return p->n < p->limit && size + 2 * mean + ENVELOPE < WH_REPLY_MAX * 3 / 4;
}

/* The heads of the map and of the array are put right at the end, when the counts are known. */
static void
begin_answer(struct wh_page *p)
{
	p->out = wh_call_result(p->call);
	p->map_at = p->out->n;
	wh_pack_map(p->out, 0);
	wh_pack_c(p->out, "items");
	wh_buf_add(p->out, "\xdc\0\0", ARRAY_HEAD);
	p->items_at = p->out->n;
}

static void
swap_keys(struct wh_page *p)
{
	struct wh_buf key = p->last;

	p->last = p->prior;
	p->prior = key;
}

struct wh_buf *
wh_page_item(struct wh_page *p, struct wh_str key)
{
	if (!p->out)
		begin_answer(p);
	p->n++;
	p->last_at = p->out->n;
	swap_keys(p);
	wh_buf_reset(&p->last);
	wh_buf_str(&p->last, key);
	return p->out;
}

static bool
last_fits(const struct wh_page *p)
{
	return !p->out->fault && p->out->n - p->call->out_start + ENVELOPE <= WH_REPLY_MAX;
}

bool
wh_page_keep(struct wh_page *p)
{
	if (p->n == 1 || p->out->fault == WH_ENOMEM || last_fits(p))
		return true;
	p->out->n = p->last_at;
	p->out->fault = 0;
	p->n--;
	swap_keys(p);
	p->more = true;
	return false;
}

void
wh_page_more(struct wh_page *p, bool more)
{
	p->more = more;
}

void
wh_page_cut(struct wh_page *p, struct wh_str key)
{
	wh_buf_reset(&p->last);
	wh_buf_str(&p->last, key);
	p->more = true;
}

void
wh_page_reset(struct wh_page *p)
{
	if (p->out)
		p->out->n = p->items_at;
	wh_buf_reset(&p->last);
	p->n = 0;
	p->more = false;
	p->damaged = 0;
}

/* Few items have a shorter head. */
static void
close_items(struct wh_page *p)
{
	struct wh_buf *out = p->out;
	char *head = out->p + p->items_at - ARRAY_HEAD;

	if (p->n > 15) {
		head[1] = (char)(p->n >> 8);
		head[2] = (char)(p->n & 0xff);
		return;
	}
	head[0] = (char)(0x90 | p->n);
	memmove(head + 1, head + ARRAY_HEAD, out->n - p->items_at);
	out->n -= ARRAY_HEAD - 1;
}

void
wh_page_end(struct wh_page *p, const struct wh_page_members *members)
{
	struct wh_buf cursor = WH_BUF_NULL;
	size_t n = 1u + p->more + (p->damaged > 0) + (members ? members->n : 0);

	if (!p->out)
		begin_answer(p);
	if (p->out->fault)
		return;
	wh_require(n < 16 && p->n <= UINT16_MAX);
	p->out->p[p->map_at] = (char)(0x80 | n);
	close_items(p);
	if (p->more) {
		wh_cursor_make(&cursor, p->filter, wh_buf_view(&p->last));
		wh_pack_kv_str(p->out, "cursor", wh_buf_view(&cursor));
		wh_buf_fini(&cursor);
	}
	if (p->damaged)
		wh_pack_kv_uint(p->out, "damaged", p->damaged);
	if (members)
		members->pack(p->call->d, p->out);
}

void
wh_page_fini(struct wh_page *p)
{
	wh_buf_fini(&p->last);
	wh_buf_fini(&p->prior);
}
