/* SPDX-License-Identifier: MIT */
/*
 * Keys, one after the other, in a buffer: each as its length in two bytes and
 * its bytes. Pure; any thread.
 */
#pragma once

#include "proto/base.h"
#include "proto/buf.h"

/* Faults end up in the buffer. */
void wh_key_list_add(struct wh_buf *list, struct wh_str key);
/* The key at *at, which moves on behind it; empty at the end, and where the list is cut.
 * Borrows from the list. */
struct wh_str wh_key_list_next(struct wh_str list, size_t *at);
