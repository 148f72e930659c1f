/* SPDX-License-Identifier: MIT */
/* recall.c: the same bytes to the same words, within a snapshot, within its room. */
#include "daemon/recall.h"
#include "tests/unit/rows.h"

#define MANY 20000u /* answers of about 600 bytes: several times the room */

/* Offered as often as is needed for it to be kept. */
static void
keep(struct wh_recall *r, uint64_t snapshot, struct wh_str words, struct wh_str answer)
{
	for (unsigned i = 0; i < WH_RECALL_OFFERS; i++)
		wh_recall_offer(r, snapshot, words, answer);
}

static void
test_same_words(void **state)
{
	struct wh_recall *r = wh_recall_new();
	struct wh_str answer;

	(void)state;
	assert_false(wh_recall_find(r, 0, WH_STR("one"), &answer));
	keep(r, 0, WH_STR("one"), WH_STR("first"));
	keep(r, 0, WH_STR("two"), WH_STR(""));
	assert_true(wh_recall_find(r, 0, WH_STR("one"), &answer));
	assert_true(wh_str_is(answer, "first"));
	assert_true(wh_recall_find(r, 0, WH_STR("two"), &answer));
	assert_int_equal(answer.n, 0);
	assert_false(wh_recall_find(r, 0, WH_STR("on"), &answer));
	assert_false(wh_recall_find(r, 0, WH_STR("one "), &answer));
	assert_false(wh_recall_find(r, 0, WH_STR("onefirst"), &answer));
	wh_recall_free(r);
}

static void
test_one_in_eight(void **state)
{
	struct wh_recall *r = wh_recall_new();
	struct wh_str answer;
	unsigned offers = 1;

	(void)state;
	for (; offers < 100; offers++) {
		wh_recall_offer(r, 1, WH_STR("words"), WH_STR("answer"));
		if (wh_recall_find(r, 1, WH_STR("words"), &answer))
			break;
	}
	assert_int_equal(offers, WH_RECALL_OFFERS);
	wh_recall_free(r);
}

/* So that no two have the same length next to one another. */
static void
make(unsigned i, struct wh_buf *words, struct wh_buf *answer)
{
	wh_buf_reset(words);
	wh_buf_reset(answer);
	wh_buf_printf(words, "words of %u", i);
	for (unsigned n = 0; n < 60 + i % 7; n++)
		wh_buf_printf(answer, "answer %05u", i);
}

/* Nobody asks again: hardly any is kept, until somebody does. */
static void
test_fewer_in_vain(void **state)
{
	struct wh_recall *r = wh_recall_new();
	WH_CLEANUP(wh_buf_fini) struct wh_buf words = WH_BUF_NULL, answer = WH_BUF_NULL;
	struct wh_str got;
	unsigned kept = 0;

	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		make(i, &words, &answer);
		wh_recall_offer(r, 1, wh_buf_view(&words), wh_buf_view(&answer));
	}
	for (unsigned i = 0; i < MANY; i++) {
		make(i, &words, &answer);
		kept += wh_recall_find(r, 1, wh_buf_view(&words), &got);
	}
	assert_in_range(kept, MANY / 64, MANY / 32);
	for (unsigned i = 0; i < WH_RECALL_OFFERS; i++)
		wh_recall_offer(r, 1, WH_STR("asked often"), WH_STR("answer"));
	assert_true(wh_recall_find(r, 1, WH_STR("asked often"), &got));
	wh_recall_free(r);
}

static void
test_nothing_of_another_snapshot(void **state)
{
	struct wh_recall *r = wh_recall_new();
	struct wh_str answer;

	(void)state;
	for (uint64_t snapshot = 1; snapshot < 1000; snapshot++) {
		assert_false(wh_recall_find(r, snapshot, WH_STR("words"), &answer));
		keep(r, snapshot, WH_STR("words"),
		     wh_str((const char *)&snapshot, sizeof(snapshot)));
		assert_true(wh_recall_find(r, snapshot, WH_STR("words"), &answer));
		assert_memory_equal(answer.p, &snapshot, sizeof(snapshot));
	}
	wh_recall_free(r);
}

/* Whatever was written over: what is found is whole and the right one. */
static void
test_more_than_there_is_room_for(void **state)
{
	struct wh_recall *r = wh_recall_new();
	WH_CLEANUP(wh_buf_fini) struct wh_buf words = WH_BUF_NULL, answer = WH_BUF_NULL;
	size_t found = 0, bytes = 0;
	struct wh_str got;

	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		make(i, &words, &answer);
		keep(r, 1, wh_buf_view(&words), wh_buf_view(&answer));
		assert_true(wh_recall_find(r, 1, wh_buf_view(&words), &got));
	}
	for (unsigned i = 0; i < MANY; i++) {
		make(i, &words, &answer);
		if (!wh_recall_find(r, 1, wh_buf_view(&words), &got))
			continue;
		assert_true(wh_str_eq(got, wh_buf_view(&answer)));
		found++;
		bytes += got.n;
	}
	assert_in_range(bytes, WH_RECALL_ROOM / 2, WH_RECALL_ROOM);
	assert_in_range(found, 1000, MANY / 2);
	wh_recall_free(r);
}

static void
test_large_ones_are_not_kept(void **state)
{
	struct wh_recall *r = wh_recall_new();
	WH_CLEANUP(wh_buf_fini) struct wh_buf large = WH_BUF_NULL;
	struct wh_str answer;
	char *room = wh_buf_room(&large, WH_RECALL_ROOM);

	(void)state;
	assert_non_null(room);
	memset(room, 'x', WH_RECALL_ROOM);
	large.n = WH_RECALL_ROOM;
	keep(r, 1, WH_STR("words"), wh_buf_view(&large));
	assert_false(wh_recall_find(r, 1, WH_STR("words"), &answer));
	wh_recall_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_words),
		cmocka_unit_test(test_one_in_eight),
		cmocka_unit_test(test_fewer_in_vain),
		cmocka_unit_test(test_nothing_of_another_snapshot),
		cmocka_unit_test(test_more_than_there_is_room_for),
		cmocka_unit_test(test_large_ones_are_not_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
