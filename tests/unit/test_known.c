/* SPDX-License-Identifier: MIT */
/*
 * core/known.c and known_block.c: what is learned and forgotten, ticks, and
 * blocks, which must never stand for anything but the elements they were made
 * of.
 */
#include "daemon/core/known.h"
#include "tests/unit/rows.h"

#define SEED UINT64_C(0x5eed)

static struct wh_hash
hash(const char *text)
{
	return wh_known_hash(SEED, wh_str_c(text));
}

static void
tell(struct wh_known *k, const char *key, const char *text)
{
	struct wh_known_items items = {0};
	struct wh_known_item item = {.key = hash(key)};

	if (text)
		item.text = hash(text);
	wh_known_items_add(&items, item);
	wh_known_update(k, &items);
	wh_known_items_fini(&items);
}

static bool
knows(const struct wh_known *k, const char *text)
{
	return wh_known_find(k, hash(text)) != WH_KNOWN_NONE;
}

static const struct {
	const char *what;
	const char *told[6]; /* key=text, key= forgets; one update */
	const char *known;   /* texts, one letter each */
	size_t count;
} updates[] = {
	{"nothing", {NULL}, "", 0},
	{"one", {"k=a"}, "a", 1},
	{"two", {"k=a", "l=b"}, "ab", 2},
	{"the last word counts", {"k=a", "k=b"}, "b", 1},
	{"learned, then forgotten", {"k=a", "k="}, "", 0},
	{"forgotten, then learned", {"k=", "k=a"}, "a", 1},
	{"there and back", {"k=a", "k=b", "k=a"}, "a", 1},
	{"another is not concerned", {"k=a", "l=b", "k="}, "b", 1},
	{"forgotten twice", {"k=a", "k=", "k="}, "", 0},
};

static void
add_told(struct wh_known_items *items, const char *told)
{
	const char *sign = strchr(told, '=');
	struct wh_known_item item = {
		.key = wh_known_hash(SEED, wh_str(told, (size_t)(sign - told))),
	};

	if (sign[1])
		item.text = hash(sign + 1);
	wh_known_items_add(items, item);
}

/* As each row of a list is told, which is written first: it takes the place of one item. */
static void
test_two_words_on_one_in_a_row(void **state)
{
	struct wh_known_items items = {0};

	(void)state;
	add_told(&items, "k=");
	add_told(&items, "k=a");
	add_told(&items, "l=");
	add_told(&items, "l=b");
	assert_int_equal(items.n, 2);
	add_told(&items, "k=c");
	assert_int_equal(items.n, 3);
	wh_known_items_fini(&items);
}

static void
check_known(const char *what, const struct wh_known *k, const char *texts, size_t count)
{
	for (const char *t = "abc"; *t; t++) {
		const char text[] = {*t, '\0'};

		check(what, knows(k, text) == (strchr(texts, *t) != NULL));
	}
	check(what, wh_known_count(k) == count);
}

static void
test_updates(void **state)
{
	(void)state;
	for (size_t i = 0; i < wh_array_len(updates); i++) {
		struct wh_known *at_once = wh_known_new(SEED), *by_steps = wh_known_new(SEED);
		struct wh_known_items items = {0};

		for (size_t n = 0; n < 6 && updates[i].told[n]; n++) {
			struct wh_known_items one = {0};

			add_told(&items, updates[i].told[n]);
			add_told(&one, updates[i].told[n]);
			wh_known_update(by_steps, &one);
			wh_known_items_fini(&one);
		}
		wh_known_update(at_once, &items);
		wh_known_items_fini(&items);
		check_known(updates[i].what, at_once, updates[i].known, updates[i].count);
		check_known(updates[i].what, by_steps, updates[i].known, updates[i].count);
		wh_known_free(at_once);
		wh_known_free(by_steps);
	}
}

static void
test_lost_items_forget_all(void **state)
{
	struct wh_known *k = wh_known_new(SEED);
	struct wh_known_items items = {.forget_all = true};

	(void)state;
	tell(k, "k", "a");
	add_told(&items, "l=b");
	wh_known_update(k, &items);
	wh_known_items_fini(&items);
	check_known("only what came after", k, "b", 1);
	wh_known_free(k);
}

#define KEYS 5000u
#define ROUNDS 7u

static struct wh_hash
text_hash(unsigned i, unsigned round)
{
	char text[48];

	snprintf(text, sizeof(text), "text %u of round %u", i, round);
	return hash(text);
}

/* In the first round all are told, later each third. */
static bool
is_told(unsigned i, unsigned round)
{
	return round == 0 || i % 3 == round % 3;
}

static void
tell_round(struct wh_known *k, unsigned round)
{
	struct wh_known_items items = {0};
	char key[32];

	for (unsigned i = 0; i < KEYS; i++) {
		snprintf(key, sizeof(key), "key %u", i);
		if (is_told(i, round))
			wh_known_items_add(
				&items, (struct wh_known_item){text_hash(i, round), hash(key)});
	}
	wh_known_update(k, &items);
	wh_known_items_fini(&items);
}

static unsigned
last_told(unsigned i)
{
	unsigned last = 0;

	for (unsigned round = 1; round < ROUNDS; round++)
		if (is_told(i, round))
			last = round;
	return last;
}

/* Many, changed again and again: the table is cleaned up and stays right. */
static void
test_many(void **state)
{
	struct wh_known *k = wh_known_new(SEED);

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		tell_round(k, round);
		assert_int_equal(wh_known_count(k), KEYS);
	}
	for (unsigned i = 0; i < KEYS * ROUNDS; i++) {
		unsigned at = i / ROUNDS, round = i % ROUNDS;
		bool known = wh_known_find(k, text_hash(at, round)) != WH_KNOWN_NONE;

		assert_true(known == (round == last_told(at)));
	}
	wh_known_free(k);
}

static void
test_ticks(void **state)
{
	struct wh_known *k = wh_known_new(SEED);
	struct wh_hash key;
	uint32_t at = 0;

	(void)state;
	tell(k, "k", "a");
	tell(k, "l", "b");
	wh_known_begin(k);
	assert_false(wh_known_next_ticked(k, &at, &key));
	assert_true(wh_known_tick(k, wh_known_find(k, hash("b"))));
	assert_false(wh_known_tick(k, wh_known_find(k, hash("b"))));
	assert_int_equal(wh_known_ticked(k), 1);
	at = 0;
	assert_true(wh_known_next_ticked(k, &at, &key));
	assert_true(key.lo == hash("l").lo && key.hi == hash("l").hi);
	assert_false(wh_known_next_ticked(k, &at, &key));
	wh_known_begin(k);
	assert_int_equal(wh_known_ticked(k), 0);
	assert_true(wh_known_tick(k, wh_known_find(k, hash("b"))));
	wh_known_free(k);
}

/* ------------------------------------------------------------------- blocks -- */

static uint32_t
find(const struct wh_known *k, const char *text)
{
	uint32_t at = wh_known_find(k, hash(text));

	assert_true(at != WH_KNOWN_NONE);
	return at;
}

/* a, then the block b c. */
static struct wh_known *
with_block(void)
{
	struct wh_known *k = wh_known_new(SEED);

	tell(k, "k", "a");
	tell(k, "l", "b");
	tell(k, "m", "c");
	wh_known_begin(k);
	wh_known_tick(k, find(k, "a"));
	wh_known_block_open(k, find(k, "a"));
	for (const char *const *t = (const char *const[]){"b", "c", NULL}; *t; t++) {
		wh_known_tick(k, find(k, *t));
		wh_known_block_add(k, find(k, *t));
	}
	wh_known_block_close(k, hash("bytes"), 5);
	return k;
}

static void
test_a_block_counts_in_the_next_list(void **state)
{
	struct wh_known *k = with_block();
	const struct wh_known_block *b;

	(void)state;
	assert_null(wh_known_behind(k, find(k, "a")));
	wh_known_end(k, true);
	for (int list = 0; list < 3; list++) {
		wh_known_begin(k);
		wh_known_tick(k, find(k, "a"));
		b = wh_known_behind(k, find(k, "a"));
		assert_non_null(b);
		assert_null(wh_known_behind(k, find(k, "b")));
		assert_true(b->n == 2 && b->bytes == 5 && b->hash.lo == hash("bytes").lo);
		assert_true(wh_known_tick_block(k, b) == find(k, "c"));
		assert_int_equal(wh_known_ticked(k), 3);
		wh_known_end(k, true); /* recorded anew by the tick */
	}
	wh_known_free(k);
}

static void
test_a_broken_list_leaves_the_record(void **state)
{
	struct wh_known *k = with_block();

	(void)state;
	wh_known_end(k, true);
	wh_known_begin(k);
	wh_known_end(k, false);
	assert_non_null(wh_known_behind(k, find(k, "a")));
	wh_known_begin(k);
	wh_known_end(k, true);
	assert_null(wh_known_behind(k, find(k, "a")));
	wh_known_free(k);
}

static void
test_a_block_dies_with_an_element(void **state)
{
	struct wh_known *k = with_block();
	const struct wh_known_block *b;

	(void)state;
	wh_known_end(k, true);
	tell(k, "m", "another c");
	wh_known_begin(k);
	b = wh_known_behind(k, find(k, "a"));
	assert_non_null(b);
	assert_true(wh_known_tick_block(k, b) == WH_KNOWN_NONE);
	assert_int_equal(wh_known_ticked(k), 0);
	wh_known_free(k);
}

static void
test_a_block_is_not_ticked_over_a_tick(void **state)
{
	struct wh_known *k = with_block();

	(void)state;
	wh_known_end(k, true);
	wh_known_begin(k);
	wh_known_tick(k, find(k, "c"));
	assert_true(wh_known_tick_block(k, wh_known_behind(k, find(k, "a"))) == WH_KNOWN_NONE);
	assert_int_equal(wh_known_ticked(k), 1);
	wh_known_free(k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_words_on_one_in_a_row),
		cmocka_unit_test(test_updates),
		cmocka_unit_test(test_lost_items_forget_all),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_ticks),
		cmocka_unit_test(test_a_block_counts_in_the_next_list),
		cmocka_unit_test(test_a_broken_list_leaves_the_record),
		cmocka_unit_test(test_a_block_dies_with_an_element),
		cmocka_unit_test(test_a_block_is_not_ticked_over_a_tick),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
