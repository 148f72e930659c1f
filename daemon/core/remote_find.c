/* SPDX-License-Identifier: MIT */
/*
 * One webhook in the reply to a GET that asked for it. The reply is read like
 * any list, since servers answer with an object, an array of one, or the whole
 * list; the filter is always applied here as well.
 *
 * Called by the pump when it looks before or after sending; any thread.
 */
#include "daemon/core/remote.h"

#include "daemon/core/remote_list.h"

#define ELEMENT_MAX ((size_t)1024 * 1024)
#define DEPTH_MAX 32

struct search {
	struct wh_str whid;
	struct wh_buf *out;
	bool found;
};

bool
wh_remote_same_id(struct wh_str a, struct wh_str b)
{
	return wh_str_eq(a, b) || (wh_str_is_guid(a) && wh_str_ieq(a, b));
}

static int
on_row(void *ctx, const struct wh_list_row *row)
{
	struct search *s = ctx;

	if (s->found || !wh_remote_same_id(row->whid, s->whid))
		return 0;
	s->found = true;
	wh_buf_str(s->out, row->body);
	return s->out->fault;
}

int
wh_remote_find(struct wh_buf *out, struct wh_str json, struct wh_str whid)
{
	const struct wh_list_limits lim = {.element = ELEMENT_MAX, .json_depth = DEPTH_MAX};
	struct search search = {.whid = whid, .out = out};
	struct wh_list_reader *reader = wh_list_reader_new(&lim, on_row, &search);
	struct wh_list_summary sum;
	int r = wh_list_reader_feed(reader, json);

	if (r == 0)
		r = wh_list_reader_end_page(reader, true);
	wh_list_reader_summary(reader, &sum);
	wh_list_reader_free(reader);
	if (r)
		return r;
	if (search.found)
		return 0;
	return sum.complete ? 1 : WH_EPROTO;
}
