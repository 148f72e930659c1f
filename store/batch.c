/* SPDX-License-Identifier: MIT */
/* Index rows in the order of their keys. */
#include "store/batch.h"

#include <stdlib.h>

struct batch_row {
	uint64_t head;   /* of the key, as it sorts: mostly it decides */
	const char *key; /* NULL until all are there: they may move */
	size_t at;       /* in the keys */
	size_t n;
	size_t width;
	uint64_t v;
};

/* The first 8 bytes; behind a shorter key come zeros, as none of its bytes would. */
static uint64_t
head_of(const struct wh_key *k)
{
	uint8_t b[8] = {0};

	memcpy(b, k->b, k->n < sizeof(b) ? k->n : sizeof(b));
	return wh_be_get(b, sizeof(b));
}

void
wh_batch_add(struct wh_batch *b, const struct wh_key *k, uint64_t v, size_t width)
{
	const struct batch_row row = {
		.head = head_of(k), .at = b->keys.n, .n = k->n, .width = width, .v = v};

	if (k->bad)
		return;
	wh_buf_str(&b->keys, wh_key_view(k));
	wh_buf_add(&b->rows, &row, sizeof(row));
}

static int
in_order(const void *a, const void *b)
{
	const struct batch_row *x = a, *y = b;

	if (x->head != y->head)
		return x->head < y->head ? -1 : 1;
	return wh_str_cmp(wh_str(x->key, x->n), wh_str(y->key, y->n));
}

/* Many come so, and to see it takes less than to sort them. */
static bool
are_in_order(const struct batch_row *rows, size_t n)
{
	size_t i = 1;

	while (i < n && in_order(&rows[i - 1], &rows[i]) <= 0)
		i++;
	return i >= n;
}

static int
put_row(struct wh_txn *t, struct wh_walk *w, const struct batch_row *row)
{
	struct wh_draft d;
	struct wh_key k;

	wh_key_init(&k);
	wh_key_add(&k, wh_str(row->key, row->n));
	wh_draft_init(&d);
	wh_draft_num(&d, row->v, row->width);
	return wh_walk_put(t, w, &k, &d);
}

static int
put_all(struct wh_txn *t, enum wh_table table, const struct batch_row *rows, size_t n)
{
	struct wh_walk w;
	int r = wh_walk_begin(&t->view, table, &w);

	for (size_t i = 0; r == 0 && i < n; i++)
		r = put_row(t, &w, &rows[i]);
	wh_walk_end(&w);
	return r;
}

int
wh_batch_put(struct wh_txn *t, struct wh_batch *b)
{
	struct batch_row *rows = (struct batch_row *)(void *)b->rows.p;
	size_t n = b->rows.n / sizeof(rows[0]);
	int r = b->keys.fault ? b->keys.fault : b->rows.fault;

	if (r || n == 0)
		return wh_txn_fail(t, r);
	for (size_t i = 0; i < n; i++)
		rows[i].key = b->keys.p + rows[i].at;
	if (!are_in_order(rows, n))
		qsort(rows, n, sizeof(rows[0]), in_order);
	r = wh_txn_fail(t, put_all(t, b->table, rows, n));
	wh_buf_reset(&b->keys);
	wh_buf_reset(&b->rows);
	return r;
}

void
wh_batch_fini(struct wh_batch *b)
{
	wh_buf_fini(&b->keys);
	wh_buf_fini(&b->rows);
}
