/* SPDX-License-Identifier: MIT */
/*
 * MessagePack-RPC envelopes and the table of errors.
 *
 * The daemon's connections and the client library read and write messages
 * with it, on any thread. It never looks at what a method or a parameter
 * means, and never puts bytes on the wire that are not valid UTF-8 text.
 */
#include "proto/rpc.h"

#define SENTENCE_MAX 1000 /* so that code and sentence stay below 1 KiB */

const struct wh_error_info wh_errors[WH_ERR_COUNT] = {
	[WH_ERR_NONE] = {"NONE", 0, 0, "no error"},
#define WH_ERROR(name, type, exit, text) [WH_ERR_##name] = {#name, type, exit, text},
#include "proto/errors.def"
#undef WH_ERROR
};

enum wh_error
wh_error_by_name(struct wh_str name)
{
	for (size_t i = WH_ERR_NONE + 1; i < WH_ERR_COUNT; i++)
		if (wh_str_is(name, wh_errors[i].name))
			return (enum wh_error)i;
	return WH_ERR_NONE;
}

static bool
read_id(const msgpack_object *o, uint32_t *ret)
{
	uint64_t v;

	if (!wh_obj_u64(o, &v) || v > UINT32_MAX)
		return false;
	*ret = (uint32_t)v;
	return true;
}

static bool
is_nothing(const msgpack_object *o)
{
	return wh_obj_is_nil(o) || (o->type == MSGPACK_OBJECT_ARRAY && o->via.array.size == 0);
}

/* [], [nil], [[]] and [map] are parameters by name; anything else is not. */
static bool
read_params(const msgpack_object *o, const msgpack_object **ret)
{
	*ret = NULL;
	if (o->type != MSGPACK_OBJECT_ARRAY || o->via.array.size > 1)
		return false;
	if (o->via.array.size == 0 || is_nothing(&o->via.array.ptr[0]))
		return true;
	if (o->via.array.ptr[0].type != MSGPACK_OBJECT_MAP)
		return false;
	*ret = &o->via.array.ptr[0];
	return true;
}

static const char *
read_request(const msgpack_object *item, struct wh_rpc *rpc)
{
	if (!read_id(&item[1], &rpc->id))
		return "the request's id is not an integer from 0 to 4294967295: number "
		       "requests "
		       "with unsigned 32-bit integers";
	if (!wh_obj_str(&item[2], &rpc->method))
		return "the request's method is not text: send its name as a string";
	if (item[3].type != MSGPACK_OBJECT_ARRAY)
		return "the request's params are not an array: send [] or [map]";
	rpc->positional = !read_params(&item[3], &rpc->params);
	return NULL;
}

static const char *
read_response(const msgpack_object *item, struct wh_rpc *rpc)
{
	if (!read_id(&item[1], &rpc->id))
		return "the response's id is not an integer from 0 to 4294967295: send back "
		       "the "
		       "request's own id";
	rpc->error = wh_obj_is_nil(&item[2]) ? NULL : &item[2];
	rpc->result = &item[3];
	return NULL;
}

/* Some clients send notifications of their own: whatever is in them is fine. */
static const char *
read_notify(const msgpack_object *item, struct wh_rpc *rpc)
{
	wh_obj_str(&item[1], &rpc->method);
	read_params(&item[2], &rpc->params);
	return NULL;
}

struct envelope {
	uint64_t kind;
	uint32_t items;
	const char *(*read)(const msgpack_object *item, struct wh_rpc *rpc);
};

static const struct envelope envelopes[] = {
	{WH_RPC_REQUEST, 4, read_request},
	{WH_RPC_RESPONSE, 4, read_response},
	{WH_RPC_NOTIFY, 3, read_notify},
};

static const char *
read_envelope(const msgpack_object *msg, struct wh_rpc *rpc)
{
	uint64_t kind;

	if (msg->type != MSGPACK_OBJECT_ARRAY || msg->via.array.size == 0)
		return "the message is not a MessagePack-RPC array: send [0, id, method, "
		       "params]";
	if (!wh_obj_u64(&msg->via.array.ptr[0], &kind))
		kind = UINT64_MAX;
	for (size_t i = 0; i < wh_array_len(envelopes); i++) {
		if (envelopes[i].kind != kind)
			continue;
		if (envelopes[i].items != msg->via.array.size)
			return "the message has the wrong number of items: send [0, id, "
			       "method, "
			       "params] or [2, method, params]";
		rpc->kind = (enum wh_rpc_kind)kind;
		return envelopes[i].read(msg->via.array.ptr, rpc);
	}
	return "the message's first item is none of 0, 1 and 2: send [0, id, method, params]";
}

/* So that a caller of a malformed request still gets an answer to its id. */
static uint32_t
salvage_id(const msgpack_object *msg)
{
	uint32_t id = 0;
	uint64_t kind;

	if (msg->type != MSGPACK_OBJECT_ARRAY || msg->via.array.size < 2)
		return 0;
	if (!wh_obj_u64(&msg->via.array.ptr[0], &kind) || kind != WH_RPC_REQUEST)
		return 0;
	return read_id(&msg->via.array.ptr[1], &id) ? id : 0;
}

int
wh_rpc_read(const msgpack_object *msg, struct wh_rpc *ret, uint32_t *ret_id,
	    const char **ret_why)
{
	struct wh_rpc rpc = {0};
	const char *why = read_envelope(msg, &rpc);

	*ret_id = salvage_id(msg);
	if (why) {
		*ret_why = why;
		return WH_EPROTO;
	}
	*ret = rpc;
	return 0;
}

void
wh_rpc_request_head(struct wh_buf *b, uint32_t id, struct wh_str method)
{
	wh_pack_array(b, 4);
	wh_pack_uint(b, WH_RPC_REQUEST);
	wh_pack_uint(b, id);
	wh_pack_str(b, method);
	wh_pack_array(b, 1);
}

void
wh_rpc_notify_head(struct wh_buf *b, const char *method)
{
	wh_pack_array(b, 3);
	wh_pack_uint(b, WH_RPC_NOTIFY);
	wh_pack_c(b, method);
	wh_pack_array(b, 1);
}

void
wh_rpc_result_head(struct wh_buf *b, uint32_t id)
{
	wh_buf_str(b, WH_STR("\x94\x01")); /* an array of 4, WH_RPC_RESPONSE */
	wh_pack_uint(b, id);
	wh_pack_nil(b);
}

void
wh_rpc_error(struct wh_buf *b, uint32_t id, enum wh_error code, struct wh_str sentence)
{
	bool known = code > WH_ERR_NONE && code < WH_ERR_COUNT;
	const struct wh_error_info *e = &wh_errors[known ? code : WH_ERR_INTERNAL];
	struct wh_buf text = WH_BUF_NULL;

	wh_buf_printf(&text, "%s: ", e->name);
	if (sentence.n)
		wh_buf_printable(&text, sentence, SENTENCE_MAX - text.n);
	else
		wh_buf_c(&text, e->text);
	wh_pack_array(b, 4);
	wh_pack_uint(b, WH_RPC_RESPONSE);
	wh_pack_uint(b, id);
	wh_pack_array(b, 2);
	wh_pack_int(b, e->type);
	/* Without memory for the sentence the code alone still says what kind. */
	if (text.fault)
		wh_pack_c(b, e->name);
	else
		wh_pack_str(b, wh_buf_view(&text));
	wh_pack_nil(b);
	wh_buf_fini(&text);
}
