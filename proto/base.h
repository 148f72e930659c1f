/* SPDX-License-Identifier: MIT */
/*
 * The vocabulary every part of whd shares: borrowed views of bytes, fault
 * codes, invariant checks and the few macros that make ownership visible.
 *
 * Nothing here allocates, logs or keeps state. Every thread may use it.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define WH_MUST_USE __attribute__((warn_unused_result))
#define WH_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define WH_NORETURN __attribute__((noreturn))
#define WH_CLEANUP(fn) __attribute__((cleanup(fn)))
#define wh_array_len(a) (sizeof(a) / sizeof((a)[0]))

/* Hands the owned pointer *pp over to the caller and clears the place. */
#define wh_steal(pp)                                                                           \
	__extension__({                                                                        \
		__typeof__(*(pp)) got = *(pp);                                                 \
		*(pp) = NULL;                                                                  \
		got;                                                                           \
	})

enum wh_fault {
#define WH_FAULT(name, value, text) WH_E##name = (value),
#include "proto/faults.def"
#undef WH_FAULT
};

/* The text of a fault code; never NULL, static storage. */
const char *wh_fault_str(int fault);

/* The store or its disk has no room for it: it may have some later. */
static inline bool
wh_fault_is_no_room(int fault)
{
	return fault == WH_EFULL || fault == WH_ENOSPACE;
}

/*
 * wh_str borrows bytes: text or binary, not terminated. It is valid until the
 * owner says otherwise (usually: until the callback or the view ends).
 * p may be NULL only if n is 0.
 */
struct wh_str {
	const char *p;
	size_t n;
};

/* 128 bits that stand for some bytes; with a secret seed nobody can aim at a collision. */
struct wh_hash {
	uint64_t lo, hi;
};

/* An order, for sorting and searching. */
static inline int
wh_hash_cmp(struct wh_hash a, struct wh_hash b)
{
	if (a.hi != b.hi)
		return a.hi < b.hi ? -1 : 1;
	return a.lo < b.lo ? -1 : a.lo > b.lo;
}

#define WH_STR_NULL ((struct wh_str){NULL, 0})
#define WH_STR(literal) ((struct wh_str){"" literal, sizeof(literal) - 1})
#define WH_STR_FMT(s) (int)(s).n, (s).p ? (s).p : "" /* for "%.*s" */

static inline struct wh_str
wh_str(const char *p, size_t n)
{
	return (struct wh_str){p, n};
}

static inline struct wh_str
wh_str_c(const char *c)
{
	return (struct wh_str){c, c ? strlen(c) : 0};
}

static inline bool
wh_str_eq(struct wh_str a, struct wh_str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool
wh_str_is(struct wh_str a, const char *c)
{
	return wh_str_eq(a, wh_str_c(c));
}

/* memcmp order, the shorter first when one is a prefix of the other. */
static inline int
wh_str_cmp(struct wh_str a, struct wh_str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;

	return c ? c : (a.n > b.n) - (a.n < b.n);
}

/* Case-insensitive over ASCII letters only; all other bytes compare as is. */
bool wh_str_ieq(struct wh_str a, struct wh_str b);
/* True if s is valid UTF-8 (no overlong forms, no surrogates). */
bool wh_utf8_valid(struct wh_str s);
/* Bytes of the well-formed UTF-8 sequence s begins with; 0 if there is none. */
size_t wh_utf8_len(struct wh_str s);
/* Bytes of the control character s begins with (C0, DEL, C1); 0 if it does not. */
size_t wh_control_len(struct wh_str s);
/* True if s holds a C0 control byte, DEL or a C1 control (UTF-8 encoded). */
bool wh_str_has_control(struct wh_str s);
/* True if s has the 8-4-4-4-12 hexadecimal shape of a GUID. */
#define WH_GUID 36
bool wh_str_is_guid(struct wh_str s);

/* Whole-string decimal parse within [min, max]; false otherwise. */
WH_MUST_USE bool wh_parse_i64(struct wh_str s, int64_t min, int64_t max, int64_t *ret);

/*
 * wh_require states an invariant of our own code. It stays on in release: a
 * broken one prints where and ends the process, because going on could break
 * a promise. Never use it on what a peer, a disk or the network may do.
 */
#define wh_require(x) ((x) ? (void)0 : wh_require_failed(#x, __FILE__, __LINE__))
WH_NORETURN void wh_require_failed(const char *what, const char *file, int line);

/* Allocate or end the process: only for small, fixed sizes of our own. */
void *wh_xcalloc(size_t n, size_t size);
char *wh_xstrdup(struct wh_str s);
