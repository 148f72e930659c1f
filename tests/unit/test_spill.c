/* SPDX-License-Identifier: MIT */
/*
 * daemon/spill.c: what goes in comes out in the order of the keys, in bounded
 * parts; a file that takes no more refuses, and keeps what it has.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/spill.h"
#include "store/store.h"

static struct wh_spill *
new_spill(void)
{
	const char *tmp = getenv("TMPDIR");
	char path[256];

	snprintf(path, sizeof(path), "%s/whd-spill-XXXXXX", tmp ? tmp : "/tmp");

	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(unlink(path), 0);
	return wh_spill_new(fd);
}

static struct wh_chunk *
chunk_of(const char *const *ids, size_t n)
{
	struct wh_chunk *c = wh_chunk_new(7);
	char body[64];

	assert_non_null(c);
	for (size_t i = 0; i < n; i++) {
		snprintf(body, sizeof(body), "body of %s", ids[i]);
		assert_int_equal(
			wh_chunk_add(c, wh_str_c(ids[i]), wh_str_c(body),
				     (struct wh_hash){i + 1, (unsigned char)ids[i][0]}),
			0);
	}
	return c;
}

static bool
add(struct wh_spill *s, const char *const *ids, size_t n)
{
	struct wh_chunk *c = chunk_of(ids, n);
	bool added = wh_spill_add(s, c);

	wh_chunk_free(c);
	return added;
}

/* The ids that come out, with a bar behind each part. */
static const char *
all_of(struct wh_spill *s)
{
	static char text[512];
	struct wh_chunk *c;
	char body[64];

	text[0] = '\0';
	while ((c = wh_spill_next(s, 9))) {
		assert_int_equal(c->tag, 9);
		for (size_t i = 0; i < c->n; i++) {
			struct wh_str id = wh_chunk_whid(c, i);
			size_t at = strlen(text);

			snprintf(text + at, sizeof(text) - at, "%.*s ", WH_STR_FMT(id));
			snprintf(body, sizeof(body), "body of %.*s", WH_STR_FMT(id));
			assert_true(wh_str_is(wh_chunk_body(c, i), body));
			assert_int_equal(wh_chunk_text(c, i).hi, (unsigned char)id.p[0]);
		}
		size_t end = strlen(text);

		snprintf(text + end, sizeof(text) - end, "|");
		wh_chunk_free(c);
	}
	assert_true(wh_spill_is_through(s));
	return text;
}

static void
test_order(void **state)
{
	static const char *const first[] = {"m", "same-beginning-2", "b"};
	static const char *const second[] = {"same-beginning-10", "a", "same-beg", "z"};
	struct wh_spill *s = new_spill();

	(void)state;
	assert_true(add(s, first, 3));
	assert_true(add(s, second, 4));
	assert_int_equal(wh_spill_count(s), 7);
	s = wh_spill_sort(s);
	assert_false(wh_spill_is_through(s));
	assert_string_equal(all_of(s), "a b m same-beg same-beginning-10 same-beginning-2 z |");
	wh_spill_free(s);
}

/* GUIDs stand in the store in lower case: that is their order. */
static void
test_order_of_guids(void **state)
{
	static const char *const ids[] = {
		"b0000000-0000-4000-8000-000000000000", "C0000000-0000-4000-8000-000000000000",
		"c0000000-0000-4000-8000-00000000000A", "c0000000-0000-4000-8000-00000000000b",
		"A0000000-0000-4000-8000-000000000000"};
	struct wh_spill *s = new_spill();
	const char *at;

	(void)state;
	assert_true(add(s, ids, wh_array_len(ids)));
	s = wh_spill_sort(s);
	at = all_of(s);
	assert_int_equal(at[0], 'A');
	assert_int_equal(at[37], 'b');
	assert_int_equal(at[2 * 37], 'C');
	assert_int_equal(at[3 * 37 + 35], 'A');
	assert_int_equal(at[4 * 37 + 35], 'b');
	wh_spill_free(s);
}

static void
test_parts(void **state)
{
	static const char *const ids[] = {"e", "d", "c", "b", "a"};
	struct wh_spill *s = new_spill();

	(void)state;
	wh_spill_slice(s, 2);
	assert_true(add(s, ids, 5));
	s = wh_spill_sort(s);
	assert_string_equal(all_of(s), "a b |c d |e |");
	wh_spill_free(s);
}

/* However few they are, large ones come alone. */
static void
test_large_rows(void **state)
{
	struct wh_buf body = WH_BUF_NULL;
	struct wh_spill *s = new_spill();
	char id[16];

	(void)state;
	assert_non_null(wh_buf_room(&body, 700000));
	memset(body.p, 'x', 700000);
	for (int i = 0; i < 3; i++) {
		struct wh_chunk *c = wh_chunk_new(1);

		snprintf(id, sizeof(id), "%d", i);
		assert_int_equal(wh_chunk_add(c, wh_str_c(id), wh_str(body.p, 700000),
					      (struct wh_hash){1, 1}),
				 0);
		assert_true(wh_spill_add(s, c));
		wh_chunk_free(c);
	}
	s = wh_spill_sort(s);

	struct wh_chunk *c = wh_spill_next(s, 1);

	assert_int_equal(c->n, 2);
	assert_int_equal(wh_chunk_body(c, 1).n, 700000);
	wh_chunk_free(c);
	c = wh_spill_next(s, 1);
	assert_int_equal(c->n, 1);
	wh_chunk_free(c);
	assert_null(wh_spill_next(s, 1));
	wh_spill_free(s);
	wh_buf_fini(&body);
}

static void
test_disk_is_full(void **state)
{
	static const char *const ids[] = {"b", "a"};
	const struct sigaction ignored = {.sa_handler = SIG_IGN};
	struct rlimit was, little;
	struct wh_spill *s = new_spill();
	struct wh_chunk *large = wh_chunk_new(1);
	struct wh_buf body = WH_BUF_NULL;

	(void)state;
	assert_true(add(s, ids, 2));
	assert_non_null(wh_buf_room(&body, 100000));
	memset(body.p, 'x', 100000);
	assert_int_equal(wh_chunk_add(large, WH_STR("c"), wh_str(body.p, 100000),
				      (struct wh_hash){1, 1}),
			 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	little = was;
	little.rlim_cur = 4096;
	assert_int_equal(sigaction(SIGXFSZ, &ignored, NULL), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
	assert_false(wh_spill_add(s, large));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	assert_false(add(s, ids, 2)); /* and from then on */
	s = wh_spill_sort(s);
	assert_string_equal(all_of(s), "a b |");
	wh_spill_free(s);
	wh_chunk_free(large);
	wh_buf_fini(&body);
}

static void
test_none(void **state)
{
	static const char *const ids[] = {"a"};

	(void)state;
	assert_null(wh_spill_new(-1));
	assert_false(add(NULL, ids, 1));
	assert_int_equal(wh_spill_count(NULL), 0);
	assert_null(wh_spill_sort(NULL));
	assert_null(wh_spill_next(NULL, 1));
	assert_true(wh_spill_is_through(NULL));
	assert_null(wh_spill_sort(new_spill()));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),        cmocka_unit_test(test_order_of_guids),
		cmocka_unit_test(test_parts),        cmocka_unit_test(test_large_rows),
		cmocka_unit_test(test_disk_is_full), cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
