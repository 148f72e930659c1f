/* SPDX-License-Identifier: MIT */
/*
 * Lists that come in pages: {items, cursor?} until there is no cursor.
 *
 * Called by webhook.c and programs on the handle's thread. One page is held at
 * a time, however long the list is.
 */
#include "proto/client/client.h"

static const struct wh_frame_limits limits = {WHC_MESSAGE_MAX, WHC_DEPTH_MAX, WHC_ELEMENTS_MAX};

static bool
is_cursor(const msgpack_object_kv *member)
{
	struct wh_str name;

	return wh_obj_str(&member->key, &name) && wh_str_eq(name, WH_STR("cursor"));
}

/* All members but one that the caller may have begun with, and this cursor. */
static void
go_on_from(struct wh_buf *b, const msgpack_object *params, const char *cursor)
{
	const uint32_t size = params->via.map.size;
	uint32_t begun = 0;

	for (uint32_t i = 0; i < size; i++)
		begun += is_cursor(&params->via.map.ptr[i]);
	wh_pack_map(b, size - begun + 1);
	for (uint32_t i = 0; i < size; i++) {
		const msgpack_object_kv *member = &params->via.map.ptr[i];

		if (is_cursor(member))
			continue;
		wh_pack_object(b, &member->key);
		wh_pack_object(b, &member->val);
	}
	wh_pack_kv_c(b, "cursor", cursor);
}

/* The caller's parameters with the cursor of the page before. */
static int
page_params(struct wh_buf *b, struct whc_bytes params, const char *cursor)
{
	const char none = (char)0x80; /* the empty map */
	struct wh_str given = params.size ? wh_str(params.data, params.size) : wh_str(&none, 1);
	struct wh_tree tree;
	int r = wh_unpack(&tree, given, &limits);

	if (r)
		return r;
	wh_buf_reset(b);
	if (tree.root.type != MSGPACK_OBJECT_MAP)
		r = WH_EINVAL;
	else if (cursor)
		go_on_from(b, &tree.root, cursor);
	else
		wh_buf_str(b, given);
	wh_tree_fini(&tree);
	return r ? r : b->fault;
}

static int
hand_items(struct whc *c, const struct whc_object *page, whc_item_fn *item, void *arg)
{
	struct whc_bytes bytes = whc_object_bytes(page);
	struct wh_tree tree;
	int r = 0;

	if (wh_unpack(&tree, wh_str(bytes.data, bytes.size), &limits))
		return whc_fail(c, WHC_ENOMEM, "no memory for a page of a list");
	const msgpack_object *items = wh_obj_get(&tree.root, "items");
	uint32_t n = items && items->type == MSGPACK_OBJECT_ARRAY ? items->via.array.size : 0;

	for (uint32_t i = 0; !r && i < n; i++) {
		struct whc_object *o = whc_object_new(&items->via.array.ptr[i]);

		r = o ? item(c, o, arg) : whc_fail(c, WHC_ENOMEM, "no memory for a page");
		whc_object_unref(o);
	}
	wh_tree_fini(&tree);
	return r;
}

int
whc_call_paged(struct whc *c, const char *method, struct whc_bytes params, whc_item_fn *item,
	       void *arg)
{
	struct wh_buf b = wh_buf_capped(WHC_MESSAGE_MAX);
	struct whc_object *page = NULL;
	const char *cursor = NULL;
	int r;

	do {
		r = page_params(&b, params, cursor);
		page = whc_object_unref(page);
		if (r) {
			r = whc_fail(c, WHC_EINVALID, "the parameters are not one map");
			break;
		}
		r = whc_call(c, method, (struct whc_bytes){b.p, b.n}, -1, &page);
		c->paging++;
		if (!r)
			r = hand_items(c, page, item, arg);
		c->paging--;
		cursor = page ? whc_str(page, "cursor") : NULL;
	} while (!r && cursor);
	whc_object_unref(page);
	wh_buf_fini(&b);
	return r;
}
