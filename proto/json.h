/* SPDX-License-Identifier: MIT */
/*
 * JSON to MessagePack and back, through jansson with its strict settings:
 * duplicate keys, invalid UTF-8, trailing text and integers beyond 64 bits are
 * errors; NUL in a value is kept. Depth and size are bounded before parsing.
 * Pure; any thread.
 */
#pragma once

#include "proto/pack.h"

#define WH_JSON_MAX ((size_t)256 * 1024 * 1024) /* bytes of text read at once */

struct wh_json_error {
	char text[160]; /* what is wrong, printable */
	int line, column;
};

/*
 * Parses exactly one JSON value and appends it to out. depth bounds nesting
 * (at most 32). 0, WH_EPROTO (err filled), WH_ELIMIT (too deep, too long
 * or over the cap of out, err filled) or WH_ENOMEM. On a fault out may hold a
 * part of the value.
 */
WH_MUST_USE int wh_json_to_pack(struct wh_str json, uint32_t depth, struct wh_buf *out,
				struct wh_json_error *err);
/* Appends o as compact JSON (indent 0) or indented by `indent` spaces. Text
 * that is not UTF-8 and bin become strings with invalid bytes replaced. */
void wh_json_from_obj(struct wh_buf *out, const msgpack_object *o, unsigned indent);
/* The same from encoded bytes of up to 64 MiB; WH_EPROTO or WH_ELIMIT if they do
 * not decode, WH_ENOMEM, or the fault of out. */
WH_MUST_USE int wh_json_from_pack(struct wh_buf *out, struct wh_str data, unsigned indent);
