/* SPDX-License-Identifier: MIT */
/*
 * daemon/twin.c: who says the same as a webhook is found by the index, while it
 * is being built, and when it is damaged; nobody else is.
 */
#include "store_fixture.h"

#include "daemon/terms.h"
#include "daemon/twin.h"
#include "proto/json.h"

static void
webhook(struct wh_buf *out, const char *name, const char *comment, const char *url)
{
	struct wh_buf json = WH_BUF_NULL;
	struct wh_json_error err;

	wh_buf_reset(out);
	wh_buf_printf(&json,
		      "{\"whname\":\"%s\",\"whcomment\":\"%s\",\"callbackUrl\":\"%s\","
		      "\"processes\":[\"b\",\"a\"],\"applicationId\":\"app\"}",
		      name, comment, url);
	assert_int_equal(wh_json_to_pack(wh_buf_view(&json), 4, out, &err), 0);
	wh_buf_fini(&json);
}

static void
put(struct wh_txn *t, const char *id, const char *name, const char *comment, uint64_t claim)
{
	struct wh_buf body = WH_BUF_NULL;

	webhook(&body, name, comment, "https://host/in");
	const struct wh_row row = {.claim = claim, .body = wh_buf_view(&body)};

	assert_int_equal(wh_rows_put(t, wh_str_c(id), &row), 0);
	wh_buf_fini(&body);
}

static bool
is_claimed(void *ctx, struct wh_str whid, const struct wh_row *row)
{
	(void)ctx;
	(void)whid;
	return row->claim != 0;
}

/* The id of the twin, "none", or "fault". */
static const char *
twin(const struct wh_view *v, const char *name, const char *comment, const char *url,
     wh_twin_fits *fits)
{
	static char text[64];
	struct wh_buf body = WH_BUF_NULL;
	struct wh_twin found;

	webhook(&body, name, comment, url);
	int r = wh_twin_find(v, wh_buf_view(&body), fits, NULL, &found);

	wh_buf_fini(&body);
	if (r)
		return r == WH_ABSENT ? "none" : "fault";
	snprintf(text, sizeof(text), "%.*s", WH_STR_FMT(found.whid));
	return text;
}

static void
fill(struct fixture *f)
{
	struct wh_txn t;
	char id[16];

	fx_begin(f, &t);
	for (unsigned i = 0; i < 200; i++) {
		snprintf(id, sizeof(id), "other-%03u", i);
		put(&t, id, id, "c", 0);
	}
	put(&t, "a", "name", "one", 0);
	put(&t, "b", "name", "  two", 0);
	put(&t, "c", "name", "two [whd:0123456789ab]", 7);
	fx_commit(&t);
}

static void
assert_finds(const struct wh_view *v)
{
	const char *url = "https://host/in";

	assert_string_equal(twin(v, "name", "one", url, NULL), "a");
	assert_string_equal(twin(v, " name ", "one", "HTTPS://HOST:443/in", NULL), "a");
	assert_string_equal(twin(v, "name", "two", url, NULL), "b");
	assert_string_equal(twin(v, "name", "two", url, is_claimed), "c");
	assert_string_equal(twin(v, "name", "one", url, is_claimed), "none");
	assert_string_equal(twin(v, "name", "three", url, NULL), "none");
	assert_string_equal(twin(v, "Name", "one", url, NULL), "none");
	assert_string_equal(twin(v, "name", "one", "https://host/out", NULL), "none");
	assert_string_equal(twin(v, "other-123", "c", url, NULL), "other-123");
}

static void
build(struct fixture *f)
{
	struct wh_terms_build b = {0};
	struct wh_txn t;

	while (!b.done) {
		fx_begin(f, &t);
		assert_int_equal(wh_terms_build(&t, &b, 100), 0);
		assert_finds(&t.view); /* at every step of the way */
		fx_commit(&t);
	}
}

static void
test_all_ways(void **state)
{
	struct fixture *f = *state;
	struct wh_view v;

	f->terms = wh_terms_of_webhook;
	fx_reopen(f);
	fill(f);
	fx_view(f, &v);
	assert_int_equal(v.meta.terms, 0);
	assert_finds(&v);
	wh_view_end(&v);
	build(f);
	fx_view(f, &v);
	assert_int_equal(v.meta.terms, WH_TERMS_VERSION);
	assert_finds(&v);
	wh_view_end(&v);
	fx_check_clean(f);
}

static void
test_follows_changes(void **state)
{
	const char *url = "https://host/in";
	struct fixture *f = *state;
	struct wh_txn t;

	f->terms = wh_terms_of_webhook;
	fx_reopen(f);
	fill(f);
	build(f);
	fx_begin(f, &t);
	put(&t, "a", "name", "new", 0);
	assert_string_equal(twin(&t.view, "name", "one", url, NULL), "none");
	assert_string_equal(twin(&t.view, "name", "new", url, NULL), "a");
	put(&t, "a", "moved", "new", 0);
	assert_string_equal(twin(&t.view, "name", "new", url, NULL), "none");
	assert_string_equal(twin(&t.view, "moved", "new", url, NULL), "a");
	assert_int_equal(wh_rows_del(&t, WH_STR("a")), 0);
	assert_string_equal(twin(&t.view, "moved", "new", url, NULL), "none");
	fx_commit(&t);
	fx_check_clean(f);
}

/* A row that is damaged is no twin, and hides none. */
static void
test_damaged_row(void **state)
{
	struct fixture *f = *state;
	struct wh_view v;

	f->terms = wh_terms_of_webhook;
	fx_reopen(f);
	fill(f);
	build(f);
	fx_damage(f, "  two");
	fx_view(f, &v);
	assert_int_equal(v.meta.terms, WH_TERMS_VERSION);
	assert_string_equal(twin(&v, "name", "two", "https://host/in", NULL), "c");
	wh_view_end(&v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fx_test(test_all_ways),
		fx_test(test_follows_changes),
		fx_test(test_damaged_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
