/* SPDX-License-Identifier: MIT */
/* Decoding webhooks for a moment, and what is done with two of them. */
#include "daemon/doc.h"

#include "daemon/core/merge.h"
#include "daemon/core/norm.h"
#include "proto/json.h"

#define JSON_DEPTH 30 /* of our own requests, which were bounded when they were made */

int
wh_doc_open(struct wh_doc *d, struct wh_str body)
{
	int r = body.n ? wh_unpack(&d->tree, body, NULL) : 0;

	if (r == 0)
		wh_record_view(body.n ? &d->tree.root : NULL, &d->record);
	return r;
}

int
wh_doc_open_json(struct wh_doc *d, struct wh_str json)
{
	struct wh_json_error err;
	int r = wh_json_to_pack(json, JSON_DEPTH, &d->bytes, &err);

	return r ? r : wh_doc_open(d, wh_buf_view(&d->bytes));
}

void
wh_doc_close(struct wh_doc *d)
{
	wh_tree_fini(&d->tree);
	wh_buf_fini(&d->bytes);
	*d = (struct wh_doc){0};
}

int
wh_doc_become_set(struct wh_doc *d, const msgpack_object *from, const msgpack_object *add,
		  const msgpack_object *remove)
{
	struct wh_doc next = {0};

	wh_set_apply(&next.bytes, from, add, remove);
	int r = next.bytes.fault ? next.bytes.fault
				 : wh_unpack(&next.tree, wh_buf_view(&next.bytes), NULL);

	wh_doc_close(d);
	*d = next;
	return r;
}

int
wh_doc_diff(struct wh_str a, struct wh_str b, uint32_t *ret_diff)
{
	struct wh_doc da = {0}, db = {0};
	int r = wh_doc_open(&da, a);

	if (r == 0)
		r = wh_doc_open(&db, b);
	if (r == 0)
		*ret_diff = wh_norm_diff(&da.record, &db.record);
	wh_doc_close(&da);
	wh_doc_close(&db);
	return r;
}

uint32_t
wh_doc_members(struct wh_str body)
{
	struct wh_doc d = {0};
	uint32_t seen = wh_doc_open(&d, body) == 0 ? d.record.seen : 0;

	wh_doc_close(&d);
	return seen;
}

static bool
lost_members(const msgpack_object *before, const msgpack_object *after)
{
	for (uint32_t i = 0; i < before->via.map.size; i++) {
		struct wh_str name;

		if (!wh_obj_str(&before->via.map.ptr[i].key, &name) ||
		    wh_field_by_name(name) != WH_F_COUNT)
			continue;
		bool found = false;

		for (uint32_t k = 0; k < after->via.map.size && !found; k++)
			found = wh_obj_eq(&before->via.map.ptr[i].key,
					  &after->via.map.ptr[k].key);
		if (!found)
			return true;
	}
	return false;
}

int
wh_doc_lost_members(struct wh_str before, struct wh_str after, bool *ret)
{
	struct wh_doc a = {0}, b = {0};
	int r = wh_doc_open(&a, before);

	*ret = false;
	if (r == 0)
		r = wh_doc_open(&b, after);
	if (r == 0 && before.n && after.n && a.tree.root.type == MSGPACK_OBJECT_MAP &&
	    b.tree.root.type == MSGPACK_OBJECT_MAP)
		*ret = lost_members(&a.tree.root, &b.tree.root);
	wh_doc_close(&a);
	wh_doc_close(&b);
	return r;
}

int
wh_doc_patch(struct wh_buf *out, struct wh_str under, struct wh_str over, struct wh_str whid)
{
	struct wh_doc a = {0}, b = {0};
	int r = wh_doc_open(&a, under);

	if (r == 0)
		r = wh_doc_open(&b, over);
	if (r == 0) {
		wh_record_patch(out, under.n ? &a.tree.root : NULL, &b.record, whid);
		r = out->fault;
	}
	wh_doc_close(&a);
	wh_doc_close(&b);
	return r;
}
