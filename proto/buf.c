/* SPDX-License-Identifier: MIT */
/*
 * The growing byte buffer with a hard cap and a sticky fault.
 *
 * Used wherever bytes are gathered: replies, rows, requests, sentences. One
 * thread at a time. It never ends the process and never grows past its cap.
 */
#include <stdio.h>
#include <stdlib.h>

#include "proto/buf.h"

#define BUF_MAX_DEFAULT ((size_t)1 << 30)
#define BUF_FIRST 256
#define SMALL ((size_t)1024) /* malloc() has it without a lock, mostly */

void
wh_buf_fini(struct wh_buf *b)
{
	free(b->p);
	*b = wh_buf_capped(b->max);
}

void
wh_buf_reset(struct wh_buf *b)
{
	b->n = 0;
	b->fault = 0;
}

/* Doubles, so that many small appends cost little, but never past the cap. */
static size_t
next_cap(const struct wh_buf *b, size_t need, size_t max)
{
	size_t cap = b->cap ? b->cap : BUF_FIRST;

	while (cap < need && cap <= max / 2)
		cap *= 2;
	if (cap < need || cap > max)
		cap = max;
	return cap;
}

/*
 * realloc() locks the heap that the bytes are from. Where buffers go from
 * thread to thread that is often another one's, and waiting for it costs more
 * than to copy what is small.
 */
static bool
resize(struct wh_buf *b, size_t cap)
{
	bool copies = cap <= SMALL;
	char *p = copies ? malloc(cap) : realloc(b->p, cap);

	if (!p)
		return false;
	if (copies && b->p) {
		memcpy(p, b->p, b->n);
		free(b->p);
	}
	b->p = p;
	b->cap = cap;
	return true;
}

char *
wh_buf_grow(struct wh_buf *b, size_t n)
{
	size_t max = b->max ? b->max : BUF_MAX_DEFAULT;

	if (b->fault)
		return NULL;
	if (b->n > max || n > max - b->n) {
		b->fault = WH_ELIMIT;
		return NULL;
	}
	size_t need = b->n + n;

	if ((need > b->cap || !b->p) && !resize(b, next_cap(b, need, max))) {
		b->fault = WH_ENOMEM;
		return NULL;
	}
	return b->p + b->n;
}

void
wh_buf_c(struct wh_buf *b, const char *c)
{
	wh_buf_str(b, wh_str_c(c));
}

void
wh_buf_byte(struct wh_buf *b, char c)
{
	wh_buf_add(b, &c, 1);
}

void
wh_buf_printf(struct wh_buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	wh_buf_vprintf(b, fmt, ap);
	va_end(ap);
}

void
wh_buf_vprintf(struct wh_buf *b, const char *fmt, va_list ap)
{
	va_list again;

	va_copy(again, ap);
	int len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (len <= 0) {
		if (len < 0 && !b->fault)
			b->fault = WH_ELIMIT;
		return;
	}
	/* The text may fill the cap, but vsnprintf also writes a NUL: when that
	 * one byte is over the cap, print aside. */
	size_t n = (size_t)len;
	size_t max = b->max ? b->max : BUF_MAX_DEFAULT;
	bool tight = b->n <= max && n == max - b->n;
	char *to = tight ? malloc(n + 1) : wh_buf_room(b, n + 1);

	if (!to) {
		if (!b->fault)
			b->fault = WH_ENOMEM;
		return;
	}
	vsnprintf(to, n + 1, fmt, ap);
	if (tight) {
		wh_buf_add(b, to, n);
		free(to);
		return;
	}
	b->n += n;
}

void
wh_buf_printable(struct wh_buf *b, struct wh_str s, size_t max)
{
	static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

	while (s.n) {
		size_t control = wh_control_len(s);
		size_t len = control ? 0 : wh_utf8_len(s);
		struct wh_str out = len ? wh_str(s.p, len) : wh_str_c(replacement);
		size_t taken = len ? len : (control ? control : 1);

		if (out.n > max) {
			wh_buf_c(b, "...");
			return;
		}
		wh_buf_str(b, out);
		max -= out.n;
		s = wh_str(s.p + taken, s.n - taken);
	}
}

void
wh_buf_consume(struct wh_buf *b, size_t n)
{
	wh_require(n <= b->n);
	b->n -= n;
	if (b->n && n)
		memmove(b->p, b->p + n, b->n);
}
