/* SPDX-License-Identifier: MIT */
/*
 * A growing piece of text or bytes: see buf.h.
 *
 * Called by everything that builds a reply.  The owner serialises.  It never
 * shrinks a buffer by itself.
 */
#include "tests/whsim/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/whsim/mem.h"

static void
buf_reserve(struct wh_buf *buf, size_t more)
{
	size_t need = buf->len + more + 1;
	size_t cap = buf->cap ? buf->cap : 64;

	if (need <= buf->cap)
		return;
	while (cap < need)
		cap *= 2;
	buf->data = wh_mem_resize(buf->data, cap);
	buf->cap = cap;
}

void
wh_buf_add(struct wh_buf *buf, const void *data, size_t len)
{
	buf_reserve(buf, len);
	if (len)
		memcpy(buf->data + buf->len, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void
wh_buf_text(struct wh_buf *buf, const char *text)
{
	wh_buf_add(buf, text, strlen(text));
}

void
wh_buf_format(struct wh_buf *buf, const char *format, ...)
{
	va_list args;
	char *text = NULL;
	int len;

	va_start(args, format);
	len = vasprintf(&text, format, args);
	va_end(args);
	if (len < 0)
		return;
	wh_buf_add(buf, text, (size_t)len);
	free(text);
}

static int
buf_on_json(const char *data, size_t len, void *buf)
{
	wh_buf_add(buf, data, len);
	return 0;
}

void
wh_buf_json(struct wh_buf *buf, const json_t *value, size_t flags)
{
	json_dump_callback(value, buf_on_json, buf, flags | JSON_ENCODE_ANY);
}

void
wh_buf_insert(struct wh_buf *buf, size_t at, const void *data, size_t len)
{
	buf_reserve(buf, len);
	memmove(buf->data + at + len, buf->data + at, buf->len - at);
	memcpy(buf->data + at, data, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void
wh_buf_clear(struct wh_buf *buf)
{
	buf->len = 0;
	if (buf->data)
		buf->data[0] = '\0';
}

void
wh_buf_free(struct wh_buf *buf)
{
	free(buf->data);
	*buf = (struct wh_buf){0};
}
