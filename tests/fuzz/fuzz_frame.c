/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes the bounding scanner against msgpack-c: what the scanner accepts must
 * decode, whatever it says must not depend on how the bytes dribble in, and a
 * decoded tree must survive packing and printing. The first three bytes choose
 * the limits.
 */
#include "proto/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

struct outcome {
	int r;
	size_t len;
	enum wh_frame_why why;
};

static struct outcome
scan_at_once(struct wh_str in, const struct wh_frame_limits *limits)
{
	struct outcome o = {0};
	struct wh_frame f;

	wh_frame_init(&f, limits);
	o.r = wh_frame_scan(&f, in.p, in.n, &o.len);
	o.why = f.why;
	wh_require(o.r != WH_FRAME_MORE || in.n < limits->bytes);
	return o;
}

static struct outcome
scan_dribbled(struct wh_str in, const struct wh_frame_limits *limits)
{
	struct outcome o = {.r = WH_FRAME_MORE};
	struct wh_frame f;

	wh_frame_init(&f, limits);
	for (size_t n = 0; n <= in.n && o.r == WH_FRAME_MORE; n++)
		o.r = wh_frame_scan(&f, in.p, n, &o.len);
	o.why = f.why;
	return o;
}

/* msgpack-c takes it, too, and finds the same in it. */
static void
check_decodes(struct wh_str object, const struct wh_frame_limits *limits)
{
	struct wh_tree tree;
	msgpack_unpacked got;
	size_t off = 0;

	msgpack_unpacked_init(&got);
	wh_require(msgpack_unpack_next(&got, object.p, object.n, &off) ==
		   MSGPACK_UNPACK_SUCCESS);
	wh_require(off == object.n);
	if (wh_unpack(&tree, object, limits) == 0) {
		wh_require(wh_obj_eq(&tree.root, &got.data));
		wh_tree_fini(&tree);
	}
	msgpack_unpacked_destroy(&got);
}

/* Keys may still be refused; a tree that is given out must be sound. */
static void
check_tree(struct wh_str object, const struct wh_frame_limits *limits)
{
	struct wh_tree tree, again;
	struct wh_buf packed = WH_BUF_NULL, json = WH_BUF_NULL;
	int r = wh_unpack(&tree, object, limits);

	wh_require(r == 0 || r == WH_EPROTO);
	if (r)
		return;
	wh_pack_object(&packed, &tree.root);
	wh_require(!packed.fault && packed.n <= object.n);
	wh_require(wh_unpack(&again, wh_buf_view(&packed), limits) == 0);
	wh_require(wh_obj_eq(&tree.root, &again.root));
	wh_json_from_obj(&json, &tree.root, 0);
	wh_require(!json.fault && wh_utf8_valid(wh_buf_view(&json)));
	wh_require(!wh_str_has_control(wh_buf_view(&json)));
	wh_tree_fini(&tree);
	wh_tree_fini(&again);
	wh_buf_fini(&packed);
	wh_buf_fini(&json);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n < 3)
		return 0;
	const struct wh_frame_limits limits = {
		.bytes = (size_t)data[0] * 16,
		.depth = data[1] % 33,
		.elements = (uint32_t)data[2] * 8,
	};
	struct wh_str in = wh_str((const char *)data + 3, n - 3);
	struct outcome once = scan_at_once(in, &limits);
	struct outcome dribbled = scan_dribbled(in, &limits);

	wh_require(once.r == dribbled.r);
	wh_require(once.r >= 0 || once.why == dribbled.why);
	if (once.r)
		return 0;
	wh_require(once.len == dribbled.len && once.len <= in.n && once.len <= limits.bytes);
	wh_require(wh_frame_check(wh_str(in.p, once.len), &limits) == 0);
	check_decodes(wh_str(in.p, once.len), &limits);
	check_tree(wh_str(in.p, once.len), &limits);
	return 0;
}
