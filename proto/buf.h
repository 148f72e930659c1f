/* SPDX-License-Identifier: MIT */
/*
 * An owned byte buffer that grows up to a hard cap. What a peer can make us
 * store always goes through one, so that its size is refused, not died on.
 *
 * Errors are sticky: after the first failed append every further append is a
 * no-op, and the member fault tells. So a writer may append a whole message and
 * check once. Single-threaded use; may be handed from thread to thread.
 */
#pragma once

#include "proto/base.h"

struct wh_buf {
	char *p;
	size_t n;   /* bytes in use */
	size_t cap; /* bytes allocated */
	size_t max; /* hard cap; 0 means 1 GiB */
	int fault;  /* 0, WH_ENOMEM or WH_ELIMIT; sticky */
};

#define WH_BUF_NULL ((struct wh_buf){0})

static inline struct wh_buf
wh_buf_capped(size_t max)
{
	return (struct wh_buf){.max = max};
}

void wh_buf_fini(struct wh_buf *b);
/* Forgets content and fault, keeps the memory. */
void wh_buf_reset(struct wh_buf *b);
void wh_buf_c(struct wh_buf *b, const char *c);
void wh_buf_byte(struct wh_buf *b, char c);
WH_PRINTF(2, 3) void wh_buf_printf(struct wh_buf *b, const char *fmt, ...);
WH_PRINTF(2, 0) void wh_buf_vprintf(struct wh_buf *b, const char *fmt, va_list ap);
/* Appends foreign text for people: what is not UTF-8 and control characters
 * become U+FFFD; what does not fit into max bytes gives way to "...". */
void wh_buf_printable(struct wh_buf *b, struct wh_str s, size_t max);
/* The same as wh_buf_room(), the long way. */
char *wh_buf_grow(struct wh_buf *b, size_t n);

/* Makes room for n more bytes and returns where they go; NULL on a fault.
 * The caller fills at most n and adds what it filled to b->n. */
static inline char *
wh_buf_room(struct wh_buf *b, size_t n)
{
	bool fits = !b->fault && b->n <= b->cap && n <= b->cap - b->n && b->p &&
		    (b->max == 0 || b->n + n <= b->max);

	return fits ? b->p + b->n : wh_buf_grow(b, n);
}

static inline void
wh_buf_add(struct wh_buf *b, const void *p, size_t n)
{
	char *to = n ? wh_buf_room(b, n) : NULL;

	if (!to)
		return;
	memcpy(to, p, n);
	b->n += n;
}

static inline void
wh_buf_str(struct wh_buf *b, struct wh_str s)
{
	wh_buf_add(b, s.p, s.n);
}

/* Drops the first n bytes. */
void wh_buf_consume(struct wh_buf *b, size_t n);

static inline struct wh_str
wh_buf_view(const struct wh_buf *b)
{
	return (struct wh_str){b->p, b->n};
}
