/* SPDX-License-Identifier: MIT */
/*
 * The index by terms: kept with each row and overlay, built anew beside
 * writers, and never wrong in silence, whatever byte of a key is damaged. Here
 * each letter of a body is a term.
 */
#include "tests/unit/store_fixture.h"

#include "store/index.h"
#include "store/terms.h"

#define FOUND_MAX 4096

static uint64_t
term(char letter)
{
	return (uint64_t)(unsigned char)letter * 0x9e3779b97f4a7c15u;
}

static void
letters(enum wh_scan_table table, struct wh_str body, struct wh_terms *ret)
{
	(void)table;
	ret->n = 0;
	ret->many = body.n > WH_TERMS_MAX;
	for (size_t i = 0; i < body.n && !ret->many; i++)
		ret->term[ret->n++] = term(body.p[i]);
}

static void
reopen_with_terms(struct fixture *f)
{
	f->terms = letters;
	fx_reopen(f);
}

static void
put_overlay(struct wh_txn *t, const char *id, const char *body, bool hidden)
{
	const struct wh_overlay o = {.pending = 1, .hidden = hidden, .body = wh_str_c(body)};

	assert_int_equal(wh_overlays_put(t, wh_str_c(id), &o), 0);
}

/* " id id" of all that are found, or "damaged". */
static const char *
find_after(const struct wh_view *v, enum wh_scan_table table, char letter, const char *after)
{
	static char text[FOUND_MAX];
	struct wh_term_scan s;
	struct wh_str id;
	size_t n = 0;
	int r;

	text[0] = '\0';
	assert_int_equal(wh_terms_begin(v, table, term(letter), wh_str_c(after), &s), 0);
	while ((r = wh_terms_next(&s, &id)) == 0)
		n += (size_t)snprintf(text + n, sizeof(text) - n, " %.*s", WH_STR_FMT(id));
	wh_terms_end(&s);
	if (r == WH_ECORRUPT)
		return "damaged";
	assert_int_equal(r, WH_STORE_END);
	return text;
}

static const char *
find(const struct wh_view *v, char letter)
{
	return find_after(v, WH_SCAN_ROWS, letter, "");
}

static void
build(struct fixture *f, unsigned budget)
{
	struct wh_terms_build b = {0};
	struct wh_txn t;

	while (!b.done) {
		fx_begin(f, &t);
		assert_int_equal(wh_terms_build(&t, &b, budget), 0);
		fx_commit(&t);
	}
}

static void
test_follows_rows(void **state)
{
	struct fixture *f = *state;
	struct wh_txn t;

	reopen_with_terms(f);
	build(f, 100);
	fx_begin(f, &t);
	fx_put_row(&t, "b", "xy");
	fx_put_row(&t, "a", "xxz");
	fx_put_row(&t, "c", "z");
	assert_string_equal(find(&t.view, 'x'), " a b");
	assert_string_equal(find(&t.view, 'z'), " a c");
	assert_string_equal(find(&t.view, 'q'), "");
	assert_string_equal(find_after(&t.view, WH_SCAN_ROWS, 'z', "a"), " c");
	assert_string_equal(find_after(&t.view, WH_SCAN_ROWS, 'z', "aa"), " c");
	assert_string_equal(find_after(&t.view, WH_SCAN_ROWS, 'z', "c"), "");
	fx_put_row(&t, "a", "yz");
	assert_string_equal(find(&t.view, 'x'), " b");
	assert_string_equal(find(&t.view, 'y'), " a b");
	assert_int_equal(wh_rows_del(&t, WH_STR("a")), 0);
	assert_string_equal(find(&t.view, 'y'), " b");
	assert_string_equal(find(&t.view, 'z'), " c");
	fx_commit(&t);
	fx_check_clean(f);
}

static void
test_follows_overlays(void **state)
{
	struct fixture *f = *state;
	struct wh_txn t;

	reopen_with_terms(f);
	build(f, 100);
	fx_begin(f, &t);
	fx_put_row(&t, "a", "x");
	put_overlay(&t, "a", "y", false);
	put_overlay(&t, "h", "y", true);
	assert_string_equal(find(&t.view, 'x'), " a");
	assert_string_equal(find_after(&t.view, WH_SCAN_OVERLAYS, 'x', ""), "");
	assert_string_equal(find_after(&t.view, WH_SCAN_OVERLAYS, 'y', ""), " a");
	put_overlay(&t, "h", "y", false);
	assert_string_equal(find_after(&t.view, WH_SCAN_OVERLAYS, 'y', ""), " a h");
	/* Only what the row under it lacks. */
	put_overlay(&t, "a", "xz", false);
	assert_string_equal(find_after(&t.view, WH_SCAN_OVERLAYS, 'x', ""), "");
	assert_string_equal(find_after(&t.view, WH_SCAN_OVERLAYS, 'z', ""), " a");
	fx_put_row(&t, "a", "z");
	assert_string_equal(find_after(&t.view, WH_SCAN_OVERLAYS, 'x', ""), " a");
	assert_string_equal(find_after(&t.view, WH_SCAN_OVERLAYS, 'z', ""), "");
	assert_int_equal(wh_rows_del(&t, WH_STR("a")), 0);
	assert_string_equal(find_after(&t.view, WH_SCAN_OVERLAYS, 'z', ""), " a");
	fx_put_row(&t, "a", "x");
	put_overlay(&t, "a", "y", true);
	assert_int_equal(wh_overlays_del(&t, WH_STR("h")), 0);
	assert_string_equal(find_after(&t.view, WH_SCAN_OVERLAYS, 'y', ""), "");
	fx_commit(&t);
	fx_check_clean(f);
}

/* An operation that came last, and the overlay of its lane. */
static void
put_waiting(struct wh_txn *t, uint64_t seq, const char *lane, const char *body, bool hidden)
{
	const struct wh_oprow op = fx_op(seq, lane, 0, 0);
	const struct wh_overlay o = {
		.pending = 1, .hidden = hidden, .body = wh_str_c(body), .newest = seq};

	assert_int_equal(wh_ops_put(t, &op), 0);
	assert_int_equal(wh_overlays_put(t, wh_str_c(lane), &o), 0);
}

static const char *
find_overlays(const struct wh_view *v, char letter)
{
	return find_after(v, WH_SCAN_OVERLAYS, letter, "");
}

/* Overlays whose index rows are yet to be written may have any term: they are looked at. */
static void
test_found_with_the_tail(void **state)
{
	struct fixture *f = *state;
	struct wh_view v;
	struct wh_txn t;

	reopen_with_terms(f);
	build(f, 100);
	fx_begin(f, &t);
	put_overlay(&t, "b", "y", false); /* it has its own, and keeps them right */
	put_waiting(&t, 1, "b", "z", false);
	put_waiting(&t, 2, "a", "y", false);
	put_waiting(&t, 3, "c", "y", true);
	put_waiting(&t, 4, "d", "z", false);
	put_waiting(&t, 5, "d", "x", false);
	assert_string_equal(find_overlays(&t.view, 'y'), " a d");
	fx_commit(&t);
	fx_check_clean(f);
	fx_view(f, &v);
	assert_string_equal(find_overlays(&v, 'y'), " a d");
	assert_string_equal(find_overlays(&v, 'z'), " a b d");
	assert_string_equal(find_after(&v, WH_SCAN_OVERLAYS, 'z', "a"), " b d");
	wh_view_end(&v);

	fx_begin(f, &t);
	assert_int_equal(wh_ops_del(&t, 2), 0); /* its overlay stays, for another reason */
	put_overlay(&t, "a", "y", false);
	assert_string_equal(find_overlays(&t.view, 'z'), " b d");
	assert_int_equal(wh_ops_catch_up(&t, 0, SIZE_MAX), 0);
	assert_string_equal(find_overlays(&t.view, 'x'), " d");
	assert_string_equal(find_overlays(&t.view, 'y'), " a");
	assert_string_equal(find_overlays(&t.view, 'z'), " b");
	put_waiting(&t, 6, "d", "w", false);
	assert_string_equal(find_overlays(&t.view, 'x'), "");
	assert_string_equal(find_overlays(&t.view, 'w'), " d");
	fx_commit(&t);
	fx_check_clean(f);
}

static uint64_t
newest_of(const struct wh_view *v, const char *id)
{
	struct wh_overlay o;

	assert_int_equal(wh_overlays_get(v, wh_str_c(id), NULL, &o), 0);
	return o.newest;
}

/* One that has its index rows says the same of itself from then on, whatever comes into its
 * lane: as long as readers see no change it is not written again. */
static void
test_says_the_same_when_caught_up(void **state)
{
	struct fixture *f = *state;
	struct wh_txn t;

	reopen_with_terms(f);
	build(f, 100);
	fx_begin(f, &t);
	put_waiting(&t, 1, "a", "y", false);
	put_waiting(&t, 2, "a", "y", false);
	assert_int_equal(newest_of(&t.view, "a"), 2);
	assert_int_equal(wh_ops_catch_up(&t, 0, SIZE_MAX), 0);
	put_waiting(&t, 2, "a", "y", false);
	assert_int_equal(newest_of(&t.view, "a"), 2);
	put_waiting(&t, 3, "a", "z", false);
	assert_int_equal(newest_of(&t.view, "a"), 2);
	assert_string_equal(find_overlays(&t.view, 'y'), "");
	assert_string_equal(find_overlays(&t.view, 'z'), " a");
	fx_commit(&t);
	fx_check_clean(f);
}

/* One that is added waits for its index rows, too; if there is nothing to wait with it has its
 * own at once. */
static void
test_added_with_the_tail(void **state)
{
	const struct wh_oprow op = fx_op(1, "tmp-1", 0, 0);
	const struct wh_overlay waits = {.pending = 1, .body = WH_STR("y"), .newest = 1};
	const struct wh_overlay alone = {.pending = 1, .body = WH_STR("z"), .newest = 9};
	struct fixture *f = *state;
	struct wh_txn t;

	reopen_with_terms(f);
	build(f, 100);
	fx_begin(f, &t);
	assert_int_equal(wh_overlays_add(&t, WH_STR("tmp-2"), &alone), 0);
	assert_int_equal(wh_ops_add(&t, &op), 0);
	assert_int_equal(wh_overlays_add(&t, WH_STR("tmp-1"), &waits), 0);
	assert_int_equal(t.view.meta.overlays, 2);
	assert_string_equal(find_overlays(&t.view, 'y'), " tmp-1");
	assert_string_equal(find_overlays(&t.view, 'z'), " tmp-1 tmp-2");
	fx_commit(&t);
	fx_check_clean(f);
	fx_begin(f, &t);
	assert_int_equal(wh_overlays_add(&t, WH_STR("tmp-1"), &waits), WH_EBUG);
	wh_txn_abort(&t);
	fx_begin(f, &t);
	assert_int_equal(wh_ops_catch_up(&t, 0, SIZE_MAX), 0);
	assert_string_equal(find_overlays(&t.view, 'y'), " tmp-1");
	assert_string_equal(find_overlays(&t.view, 'z'), " tmp-2");
	fx_commit(&t);
	fx_check_clean(f);
}

/* They are passed over by who builds the index, and have index rows nevertheless. */
static void
test_built_beside_the_tail(void **state)
{
	struct wh_terms_build b = {0};
	struct fixture *f = *state;
	struct wh_txn t;
	char id[16];

	reopen_with_terms(f);
	for (uint64_t i = 1; !b.done; i++) {
		fx_begin(f, &t);
		snprintf(id, sizeof(id), "id-%03u", (unsigned)(i * 13 % 60));
		put_waiting(&t, i, id, i % 2 ? "kz" : "mno", false);
		if (i % 5 == 0)
			assert_int_equal(wh_ops_catch_up(&t, 0, SIZE_MAX), 0);
		assert_int_equal(wh_terms_build(&t, &b, 7), 0);
		fx_commit(&t);
	}
	fx_check_clean(f);
	fx_begin(f, &t);
	assert_int_equal(wh_ops_catch_up(&t, 0, SIZE_MAX), 0);
	fx_commit(&t);
	fx_check_clean(f);
}

/* One with too many terms is looked at whatever is asked, in its place in the order. */
static void
test_too_many(void **state)
{
	struct fixture *f = *state;
	char body[WH_TERMS_MAX + 2];
	struct wh_txn t;

	memset(body, 'm', sizeof(body));
	body[sizeof(body) - 1] = '\0';
	reopen_with_terms(f);
	build(f, 100);
	fx_begin(f, &t);
	fx_put_row(&t, "a", "x");
	fx_put_row(&t, "b", body);
	fx_put_row(&t, "c", "x");
	assert_string_equal(find(&t.view, 'x'), " a b c");
	assert_string_equal(find_after(&t.view, WH_SCAN_ROWS, 'x', "b"), " c");
	assert_string_equal(find(&t.view, 'q'), " b");
	fx_put_row(&t, "b", "q");
	assert_string_equal(find(&t.view, 'x'), " a c");
	fx_commit(&t);
	fx_check_clean(f);
}

static void
fill(struct fixture *f, unsigned rows)
{
	struct wh_txn t;
	char id[16], body[8];

	fx_begin(f, &t);
	for (unsigned i = 0; i < rows; i++) {
		snprintf(id, sizeof(id), "id-%03u", i);
		snprintf(body, sizeof(body), "%c%c%c", 'a' + (char)(i % 3), 'd' + (char)(i % 7),
			 'k');
		fx_put_row(&t, id, body);
		if (i % 4 == 0)
			put_overlay(&t, id, "no", i % 8 == 0);
	}
	fx_commit(&t);
}

/* Rows were there before; others write between the slices, before and behind them. */
static void
test_built_beside_writers(void **state)
{
	struct fixture *f = *state;
	struct wh_terms_build b = {0};
	struct wh_txn t;
	char id[16];

	fill(f, 50); /* by a whd that knew no terms */
	reopen_with_terms(f);
	for (unsigned i = 0; !b.done; i++) {
		fx_begin(f, &t);
		assert_int_equal(wh_terms_build(&t, &b, 7), 0);
		fx_commit(&t);
		fx_begin(f, &t);
		snprintf(id, sizeof(id), "id-%03u", i * 13 % 60);
		if (i % 3 == 0)
			(void)!wh_rows_del(&t, wh_str_c(id));
		else
			fx_put_row(&t, id, i % 2 ? "mk" : "kz");
		put_overlay(&t, id, i % 2 ? "n" : "z", i % 5 == 0);
		fx_commit(&t);
	}
	assert_true(b.window == WH_TERM_WINDOWS);
	fx_begin(f, &t);
	assert_int_equal(t.view.meta.terms, WH_TERMS_VERSION);
	wh_txn_abort(&t);
	fx_check_clean(f);
}

/* What a damaged row held nobody knows: the index is given up, and whole again when built. */
static void
test_lost_and_built_again(void **state)
{
	struct fixture *f = *state;
	struct wh_txn t;
	struct wh_key k;

	reopen_with_terms(f);
	build(f, 100);
	fill(f, 20);
	fx_begin(f, &t);
	wh_key_id(&k, WH_STR("id-007"));
	assert_int_equal(wh_table_set(&t, WH_TABLE_ROWS, &k), 0); /* too short a value */
	fx_put_row(&t, "id-007", "q");
	assert_int_equal(t.view.meta.terms, 0);
	fx_commit(&t);
	build(f, 5);
	fx_check_clean(f);
}

static void
drop_term_row(struct wh_txn *t)
{
	struct wh_key k;

	wh_term_key(&k, WH_SCAN_ROWS, term('k'), WH_STR("id-003"));
	assert_int_equal(wh_table_del(t, WH_TABLE_TERMS, &k), 0);
}

static void
add_term_row(struct wh_txn *t)
{
	struct wh_key k;

	wh_term_key(&k, WH_SCAN_OVERLAYS, term('q'), WH_STR("id-003"));
	assert_int_equal(wh_table_set(t, WH_TABLE_TERMS, &k), 0);
}

static void
test_check(void **state)
{
	struct fixture *f = *state;
	struct wh_txn t;

	reopen_with_terms(f);
	build(f, 100);
	fill(f, 20);
	fx_check_clean(f);
	fx_begin(f, &t);
	drop_term_row(&t);
	fx_commit(&t);
	fx_assert_finds(f, true, "it is missing, and with it a webhook in lists by it");
	fx_begin(f, &t);
	fx_put_row(&t, "id-003", "kq");
	add_term_row(&t);
	fx_commit(&t);
	fx_assert_finds(f, true, "leads to a webhook without this term");
	assert_int_equal(fx_check(f, false), 0);
}

/* ----------------------------------------------------------------- damage -- */

struct place {
	off_t at;
	size_t n;
};

/* Where the file is mapped. */
static const char *
map_of(const struct fixture *f)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	uintptr_t start = 0;
	char line[1024];

	assert_non_null(maps);
	while (start == 0 && fgets(line, sizeof(line), maps))
		if (strstr(line, f->data))
			start = (uintptr_t)strtoull(line, NULL, 16);
	fclose(maps);
	assert_true(start != 0);
	return (const char *)start;
}

/* Where the keys of all index rows stand in the file. */
static size_t
find_keys(struct fixture *f, struct place *ret, size_t max)
{
	struct wh_view v;
	struct wh_walk w;
	const char *map = map_of(f);
	size_t n = 0;
	int r;

	fx_view(f, &v);
	assert_int_equal(wh_walk_begin(&v, WH_TABLE_TERMS, &w), 0);
	for (r = wh_walk_first(&w); r == 0 && n < max; r = wh_walk_next(&w)) {
		struct wh_str key = wh_walk_key(&w);

		ret[n++] = (struct place){key.p - map, key.n};
	}
	wh_walk_end(&w);
	wh_view_end(&v);
	return n;
}

static void
flip(int fd, off_t at, unsigned char bit)
{
	unsigned char c;

	assert_int_equal(pread(fd, &c, 1, at), 1);
	c ^= bit;
	assert_int_equal(pwrite(fd, &c, 1, at), 1);
}

/* How many of the answers are right; none may be wrong. */
static unsigned
ask_all(struct fixture *f, char right[26][FOUND_MAX], bool learn)
{
	struct wh_view v;
	unsigned same = 0;

	fx_view(f, &v);
	for (char c = 'a'; c <= 'z'; c++) {
		const char *found = find(&v, c);
		char *want = right[c - 'a'];

		if (learn)
			snprintf(want, FOUND_MAX, "%s", found);
		else if (strcmp(found, want) == 0)
			same++;
		else
			assert_string_equal(found, "damaged");
	}
	wh_view_end(&v);
	return same;
}

static void
test_no_damaged_key_is_silent(void **state)
{
	struct fixture *f = *state;
	static char right[26][FOUND_MAX];
	static struct place keys[2000];
	unsigned hurt = 0;

	reopen_with_terms(f);
	build(f, 100);
	fill(f, 150);
	size_t n = find_keys(f, keys, wh_array_len(keys));
	int fd = open(f->data, O_RDWR | O_CLOEXEC);

	assert_true(n > 300 && fd >= 0);
	ask_all(f, right, true);
	for (size_t i = 0; i < n; i += 3)
		for (size_t at = 0; at < keys[i].n; at++) {
			unsigned char bit = (unsigned char)(1u << (at + i) % 8);

			flip(fd, keys[i].at + (off_t)at, bit);
			hurt += ask_all(f, right, false) < 26;
			flip(fd, keys[i].at + (off_t)at, bit);
		}
	assert_true(hurt > n / 3); /* the damage was met */
	assert_int_equal(ask_all(f, right, false), 26);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fx_test(test_follows_rows),
		fx_test(test_follows_overlays),
		fx_test(test_found_with_the_tail),
		fx_test(test_says_the_same_when_caught_up),
		fx_test(test_added_with_the_tail),
		fx_test(test_built_beside_the_tail),
		fx_test(test_too_many),
		fx_test(test_built_beside_writers),
		fx_test(test_lost_and_built_again),
		fx_test(test_check),
		fx_test(test_no_damaged_key_is_silent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
