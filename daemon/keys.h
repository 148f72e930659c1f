/* SPDX-License-Identifier: MIT */
/*
 * The subscription keys: read from key_file or, if that is unset, from
 * $CREDENTIALS_DIRECTORY/subscription-key; one a line, tried in order. Key
 * text never leaves this module but into a request header; it is wiped when
 * freed. Loop thread only.
 */
#pragma once

#include "proto/buf.h"

#define WH_KEYS_MAX 16
#define WH_KEY_TEXT_MAX 512

struct wh_keys;

/* Reads the file: 0, or a fault with a sentence (file, what, what to do). The file must be
 * regular, not a link, and readable by its owner only (in $CREDENTIALS_DIRECTORY the directory
 * is judged). */
WH_MUST_USE int wh_keys_load(struct wh_keys **ret, const char *file, struct wh_buf *text);
/* The path of that file, "" if neither is set. The caller frees it. */
char *wh_keys_path(const char *file);
struct wh_keys *wh_keys_free(struct wh_keys *k);
size_t wh_keys_count(const struct wh_keys *k);
/* Index and text of the key in use. The text borrows. */
size_t wh_keys_active(const struct wh_keys *k);
struct wh_str wh_keys_text(const struct wh_keys *k, size_t i);
void wh_keys_activate(struct wh_keys *k, size_t i);
/* True if both hold the same keys in the same order. */
bool wh_keys_same(const struct wh_keys *a, const struct wh_keys *b);
