/* SPDX-License-Identifier: MIT */
/*
 * The way down from the root of a table to the page above a row.
 *
 * Looked for once for each page that holds pages; from there on its next child
 * is known. The pages are those of the snapshot, mapped; what they say is held
 * against their size and the end of the file before it is followed.
 */
#include "store/pages_ahead.h"

#include "store/pages_form.h"

#define LINE 64u /* bytes, of the processor's cache */

struct child {
	const char *page; /* NULL: there is none, or it cannot be told */
	struct wh_str key;
};

static const char *
page_of(const void *p, size_t size)
{
	return (const char *)p - ((uintptr_t)p & (size - 1));
}

static size_t
children(const char *page, size_t size)
{
	struct head head;

	memcpy(&head, page, sizeof(head));
	if (!(head.flags & BRANCH) || head.lower < sizeof(head) || head.lower > size)
		return 0;
	return (head.lower - sizeof(head)) / sizeof(uint16_t);
}

static struct child
child_at(const struct wh_ahead *a, const struct wh_store *s, const char *page, size_t i)
{
	const size_t size = s->page_size;
	struct node node;
	const char *key;

	if (i >= children(page, size) || !wh_page_node(page, size, (int)i, &node, &key))
		return (struct child){0};
	uint64_t number = wh_node_child(&node);

	if (number > a->last)
		return (struct child){0};
	return (struct child){
		.page = s->map + number * size,
		.key = wh_str(key, node.key_size),
	};
}

/* The child that leads to the key: the last one that does not begin behind it. */
static size_t
child_for(const struct wh_ahead *a, const struct wh_store *s, const char *page,
	  struct wh_str key)
{
	size_t low = 0, high = children(page, s->page_size);

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (wh_str_cmp(child_at(a, s, page, middle).key, key) <= 0)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* The root of a table; NULL if it is empty or cannot be told. */
static const char *
root_of(const struct wh_ahead *a, const struct wh_view *v, enum wh_table table)
{
	static const char *const names[WH_TABLE_END] = {
#define WH_TABLE(id, number, name) [number] = name,
#include "store/tables.def"
#undef WH_TABLE
	};
	MDB_val name = {strlen(names[table]), (void *)(uintptr_t)names[table]}, data;
	struct tree tree;

	if (wh_trap_get(v->store, wh_view_txn(v), v->store->main, &name, &data) != 0 ||
	    data.mv_size != sizeof(tree))
		return NULL;
	memcpy(&tree, data.mv_data, sizeof(tree));
	return tree.root <= a->last ? v->store->map + tree.root * v->store->page_size : NULL;
}

/* Finds the page above the leaf. */
static void
find(struct wh_ahead *a, const struct wh_view *v, enum wh_table table, struct wh_str key)
{
	MDB_envinfo info;

	a->above = NULL;
	a->last = mdb_env_info(v->store->env, &info) == 0 ? info.me_last_pgno : 0;
	const char *page = root_of(a, v, table);

	for (unsigned level = 0; page && level < WH_PAGES_DEPTH; level++) {
		size_t i = child_for(a, v->store, page, key);
		struct child child = child_at(a, v->store, page, i);

		if (child.page == a->leaf) {
			a->above = page;
			a->next = i + 1;
			return;
		}
		page = child.page;
	}
}

static const char *
next_of(const struct wh_ahead *a, const struct wh_store *s)
{
	return a->above ? child_at(a, s, a->above, a->next).page : NULL;
}

static void
turn_to(struct wh_ahead *a, const struct wh_view *v, enum wh_table table, struct wh_str key)
{
	a->leaf = page_of(key.p, v->store->page_size);
	if (a->coming && a->coming == a->leaf)
		a->next++;
	else
		find(a, v, table, key);
	a->coming = next_of(a, v->store);
	a->left = a->coming ? v->store->page_size : 0;
}

void
wh_ahead_init(struct wh_store *s)
{
	MDB_val name = {strlen("meta"), (void *)(uintptr_t) "meta"}, data;
	struct head head;
	MDB_txn *txn;

	if (s->page_size == 0 || mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn) != 0)
		return;
	if (mdb_get(txn, s->main, &name, &data) == 0) {
		const char *page = page_of(data.mv_data, s->page_size);

		memcpy(&head, page, sizeof(head));
		s->map = page - head.number * s->page_size;
	}
	mdb_txn_abort(txn);
}

/* A row's worth of the next page, and as much again: its pages are never quite full. */
void
wh_ahead_ask(struct wh_ahead *a, const struct wh_view *v, enum wh_table table,
	     const MDB_val *key, const MDB_val *data)
{
	const size_t size = v->store->page_size;
	size_t want = 2 * data->mv_size + LINE;

	if (v->writing || !v->store->map)
		return;
	if (page_of(key->mv_data, size) != a->leaf)
		turn_to(a, v, table, wh_str(key->mv_data, key->mv_size));
	for (; want >= LINE && a->left >= LINE; want -= LINE, a->left -= LINE)
		__builtin_prefetch(a->coming + size - a->left);
}
