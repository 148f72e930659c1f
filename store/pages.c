/* SPDX-License-Identifier: MIT */
/*
 * Reading a data file page by page. A tree is walked depth first, with one
 * page in memory for each level; a page that a tree leads to twice, that lies
 * outside the file, or whose insides do not fit is bad, and the walk goes on
 * beside it.
 */
#include "store/pages_form.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/store.h"
#include "store/value.h"

#define FIRST_TABLES 14 /* number of the last table of the first format */

/* ------------------------------------------------------------------- pages -- */

static int
bad_page(struct wh_pages *p, uint64_t number, const char *what)
{
	if (p->bad++ == 0) {
		p->first_bad = number;
		p->what = what;
	}
	return WH_ECORRUPT;
}

static int
behind_end(struct wh_pages *p, uint64_t number)
{
	p->cut |= p->bad == 0;
	return bad_page(p, number, "would stand behind its end");
}

static int
read_at(const struct wh_pages *p, uint64_t page, char *ret, size_t n)
{
	ssize_t got = pread(p->fd, ret, n, (off_t)(page * p->size));

	if (got == (ssize_t)n)
		return 0;
	return got < 0 && errno != EIO ? WH_ESYS : WH_ECORRUPT;
}

static bool
is_seen(const struct wh_pages *p, uint64_t page)
{
	return p->seen[page / 8] >> page % 8 & 1;
}

/* Reads the page that a tree leads to. `kinds` is what it may be. */
static int
follow(struct wh_pages *p, uint64_t number, unsigned depth, unsigned kinds)
{
	struct head h;

	if (number < META_PAGES || number > p->last)
		return bad_page(p, number, "is none that there can be");
	if (number >= p->n)
		return behind_end(p, number);
	if (is_seen(p, number))
		return bad_page(p, number, "stands in two places");
	if (depth >= WH_PAGES_DEPTH)
		return bad_page(p, number, "is too deep in its tree");
	if (!p->level[depth])
		p->level[depth] = malloc(p->size);
	if (!p->level[depth])
		return WH_ENOMEM;
	p->seen[number / 8] |= (uint8_t)(1u << number % 8);
	int r = read_at(p, number, p->level[depth], p->size);

	if (r)
		return r == WH_ECORRUPT ? bad_page(p, number, "cannot be read") : r;
	memcpy(&h, p->level[depth], sizeof(h));
	if (h.number != number || !(h.flags & kinds) ||
	    wh_page_rows(p->level[depth], p->size) < 0)
		return bad_page(p, number, "is damaged");
	return 0;
}

/* ------------------------------------------------------------------ values -- */

static int
load_large(struct wh_pages *p, uint64_t first, size_t n, bool marks, MDB_val *ret)
{
	uint64_t pages = (sizeof(struct head) - 1 + n) / p->size + 1;
	struct head h;

	if (n > WH_VALUE_MAX || first < META_PAGES || first > p->last ||
	    pages > p->last + 1 - first)
		return bad_page(p, first, "is none that there can be");
	if (first >= p->n || pages > p->n - first)
		return behind_end(p, first);
	for (uint64_t i = 0; marks && i < pages; i++) {
		if (is_seen(p, first + i))
			return bad_page(p, first + i, "stands in two places");
		p->seen[(first + i) / 8] |= (uint8_t)(1u << (first + i) % 8);
	}
	wh_buf_reset(&p->large);
	char *room = wh_buf_room(&p->large, sizeof(h) + n);

	if (!room)
		return WH_ENOMEM;
	int r = read_at(p, first, room, sizeof(h) + n);

	if (r)
		return r == WH_ECORRUPT ? bad_page(p, first, "cannot be read") : r;
	memcpy(&h, room, sizeof(h));
	if (h.number != first || (h.flags & KIND) != OVERFLOW)
		return bad_page(p, first, "is damaged");
	*ret = (MDB_val){n, room + sizeof(h)};
	return 0;
}

/* A row on a page. */
struct place {
	const char *page;
	struct node node;
	const char *key;
};

/* The value of a row on a leaf. marks: its pages are in use, and in no other place. */
static int
load_value(struct wh_pages *p, const struct place *at, bool marks, MDB_val *ret)
{
	const struct node *node = &at->node;
	size_t n = node->low | (size_t)node->high << 16;
	const char *data = at->key + node->key_size;
	size_t room = p->size - (size_t)(data - at->page);
	uint64_t first;

	if (node->flags & DUPLICATES)
		return WH_ECORRUPT;
	if (!(node->flags & LARGE)) {
		*ret = (MDB_val){n, (void *)(uintptr_t)data};
		return n <= room ? 0 : WH_ECORRUPT;
	}
	if (room < sizeof(first))
		return WH_ECORRUPT;
	memcpy(&first, data, sizeof(first));
	return load_large(p, first, n, marks, ret);
}

/* ------------------------------------------------------------------- trees -- */

struct key {
	size_t n;
	char b[KEY_MAX];
};

struct walk {
	struct wh_pages *p;
	const struct wh_tree *tree;
	wh_pages_row *row;
	void *ctx;
	int fault;       /* what ended the walk */
	bool by_number;  /* keys are numbers, whose order is not that of their bytes */
	struct key last; /* of the row before; empty = there is none */
	struct key from; /* the next row is not below it; empty = any */
};

static bool
is_below(const struct key *k, struct wh_str other)
{
	return wh_str_cmp(wh_str(k->b, k->n), other) < 0;
}

static void
keep_key(struct key *k, struct wh_str s)
{
	k->n = s.n < KEY_MAX ? s.n : KEY_MAX;
	memcpy(k->b, s.p, k->n);
}

/* A row out of order, or one that a branch leads past, is not found by who looks for it. */
static bool
is_in_order(struct walk *w, struct wh_str key)
{
	bool fits = w->last.n == 0 || is_below(&w->last, key);

	if (w->from.n > 0 && !is_below(&w->from, key) &&
	    !wh_str_eq(wh_str(w->from.b, w->from.n), key))
		fits = false;
	keep_key(&w->last, key);
	w->from.n = 0;
	return fits || w->by_number;
}

/* What leads to a page stands above all that was before. */
static bool
leads_right(struct walk *w, struct wh_str separator)
{
	bool fits = w->last.n == 0 || is_below(&w->last, separator);

	keep_key(&w->from, separator);
	return fits || w->by_number;
}

static void
visit_leaf(struct walk *w, unsigned depth, uint64_t number)
{
	const char *page = w->p->level[depth];
	int n = wh_page_rows(page, w->p->size);

	for (int i = 0; i < n && w->fault == 0; i++) {
		struct place at = {.page = page};
		MDB_val data;
		bool fits = wh_page_node(page, w->p->size, i, &at.node, &at.key);
		int r = fits ? load_value(w->p, &at, true, &data) : WH_ECORRUPT;

		if (r == WH_ECORRUPT)
			(void)bad_page(w->p, number, "holds a row that is damaged");
		else if (r < 0)
			w->fault = r;
		MDB_val key = {at.node.key_size, (void *)(uintptr_t)at.key};

		if (fits && !is_in_order(w, wh_str(at.key, at.node.key_size)))
			(void)bad_page(w->p, number, "is out of order");
		if (r == 0 && w->row)
			w->fault = w->row(w->ctx, &key, &data);
	}
}

static void
visit(struct walk *w, uint64_t number, unsigned depth)
{
	struct wh_pages *p = w->p;
	struct head h;
	int r = follow(p, number, depth, BRANCH | LEAF);

	if (r < 0 && r != WH_ECORRUPT)
		w->fault = r;
	if (r < 0)
		return;
	memcpy(&h, p->level[depth], sizeof(h));
	if (h.flags & LEAF) {
		if (depth + 1 != w->tree->depth)
			(void)bad_page(p, number, "is at another depth than its tree says");
		visit_leaf(w, depth, number);
		return;
	}
	int n = wh_page_rows(p->level[depth], p->size);

	if (n < 2)
		(void)bad_page(p, number, "leads nowhere");
	for (int i = 0; i < n && w->fault == 0; i++) {
		struct node node;
		const char *key;

		bool fits = wh_page_node(p->level[depth], p->size, i, &node, &key);

		if (!fits || (i > 0 && !leads_right(w, wh_str(key, node.key_size))))
			(void)bad_page(p, number, "is damaged");
		if (fits)
			visit(w, wh_node_child(&node), depth + 1);
	}
}

/* 0, WH_ECORRUPT if pages of it are bad, or the fault that ended it. */
static int
walk_tree(struct wh_pages *p, const struct wh_tree *tree, wh_pages_row *row, void *ctx)
{
	struct walk w = {
		.p = p, .row = row, .ctx = ctx, .tree = tree, .by_number = tree == &p->free};
	uint64_t before = p->bad;

	if (tree->root != NO_PAGE)
		visit(&w, tree->root, 0);
	if (w.fault)
		return w.fault;
	return p->bad == before ? 0 : WH_ECORRUPT;
}

/* ------------------------------------------------------ the table of tables -- */

struct wanted {
	const char *name; /* NULL = any */
	struct wh_tree trees[64];
	unsigned n;
	bool odd; /* a row that is no table */
	const char *marked_name;
	int marked;     /* which one it is, -1 = none */
	unsigned known; /* tables that every store has */
};

static bool
is_name(const MDB_val *key, const char *name)
{
	return strlen(name) == key->mv_size && memcmp(name, key->mv_data, key->mv_size) == 0;
}

/* The tables of the first format; later ones are made when they are missing. */
static bool
is_first_table(const MDB_val *key)
{
	static const struct {
		unsigned number;
		const char *name;
	} tables[] = {
#define WH_TABLE(id, number, name) {(number), name},
#include "store/tables.def"
#undef WH_TABLE
	};

	for (size_t i = 0; i < wh_array_len(tables); i++)
		if (tables[i].number <= FIRST_TABLES && is_name(key, tables[i].name))
			return true;
	return false;
}

static int
note_table(void *ctx, const MDB_val *key, const MDB_val *data)
{
	struct wanted *x = ctx;
	struct tree tree;

	if (data->mv_size != sizeof(tree) || x->n == wh_array_len(x->trees)) {
		x->odd = true;
		return 0;
	}
	memcpy(&tree, data->mv_data, sizeof(tree));
	x->odd |= tree.flags != 0; /* whd's tables have no special forms */
	x->known += is_first_table(key);
	if (x->name && !is_name(key, x->name))
		return 0;
	if (x->marked_name && is_name(key, x->marked_name))
		x->marked = (int)x->n;
	x->trees[x->n++] = (struct wh_tree){tree.root, tree.depth};
	return 0;
}

/* The pages of the table of tables are looked at once for each table: that is none twice. */
static int
find_tables(struct wh_pages *p, struct wanted *x)
{
	size_t n = (size_t)(p->n / 8 + 1);
	uint8_t *seen = p->seen;

	p->seen = calloc(1, n);
	if (!p->seen) {
		p->seen = seen;
		return WH_ENOMEM;
	}
	int r = walk_tree(p, &p->main, note_table, x);

	for (size_t i = 0; i < n; i++)
		seen[i] |= p->seen[i];
	free(p->seen);
	p->seen = seen;
	return r;
}

int
wh_pages_table(struct wh_pages *p, const char *name, wh_pages_row *row, void *ctx)
{
	struct wanted x = {.name = name};
	int r = p->metas ? find_tables(p, &x) : WH_ABSENT;

	if (r < 0 && r != WH_ECORRUPT)
		return r;
	if (x.n == 0)
		return WH_ABSENT;
	return walk_tree(p, &x.trees[0], row, ctx);
}

/* ------------------------------------------------------------------ strays -- */

static int
stray_leaf(struct wh_pages *p, const char *page, wh_pages_row *row, void *ctx)
{
	int n = wh_page_rows(page, p->size);
	int r = 0;

	for (int i = 0; i < n && r == 0; i++) {
		struct place at = {.page = page};
		MDB_val data;

		if (!wh_page_node(page, p->size, i, &at.node, &at.key) || at.node.flags & TABLE)
			continue;
		r = load_value(p, &at, false, &data);
		if (r == WH_ECORRUPT) {
			r = 0;
			continue;
		}
		MDB_val key = {at.node.key_size, (void *)(uintptr_t)at.key};

		if (r == 0)
			r = row(ctx, &key, &data);
	}
	return r;
}

int
wh_pages_strays(struct wh_pages *p, wh_pages_row *row, void *ctx)
{
	char *page = malloc(p->size);
	int r = page ? 0 : WH_ENOMEM;

	for (uint64_t i = 0; i < p->n && r == 0; i++) {
		struct head h;

		if (is_seen(p, i) || read_at(p, i, page, p->size) != 0)
			continue;
		memcpy(&h, page, sizeof(h));
		if ((h.flags & KIND) == LEAF)
			r = stray_leaf(p, page, row, ctx);
	}
	free(page);
	return r;
}

/* ------------------------------------------------------------------ verify -- */

/* A list of free pages: a count, then so many numbers, descending; none is in use. */
static int
check_free(void *ctx, const MDB_val *key, const MDB_val *data)
{
	struct wh_pages *p = ctx;
	uint64_t n = 0, page, before = UINT64_MAX;

	if (key->mv_size != sizeof(uint64_t) || data->mv_size < sizeof(n))
		return bad_page(p, p->free.root, "of the free list is damaged");
	memcpy(&n, data->mv_data, sizeof(n));
	if (n >= data->mv_size / sizeof(n))
		return bad_page(p, p->free.root, "of the free list is damaged");
	for (uint64_t i = 1; i <= n; i++) {
		memcpy(&page, (const char *)data->mv_data + i * sizeof(page), sizeof(page));
		if (page < META_PAGES || page > p->last || page >= before)
			return bad_page(p, page, "is listed as free and cannot be");
		if (page < p->n && is_seen(p, page))
			return bad_page(p, page, "is listed as free and in use");
		before = page;
	}
	return 0;
}

int
wh_pages_verify(struct wh_pages *p, const char *name, wh_pages_row *row, void *ctx)
{
	struct wanted all = {.marked_name = name, .marked = -1};
	int r = p->metas ? 0 : bad_page(p, 0, "and its twin are damaged");

	if (r == 0)
		r = find_tables(p, &all);
	/* A file of LMDB's without any of them is another program's. */
	if (r == 0 && all.known > 0 && (all.odd || all.known != FIRST_TABLES))
		r = bad_page(p, p->main.root, "has the name of a table wrong, or its form");
	for (unsigned i = 0; i < all.n && (r == 0 || r == WH_ECORRUPT); i++) {
		bool marked = name && all.marked == (int)i;
		int table = walk_tree(p, &all.trees[i], marked ? row : NULL, ctx);

		r = table ? table : r;
	}
	if (r == 0)
		r = walk_tree(p, &p->free, check_free, p);
	return r;
}
