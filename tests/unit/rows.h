/* SPDX-License-Identifier: MIT */
/*
 * For data-driven unit tests: a check that names the row it failed in, and
 * object trees spelt as JSON with ' for ", as rows of a table are easiest to
 * read that way. Included by tests only, after nothing else.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/json.h"

#define check(what, x)                                                                         \
	do {                                                                                   \
		if (!(x))                                                                      \
			fail_msg("%s: not so: %s", what, #x);                                  \
	} while (0)

/* A tree and the bytes it borrows from. */
struct row_tree {
	struct wh_buf bytes;
	struct wh_tree tree;
};

static inline struct row_tree
row_tree(const char *quoted)
{
	struct row_tree t = {0};
	struct wh_json_error err;
	char *json = wh_xstrdup(wh_str_c(quoted));

	for (char *p = json; *p; p++)
		if (*p == '\'')
			*p = '"';
	check(quoted, wh_json_to_pack(wh_str_c(json), 32, &t.bytes, &err) == 0);
	check(quoted, wh_unpack(&t.tree, wh_buf_view(&t.bytes), NULL) == 0);
	free(json);
	return t;
}

static inline void
row_tree_fini(struct row_tree *t)
{
	wh_tree_fini(&t->tree);
	wh_buf_fini(&t->bytes);
}

/* True if b holds exactly the n bytes at p. */
static inline bool
holds(const struct wh_buf *b, const void *p, size_t n)
{
	return b->n == n && (n == 0 || memcmp(b->p, p, n) == 0);
}

/* True if text occurs in b. */
static inline bool
says(const struct wh_buf *b, const char *text)
{
	return b->n && memmem(b->p, b->n, text, strlen(text));
}
