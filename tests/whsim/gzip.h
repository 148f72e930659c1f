/* SPDX-License-Identifier: MIT */
/*
 * The gzip container without compression.
 *
 * Enough to see whether a client decodes what it did or did not ask for.
 * Pure, callable from any thread.
 */
#pragma once

#include <stddef.h>

#include "tests/whsim/buf.h"

/* Appends the gzip form of `len` bytes to `ret_gzip`. */
void wh_gzip_add(const void *data, size_t len, struct wh_buf *ret_gzip);
