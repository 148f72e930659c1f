/* SPDX-License-Identifier: MIT */
/*
 * Members that wrap a list, looked for by name in the outer object and in the
 * objects inside it: links to a next page, totals, signs of more to come and of
 * errors.
 *
 * Runs on the HTTP thread at the end of each page. The names are those that
 * common paging styles use; a total or a page that is overlooked could make
 * rows look deleted, so names are taken in any case and at any level.
 */
#include "daemon/core/remote_page.h"

#include "daemon/core/complaint.h"
#include "proto/json.h"

#define SHELL_DEPTH 32
#define LEVELS 3

enum role { ROLE_LINK, ROLE_TOTAL, ROLE_COUNT, ROLE_MORE, ROLE_LAST };

static const struct {
	const char *name;
	enum role role;
} members[] = {
	{"nextLink", ROLE_LINK},       {"@odata.nextLink", ROLE_LINK},
	{"next", ROLE_LINK},           {"nextPageUrl", ROLE_LINK},
	{"nextPage", ROLE_LINK},       {"next_page", ROLE_LINK},
	{"total", ROLE_TOTAL},         {"totalCount", ROLE_TOTAL},
	{"@odata.count", ROLE_TOTAL},  {"total_count", ROLE_TOTAL},
	{"totalElements", ROLE_TOTAL}, {"recordsTotal", ROLE_TOTAL},
	{"count", ROLE_COUNT},         {"hasMore", ROLE_MORE},
	{"has_more", ROLE_MORE},       {"hasNextPage", ROLE_MORE},
	{"nextCursor", ROLE_MORE},     {"continuationToken", ROLE_MORE},
	{"truncated", ROLE_MORE},      {"last", ROLE_LAST},
	{"isLastPage", ROLE_LAST},
};

struct reading {
	struct wh_page *page;
	struct wh_buf *next;
};

static void
take_link(struct reading *r, const msgpack_object *v)
{
	struct wh_str link;

	if (v->type == MSGPACK_OBJECT_MAP && wh_obj_get(v, "href"))
		v = wh_obj_get(v, "href");
	if (!wh_obj_str(v, &link)) {
		r->page->more |= wh_says_something(v);
		return;
	}
	if (r->next->n == 0)
		wh_buf_str(r->next, link);
}

static void
take_number(int64_t *ret, const msgpack_object *v)
{
	struct wh_str text;
	int64_t number;

	if (wh_obj_str(v, &text) ? wh_parse_i64(text, 0, INT64_MAX, &number)
				 : wh_obj_i64(v, &number) && number >= 0)
		*ret = number;
}

static void
take_member(struct reading *r, enum role role, const msgpack_object *v)
{
	bool last;

	switch (role) {
	case ROLE_LINK:
		take_link(r, v);
		break;
	case ROLE_TOTAL:
		take_number(&r->page->total, v);
		break;
	case ROLE_COUNT:
		take_number(&r->page->count, v);
		break;
	case ROLE_MORE:
		r->page->more |= wh_says_something(v);
		break;
	case ROLE_LAST:
		r->page->more |= wh_obj_bool(v, &last) && !last;
		break;
	}
}

/* Recursion is bounded by LEVELS. */
static void
look_into(struct reading *r, const msgpack_object *o, unsigned level)
{
	for (uint32_t i = 0; i < o->via.map.size; i++) {
		const msgpack_object_kv *kv = &o->via.map.ptr[i];
		struct wh_str key = WH_STR_NULL;

		if (!wh_obj_str(&kv->key, &key))
			continue;
		r->page->is_error |= wh_is_complaint(key, &kv->val);
		for (size_t m = 0; m < wh_array_len(members); m++)
			if (wh_str_ieq(key, wh_str_c(members[m].name)))
				take_member(r, members[m].role, &kv->val);
		if (kv->val.type == MSGPACK_OBJECT_MAP && level < LEVELS)
			look_into(r, &kv->val, level + 1);
	}
}

int
wh_page_read(struct wh_str shell, struct wh_buf *next, struct wh_page *ret)
{
	WH_CLEANUP(wh_buf_fini) struct wh_buf packed = wh_buf_capped(4 * shell.n + 64);
	struct reading reading = {ret, next};
	struct wh_tree tree = {0};
	struct wh_json_error err;
	int r;

	*ret = (struct wh_page){.total = -1, .count = -1};
	r = wh_json_to_pack(shell, SHELL_DEPTH, &packed, &err);
	if (r)
		return r;
	r = wh_unpack(&tree, wh_buf_view(&packed), NULL);
	if (r)
		return r;
	if (tree.root.type == MSGPACK_OBJECT_MAP)
		look_into(&reading, &tree.root, 1);
	wh_tree_fini(&tree);
	if (next->n > 0)
		ret->more = false;
	return next->fault;
}
