/* SPDX-License-Identifier: MIT */
/*
 * The age of the copy after a start, by the wall clock: if that stands before
 * the last list, nobody knows it, and whoever asks is told so.
 */
#include "tests/unit/store_fixture.h"

#include "daemon/config.h"
#include "daemon/dispatch.h"
#include "daemon/hook_pack.h"
#include "daemon/pump_own.h"
#include "daemon/recall.h"

#define SYNCED 1000000
#define STALE_AFTER 500

struct rig {
	struct whd d;
	struct wh_pump p;
	struct wh_config config;
	struct wh_buf out;
};

/* A whd that knows of a list at SYNCED (0 = of none) and looks at its clock `later`. */
static struct rig *
begin(struct fixture *f, uint64_t synced_at, int64_t later)
{
	struct rig *x = wh_xcalloc(1, sizeof(*x));

	x->config.sync_stale_after = STALE_AFTER;
	x->d.config = &x->config;
	x->d.pump = &x->p;
	x->d.recall = wh_recall_new();
	x->p.d = &x->d;
	assert_int_equal(wh_view_begin(f->s, &x->d.view), 0);
	x->d.view.meta.synced_at = synced_at;
	x->d.now = (struct wh_now){.mono.ms = 50, .wall.ms = SYNCED + later};
	return x;
}

static void
end(struct rig *x)
{
	wh_view_end(&x->d.view);
	wh_buf_fini(&x->out);
	wh_recall_free(x->d.recall);
	free(x);
}

/* webhook.get of one that is not there; max_age < 0: not given. */
static void
assert_get_says(struct rig *x, int64_t max_age, const char *words)
{
	struct wh_args_webhook_get a = {.whid = WH_STR("none"), .max_age = max_age};
	struct wh_call c = {.d = &x->d, .out = &x->out};

	if (max_age >= 0)
		a.seen = 1u << WH_ARGNO_webhook_get_max_age;
	wh_buf_reset(&x->out);
	on_webhook_get(&c, &a);
	if (!memmem(x->out.p, x->out.n, words, strlen(words)))
		fail_msg("not %s: %.*s", words, WH_STR_FMT(wh_buf_view(&x->out)));
}

/* What status and each webhook say: synced_at, age_ms (-1 = nil), stale. */
static void
assert_told(struct rig *x, int64_t synced_at, int64_t age, bool stale)
{
	const struct wh_hook_age *h = wh_hook_age(&x->d);
	struct wh_buf whd = WH_BUF_NULL, *both[] = {&whd, &x->out};
	struct wh_tree tree = {0};

	wh_pack_map(&whd, 3);
	wh_buf_str(&whd, wh_str(h->packed, h->packed_n));
	wh_buf_reset(&x->out);
	wh_pump_status_sync(&x->p, &x->out);
	for (size_t i = 0; i < wh_array_len(both); i++) {
		assert_int_equal(wh_unpack(&tree, wh_buf_view(both[i]), NULL), 0);
		assert_int_equal(wh_obj_i64_at(&tree.root, "synced_at", -1), synced_at);
		assert_int_equal(wh_obj_i64_at(&tree.root, "age_ms", -1), age);
		assert_int_equal(wh_obj_bool_at(&tree.root, "stale", !stale), stale);
		wh_tree_fini(&tree);
	}
	wh_buf_fini(&whd);
	assert_int_equal(wh_pump_age(&x->p), age);
	assert_int_equal(wh_pump_synced(&x->p), !stale);
}

static void
test_clock_goes_on(void **state)
{
	struct rig *x = begin(*state, SYNCED, STALE_AFTER);

	assert_told(x, SYNCED, STALE_AFTER, false);
	assert_get_says(x, STALE_AFTER, "NOT_FOUND");
	assert_get_says(x, STALE_AFTER - 1, "STALE: the copy is 500 ms old");
	x->d.now.wall.ms++;
	assert_told(x, SYNCED, STALE_AFTER + 1, true);
	end(x);
}

static void
test_clock_was_set_back(void **state)
{
	struct rig *x = begin(*state, SYNCED, -1);

	assert_told(x, SYNCED, -1, true);
	assert_get_says(x, INT32_MAX, "STALE: how old the copy is nobody knows");
	assert_get_says(x, -1, "NOT_FOUND");
	x->p.whole_began.ms = 20; /* a list in this process: its clock knows */
	assert_told(x, SYNCED, 30, false);
	end(x);
}

static void
test_no_list_yet(void **state)
{
	struct rig *x = begin(*state, 0, 0);

	assert_told(x, -1, -1, true);
	assert_get_says(x, INT32_MAX, "NOT_SYNCED");
	assert_get_says(x, -1, "NOT_SYNCED");
	end(x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		fx_test(test_clock_goes_on),
		fx_test(test_clock_was_set_back),
		fx_test(test_no_list_yet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
