/* SPDX-License-Identifier: MIT */
/*
 * A growing piece of text or bytes.
 *
 * Request bodies, replies and control answers are built in one.  Not thread
 * safe: the owner serialises.  A zeroed struct is a valid empty buffer, and a
 * NUL always stands behind the data, so `data` is a C string once anything
 * was added.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

struct wh_buf {
	char *data;
	size_t len;
	size_t cap;
};

void wh_buf_add(struct wh_buf *buf, const void *data, size_t len);
void wh_buf_text(struct wh_buf *buf, const char *text);
void wh_buf_format(struct wh_buf *buf, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Appends `value` as JSON; `flags` are those of json_dumps. */
void wh_buf_json(struct wh_buf *buf, const json_t *value, size_t flags);

/* Inserts bytes so that they start at `at`, which is at most the length. */
void wh_buf_insert(struct wh_buf *buf, size_t at, const void *data, size_t len);

/* Makes the buffer empty but keeps its memory. */
void wh_buf_clear(struct wh_buf *buf);

/* Gives the memory back; the buffer is empty and usable afterwards. */
void wh_buf_free(struct wh_buf *buf);
