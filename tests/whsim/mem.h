/* SPDX-License-Identifier: MIT */
/*
 * Memory that cannot run out quietly.
 *
 * Owns nothing; every other file of the simulator allocates through it.
 * Callable from any thread.  A simulator that is out of memory has nothing
 * sensible left to simulate, so these functions end the process with a
 * sentence on stderr; they never return NULL.
 */
#pragma once

#include <stddef.h>

/* Returns `size` zeroed bytes, at least one; release with free(). */
void *wh_mem_new(size_t size);

/* Resizes `old` (NULL allowed) to `size` bytes; new bytes are undefined. */
void *wh_mem_resize(void *old, size_t size);

/* Returns a copy of `len` bytes with a NUL behind them. */
char *wh_mem_copy(const void *data, size_t len);

/* Returns a copy of a text, or NULL for NULL. */
char *wh_mem_text(const char *text);
