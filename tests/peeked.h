/* SPDX-License-Identifier: MIT */
/* What proto/peek.c found without decoding is what decoding finds. For unit tests and fuzzers.
 */
#pragma once

#include "proto/command.h"
#include "proto/peek.h"

static inline bool
peeked_as_decoded(struct wh_str data, const struct wh_peeked_get *get)
{
	static const struct wh_frame_limits least = {1024, 5, 9};
	struct wh_buf sentence = WH_BUF_NULL;
	struct wh_tree tree;
	union wh_args args;
	struct wh_rpc rpc;
	uint32_t id;
	const char *why;

	if (get->size > data.n || wh_unpack(&tree, wh_str(data.p, get->size), &least))
		return false;
	bool same = wh_rpc_read(&tree.root, &rpc, &id, &why) == 0 &&
		    rpc.kind == WH_RPC_REQUEST && !rpc.positional && rpc.id == get->id &&
		    wh_command_by_method(rpc.method) == &wh_commands[WH_CMD_webhook_get] &&
		    wh_args_decode(&wh_commands[WH_CMD_webhook_get], rpc.params, &args,
				   &sentence) == 0 &&
		    args.seen == 1u << WH_ARGNO_webhook_get_whid &&
		    wh_str_eq(args.webhook_get.whid, get->whid);

	wh_buf_fini(&sentence);
	wh_tree_fini(&tree);
	return same;
}
