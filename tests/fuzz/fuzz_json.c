/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes JSON: what is accepted must come out as JSON that gives the same
 * MessagePack again, compact and indented; what is refused must say why.
 */
#include "proto/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check_round_trip(const struct wh_buf *packed, unsigned indent)
{
	struct wh_buf json = WH_BUF_NULL, again = WH_BUF_NULL;
	struct wh_json_error err;

	wh_require(wh_json_from_pack(&json, wh_buf_view(packed), indent) == 0);
	wh_require(wh_json_to_pack(wh_buf_view(&json), 32, &again, &err) == 0);
	wh_require(wh_str_eq(wh_buf_view(packed), wh_buf_view(&again)));
	wh_buf_fini(&json);
	wh_buf_fini(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct wh_buf packed = WH_BUF_NULL;
	struct wh_json_error err;
	int r = wh_json_to_pack(wh_str((const char *)data, n), 32, &packed, &err);

	wh_require(r == 0 || r == WH_EPROTO || r == WH_ELIMIT);
	wh_require(memchr(err.text, '\0', sizeof(err.text)));
	wh_require(!wh_str_has_control(wh_str_c(err.text)));
	wh_require(r == 0 || err.text[0]);
	if (r == 0) {
		check_round_trip(&packed, 0);
		check_round_trip(&packed, 2);
	}
	wh_buf_fini(&packed);
	return 0;
}
