/* SPDX-License-Identifier: MIT */
/*
 * Requests in the upstream's dialect: the query that names one webhook, and
 * the body of a POST or PATCH.
 *
 * Called inside the transaction that writes a request into its attempt; any
 * thread. Nobody else builds a query or a body. The upstream wants all six
 * documented members in each body; of a webhook that it has already, one that
 * nobody knows is left out all the same, since a refusal harms less than a
 * value wiped out.
 */
#include "daemon/core/remote.h"

#include "daemon/core/marker.h"
#include "proto/json.h"

#define BODY_MAX (1u << 20)

static bool
is_unreserved(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '.' || c == '_' || c == '~';
}

void
wh_remote_query(struct wh_buf *out, struct wh_str whid)
{
	static const char hex[] = "0123456789ABCDEF";

	if (whid.n == 0)
		return;
	wh_buf_c(out, "?whid=");
	for (size_t i = 0; i < whid.n; i++) {
		unsigned char c = (unsigned char)whid.p[i];

		if (is_unreserved(c)) {
			wh_buf_byte(out, (char)c);
			continue;
		}
		wh_buf_byte(out, '%');
		wh_buf_byte(out, hex[c >> 4]);
		wh_buf_byte(out, hex[c & 15]);
	}
}

static void
pack_comment(struct wh_buf *b, struct wh_str comment, struct wh_str marker)
{
	WH_CLEANUP(wh_buf_fini) struct wh_buf text = wh_buf_capped(BODY_MAX);

	wh_marker_add(&text, comment, marker);
	if (text.fault)
		b->fault = text.fault;
	wh_pack_str(b, wh_buf_view(&text));
}

static void
pack_documented(struct wh_buf *b, enum wh_field f, const msgpack_object *v,
		struct wh_str marker)
{
	struct wh_str text = WH_STR_NULL;

	wh_pack_c(b, wh_fields[f].name);
	if (f == WH_F_WHCOMMENT && marker.n > 0 && (wh_obj_is_nil(v) || wh_obj_str(v, &text)))
		pack_comment(b, text, marker);
	else if (!wh_obj_is_nil(v))
		wh_pack_object(b, v);
	else if (wh_fields[f].type == WH_FT_SET)
		wh_pack_array(b, 0);
	else
		wh_pack_c(b, "");
}

static bool
is_other_member(const msgpack_object *key)
{
	struct wh_str name;

	return wh_obj_str(key, &name) && !wh_str_is(name, "whid") &&
	       wh_field_by_name(name) == WH_F_COUNT;
}

/* Returns members packed. */
static size_t
pack_others(struct wh_buf *b, const msgpack_object *doc)
{
	size_t n = 0;

	for (uint32_t i = 0; i < doc->via.map.size; i++) {
		const msgpack_object_kv *kv = &doc->via.map.ptr[i];

		if (!is_other_member(&kv->key))
			continue;
		wh_pack_object(b, &kv->key);
		wh_pack_object(b, &kv->val);
		n++;
	}
	return n;
}

int
wh_remote_body(struct wh_buf *out, const msgpack_object *doc, struct wh_body_form form)
{
	WH_CLEANUP(wh_buf_fini) struct wh_buf packed = wh_buf_capped(BODY_MAX);
	int r;

	if (doc->type != MSGPACK_OBJECT_MAP)
		return WH_EINVAL;

	size_t place = wh_pack_open_map(&packed), n = 0;

	for (enum wh_field f = 0; f < WH_F_COUNT; f++) {
		const msgpack_object *v = wh_obj_get(doc, wh_fields[f].name);

		if (!v && !form.create)
			continue;
		pack_documented(&packed, f, v, form.marker);
		n++;
	}
	if (form.full)
		n += pack_others(&packed, doc);
	wh_pack_close_map(&packed, place, n);
	if (packed.fault)
		return packed.fault;
	r = wh_json_from_pack(out, wh_buf_view(&packed), 0);
	return r ? r : out->fault;
}
