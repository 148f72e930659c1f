/* SPDX-License-Identifier: MIT */
/*
 * The two states are walked side by side, one level of a tree at a time, from
 * the top: of the pages of the newer state that are not shared, and of those of
 * the older one that were given up for them, the children are gathered; who is
 * among both is shared. That finds all of them, since a page that is shared has
 * one parent in each state, and both of these were left or neither.
 */
#include "store/fresh.h"

#include <stdlib.h>
#include <unistd.h>
#include <xxhash.h>

#include "store/store.h"
#include "store/table.h"
#include "store/value.h"

#define PAGES_MAX ((uint64_t)1024) /* that are new: with more, a second flush costs less */
#define LIST_MAX ((size_t)8192)    /* pages at one level, shared ones too */
#define TABLES_MAX 32

struct list {
	size_t n;
	uint64_t page[LIST_MAX];
};

/* A table, known by the hash of its name. */
struct table {
	uint64_t name;
	struct tree tree;
};

/* One of the two states. */
struct side {
	struct list level, below;
	struct table tables[TABLES_MAX];
	size_t n_tables;
};

struct wh_fresh {
	const struct wh_fresh_file *file;
	struct side was, is;
	uint64_t last;      /* page of the newer state, the older has none behind it */
	uint64_t pages;     /* new ones so far */
	uint64_t sum;       /* hash of all that was seen; the seed of the next one */
	struct wh_buf seen; /* bit per page: among the children of the older state */
	struct wh_buf read; /* the page, if it is not mapped */
	int fault;
};

struct wh_fresh *
wh_fresh_new(void)
{
	struct wh_fresh *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->seen = wh_buf_capped(SIZE_MAX / 2);
	f->read = wh_buf_capped(2 * WH_VALUE_MAX);
	return f;
}

void
wh_fresh_free(struct wh_fresh *f)
{
	if (!f)
		return;
	wh_buf_fini(&f->seen);
	wh_buf_fini(&f->read);
	free(f);
}

/* ------------------------------------------------------------------- pages -- */

/* `n` pages that follow one another. NULL: they are outside, or cannot be read. */
static const char *
load(struct wh_fresh *f, uint64_t number, uint64_t n)
{
	const size_t size = f->file->page_size;

	if (number < META_PAGES || number > f->last || n > f->last + 1 - number ||
	    n > PAGES_MAX)
		return NULL;
	if (f->file->map)
		return f->file->map + number * size;
	wh_buf_reset(&f->read);
	char *room = wh_buf_room(&f->read, n * size);
	ssize_t got = room ? pread(f->file->fd, room, n * size, (off_t)(number * size)) : 0;

	if (!room || got < 0)
		f->fault = room ? WH_EIO : WH_ENOMEM;
	return got == (ssize_t)(n * size) ? room : NULL;
}

static void
write_again(struct wh_fresh *f, const char *page, uint64_t number, uint64_t n)
{
	const size_t size = f->file->page_size;

	if (!f->file->rewrites)
		return;
	ssize_t done = pwrite(f->file->fd, page, n * size, (off_t)(number * size));

	if (done != (ssize_t)(n * size))
		f->fault = wh_write_fault(done);
}

/* A page of a tree, of this kind. */
static const char *
load_node(struct wh_fresh *f, uint64_t number, unsigned kind)
{
	const char *page = load(f, number, 1);
	struct head h;

	if (!page)
		return NULL;
	memcpy(&h, page, sizeof(h));
	if (h.number != number || (h.flags & KIND) != kind ||
	    wh_page_rows(page, f->file->page_size) < 0)
		return NULL;
	return page;
}

static void
add_to_sum(struct wh_fresh *f, const void *p, size_t n)
{
	f->sum = XXH3_64bits_withSeed(p, n, f->sum);
}

/* The head of a page says which one it is. What lies between its rows and where they are listed
 * means nothing. */
static void
sum_node(struct wh_fresh *f, const char *page)
{
	struct head h;

	memcpy(&h, page, sizeof(h));
	add_to_sum(f, page, h.lower);
	add_to_sum(f, page + h.upper, f->file->page_size - h.upper);
	write_again(f, page, h.number, 1);
	f->pages++;
}

/* A value that has pages of its own. */
static int
sum_large(struct wh_fresh *f, uint64_t number)
{
	const char *page = load(f, number, 1);
	struct head h;
	uint32_t n;

	if (!page)
		return WH_ABSENT;
	memcpy(&h, page, sizeof(h));
	memcpy(&n, page + offsetof(struct head, lower), sizeof(n));
	if (h.number != number || (h.flags & KIND) != OVERFLOW || n == 0)
		return WH_ABSENT;
	page = load(f, number, n);
	if (!page)
		return WH_ABSENT;
	add_to_sum(f, page, n * f->file->page_size);
	write_again(f, page, number, n);
	f->pages += n;
	return f->pages > PAGES_MAX ? WH_ABSENT : 0;
}

/* ---------------------------------------------------------------- children -- */

static int
push(struct list *l, uint64_t page)
{
	if (l->n == LIST_MAX)
		return WH_ABSENT;
	l->page[l->n++] = page;
	return 0;
}

static int
take_table(struct side *s, const struct node *node, const char *key, const char *end)
{
	const char *data = key + node->key_size;
	struct table *t = &s->tables[s->n_tables];

	if (s->n_tables == TABLES_MAX || (size_t)(end - data) < sizeof(t->tree))
		return WH_ABSENT;
	s->n_tables++;
	t->name = XXH3_64bits(key, node->key_size);
	memcpy(&t->tree, data, sizeof(t->tree));
	return 0;
}

static int
take_row(struct side *s, const struct node *node, const char *key, const char *end)
{
	const char *data = key + node->key_size;
	uint64_t first;

	if (node->flags & TABLE)
		return take_table(s, node, key, end);
	if (!(node->flags & LARGE))
		return 0;
	if ((size_t)(end - data) < sizeof(first))
		return WH_ABSENT;
	memcpy(&first, data, sizeof(first));
	return push(&s->below, first);
}

static int
take_children(struct side *s, const char *page, size_t size, bool leaf)
{
	int n = wh_page_rows(page, size), r = 0;

	for (int i = 0; i < n && r == 0; i++) {
		struct node node;
		const char *key;

		if (!wh_page_node(page, size, i, &node, &key))
			return WH_ABSENT;
		r = leaf ? take_row(s, &node, key, page + size)
			 : push(&s->below, wh_node_child(&node));
	}
	return r;
}

/* ------------------------------------------------------------------ levels -- */

static bool
within(const struct wh_fresh *f, const struct list *l)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->page[i] > f->last)
			return false;
	return true;
}

/* Keeps those whose bit is `set`, and clears the bits it comes by. */
static void
keep(struct wh_fresh *f, struct list *l, bool set)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->n; i++) {
		uint8_t *byte = (uint8_t *)f->seen.p + l->page[i] / 8;
		uint8_t bit = (uint8_t)(1u << l->page[i] % 8);
		bool is = *byte & bit;

		*byte &= (uint8_t)~bit;
		if (is == set)
			l->page[kept++] = l->page[i];
	}
	l->n = kept;
}

/* Leaves at this level only what the states do not share. */
static int
separate(struct wh_fresh *f)
{
	struct list *was = &f->was.level, *is = &f->is.level;

	if (!within(f, was) || !within(f, is))
		return WH_ABSENT;
	for (size_t i = 0; i < was->n; i++)
		f->seen.p[was->page[i] / 8] |= (char)(1u << was->page[i] % 8);
	keep(f, is, false);
	keep(f, was, true);
	return 0;
}

static void
descend(struct side *s)
{
	memcpy(s->level.page, s->below.page, s->below.n * sizeof(s->below.page[0]));
	s->level.n = s->below.n;
	s->below.n = 0;
}

static int
visit_new(struct wh_fresh *f, bool leaves)
{
	int r = 0;

	for (size_t i = 0; i < f->is.level.n && r == 0; i++) {
		const char *page = load_node(f, f->is.level.page[i], leaves ? LEAF : BRANCH);

		if (!page || f->pages == PAGES_MAX)
			return WH_ABSENT;
		sum_node(f, page);
		r = take_children(&f->is, page, f->file->page_size, leaves);
	}
	return r;
}

static int
visit_old(struct wh_fresh *f, bool leaves)
{
	int r = 0;

	for (size_t i = 0; i < f->was.level.n && r == 0; i++) {
		const char *page = load_node(f, f->was.level.page[i], leaves ? LEAF : BRANCH);

		r = page ? take_children(&f->was, page, f->file->page_size, leaves) : WH_ABSENT;
	}
	return r;
}

/* The root, if the tree begins at this height. */
static int
enter(struct side *s, const struct tree *t, unsigned height)
{
	return t->root != NO_PAGE && t->depth == height ? push(&s->level, t->root) : 0;
}

static int
sum_level(struct wh_fresh *f, bool leaves)
{
	size_t tables = f->is.n_tables;
	int r = separate(f);

	if (r == 0)
		r = visit_new(f, leaves);
	/* What the old leaves lead to matters only if a new one leads to something. */
	if (r == 0 && (!leaves || f->is.below.n > 0 || f->is.n_tables > tables))
		r = visit_old(f, leaves);
	descend(&f->was);
	descend(&f->is);
	return r;
}

static int
sum_tree(struct wh_fresh *f, const struct tree *was, const struct tree *is)
{
	unsigned height = was->depth > is->depth ? was->depth : is->depth;
	int r = 0;

	if (was->root == is->root || is->root == NO_PAGE)
		return 0;
	if (height > WH_PAGES_DEPTH)
		return WH_ABSENT;
	f->was.level.n = f->is.level.n = 0;
	f->was.below.n = f->is.below.n = 0;
	for (; height > 0 && r == 0; height--) {
		r = enter(&f->was, was, height);
		if (r == 0)
			r = enter(&f->is, is, height);
		if (r == 0)
			r = sum_level(f, height == 1);
	}
	if (r == 0)
		r = separate(f);
	for (size_t i = 0; i < f->is.level.n && r == 0; i++)
		r = sum_large(f, f->is.level.page[i]);
	return r;
}

/* ------------------------------------------------------------------ states -- */

static const struct tree *
table_of(const struct side *s, uint64_t name)
{
	static const struct tree none = {.root = NO_PAGE};

	for (size_t i = 0; i < s->n_tables; i++)
		if (s->tables[i].name == name)
			return &s->tables[i].tree;
	return &none;
}

static int
prepare(struct wh_fresh *f, const struct meta *was, const struct meta *is)
{
	size_t bytes = (size_t)(is->last / 8 + 1);

	if (is->last > UINT32_MAX || was->last > is->last)
		return WH_ABSENT;
	wh_buf_reset(&f->seen);
	char *room = wh_buf_room(&f->seen, bytes);

	if (!room)
		return WH_ENOMEM;
	memset(room, 0, bytes);
	f->was.n_tables = f->is.n_tables = 0;
	f->last = is->last;
	f->fault = 0;
	f->pages = f->sum = 0;
	add_to_sum(f, &is->magic, sizeof(*is) - offsetof(struct meta, magic));
	return 0;
}

int
wh_fresh_sum(struct wh_fresh *f, const struct wh_fresh_file *file,
	     const struct wh_states *states, struct wh_fresh_result *ret)
{
	const struct meta *was = &states->was, *is = &states->is;
	int r = prepare(f, was, is);

	f->file = file;
	if (r == 0)
		r = sum_tree(f, &was->free, &is->free);
	if (r == 0)
		r = sum_tree(f, &was->main, &is->main);
	for (size_t i = 0; i < f->is.n_tables && r == 0; i++) {
		const struct table *t = &f->is.tables[i];

		r = sum_tree(f, table_of(&f->was, t->name), &t->tree);
	}
	*ret = (struct wh_fresh_result){f->pages, f->sum};
	return f->fault ? f->fault : r;
}
