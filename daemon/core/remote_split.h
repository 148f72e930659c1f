/* SPDX-License-Identifier: MIT */
/*
 * Cuts the body of a list into its elements while it streams in, holding no
 * more than one of them. It judges only what cutting needs: text, escapes,
 * brackets, separators. What stands around the list (the shell) is kept with
 * the list's elements left out, up to WH_SPLIT_SHELL_MAX bytes.
 *
 * The list is a bare array, or the first array of objects in an object (at
 * most WH_SPLIT_LEVELS objects deep, under any name but `processes`), or, if
 * there is none, an empty array there. An object of at most element_max bytes
 * is held back until its end and shown to is_row first: it may itself be one
 * webhook. What is found never depends on how the body is cut into pieces.
 *
 * Pure; one splitter for one body at a time; used by core/remote_list only.
 */
#pragma once

#include "proto/buf.h"

#define WH_SPLIT_SHELL_MAX ((size_t)64 * 1024)
#define WH_SPLIT_STOP 1 /* outcome: on_element wanted a stop */
#define WH_SPLIT_LEVELS 3
#define WH_SPLIT_KEY_MAX 16 /* longer names and names with escapes are not compared */

enum wh_split_shape {
	WH_SPLIT_NOTHING, /* no body, or only spaces */
	WH_SPLIT_NULL,
	WH_SPLIT_ARRAY,   /* a bare array */
	WH_SPLIT_WRAPPED, /* an array inside an object */
	WH_SPLIT_OBJECT,  /* an object without a list, or one that is_row took */
	WH_SPLIT_OTHER,   /* text, a number, HTML ... */
};

struct wh_split_ops {
	/* One element, borrowed until it returns. A fault ends wh_split_feed; so does
	 * WH_SPLIT_STOP, right behind the element. */
	int (*on_element)(void *ctx, struct wh_str element);
	/* Is this whole object one webhook rather than what wraps a list? */
	bool (*is_row)(void *ctx, struct wh_str object);
	void *ctx;
};

enum wh_split_phase {
	WH_SPLIT_AT_ROOT,
	WH_SPLIT_IN_LITERAL,
	WH_SPLIT_IN_HEAD,
	WH_SPLIT_IN_SHELL,
	WH_SPLIT_IN_LIST,
	WH_SPLIT_IN_ELEMENT,
	WH_SPLIT_AT_END,
	WH_SPLIT_LOST,
};

/* Where inside the shell. */
enum wh_split_at {
	WH_SPLIT_OPEN, /* before the outermost { */
	WH_SPLIT_KEY,
	WH_SPLIT_IN_KEY,
	WH_SPLIT_COLON,
	WH_SPLIT_VALUE,
	WH_SPLIT_IN_VALUE,
	WH_SPLIT_PEEK,  /* behind a [ that may begin the list */
	WH_SPLIT_CLOSE, /* at the ] of the list */
	WH_SPLIT_NEXT,  /* behind a value */
};

/* Where inside the list. */
enum wh_split_due { WH_SPLIT_FIRST, WH_SPLIT_SEPARATOR, WH_SPLIT_ELEMENT };

/* One JSON value being passed over. */
struct wh_split_token {
	char first; /* its first byte, once begun */
	size_t depth;
	bool begun, in_text, escaped, done;
};

struct wh_split {
	/* findings, valid after wh_split_end */
	enum wh_split_shape shape;
	uint64_t overlong; /* passed over: longer than element_max */
	bool malformed;    /* separators or the shell are wrong */
	bool trailing;     /* something follows the value */
	bool cut;          /* the body ends inside the value */
	bool second_list;  /* another array of objects beside the list */
	bool shell_lost;   /* the shell is longer than WH_SPLIT_SHELL_MAX */
	bool row;          /* is_row took the object */

	/* inside */
	struct wh_split_ops ops;
	size_t element_max;
	enum wh_split_phase phase;
	enum wh_split_at at;
	enum wh_split_due due;
	struct wh_split_token token;
	unsigned level; /* objects open in the shell */
	unsigned bom;   /* bytes of a byte order mark seen; 3 = none can follow */
	bool list_taken, skipping;
	char key[WH_SPLIT_KEY_MAX];
	size_t key_n;
	struct wh_buf head, shell, element;
};

void wh_split_init(struct wh_split *s, size_t element_max, const struct wh_split_ops *ops);
void wh_split_fini(struct wh_split *s);
/* Forgets body and findings, keeps the memory. */
void wh_split_restart(struct wh_split *s);
/* Takes bytes from the front of *bytes: all of them, unless stopped. 0, WH_SPLIT_STOP, the
 * fault that on_element returned, or WH_ENOMEM. */
WH_MUST_USE int wh_split_feed(struct wh_split *s, struct wh_str *bytes);
WH_MUST_USE int wh_split_end(struct wh_split *s);
/* The whole object of shape OBJECT; empty if it was longer than element_max. */
struct wh_str wh_split_object(const struct wh_split *s);
/* JSON text around the list, in which the list itself is []. */
struct wh_str wh_split_shell(const struct wh_split *s);
