/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes a request from bytes to typed arguments: the first byte chooses the
 * command, the rest is one message, read as an envelope and as a parameter
 * map. Each refusal must give a sentence that fits into a sound error reply.
 * What is known without decoding must be what is decoded.
 */
#include "proto/record.h"
#include "tests/peeked.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct wh_frame_limits wire_limits = {256 * 1024, 16, 10000};

static void
check_error_reply(enum wh_error code, struct wh_str sentence)
{
	struct wh_buf b = WH_BUF_NULL;
	struct wh_tree tree;
	struct wh_rpc rpc;
	struct wh_str text;
	uint32_t id;
	const char *why;

	wh_require(sentence.n > 0 && sentence.n < 1024);
	wh_rpc_error(&b, 7, code, sentence);
	wh_require(wh_unpack(&tree, wh_buf_view(&b), &wire_limits) == 0);
	wh_require(wh_rpc_read(&tree.root, &rpc, &id, &why) == 0);
	wh_require(rpc.kind == WH_RPC_RESPONSE && rpc.id == 7 && rpc.error);
	wh_require(rpc.error->via.array.size == 2);
	wh_require(wh_obj_str(&rpc.error->via.array.ptr[1], &text));
	wh_require(text.n <= 1024 && wh_utf8_valid(text) && !wh_str_has_control(text));
	wh_tree_fini(&tree);
	wh_buf_fini(&b);
}

static void
decode(const struct wh_cmd_info *cmd, const msgpack_object *params)
{
	struct wh_buf why = WH_BUF_NULL;
	union wh_args args;
	int r = wh_args_decode(cmd, params, &args, &why);

	wh_require(r == 0 || r == WH_EINVAL);
	wh_require((r == 0) == (why.n == 0));
	if (r)
		check_error_reply(WH_ERR_INVALID_PARAM, wh_buf_view(&why));
	wh_buf_fini(&why);
}

/* A map is also tried as the members of a webhook. */
static void
patch(const msgpack_object *map)
{
	struct wh_buf why = WH_BUF_NULL, row = WH_BUF_NULL;
	struct wh_record r;
	struct wh_tree tree;

	if (wh_record_validate(map, &why))
		check_error_reply(WH_ERR_INVALID_PARAM, wh_buf_view(&why));
	wh_buf_reset(&why);
	if (wh_record_check_names(map, &why))
		check_error_reply(WH_ERR_INVALID_PARAM, wh_buf_view(&why));
	wh_record_view(map, &r);
	wh_record_patch(&row, map, &r, WH_STR("w"));
	wh_require(wh_unpack(&tree, wh_buf_view(&row), NULL) == 0);
	wh_require(wh_str_is(wh_obj_str_at(&tree.root, "whid"), "w"));
	wh_tree_fini(&tree);
	wh_buf_fini(&why);
	wh_buf_fini(&row);
}

static void
peek(struct wh_str message)
{
	struct wh_peeked_get get;

	if (wh_peek_get(message, &get))
		wh_require(peeked_as_decoded(message, &get));
	(void)wh_peek_id(message);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct wh_tree tree;
	struct wh_rpc rpc;
	uint32_t id;
	const char *why = NULL;

	if (n < 1)
		return 0;
	peek(wh_str((const char *)data + 1, n - 1));
	const struct wh_cmd_info *cmd = &wh_commands[data[0] % WH_CMD_COUNT];

	if (wh_unpack(&tree, wh_str((const char *)data + 1, n - 1), &wire_limits))
		return 0;
	decode(cmd, &tree.root);
	patch(&tree.root);
	if (wh_rpc_read(&tree.root, &rpc, &id, &why)) {
		check_error_reply(WH_ERR_INVALID_PARAM, wh_str_c(why));
	} else if (rpc.kind == WH_RPC_REQUEST) {
		const struct wh_cmd_info *named = wh_command_by_method(rpc.method);

		(void)wh_command_nearest(rpc.method);
		decode(named ? named : cmd, rpc.params);
	}
	wh_tree_fini(&tree);
	return 0;
}
