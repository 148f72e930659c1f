/* SPDX-License-Identifier: MIT */
/*
 * core/remote_skip.c inside the list reader: lists that change from one to the
 * next in every way are read with and without what is known, in pieces of any
 * length. Both must find the same, and what did not change must not be read.
 */
#include "daemon/core/remote_list.h"
#include "daemon/core/remote_skip.h"
#include "tests/unit/rows.h"

#define SEED UINT64_C(0x5eed)
#define IDS 400u
#define LISTS 60u

static const struct wh_list_limits limits = {.element = 4096, .json_depth = 8};

struct dice {
	uint64_t state;
};

static unsigned throw(struct dice * d, unsigned below)
{
	d->state = d->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(d->state >> 33) % below;
}

/* The webhooks of the upstream, in the order of its list. */
struct world {
	unsigned order[IDS];
	unsigned n;
	unsigned version[IDS], spelling[IDS];
	struct dice dice;
};

/* What a reader found out: the version of each webhook, 0 = not there. */
struct found {
	unsigned version[IDS];
	unsigned rows; /* handed on */
	struct wh_known_items learned;
};

static void
add_element(struct wh_buf *body, const struct world *w, unsigned id)
{
	const char *space = w->spelling[id] % 2 ? " " : "";

	wh_buf_printf(body, "{\"id\":%u,%s\"whname\":\"%u\",%s\"whcomment\":\"", id, space,
		      w->version[id], space);
	for (unsigned i = 0; i < id % 7 * 60; i++)
		wh_buf_byte(body, (char)('a' + i % 26));
	wh_buf_c(body, "\"}");
}

static void
add_list(struct wh_buf *body, const struct world *w, unsigned from, unsigned to)
{
	wh_buf_byte(body, '[');
	for (unsigned i = from; i < to; i++) {
		wh_buf_c(body, i == from ? "" : (w->order[i] % 5 ? "," : " ,\n"));
		add_element(body, w, w->order[i]);
	}
	wh_buf_byte(body, ']');
}

static int
on_row(void *ctx, const struct wh_list_row *row)
{
	struct found *f = ctx;
	struct wh_tree tree = {0};
	int64_t id, version;

	assert_int_equal(wh_unpack(&tree, row->body, NULL), 0);
	assert_true(wh_parse_i64(row->whid, 0, IDS - 1, &id));
	assert_true(wh_parse_i64(wh_obj_str_at(&tree.root, "whname"), 1, 1 << 30, &version));
	wh_tree_fini(&tree);
	f->version[id] = (unsigned)version;
	f->rows++;
	wh_known_items_add(&f->learned, (struct wh_known_item){
						.text = row->text,
						.key = wh_known_hash(SEED, row->whid),
					});
	return 0;
}

/* In pieces of any length, each in memory of its own size. */
static void
feed(struct wh_list_reader *r, struct dice *d, struct wh_str body)
{
	unsigned longest = throw(d, 3) ? 3000 : 40000;

	while (body.n > 0) {
		size_t n = throw(d, longest) + 1u;

		n = n < body.n ? n : body.n;
		char *own = malloc(n);

		memcpy(own, body.p, n);
		assert_int_equal(wh_list_reader_feed(r, wh_str(own, n)), 0);
		free(own);
		body = wh_str(body.p + n, body.n - n);
	}
}

/* In one page or two, bare or wrapped. */
static void
read_list(struct world *w, struct wh_list_reader *r, bool cut)
{
	unsigned half = throw(&w->dice, 4) ? w->n : w->n / 2;
	bool wrapped = throw(&w->dice, 3) == 0;
	struct wh_list_summary sum;

	for (unsigned from = 0, to = half; from < w->n || from == 0; from = to, to = w->n) {
		WH_CLEANUP(wh_buf_fini) struct wh_buf body = WH_BUF_NULL;

		if (from > 0)
			wh_list_reader_next_page(r);
		wh_buf_c(&body, wrapped ? "{\"value\":" : "");
		add_list(&body, w, from, to);
		wh_buf_c(&body, wrapped ? "}" : "");
		if (cut)
			body.n -= body.n / 3;
		feed(r, &w->dice, wh_buf_view(&body));
		assert_int_equal(wh_list_reader_end_page(r, !cut), 0);
		if (w->n == 0)
			break;
	}
	wh_list_reader_summary(r, &sum);
	if (!cut && !sum.complete)
		fail_msg("%s", sum.why);
	assert_true(cut || sum.rows == w->n);
}

static void
take_out(struct world *w, unsigned at)
{
	w->n--;
	memmove(w->order + at, w->order + at + 1, (w->n - at) * sizeof(*w->order));
}

static bool
is_there(const struct world *w, unsigned id)
{
	for (unsigned i = 0; i < w->n; i++)
		if (w->order[i] == id)
			return true;
	return false;
}

static void
change_one(struct world *w, unsigned at)
{
	unsigned id = w->order[at];

	switch (throw(&w->dice, 5)) {
	case 0: /* another value, or one that it had before */
		w->version[id] = 1 + throw(&w->dice, 3);
		break;
	case 1: /* the same value, spelt in another way */
		w->spelling[id]++;
		break;
	case 2: /* it moves */
		take_out(w, at);
		w->order[w->n++] = id;
		break;
	case 3: /* it goes */
		take_out(w, at);
		break;
	case 4: /* all that went come back */
		for (unsigned back = 0; back < IDS; back++)
			if (!is_there(w, back))
				w->order[w->n++] = back;
		break;
	}
}

static void
change(struct world *w, unsigned changes)
{
	for (unsigned i = 0; i < changes && w->n > 1; i++)
		change_one(w, throw(&w->dice, w->n));
}

/* The model of the store: what a list says goes in, what is known need not be said. */
struct store {
	unsigned version[IDS];
	struct wh_known *known;
	struct wh_known_items news;
};

static unsigned
sync_once(struct world *w, struct store *s, bool cut)
{
	struct found f = {0};
	struct wh_list_reader *r = wh_list_reader_new(&limits, on_row, &f);

	wh_known_update(s->known, &s->news);
	wh_known_items_fini(&s->news);
	wh_known_begin(s->known);
	wh_list_reader_use(r, s->known);
	read_list(w, r, cut);
	wh_known_end(s->known, !cut);
	for (unsigned id = 0; id < IDS; id++)
		if (f.version[id])
			s->version[id] = f.version[id];
	assert_true(cut || f.rows + wh_known_ticked(s->known) == w->n);
	s->news = f.learned;
	wh_list_reader_free(r);
	return f.rows;
}

/* We write it ourselves, and somebody else puts it back before the next list. */
static void
write_one(struct store *s, unsigned id)
{
	char key[16];
	int n = snprintf(key, sizeof(key), "%u", id);

	s->version[id] = 1000;
	wh_known_items_add(&s->news, (struct wh_known_item){
					     .key = wh_known_hash(SEED, wh_str(key, (size_t)n)),
				     });
}

static void
check_store(const struct world *w, const struct store *s)
{
	for (unsigned i = 0; i < w->n; i++)
		assert_int_equal(s->version[w->order[i]], w->version[w->order[i]]);
}

static void
live(uint64_t seed)
{
	struct world w = {.n = IDS, .dice = {seed}};
	struct store s = {.known = wh_known_new(SEED)};

	for (unsigned i = 0; i < IDS; i++) {
		w.order[i] = i;
		w.version[i] = 1;
	}
	for (unsigned list = 0; list < LISTS; list++) {
		if (throw(&w.dice, 5) == 0)
			sync_once(&w, &s, true);
		assert_true(sync_once(&w, &s, false) < IDS || list == 0);
		check_store(&w, &s);
		assert_int_equal(sync_once(&w, &s, false), 0);
		check_store(&w, &s);
		if (throw(&w.dice, 2))
			write_one(&s, throw(&w.dice, IDS));
		change(&w, throw(&w.dice, 3) ? throw(&w.dice, 4) : throw(&w.dice, 60));
	}
	wh_known_items_fini(&s.news);
	wh_known_free(s.known);
}

static void
test_finds_what_it_finds_without(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++)
		live(seed);
}

/* The same webhook twice, in the same words or in others. */
static void
test_doubles_make_a_list_incomplete(void **state)
{
	struct found f = {0};
	struct wh_known *k = wh_known_new(SEED);
	struct wh_list_summary sum;

	(void)state;
	for (int list = 0; list < 2; list++) {
		struct wh_list_reader *r = wh_list_reader_new(&limits, on_row, &f);

		wh_known_update(k, &f.learned);
		wh_known_begin(k);
		wh_list_reader_use(r, k);
		assert_int_equal(wh_list_reader_feed(r, WH_STR("[{\"id\":1,\"whname\":\"1\"},"
							       "{\"id\":1,\"whname\":\"1\"}]")),
				 0);
		assert_int_equal(wh_list_reader_end_page(r, true), 0);
		wh_list_reader_summary(r, &sum);
		wh_list_reader_free(r);
		wh_known_end(k, sum.complete);
	}
	/* In the first list both are handed on, and whoever gathers them sees it. */
	assert_int_equal(f.rows, 2);
	assert_false(sum.complete);
	assert_non_null(strstr(sum.why, "twice"));
	wh_known_items_fini(&f.learned);
	wh_known_free(k);
}

/* ------------------------------------------------------------ blocks, bare -- */

static void
learn(struct wh_known *k, const char *text)
{
	struct wh_known_items items = {0};
	struct wh_hash h = wh_known_hash(SEED, wh_str_c(text));

	wh_known_items_add(&items, (struct wh_known_item){h, h});
	wh_known_update(k, &items);
	wh_known_items_fini(&items);
}

static uint32_t
element(struct wh_skip *s, const char *text, const char *bytes)
{
	uint32_t at = wh_known_find(s->known, wh_known_hash(SEED, wh_str_c(text)));

	wh_skip_bytes(s, wh_str_c(bytes));
	wh_known_tick(s->known, at);
	wh_skip_element(s, at);
	return at;
}

/* a, and a block of more than WH_SKIP_BLOCK bytes behind it that ends with b. */
static struct wh_known *
with_block(char *bytes)
{
	struct wh_known *k = wh_known_new(SEED);
	struct wh_skip s;

	memset(bytes, 'x', WH_SKIP_BLOCK);
	bytes[WH_SKIP_BLOCK] = '\0';
	learn(k, "a");
	learn(k, "b");
	wh_known_begin(k);
	wh_skip_init(&s, k);
	element(&s, "a", "[a");
	element(&s, "b", bytes);
	wh_skip_restart(&s);
	wh_known_end(k, true);
	wh_skip_fini(&s);
	return k;
}

static const struct {
	const char *what;
	size_t first, flip; /* bytes of the first piece; the byte that differs, from 1 */
	bool passes;
} block_rows[] = {
	{"all at once", WH_SKIP_BLOCK, 0, true},
	{"in two pieces", 100, 0, true},
	{"byte by byte to its end", WH_SKIP_BLOCK - 1, 0, true},
	{"another first byte", WH_SKIP_BLOCK, 1, false},
	{"another last byte", WH_SKIP_BLOCK, WH_SKIP_BLOCK, false},
	{"another byte in the second piece", 100, 200, false},
	{"another byte in the first piece", 100, 50, false},
};

static void
check_block(size_t row)
{
	char bytes[WH_SKIP_BLOCK + 2];
	struct wh_known *k = with_block(bytes);
	struct wh_str rest;
	struct wh_skip s;
	uint32_t n = 0;
	enum wh_skip_step step = WH_SKIP_MORE;
	struct wh_buf held;

	wh_known_begin(k);
	wh_skip_init(&s, k);
	element(&s, "a", "[a");
	check(block_rows[row].what, s.block != NULL);
	if (block_rows[row].flip)
		bytes[block_rows[row].flip - 1] = 'y';
	bytes[WH_SKIP_BLOCK] = ']';
	rest = wh_str(bytes, block_rows[row].first);
	if (rest.n < WH_SKIP_BLOCK) {
		step = wh_skip_block(&s, &rest, &n);
		check(block_rows[row].what, step == WH_SKIP_MORE && rest.n == 0);
	}
	rest = wh_str(bytes + (rest.n ? 0 : block_rows[row].first),
		      WH_SKIP_BLOCK + 1 - (rest.n ? 0 : block_rows[row].first));
	step = wh_skip_block(&s, &rest, &n);
	check(block_rows[row].what,
	      step == (block_rows[row].passes ? WH_SKIP_PASSED : WH_SKIP_OTHER));
	held = wh_skip_held(&s);
	check(block_rows[row].what,
	      held.n + rest.n == (block_rows[row].passes ? 1 : WH_SKIP_BLOCK + 1));
	check(block_rows[row].what, !block_rows[row].passes || n == 1);
	wh_buf_fini(&held);
	wh_skip_fini(&s);
	wh_known_free(k);
}

static void
test_blocks(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(block_rows); i++)
		check_block(i);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_what_it_finds_without),
		cmocka_unit_test(test_doubles_make_a_list_incomplete),
		cmocka_unit_test(test_blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
