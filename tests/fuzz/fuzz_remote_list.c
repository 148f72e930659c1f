/* SPDX-License-Identifier: MIT */
/*
 * Fuzzes the list reader: whatever the body, what is found must not depend on
 * how it is cut into pieces; a list that is complete has no flaw; each row
 * decodes and holds its id. The first bytes choose the sizes of the pieces.
 */
#include <stdlib.h>

#include "daemon/core/remote_list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define ELEMENT_MAX 96

struct outcome {
	struct wh_buf rows;
	struct wh_list_summary sum;
	struct wh_buf next;
};

static int
on_row(void *ctx, const struct wh_list_row *row)
{
	struct outcome *o = ctx;
	struct wh_tree tree = {0};

	wh_require(wh_unpack(&tree, row->body, NULL) == 0);
	wh_require(wh_str_eq(wh_obj_str_at(&tree.root, "whid"), row->whid));
	wh_require(wh_whid_valid(row->whid));
	wh_tree_fini(&tree);
	wh_buf_str(&o->rows, row->whid);
	wh_buf_str(&o->rows, row->body);
	return 0;
}

/* Each piece in memory of its own size, so that reading past it is seen. */
static void
feed_piece(struct wh_list_reader *r, const uint8_t *data, size_t n)
{
	char *own = malloc(n ? n : 1);

	wh_require(own);
	if (n > 0)
		memcpy(own, data, n);
	wh_require(wh_list_reader_feed(r, wh_str(own, n)) == 0);
	free(own);
}

static void
read_list(struct outcome *o, const uint8_t *data, size_t n, const uint8_t sizes[4])
{
	const struct wh_list_limits limits = {.element = ELEMENT_MAX, .json_depth = 5};
	struct wh_list_reader *r = wh_list_reader_new(&limits, on_row, o);
	size_t at = 0;

	for (size_t i = 0; at < n; i++) {
		size_t piece = sizes ? sizes[i % 4] + (size_t)(i % 4 == 3) : n;

		piece = piece < n - at ? piece : n - at;
		feed_piece(r, data + at, piece);
		at += piece;
	}
	wh_require(wh_list_reader_end_page(r, true) == 0);
	wh_list_reader_summary(r, &o->sum);
	wh_buf_str(&o->next, o->sum.next);
	wh_list_reader_free(r);
}

static void
check_sum(const struct wh_list_summary *s)
{
	wh_require(!s->complete || (s->usable && s->unreadable == 0 && s->rows == s->elements));
	wh_require(s->complete == !s->why[0]);
	wh_require(s->rows + s->unreadable == s->elements);
	wh_require(memchr(s->why, '\0', sizeof(s->why)));
	wh_require(!wh_str_has_control(wh_str_c(s->why)));
}

/* ---- the same body again and again, with what is known of it ---- */

struct again {
	struct wh_known *known;
	struct wh_known_items learned;
	uint64_t rows;
};

static int
on_new_row(void *ctx, const struct wh_list_row *row)
{
	struct again *a = ctx;
	uint64_t seed = wh_known_seed(a->known);

	a->rows++;
	wh_known_items_add(&a->learned, (struct wh_known_item){
						.text = row->text,
						.key = wh_known_hash(seed, row->whid),
					});
	return 0;
}

static void
read_again(struct again *a, const uint8_t *data, size_t n, struct wh_list_summary *sum)
{
	const struct wh_list_limits limits = {.element = ELEMENT_MAX, .json_depth = 5};
	struct wh_list_reader *r = wh_list_reader_new(&limits, on_new_row, a);

	wh_known_update(a->known, &a->learned);
	wh_known_items_fini(&a->learned);
	wh_known_begin(a->known);
	wh_list_reader_use(r, a->known);
	a->rows = 0;
	feed_piece(r, data, n / 2);
	feed_piece(r, data + n / 2, n - n / 2);
	wh_require(wh_list_reader_end_page(r, true) == 0);
	wh_list_reader_summary(r, sum);
	wh_known_end(a->known, sum->complete);
	wh_list_reader_free(r);
}

/* Whatever is known, as many elements are found; a list is only ever less complete for it. */
static void
check_again(const struct wh_list_summary *fresh, const uint8_t *data, size_t n)
{
	struct again a = {.known = wh_known_new(1)};
	struct wh_list_summary sum;

	for (int i = 0; i < 3; i++) {
		read_again(&a, data, n, &sum);
		wh_require(sum.usable == fresh->usable && sum.elements == fresh->elements);
		wh_require(sum.rows == fresh->rows && sum.unreadable == fresh->unreadable);
		wh_require(!sum.complete || fresh->complete);
		wh_require(!sum.complete || a.rows + wh_known_ticked(a.known) == sum.rows);
	}
	wh_known_items_fini(&a.learned);
	wh_known_free(a.known);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct outcome whole = {0};
	struct outcome pieces = {0};

	if (n < 4)
		return 0;
	read_list(&whole, data + 4, n - 4, NULL);
	read_list(&pieces, data + 4, n - 4, data);
	check_sum(&whole.sum);
	wh_require(wh_str_eq(wh_buf_view(&whole.rows), wh_buf_view(&pieces.rows)));
	wh_require(wh_str_eq(wh_buf_view(&whole.next), wh_buf_view(&pieces.next)));
	wh_require(whole.sum.usable == pieces.sum.usable);
	wh_require(whole.sum.complete == pieces.sum.complete);
	wh_require(whole.sum.elements == pieces.sum.elements);
	wh_require(whole.sum.unreadable == pieces.sum.unreadable);
	wh_require(wh_str_eq(wh_str_c(whole.sum.why), wh_str_c(pieces.sum.why)));
	check_again(&whole.sum, data + 4, n - 4);
	wh_buf_fini(&whole.rows);
	wh_buf_fini(&whole.next);
	wh_buf_fini(&pieces.rows);
	wh_buf_fini(&pieces.next);
	return 0;
}
