/* SPDX-License-Identifier: MIT */
/*
 * Lists of rows: which ones, in what order, on which page, in what wrapper.
 *
 * The part of the simulated API behind wh_list_answer of api.h, with the
 * simulator's lock held.  It never changes a row.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/whsim/api.h"
#include "tests/whsim/clock.h"
#include "tests/whsim/ident.h"
#include "tests/whsim/mem.h"
#include "tests/whsim/present.h"
#include "tests/whsim/whsim.h"

struct list {
	const struct wh_row **rows;
	size_t total; /* rows on all pages */
	size_t first; /* of this page */
	size_t count; /* on this page */
};

/* The one row of a GET with whid, or NULL if all rows are meant. */
static const struct wh_row *
wanted_row(const struct wh_api *api)
{
	const struct wh_switches *sw = &api->sim->switches;
	const char *whid = api->req->whid;

	if (!whid || !*whid || sw->filter_ignored ||
	    sw->get_one_shape == GET_ONE_SHAPE_WHOLE_LIST)
		return NULL;
	return wh_rows_get(&api->sim->rows, whid);
}

static void
list_gather(const struct wh_api *api, struct list *list)
{
	const struct wh_rows *rows = &api->sim->rows;
	const struct wh_row *wanted = wanted_row(api);
	int64_t shown_ms = wh_clock_mono_ms() - api->sim->switches.visible_after_ms;

	list->rows = wh_mem_new(rows->count * sizeof(*list->rows));
	for (const struct wh_row *row = rows->first; row; row = row->next) {
		bool listed = wanted ? row == wanted : row->created_ms <= shown_ms;

		if (listed)
			list->rows[list->total++] = row;
	}
}

static void
list_swap(struct list *list, size_t a, size_t b)
{
	const struct wh_row *row = list->rows[a];

	list->rows[a] = list->rows[b];
	list->rows[b] = row;
}

static void
list_reverse(struct list *list)
{
	for (size_t i = 0; i < list->total / 2; i++)
		list_swap(list, i, list->total - 1 - i);
}

static void
list_shuffle(struct list *list, uint64_t serial)
{
	for (size_t i = list->total; i > 1; i--)
		list_swap(list, i - 1, wh_ident_below(&serial, i));
}

static void
list_order(const struct wh_api *api, struct list *list)
{
	switch (api->sim->switches.order) {
	case ORDER_CREATION:
		return;
	case ORDER_REVERSE:
		list_reverse(list);
		return;
	case ORDER_RANDOM_BY_REQUEST:
		list_shuffle(list, api->req->serial);
		return;
	}
}

static void
list_page(const struct wh_api *api, struct list *list)
{
	size_t size = (size_t)api->sim->switches.page_size;
	size_t page = (size_t)api->req->page;

	list->count = list->total;
	if (!size)
		return;
	list->first = list->total;
	list->count = 0;
	if (page - 1 > list->total / size)
		return;
	list->first = (page - 1) * size;
	list->count = list->total - list->first;
	if (list->count > size)
		list->count = size;
}

static bool
has_next_page(const struct list *list)
{
	return list->first + list->count < list->total;
}

static const char *const list_hosts[] = {
	[PAGE_LINK_URL_RELATIVE] = NULL,
	[PAGE_LINK_URL_ABSOLUTE] = "127.0.0.1",
	[PAGE_LINK_URL_FOREIGN] = "localhost",
};

static void
write_next_url(const struct wh_api *api, struct wh_buf *url)
{
	const struct whsim *sim = api->sim;
	const char *host = list_hosts[sim->switches.page_link_url];

	if (host)
		wh_buf_format(url, "%s://%s:%u", sim->options->tls_cert ? "https" : "http",
			      host, sim->net.port);
	wh_buf_format(url, "%s?page=%lld", sim->options->path, (long long)api->req->page + 1);
}

static void
add_link_header(const struct wh_api *api, const struct list *list)
{
	struct wh_buf url = {0};

	if (api->sim->switches.page_link != PAGE_LINK_LINK_HEADER || !has_next_page(list))
		return;
	wh_buf_text(&url, "<");
	write_next_url(api, &url);
	wh_buf_text(&url, ">; rel=\"next\"");
	wh_reply_header(api->reply, "Link", url.data);
	wh_buf_free(&url);
}

static void
add_number(struct wh_buf *out, const char *name, size_t number)
{
	wh_buf_format(out, ",\"%s\":%zu", name, number);
}

static void
add_url_member(const struct wh_api *api, const char *name, struct wh_buf *out)
{
	struct wh_buf url = {0};
	json_t *text;

	write_next_url(api, &url);
	text = json_string(url.data);
	wh_buf_format(out, ",\"%s\":", name);
	wh_buf_json(out, text, JSON_COMPACT);
	json_decref(text);
	wh_buf_free(&url);
}

/* What stands behind the list in its wrapper to say that there is more. */
static void
add_page_members(const struct wh_api *api, const struct list *list, struct wh_buf *out)
{
	bool more = has_next_page(list);

	switch (api->sim->switches.page_link) {
	case PAGE_LINK_NEXTLINK:
		if (more)
			add_url_member(api, "nextLink", out);
		return;
	case PAGE_LINK_ODATA:
		if (more)
			add_url_member(api, "@odata.nextLink", out);
		return;
	case PAGE_LINK_COUNT:
		add_number(out, "count", list->total);
		return;
	case PAGE_LINK_TOTAL:
		add_number(out, "total", list->total);
		return;
	case PAGE_LINK_NONE:
	case PAGE_LINK_LINK_HEADER:
		return;
	}
}

static void
write_rows(const struct wh_api *api, const struct list *list, struct wh_buf *out)
{
	const struct wh_switches *sw = &api->sim->switches;
	bool whid = api->req->whid && *api->req->whid;
	struct wh_present show = wh_present_begin(sw, !whid, api->req->serial);

	for (size_t i = 0; i < list->count; i++) {
		if (i)
			wh_buf_text(out, sw->pretty ? ",\n" : ",");
		wh_present_row(&show, list->rows[list->first + i], out);
	}
	if (sw->duplicate_id_in_list && list->count) {
		wh_buf_text(out, ",");
		wh_present_row(&show, list->rows[list->first], out);
	}
}

static void
write_array(const struct wh_api *api, const struct list *list, struct wh_buf *out)
{
	bool pretty = api->sim->switches.pretty;

	wh_buf_text(out, pretty ? "[\n" : "[");
	write_rows(api, list, out);
	wh_buf_text(out, pretty ? "\n]\n" : "]");
}

static void
write_wrapped(const struct wh_api *api, const struct list *list, struct wh_buf *out)
{
	json_t *name = json_string(api->sim->switches.wrap_name);

	wh_buf_text(out, "{");
	wh_buf_json(out, name, JSON_COMPACT);
	wh_buf_text(out, ":");
	write_array(api, list, out);
	add_page_members(api, list, out);
	if (api->sim->switches.list_shape == LIST_SHAPE_WRAPPED_TWO)
		wh_buf_text(out, ",\"warnings\":[]");
	wh_buf_text(out, "}");
	json_decref(name);
}

/* Page members need an object to stand in, whatever the shape. */
static bool
needs_wrapper(const struct wh_switches *sw)
{
	switch (sw->page_link) {
	case PAGE_LINK_NEXTLINK:
	case PAGE_LINK_ODATA:
		return sw->page_size > 0;
	case PAGE_LINK_COUNT:
	case PAGE_LINK_TOTAL:
		return true;
	case PAGE_LINK_NONE:
	case PAGE_LINK_LINK_HEADER:
		return false;
	}
	return false;
}

static void
write_nested(const struct wh_api *api, const struct list *list, struct wh_buf *out)
{
	wh_buf_text(out, "{\"response\":");
	write_wrapped(api, list, out);
	wh_buf_text(out, "}");
}

static void
write_bare(const struct wh_api *api, const struct list *list, struct wh_buf *out)
{
	if (needs_wrapper(&api->sim->switches))
		write_wrapped(api, list, out);
	else
		write_array(api, list, out);
}

static void
write_shaped(const struct wh_api *api, const struct list *list)
{
	struct wh_reply *reply = api->reply;
	struct wh_buf *out = &reply->body;

	switch (api->sim->switches.list_shape) {
	case LIST_SHAPE_WRAPPED:
	case LIST_SHAPE_WRAPPED_TWO:
		write_wrapped(api, list, out);
		return;
	case LIST_SHAPE_NESTED:
		write_nested(api, list, out);
		return;
	case LIST_SHAPE_OBJECT_IF_ONE:
		if (list->count == 1)
			write_rows(api, list, out);
		else
			write_bare(api, list, out);
		return;
	case LIST_SHAPE_NULL_IF_EMPTY:
		if (!list->count)
			wh_buf_text(out, "null");
		break;
	case LIST_SHAPE_NO_CONTENT_IF_EMPTY:
		if (!list->count)
			reply->status = 204;
		break;
	case LIST_SHAPE_EMPTY_IF_EMPTY:
		break;
	case LIST_SHAPE_BARE:
		write_bare(api, list, out);
		return;
	}
	if (list->count)
		write_bare(api, list, out);
}

void
wh_list_answer(struct wh_api *api)
{
	struct list list = {0};

	list_gather(api, &list);
	list_order(api, &list);
	list_page(api, &list);
	wh_reply_text(api->reply, 200, wh_reply_json_type, "");
	write_shaped(api, &list);
	add_link_header(api, &list);
	api->reply->rows = list.count;
	api->reply->executed = true;
	free(list.rows);
}
